/* Decompression is bounded in memory and in what comes out: a few KB may expand without end. */
#include "objects/elf/elf_mini.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "objects/elf/elf_state.h"
#include "formats/base/cleanup.h"

/* Of the decoder. xz -9 needs 65 MiB; more was never seen in a program. */
#define DECODER_BYTES (96ull << 20)
#define FIRST_BYTES (256u << 10)

/* Twice the room, at most that of the limit. False if there is no more to be had. */
static bool grow(uint8_t **image, size_t *capacity, bool *ret_out_of_memory)
{
	size_t wanted = *capacity ? *capacity * 2 : FIRST_BYTES;
	uint8_t *grown;

	if (*capacity == KYMO_ELF_MAX_MINI_BYTES)
		return false;
	if (wanted > KYMO_ELF_MAX_MINI_BYTES)
		wanted = KYMO_ELF_MAX_MINI_BYTES;
	grown = realloc(*image, wanted);
	*ret_out_of_memory = !grown;
	if (!grown)
		return false;
	*image = grown;
	*capacity = wanted;
	return true;
}

/* *ret_image is malloc'd; NULL if the data is damaged or too big. 0 or -ENOMEM. */
static int decompress(const Elf_Data *data, uint8_t **ret_image, size_t *ret_bytes)
{
	CLEANUP(cap_freep) uint8_t *image = NULL;
	lzma_stream stream = LZMA_STREAM_INIT;
	bool out_of_memory = false;
	size_t capacity = 0;
	lzma_ret status = lzma_stream_decoder(&stream, DECODER_BYTES, 0);

	*ret_image = NULL;
	if (status != LZMA_OK)
		return -ENOMEM;
	stream.next_in = data->d_buf;
	stream.avail_in = data->d_size;
	while (status == LZMA_OK) {
		if (stream.total_out == capacity && !grow(&image, &capacity, &out_of_memory))
			break;
		stream.next_out = image + stream.total_out;
		stream.avail_out = capacity - stream.total_out;
		status = lzma_code(&stream, LZMA_FINISH);
	}
	*ret_bytes = stream.total_out;
	lzma_end(&stream);
	if (out_of_memory || status == LZMA_MEM_ERROR)
		return -ENOMEM;
	if (status == LZMA_STREAM_END && *ret_bytes > 0)
		*ret_image = TAKE(image);
	return 0;
}

int kymo_elf_open_mini(const struct kymo_elf *elf, struct kymo_elf **ret_mini, struct cap_err *err)
{
	Elf_Data *data;
	uint8_t *image;
	size_t bytes;
	int rc;

	*ret_mini = NULL;
	if (!kymo_elf_section_data(elf, kymo_elf_section_by_name(elf, ".gnu_debugdata"), NULL,
				   &data))
		return 0;
	rc = decompress(data, &image, &bytes);
	if (rc < 0)
		return cap_fail(err, rc, ".gnu_debugdata");
	if (!image)
		return 0;
	rc = kymo_elf_open_image(image, bytes, ".gnu_debugdata", ret_mini, err);
	return rc == -ENOMEM ? rc : 0; /* anything else: as if there were none */
}

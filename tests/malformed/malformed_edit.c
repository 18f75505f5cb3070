/* Changes captures in memory. See malformed_edit.h. */
#include "malformed_edit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/zstd_frame.h"
#include "random_rows.h"

static void need(int sound)
{
	if (!sound) {
		(void)fprintf(stderr,
			      "make_malformed: the capture is not as this program expects it\n");
		abort();
	}
}

static void load_capture(u64 seed, u8 **ret_bytes, size_t *ret_len)
{
	struct small_capture plan = {
		.seed = seed,
		.chunks = 2,
		.rows = 2,
		.types_to = EV_GOVERNOR, /* later types change no expected output */
	};
	int fd = memory_file("malformed");

	need(fd >= 0 && small_capture_write(&plan, fd, NULL) == 0);
	*ret_len = (size_t)lseek(fd, 0, SEEK_END);
	*ret_bytes = malloc(*ret_len);
	need(*ret_bytes && pread(fd, *ret_bytes, *ret_len, 0) == (ssize_t)*ret_len);
	(void)close(fd);
}

void edit_init(struct edit *edit, u64 seed)
{
	load_capture(seed, &edit->bytes, &edit->len);
}

void edit_done(struct edit *edit)
{
	free(edit->bytes);
	edit->bytes = NULL;
}

int edit_save(const struct edit *edit, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file || fwrite(edit->bytes, 1, edit->len, file) != edit->len || fclose(file)) {
		perror(path);
		return 1;
	}
	return 0;
}

void edit_truncate(struct edit *edit, size_t len)
{
	need(len <= edit->len);
	edit->len = len;
}

void edit_insert(struct edit *edit, size_t at, const void *bytes, size_t len)
{
	u8 *bigger = realloc(edit->bytes, edit->len + len + 1);

	need(bigger && at <= edit->len);
	edit->bytes = bigger;
	memmove(bigger + at + len, bigger + at, edit->len - at);
	memcpy(bigger + at, bytes, len);
	edit->len += len;
}

void edit_append_capture(struct edit *edit, u64 seed)
{
	u8 *bytes;
	size_t len;

	load_capture(seed, &bytes, &len);
	edit_insert(edit, edit->len, bytes, len);
	free(bytes);
}

static void header_of(const struct edit *edit, size_t block, struct cap_block_header *ret_header)
{
	need(block < edit->len && cap_block_header_decode(edit->bytes + block, edit->len - block,
							  ret_header, NULL) == 0);
}

static size_t block_bytes(const struct edit *edit, size_t block)
{
	struct cap_block_header header;

	header_of(edit, block, &header);
	return header.header_len + cap_block_payload_bytes(&header);
}

size_t edit_block(const struct edit *edit, u32 type, unsigned nth)
{
	for (size_t at = 0; at < edit->len; at += block_bytes(edit, at)) {
		struct cap_block_header header;

		header_of(edit, at, &header);
		if ((header.type & CAP_TYPE_MASK) == type && nth-- == 0)
			return at;
	}
	need(0);
	return 0;
}

size_t edit_frame(const struct edit *edit, size_t block)
{
	struct cap_block_header header;

	header_of(edit, block, &header);
	return block + header.header_len + header.plain_len + header.pad_len;
}

void edit_remove_block(struct edit *edit, size_t block)
{
	size_t len = block_bytes(edit, block);

	memmove(edit->bytes + block, edit->bytes + block + len, edit->len - block - len);
	edit->len -= len;
}

/* With lengths that fit a sound header's, the zstd length too is put right: else zstd's own frames
 * would not add up. */
void edit_reseal_header(struct edit *edit, size_t block)
{
	u8 *at = edit->bytes + block;
	u32 plain_len = cap_load_u32(at + OFF_PLAIN_LEN),
	    frame_len = cap_load_u32(at + OFF_FRAME_LEN);

	cap_store_le(at + OFF_SKIP_LEN,
		     CAP_HEADER_BYTES - 8ull + plain_len +
			     cap_block_padding(CAP_HEADER_BYTES, plain_len, frame_len),
		     4);
	cap_store_le(at + CAP_HEADER_BYTES - 8, cap_hash(at, CAP_HEADER_BYTES - 8), 8);
}

void edit_reseal(struct edit *edit, size_t block)
{
	u8 *at = edit->bytes + block;
	u32 plain_len = cap_load_u32(at + OFF_PLAIN_LEN),
	    frame_len = cap_load_u32(at + OFF_FRAME_LEN);
	size_t payload = (size_t)plain_len +
			 cap_block_padding(CAP_HEADER_BYTES, plain_len, frame_len) + frame_len;

	need(block + CAP_HEADER_BYTES + payload <= edit->len);
	cap_store_le(at + OFF_PAYLOAD_HASH, cap_hash(at + CAP_HEADER_BYTES, payload), 8);
	edit_reseal_header(edit, block);
}

void edit_retype(struct edit *edit, size_t block, u32 disk_type)
{
	cap_store_le(edit->bytes + block + OFF_TYPE, disk_type, 4);
	edit_reseal_header(edit, block);
}

void edit_replace_body(struct edit *edit, size_t block, const u8 *raw, size_t raw_len, u32 rows)
{
	struct cap_compressor *compressor = cap_compressor_new(1);
	size_t bound = cap_compress_bound(raw_len), frame_len = 0;
	u8 *made = calloc(1, CAP_HEADER_BYTES + CAP_PROLOGUE_BYTES + 8 + bound);
	struct cap_block_header header;
	size_t frame_at, total;

	header_of(edit, block, &header);
	need(made && compressor && raw && header.plain_len <= CAP_PROLOGUE_BYTES);
	memcpy(made, edit->bytes + block, CAP_HEADER_BYTES + header.plain_len);
	need(cap_compress(compressor, raw, raw_len,
			  made + CAP_HEADER_BYTES + CAP_PROLOGUE_BYTES + 8, bound, &frame_len,
			  NULL) == 0);
	frame_at = CAP_HEADER_BYTES + header.plain_len +
		   cap_block_padding(CAP_HEADER_BYTES, header.plain_len, (u32)frame_len);
	if (header.plain_len == CAP_PROLOGUE_BYTES)
		cap_store_le(made + CAP_HEADER_BYTES + CAP_PRO_ROWS, rows, 4);
	memset(made + CAP_HEADER_BYTES + header.plain_len, 0,
	       frame_at - CAP_HEADER_BYTES - header.plain_len);
	memmove(made + frame_at, made + CAP_HEADER_BYTES + CAP_PROLOGUE_BYTES + 8, frame_len);
	total = frame_at + frame_len;
	cap_store_le(made + OFF_FRAME_LEN, frame_len, 4);
	cap_store_le(made + OFF_RAW_LEN, raw_len, 4);
	edit_remove_block(edit, block);
	edit_insert(edit, block, made, total);
	edit_reseal(edit, block);
	cap_compressor_free(compressor);
	free(made);
}

void body_section(struct body *body, u16 kind, u32 type, u32 rows, u32 section_len)
{
	u8 *entry = body->bytes + CAP_BODY_HEAD_BYTES;

	memset(body, 0, sizeof(*body));
	cap_store_le(body->bytes, 1, 4);
	cap_store_le(entry, kind, 2);
	cap_store_le(entry + 4, type, 4);
	cap_store_le(entry + 8, rows, 4);
	cap_store_le(entry + 12, CAP_BODY_HEAD_BYTES + CAP_SECTION_ENTRY_BYTES, 4);
	cap_store_le(entry + 16, section_len, 4);
	body->len = CAP_BODY_HEAD_BYTES + CAP_SECTION_ENTRY_BYTES;
}

void body_column(struct body *body, u16 field, u8 encoding, u32 offset, u32 len, u64 value)
{
	u8 *at = body->bytes + body->len;

	cap_store_le(at, 1, 2);
	cap_store_le(at + 4, field, 2);
	at[6] = encoding;
	cap_store_le(at + 8, offset, 4);
	cap_store_le(at + 12, len, 4);
	cap_store_le(at + 16, value, 8);
	body->len += 4 + 12 + 8;
}

/* Sound captures around what a fuzzer made: checksums, lengths and numbers are right, so that only
 * the decoder behind them may object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/base/block_header.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/write/capture_writer.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/base/zstd_frame.h"
#include "fuzz_target.h"

static struct cap_compressor *the_compressor(void)
{
	static struct cap_compressor *compressor; /* for the life of the program */

	if (!compressor)
		compressor = cap_compressor_new(1);
	if (!compressor)
		abort();
	return compressor;
}

void fuzz_capture_block(struct fuzz_capture *capture, uint32_t block_type, const uint8_t *plain,
			size_t plain_len, const uint8_t *raw, size_t raw_len)
{
	struct cap_block_header header = {.type = block_type,
					  .file_id = 1,
					  .seq = capture->seq++,
					  .plain_len = (u32)plain_len,
					  .raw_len = (u32)raw_len};
	size_t bound = raw_len ? cap_compress_bound(raw_len) : 0, frame_len = 0;
	size_t room = capture->len + CAP_HEADER_BYTES + plain_len + 8 + bound;
	u8 *bytes = realloc(capture->bytes, room), *payload, *frame;

	if (!bytes)
		abort();
	capture->bytes = bytes;
	payload = bytes + capture->len + CAP_HEADER_BYTES;
	memset(payload, 0, plain_len + 8);
	if (plain_len)
		memcpy(payload, plain, plain_len);
	if (raw_len) {
		/* the padding stands before the frame and depends on its length: compressed behind
		 * the most there may be, then moved */
		frame = payload + plain_len + 8;
		if (cap_compress(the_compressor(), raw, raw_len, frame, bound, &frame_len, NULL))
			abort();
		header.flags = CAP_CODEC_ZSTD;
		header.frame_len = (u32)frame_len;
		header.pad_len =
			cap_block_padding(CAP_HEADER_BYTES, (u32)plain_len, (u32)frame_len);
		memmove(payload + plain_len + header.pad_len, frame, frame_len);
	} else {
		header.pad_len = cap_block_padding(CAP_HEADER_BYTES, (u32)plain_len, 0);
	}
	header.payload_hash = cap_hash(payload, cap_block_payload_bytes(&header));
	cap_block_header_encode(&header, bytes + capture->len);
	capture->len += CAP_HEADER_BYTES + cap_block_payload_bytes(&header);
}

static void begin_with(struct fuzz_capture *capture, const uint8_t *schema, size_t schema_len)
{
	u8 file_header[CAP_FILE_HEADER_BYTES] = {CAP_VERSION_MAJOR, 0, 0, 0, CAP_FILE_HEADER_BYTES};

	*capture = (struct fuzz_capture){0};
	fuzz_capture_block(capture, CAP_BLOCK_FILE_HEADER, file_header, sizeof(file_header), NULL,
			   0);
	fuzz_capture_block(capture, CAP_BLOCK_SCHEMA, NULL, 0, schema, schema_len);
}

/* The built-in schema without the names of values, which are most of it and take their time. */
static void encode_schema(u8 **ret_bytes, size_t *ret_len)
{
	u8 *bytes = NULL;
	size_t len = 0, at = 0, kept = 0;
	int names = 0;

	if (cap_schema_encode(&bytes, &len) < 0)
		abort();
	while (at < len) {
		size_t record_len = 8 + cap_load_u32(bytes + at + 4);

		if (cap_load_le(bytes + at, 2) != 3 || names++ < 8) {
			memmove(bytes + kept, bytes + at, record_len);
			kept += record_len;
		}
		at += record_len;
	}
	*ret_bytes = bytes;
	*ret_len = kept;
}

void fuzz_capture_begin(struct fuzz_capture *capture, const uint8_t *schema, size_t schema_len)
{
	static struct fuzz_capture builtin; /* made once */

	if (schema) {
		begin_with(capture, schema, schema_len);
		return;
	}
	if (!builtin.bytes) {
		u8 *encoded = NULL;
		size_t encoded_len = 0;

		encode_schema(&encoded, &encoded_len);
		begin_with(&builtin, encoded, encoded_len);
		free(encoded);
	}
	*capture = builtin;
	capture->bytes = malloc(builtin.len);
	if (!capture->bytes)
		abort();
	memcpy(capture->bytes, builtin.bytes, builtin.len);
}

uint32_t fuzz_body_rows(const uint8_t *body, size_t len)
{
	struct cap_cursor cursor = cap_cursor_of(body, len);
	u32 sections = cap_get_u32(&cursor);
	u64 rows = 0;

	for (u32 i = 0; i < sections && !cursor.failed; i++) {
		u16 kind = cap_get_u16(&cursor);
		u32 count;

		(void)cap_get_bytes(&cursor, 6);
		count = cap_get_u32(&cursor);
		(void)cap_get_bytes(&cursor, 12);
		if (!cursor.failed && kind == CAP_SECTION_EVENTS)
			rows += count;
	}
	return (u32)rows;
}

void fuzz_capture_rows(struct fuzz_capture *capture, uint32_t block_type, const uint8_t *body,
		       size_t body_len)
{
	u8 prologue[CAP_PROLOGUE_BYTES] = {CAP_PROLOGUE_BYTES};

	cap_store_le(prologue + CAP_PRO_ROWS, fuzz_body_rows(body, body_len), 4);
	fuzz_capture_block(capture, block_type, prologue, sizeof(prologue), body, body_len);
}

void fuzz_capture_done(struct fuzz_capture *capture)
{
	free(capture->bytes);
	*capture = (struct fuzz_capture){0};
}

static int the_file(void)
{
	static int fd = -1; /* one for all inputs: making one costs more than most of them */

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

int fuzz_file(const uint8_t *bytes, size_t len)
{
	int fd = the_file();

	if (ftruncate(fd, (off_t)len) < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		abort();
	return fd;
}

const char *fuzz_file_path(void)
{
	static char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", the_file());
	return path;
}

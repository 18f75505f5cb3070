/*
 * What stands inside a compressed frame: the first byte chooses schema (odd) or body of rows
 * (even), the rest is the frame's content. It is wrapped into a sound capture, so that every
 * mutation reaches the decoders.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/block_header.h"
#include "formats/body_layout.h"
#include "formats/bytes.h"
#include "formats/capture_writer.h"
#include "formats/hash.h"
#include "formats/limits.h"
#include "formats/schema.h"
#include "formats/zstd_frame.h"
#include "fuzz_target.h"

struct wrapped {
	uint8_t *bytes;
	size_t len;
};

static void append_block(struct wrapped *file, u32 type, u64 seq, const u8 *plain, u32 plain_len,
			 const u8 *raw, size_t raw_len)
{
	static struct cap_compressor *compressor;
	struct cap_block_header header = {
		.type = type, .file_id = 1, .seq = seq, .plain_len = plain_len};
	size_t bound = raw_len ? cap_compress_bound(raw_len) : 0, frame_len = 0;
	u8 *payload = calloc(1, plain_len + 8 + bound);
	u8 *frame = malloc(bound ? bound : 1);

	if (!compressor)
		compressor = cap_compressor_new(1);
	if (!payload || !frame || !compressor)
		abort();
	if (raw_len && cap_compress(compressor, raw, raw_len, frame, bound, &frame_len, NULL) < 0)
		abort();
	if (raw_len)
		header.flags = CAP_CODEC_ZSTD;
	header.frame_len = (u32)frame_len;
	header.raw_len = (u32)raw_len;
	header.pad_len = cap_block_padding(CAP_HEADER_BYTES, plain_len, (u32)frame_len);
	if (plain_len)
		memcpy(payload, plain, plain_len);
	memcpy(payload + plain_len + header.pad_len, frame, frame_len);
	header.payload_hash = cap_hash(payload, cap_block_payload_bytes(&header));
	file->bytes = realloc(file->bytes,
			      file->len + CAP_HEADER_BYTES + cap_block_payload_bytes(&header));
	if (!file->bytes)
		abort();
	cap_block_header_encode(&header, file->bytes + file->len);
	memcpy(file->bytes + file->len + CAP_HEADER_BYTES, payload,
	       cap_block_payload_bytes(&header));
	file->len += CAP_HEADER_BYTES + cap_block_payload_bytes(&header);
	free(payload);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	u8 file_header[CAP_FILE_HEADER_BYTES] = {CAP_VERSION_MAJOR, 0, 0, 0, CAP_FILE_HEADER_BYTES};
	u8 prologue[CAP_PROLOGUE_BYTES] = {CAP_PROLOGUE_BYTES};
	struct wrapped file = {NULL, 0};
	bool is_schema = len && bytes[0] % 2;
	u8 *schema = NULL;
	size_t schema_len = 0;

	if (len < 2)
		return 0;
	if (cap_schema_encode(&schema, &schema_len) < 0)
		abort();
	prologue[CAP_PRO_ROWS] = 1;
	append_block(&file, CAP_BLOCK_FILE_HEADER, 0, file_header, sizeof(file_header), NULL, 0);
	append_block(&file, CAP_BLOCK_SCHEMA, 1, NULL, 0, is_schema ? bytes + 1 : schema,
		     is_schema ? len - 1 : schema_len);
	if (!is_schema)
		append_block(&file, CAP_BLOCK_CHUNK, 2, prologue, sizeof(prologue), bytes + 1,
			     len - 1);
	if (fuzz_read_all(file.bytes, file.len, 0) < (is_schema ? 1 : 3))
		abort(); /* the wrapping is sound: only the decoders may object */
	free(file.bytes);
	free(schema);
	return 0;
}

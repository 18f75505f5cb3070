/* Blocks and bodies put together by hand. SPEC.md, sections 3 to 9. */
#include "raw_capture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damage_kit.h"
#include "file_k.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"
#include "formats/base/zstd_frame.h"

/* -------- bytes -------- */

static u8 *raw_room(struct raw_bytes *out, size_t len)
{
	if (out->len + len > out->size) {
		out->size = (out->len + len) * 2;
		out->bytes = realloc(out->bytes, out->size);
		must(out->bytes, "realloc");
	}
	out->len += len;
	return out->bytes + out->len - len;
}

void raw_put(struct raw_bytes *out, const void *bytes, size_t len)
{
	if (len)
		memcpy(raw_room(out, len), bytes, len);
}

void raw_put_le(struct raw_bytes *out, u64 value, unsigned width)
{
	cap_store_le(raw_room(out, width), value, width);
}

void raw_put_varint(struct raw_bytes *out, u64 value)
{
	u8 bytes[CAP_VARINT_MAX_BYTES];

	raw_put(out, bytes, (size_t)(cap_put_varint(bytes, value) - bytes));
}

void raw_fill(struct raw_bytes *out, u8 byte, size_t len)
{
	if (len)
		memset(raw_room(out, len), byte, len);
}

void raw_free(struct raw_bytes *out)
{
	free(out->bytes);
	*out = (struct raw_bytes){0};
}

void raw_compress(struct raw_bytes *out, const void *bytes, size_t len)
{
	struct cap_compressor *compressor = cap_compressor_new(1);
	size_t bound = cap_compress_bound(len), made = 0, before = out->len;
	u8 *at = raw_room(out, bound);

	must(compressor && cap_compress(compressor, bytes, len, at, bound, &made, NULL) == 0,
	     "compress");
	out->len = before + made;
	(void)cap_compressor_free(compressor);
}

/* -------- blocks -------- */

#define FILE_ID 0x1122334455667788ull

void raw_block(struct raw_capture *capture, u32 disk_type, const struct raw_bytes *plain,
	       const struct raw_bytes *frame, u32 raw_len)
{
	struct cap_block_header header = {.type = disk_type,
					  .flags = frame ? CAP_CODEC_ZSTD : CAP_CODEC_NONE,
					  .file_id = FILE_ID,
					  .seq = capture->seq++,
					  .plain_len = plain ? (u32)plain->len : 0,
					  .frame_len = frame ? (u32)frame->len : 0,
					  .raw_len = raw_len};
	size_t start = capture->file.len;
	u32 pad = cap_block_padding(CAP_HEADER_BYTES, header.plain_len, header.frame_len);

	raw_fill(&capture->file, 0, CAP_HEADER_BYTES);
	if (plain)
		raw_put(&capture->file, plain->bytes, plain->len);
	raw_fill(&capture->file, 0, pad);
	if (frame)
		raw_put(&capture->file, frame->bytes, frame->len);
	header.payload_hash = cap_hash(capture->file.bytes + start + CAP_HEADER_BYTES,
				       capture->file.len - start - CAP_HEADER_BYTES);
	cap_block_header_encode(&header, capture->file.bytes + start);
}

void raw_rows_frame(struct raw_capture *capture, u32 type, const struct raw_bytes *frame,
		    u32 raw_len, u32 rows)
{
	struct raw_bytes plain = {0};

	raw_fill(&plain, 0, CAP_PROLOGUE_BYTES);
	cap_store_le(plain.bytes + CAP_PRO_LEN, CAP_PROLOGUE_BYTES, 2);
	cap_store_le(plain.bytes + CAP_PRO_ROWS, rows, 4);
	raw_block(capture, type, &plain, frame, raw_len);
	raw_free(&plain);
}

void raw_rows(struct raw_capture *capture, u32 type, const struct raw_bytes *body, u32 rows)
{
	struct raw_bytes frame = {0};

	raw_compress(&frame, body->bytes, body->len);
	raw_rows_frame(capture, type, &frame, (u32)body->len, rows);
	raw_free(&frame);
}

void raw_schema(struct raw_capture *capture, const struct raw_bytes *schema)
{
	struct raw_bytes frame = {0};

	raw_compress(&frame, schema->bytes, schema->len);
	raw_block(capture, CAP_BLOCK_SCHEMA, NULL, &frame, (u32)schema->len);
	raw_free(&frame);
}

void raw_begin_header(struct raw_capture *capture)
{
	struct raw_bytes plain = {0};

	memset(capture, 0, sizeof(*capture));
	raw_fill(&plain, 0, CAP_FILE_HEADER_BYTES);
	cap_store_le(plain.bytes, CAP_VERSION_MAJOR, 2);
	cap_store_le(plain.bytes + 4, CAP_FILE_HEADER_BYTES, 4);
	cap_store_le(plain.bytes + 40, FILE_ID, 8);
	cap_store_le(plain.bytes + 92, 2, 4);
	raw_block(capture, CAP_BLOCK_FILE_HEADER, &plain, NULL, 0);
	raw_free(&plain);
}

void raw_begin(struct raw_capture *capture)
{
	struct raw_bytes schema = {0};

	raw_begin_header(capture);
	must(cap_schema_encode(&schema.bytes, &schema.len) == 0, "schema");
	raw_schema(capture, &schema);
	raw_free(&schema);
}

void raw_end(struct raw_capture *capture)
{
	struct raw_bytes plain = {0};

	raw_fill(&plain, 0, CAP_END_BYTES);
	cap_store_le(plain.bytes + 8, capture->seq, 8);
	cap_store_le(plain.bytes + 32, capture->seq, 8);
	cap_store_le(plain.bytes + 40, capture->file.len, 8);
	raw_block(capture, CAP_BLOCK_END | CAP_TYPE_SKIPPABLE, &plain, NULL, 0);
	raw_free(&plain);
}

/* -------- bodies -------- */

static void put_column(struct raw_bytes *out, const struct raw_column *column, u32 rows)
{
	switch (column->encoding) {
	case CAP_ENC_CONST:
		raw_put_le(out, column->value, 8);
		break;
	case CAP_ENC_DELTA:
		for (u32 i = 0; i < rows; i++)
			raw_put_varint(out, cap_zigzag((s64)column->value));
		break;
	case RAW_STEPS:
		for (u32 i = 0; i < rows; i++)
			raw_put_varint(out, cap_zigzag((s64)(column->value_of(i) -
							     (i ? column->value_of(i - 1) : 0))));
		break;
	default:
		raw_fill(out, (u8)column->value, rows);
	}
}

static void put_section(struct raw_bytes *out, const struct raw_section *section)
{
	struct raw_bytes columns = {0};
	size_t start = out->len,
	       head = CAP_SECTION_HEAD_BYTES + section->column_count * CAP_COLUMN_ENTRY_BYTES;

	if (section->bytes) {
		raw_put(out, section->bytes->bytes, section->bytes->len);
		return;
	}
	raw_put_le(out, section->column_count, 4);
	for (size_t i = 0; i < section->column_count; i++) {
		size_t offset = columns.len;

		put_column(&columns, &section->columns[i], section->rows);
		raw_put_le(out, section->columns[i].field, 2);
		raw_put_le(out,
			   section->columns[i].encoding == RAW_STEPS ? CAP_ENC_DELTA
								     : section->columns[i].encoding,
			   2);
		raw_put_le(out, head + offset, 4);
		raw_put_le(out, columns.len - offset, 4);
	}
	raw_put(out, columns.bytes, columns.len);
	raw_free(&columns);
	if (out->len - start < section->at_least)
		raw_fill(out, 0, section->at_least - (out->len - start));
}

void raw_body(struct raw_bytes *body, const struct raw_section *sections, size_t count)
{
	struct raw_bytes content = {0};
	size_t head = CAP_BODY_HEAD_BYTES + count * CAP_SECTION_ENTRY_BYTES;

	raw_put_le(body, count, 4);
	for (size_t i = 0; i < count; i++) {
		size_t offset = content.len;

		put_section(&content, &sections[i]);
		raw_put_le(body, sections[i].kind, 4);
		raw_put_le(body, sections[i].type, 4);
		raw_put_le(body, sections[i].rows, 4);
		raw_put_le(body, head + offset, 4);
		raw_put_le(body, content.len - offset, 8);
	}
	raw_put(body, content.bytes, content.len);
	raw_free(&content);
}

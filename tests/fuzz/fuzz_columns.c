/*
 * Each column encoding on its own: byte 0 encoding, byte 1 kind of the field, bytes 2-3 rows, byte
 * 4 sizes of the tables it refers to, then the column. The decoder must agree with another one,
 * written here for clearness from SPEC.md, and so must the lazy columns that the import uses.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/section_columns.h"
#include "formats/base/bytes.h"
#include "formats/read/reader_state.h"
#include "fuzz_target.h"

#define HEAD_BYTES 5
#define MAX_ROWS 4096u

/* One varint as SPEC.md has it. False where there is none. */
static bool plain_varint(const uint8_t *bytes, size_t len, size_t *at, u64 *ret_value)
{
	__uint128_t value = 0;

	for (unsigned int i = 0; i < 10 && *at < len; i++) {
		uint8_t byte = bytes[(*at)++];

		value |= (__uint128_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		*ret_value = (u64)value;
		return value >> 64 == 0;
	}
	return false;
}

static bool plain_decode(u8 encoding, const uint8_t *bytes, size_t len, u32 rows, u64 *ret_values)
{
	size_t at = 0;
	u64 before = 0;

	if (encoding == CAP_ENC_FIXED && rows == 0)
		return len == 0;
	if (encoding == CAP_ENC_FIXED) {
		size_t width = len / rows;

		if (len % rows || (width != 1 && width != 2 && width != 4 && width != 8))
			return false;
		memset(ret_values, 0, rows * sizeof(*ret_values));
		for (u32 i = 0; i < rows; i++)
			memcpy(&ret_values[i], bytes + i * width, width); /* little-endian */
		return true;
	}
	if (encoding == CAP_ENC_CONST && len == 8) {
		for (u32 i = 0; i < rows; i++)
			memcpy(&ret_values[i], bytes, 8);
		return true;
	}
	if (encoding != CAP_ENC_VARINT && encoding != CAP_ENC_ZIGZAG && encoding != CAP_ENC_DELTA)
		return false;
	for (u32 i = 0; i < rows; i++) {
		u64 value;

		if (!plain_varint(bytes, len, &at, &value))
			return false;
		if (encoding != CAP_ENC_VARINT)
			value = value % 2 ? ~(value / 2) : value / 2;
		if (encoding == CAP_ENC_DELTA)
			value += before;
		ret_values[i] = before = value;
	}
	return at == len;
}

static u32 table_of(u8 kind, const struct cap_rows *rows)
{
	switch (kind) {
	case CAP_KIND_TASK:
		return rows->task_count;
	case CAP_KIND_STACK:
		return rows->stack_count;
	case CAP_KIND_COPY:
		return rows->copy_count;
	case CAP_KIND_STRING:
	case CAP_KIND_BYTES:
		return rows->string_count;
	default:
		return 0;
	}
}

/* The way of the import: by the place of the field in a type. */
static void check_lazy(const struct cap_rows *rows, const struct cap_section *section,
		       const struct cap_type *type, bool good, const u64 *expected)
{
	struct kymo_section_columns columns = {0};
	const u64 *values, *zeros;

	kymo_section_columns_set(&columns, rows, section, type);
	values = kymo_section_column(&columns, 0);
	zeros = kymo_section_column_or_zero(&columns, 0);
	if ((values && !good) || (!values && good && section->row_count > 0) ||
	    (good && columns.rejected) || (!zeros && section->row_count > 0))
		abort();
	for (u32 i = 0; i < section->row_count; i++)
		if (zeros[i] != (good ? expected[i] : 0))
			abort();
	if (kymo_section_column(&columns, 0) != values)
		abort();
	kymo_section_columns_done(&columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	u32 row_count = len < HEAD_BYTES ? 0 : (u32)cap_load_le(bytes + 2, 2) % (MAX_ROWS + 1);
	size_t values_bytes = row_count * sizeof(u64);
	struct cap_field field = {.id = 1, .name = "f"};
	struct cap_type type = {.id = 1, .name = "t", .fields = &field, .field_count = 1};
	struct cap_column column = {.field_id = 1, .field = &field};
	struct cap_rows rows;
	struct cap_section section = {.type_id = 1,
				      .type = &type,
				      .row_count = row_count,
				      .column_count = 1,
				      .columns = &column};
	u64 *plain, *values, *bounded;
	u32 table;
	bool good;

	if (len < HEAD_BYTES)
		return 0;
	column.encoding = bytes[0];
	column.bytes = bytes + HEAD_BYTES;
	column.len = (u32)(len - HEAD_BYTES);
	field.kind = bytes[1];
	rows = (struct cap_rows){.string_count = bytes[4] + 1u,
				 .stack_count = bytes[4] / 2 + 1u,
				 .task_count = bytes[4] / 4 + 1u,
				 .copy_count = bytes[4] / 8 + 1u,
				 .frame_count = 1};
	plain = malloc(values_bytes + 1);
	values = malloc(values_bytes + 1);
	bounded = malloc(values_bytes + 1);
	if (!plain || !values || !bounded)
		abort();
	good = plain_decode(column.encoding, column.bytes, column.len, row_count, plain);
	if ((cap_values_decode(&column, row_count, values) == 0) != good ||
	    (good && memcmp(values, plain, values_bytes) != 0))
		abort();
	if ((cap_column_decode(&rows, &section, &column, bounded) == 0) != good)
		abort();
	table = table_of(field.kind, &rows);
	for (u32 i = 0; good && i < row_count; i++)
		if (bounded[i] != (table && plain[i] >= table ? 0 : plain[i]))
			abort();
	check_lazy(&rows, &section, &type, good, bounded);
	free(plain);
	free(values);
	free(bounded);
	return 0;
}

/*
 * The encodings of columns, and columns of rows on demand. Every column is checked to hold exactly
 * its rows. SPEC.md, "Encodings".
 */
#include "formats/base/bytes.h"
#include "formats/read/reader_state.h"

static int decode_fixed(const struct cap_column *column, u32 row_count, u64 *ret_values)
{
	u32 width = row_count ? column->len / row_count : 0;

	if (!row_count && !column->len)
		return 0;
	if ((width != 1 && width != 2 && width != 4 && width != 8) ||
	    width * (u64)row_count != column->len)
		return CAP_EDAMAGED;
	for (u32 i = 0; i < row_count; i++)
		ret_values[i] = cap_load_le(column->bytes + (size_t)i * width, width);
	return 0;
}

static int decode_varints(const struct cap_column *column, u32 row_count, u64 *ret_values)
{
	struct cap_cursor cursor = cap_cursor_of(column->bytes, column->len);

	if (column->len < row_count)
		return CAP_EDAMAGED;
	for (u32 i = 0; i < row_count; i++)
		ret_values[i] = cap_get_varint(&cursor);
	return cursor.failed || cap_cursor_left(&cursor) ? CAP_EDAMAGED : 0;
}

int cap_values_decode(const struct cap_column *column, u32 row_count, u64 *ret_values)
{
	u64 value;
	int rc;

	switch (column->encoding) {
	case CAP_ENC_FIXED:
		return decode_fixed(column, row_count, ret_values);
	case CAP_ENC_CONST:
		if (column->len != 8)
			return CAP_EDAMAGED;
		value = cap_load_u64(column->bytes);
		for (u32 i = 0; i < row_count; i++)
			ret_values[i] = value;
		return 0;
	case CAP_ENC_VARINT:
		return decode_varints(column, row_count, ret_values);
	case CAP_ENC_ZIGZAG:
		rc = decode_varints(column, row_count, ret_values);
		for (u32 i = 0; rc == 0 && i < row_count; i++)
			ret_values[i] = (u64)cap_unzigzag(ret_values[i]);
		return rc;
	case CAP_ENC_DELTA:
		rc = decode_varints(column, row_count, ret_values);
		value = 0;
		for (u32 i = 0; rc == 0 && i < row_count; i++) {
			value += (u64)cap_unzigzag(ret_values[i]); /* modulo 2^64, as written */
			ret_values[i] = value;
		}
		return rc;
	default:
		return CAP_EDAMAGED; /* an encoding of a newer version */
	}
}

/* References that point past their table read as 0, "none". */
static void bound_references(u64 *values, u32 row_count, u64 table_count)
{
	for (u32 i = 0; i < row_count; i++)
		if (values[i] >= table_count)
			values[i] = 0;
}

/* One long string may occur in many rows: their total has a bound. */
static int charge_text(const struct cap_rows *rows, const u64 *values, u32 row_count)
{
	u64 bytes = 0;

	if (!rows->text_left)
		return 0;
	for (u32 i = 0; i < row_count; i++)
		bytes += rows->strings[values[i]].len;
	if (bytes > *rows->text_left)
		return CAP_ELIMIT;
	*rows->text_left -= bytes;
	return 0;
}

int cap_column_decode(const struct cap_rows *rows, const struct cap_section *section,
		      const struct cap_column *column, u64 *ret_values)
{
	int rc = cap_values_decode(column, section->row_count, ret_values);

	if (rc < 0 || !column->field)
		return rc;
	switch (column->field->kind) {
	case CAP_KIND_TASK:
		bound_references(ret_values, section->row_count, rows->task_count);
		break;
	case CAP_KIND_STACK:
		bound_references(ret_values, section->row_count, rows->stack_count);
		break;
	case CAP_KIND_COPY:
		bound_references(ret_values, section->row_count, rows->copy_count);
		break;
	case CAP_KIND_STRING:
	case CAP_KIND_BYTES:
		bound_references(ret_values, section->row_count, rows->string_count);
		return charge_text(rows, ret_values, section->row_count);
	default:
		break;
	}
	return 0;
}

const struct cap_column *cap_section_column(const struct cap_section *section, u16 field_id)
{
	for (u32 i = 0; i < section->column_count; i++)
		if (section->columns[i].field_id == field_id)
			return &section->columns[i];
	return NULL;
}

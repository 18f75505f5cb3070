/* Each encoding of a column, decoded from bytes made here; and what a column may not be. */
#include "unit_main.h"

#include "formats/base/bytes.h"
#include "formats/base/limits.h"
#include "random_rows.h"

#define ROWS 64

static const struct cap_rows no_tables;

static int decode(u8 encoding, const u8 *bytes, size_t len, u32 rows, u64 *ret_values)
{
	struct cap_column column = {.encoding = encoding, .bytes = bytes, .len = (u32)len};
	struct cap_section section = {.row_count = rows, .columns = &column, .column_count = 1};

	return cap_column_decode(&no_tables, &section, &column, ret_values);
}

static u64 extreme(struct rng *rng)
{
	static const u64 values[] = {0, 1, UINT64_MAX, INT64_MAX, (u64)INT64_MAX + 1, UINT32_MAX};

	if (rng_below(rng, 3) == 0)
		return rng_next(rng) >> rng_below(rng, 64);
	return values[rng_below(rng, sizeof(values) / sizeof(values[0]))];
}

static size_t encode(u8 encoding, const u64 *values, u32 rows, u8 *ret_bytes)
{
	u8 *at = ret_bytes;
	u64 before = 0;

	for (u32 i = 0; i < rows; i++) {
		if (encoding == CAP_ENC_VARINT)
			at = cap_put_varint(at, values[i]);
		else if (encoding == CAP_ENC_ZIGZAG)
			at = cap_put_varint(at, cap_zigzag((s64)values[i]));
		else
			at = cap_put_varint(at, cap_zigzag((s64)(values[i] - before)));
		before = values[i];
	}
	return (size_t)(at - ret_bytes);
}

static void varint_encodings_round_trip(void **state)
{
	static const u8 encodings[] = {CAP_ENC_VARINT, CAP_ENC_ZIGZAG, CAP_ENC_DELTA};
	struct rng rng = {test_seed()};
	u64 values[ROWS], decoded[ROWS];
	u8 bytes[ROWS * CAP_VARINT_MAX_BYTES + 1] = {0};

	(void)state;
	for (int round = 0; round < 500; round++) {
		u8 encoding = encodings[round % 3];
		u32 rows = 1 + (u32)rng_below(&rng, ROWS);
		size_t len;

		for (u32 i = 0; i < rows; i++)
			values[i] = extreme(&rng);
		len = encode(encoding, values, rows, bytes);
		assert_int_equal(decode(encoding, bytes, len, rows, decoded), 0);
		assert_memory_equal(values, decoded, rows * sizeof(u64));
		/* exactly its bytes, exactly its rows */
		assert_int_equal(decode(encoding, bytes, len - 1, rows, decoded), CAP_EDAMAGED);
		assert_int_equal(decode(encoding, bytes, len + 1, rows, decoded), CAP_EDAMAGED);
		if (rows > 1)
			assert_int_equal(decode(encoding, bytes, len, rows - 1, decoded),
					 CAP_EDAMAGED);
	}
}

static void fixed_widths(void **state)
{
	u8 bytes[64];
	u64 decoded[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)(0xf0 + i);
	for (unsigned width = 1; width <= 8; width *= 2) {
		u32 rows = (u32)sizeof(bytes) / width;

		assert_int_equal(decode(CAP_ENC_FIXED, bytes, sizeof(bytes), rows, decoded), 0);
		for (u32 i = 0; i < rows; i++)
			assert_int_equal(decoded[i], cap_load_le(bytes + (size_t)i * width, width));
	}
	assert_int_equal(decode(CAP_ENC_FIXED, bytes, 63, 21, decoded), CAP_EDAMAGED); /* width 3 */
	assert_int_equal(decode(CAP_ENC_FIXED, bytes, 63, 8, decoded), CAP_EDAMAGED);
	assert_int_equal(decode(CAP_ENC_FIXED, bytes, 0, 8, decoded), CAP_EDAMAGED);
	assert_int_equal(decode(CAP_ENC_FIXED, bytes, 8, 0, decoded), CAP_EDAMAGED);
}

static void constants(void **state)
{
	u8 bytes[9] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0};
	u64 decoded[ROWS];

	(void)state;
	assert_int_equal(decode(CAP_ENC_CONST, bytes, 8, ROWS, decoded), 0);
	for (int i = 0; i < ROWS; i++)
		assert_int_equal(decoded[i], INT64_MAX);
	assert_int_equal(decode(CAP_ENC_CONST, bytes, 7, ROWS, decoded), CAP_EDAMAGED);
	assert_int_equal(decode(CAP_ENC_CONST, bytes, 9, ROWS, decoded), CAP_EDAMAGED);
}

static void unknown_encodings_are_rejected(void **state)
{
	u8 bytes[ROWS] = {0};
	u64 decoded[ROWS];

	(void)state;
	for (unsigned encoding = CAP_ENC_LIST; encoding <= 255; encoding++)
		assert_int_equal(decode((u8)encoding, bytes, ROWS, ROWS, decoded), CAP_EDAMAGED);
}

/* References past their table read as "none"; other numbers are left alone. */
static void references_stay_in_their_table(void **state)
{
	struct cap_rows rows = {.task_count = 3, .stack_count = 5, .string_count = 7};
	static const struct {
		u8 kind;
		u64 limit;
	} cases[] = {
		{CAP_KIND_TASK, 3}, {CAP_KIND_STACK, 5}, {CAP_KIND_STRING, 7}, {CAP_KIND_BYTES, 7}};
	u8 bytes[16];
	u64 decoded[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		bytes[i] = (u8)i;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct cap_field field = {.id = 1, .kind = cases[c].kind};
		struct cap_column column = {.field_id = 1,
					    .field = &field,
					    .encoding = CAP_ENC_FIXED,
					    .bytes = bytes,
					    .len = sizeof(bytes)};
		struct cap_section section = {
			.row_count = 16, .columns = &column, .column_count = 1};

		assert_int_equal(cap_column_decode(&rows, &section, &column, decoded), 0);
		for (u64 i = 0; i < 16; i++)
			assert_int_equal(decoded[i], i < cases[c].limit ? i : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint_encodings_round_trip),
		cmocka_unit_test(fixed_widths),
		cmocka_unit_test(constants),
		cmocka_unit_test(unknown_encodings_are_rejected),
		cmocka_unit_test(references_stay_in_their_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

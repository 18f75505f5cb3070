/* Varints, zig-zag and the cursor: the ground everything that reads a capture stands on. */
#include "unit_main.h"

#include "formats/base/bytes.h"
#include "random_rows.h"

static const u64 extremes[] = {0,
			       1,
			       0x7f,
			       0x80,
			       0x3fff,
			       0x4000,
			       UINT32_MAX,
			       (u64)UINT32_MAX + 1,
			       INT64_MAX,
			       (u64)INT64_MAX + 1,
			       UINT64_MAX - 1,
			       UINT64_MAX};
#define EXTREME_COUNT (sizeof(extremes) / sizeof(extremes[0]))

static void check_varint(u64 value)
{
	u8 bytes[CAP_VARINT_MAX_BYTES];
	size_t len = (size_t)(cap_put_varint(bytes, value) - bytes);
	struct cap_cursor cursor = cap_cursor_of(bytes, len);

	assert_true(len >= 1 && len <= CAP_VARINT_MAX_BYTES);
	assert_int_equal(cap_get_varint(&cursor), value);
	assert_false(cursor.failed);
	assert_int_equal(cap_cursor_left(&cursor), 0);
	for (size_t cut = 0; cut < len; cut++) { /* one byte less is never a number */
		cursor = cap_cursor_of(bytes, cut);
		(void)cap_get_varint(&cursor);
		assert_true(cursor.failed);
	}
}

static void varints_round_trip(void **state)
{
	struct rng rng = {test_seed()};

	(void)state;
	for (size_t i = 0; i < EXTREME_COUNT; i++)
		check_varint(extremes[i]);
	for (unsigned bit = 0; bit < 64; bit++) {
		check_varint(1ull << bit);
		check_varint((1ull << bit) - 1);
	}
	for (int i = 0; i < 20000; i++)
		check_varint(rng_next(&rng) >> rng_below(&rng, 64));
}

static void overlong_varints_are_refused(void **state)
{
	u8 bytes[12];
	struct cap_cursor cursor;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes)); /* never ends within its ten bytes */
	cursor = cap_cursor_of(bytes, sizeof(bytes));
	(void)cap_get_varint(&cursor);
	assert_true(cursor.failed);

	memset(bytes, 0x80, sizeof(bytes));
	bytes[9] = 2; /* bit 64 */
	cursor = cap_cursor_of(bytes, 10);
	(void)cap_get_varint(&cursor);
	assert_true(cursor.failed);

	bytes[9] = 1; /* bit 63: the largest that fits */
	cursor = cap_cursor_of(bytes, 10);
	assert_int_equal(cap_get_varint(&cursor), 1ull << 63);
	assert_false(cursor.failed);
}

static void zigzag_round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXTREME_COUNT; i++)
		assert_int_equal((u64)cap_unzigzag(cap_zigzag((s64)extremes[i])), extremes[i]);
	assert_int_equal(cap_zigzag(0), 0);
	assert_int_equal(cap_zigzag(-1), 1); /* small numbers of either sign stay small */
	assert_int_equal(cap_zigzag(1), 2);
	assert_int_equal(cap_zigzag(INT64_MIN), UINT64_MAX);
}

static void integers_are_little_endian(void **state)
{
	u8 bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct cap_cursor cursor = cap_cursor_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cap_get_u16(&cursor), 0x0201);
	assert_int_equal(cap_get_u32(&cursor), 0x06050403);
	assert_int_equal(cap_get_u8(&cursor), 7);
	assert_int_equal(cap_cursor_left(&cursor), 1);
	cap_store_le(bytes, 0x1122334455667788ull, 8);
	assert_int_equal(bytes[0], 0x88);
	assert_int_equal(cap_load_u64(bytes), 0x1122334455667788ull);
}

static void a_cursor_never_passes_its_end(void **state)
{
	u8 bytes[8] = {0};

	(void)state;
	for (size_t len = 0; len < 8; len++) {
		struct cap_cursor cursor = cap_cursor_of(bytes, len);

		assert_int_equal(cap_get_u64(&cursor), 0);
		assert_true(cursor.failed);
		assert_int_equal(cap_get_u8(&cursor), 0); /* and stays failed */
		assert_true(cursor.failed);
		cursor = cap_cursor_of(bytes, len);
		assert_null(cap_get_bytes(&cursor, len + 1));
		assert_true(cursor.failed);
		cursor = cap_cursor_of(bytes, len);
		assert_null(cap_get_bytes(&cursor, SIZE_MAX));
		cursor = cap_cursor_of(bytes, len);
		assert_non_null(cap_get_bytes(&cursor, len));
		assert_false(cursor.failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints_round_trip),
		cmocka_unit_test(overlong_varints_are_refused),
		cmocka_unit_test(zigzag_round_trips),
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(a_cursor_never_passes_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

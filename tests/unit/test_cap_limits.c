/* The limits of SPEC.md section 10 that no small corpus reaches: each at its value and one above.
 */
#include "unit_main.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/write/capture_writer.h"
#include "formats/base/limits.h"
#include "formats/base/zstd_frame.h"
#include "fuzz/fuzz_target.h"
#include "random_rows.h"

struct bytes { /* grows as it is written */
	u8 *at;
	size_t len, size;
};

static void put(struct bytes *bytes, u64 value, unsigned int width)
{
	if (bytes->len + width > bytes->size) {
		bytes->size = 2 * bytes->size + 64;
		bytes->at = realloc(bytes->at, bytes->size);
		assert_non_null(bytes->at);
	}
	cap_store_le(bytes->at + bytes->len, value, width);
	bytes->len += width;
}

/* -------- schemas -------- */

static void put_type(struct bytes *schema, u32 id)
{
	put(schema, 1, 2);
	put(schema, 8, 2);
	put(schema, 8, 4);
	put(schema, id, 4);
	put(schema, CAP_BLOCK_CHUNK, 4);
}

static void put_field(struct bytes *schema, u32 type_id, u16 id)
{
	put(schema, 2, 2);
	put(schema, 12, 2);
	put(schema, 12, 4);
	put(schema, type_id, 4);
	put(schema, id, 2);
	put(schema, CAP_KIND_UINT, 6);
}

static void put_name(struct bytes *schema, u32 value, size_t name_len)
{
	put(schema, 3, 2);
	put(schema, 8, 2);
	put(schema, 8 + name_len, 4);
	put(schema, CAP_KIND_SYSNO, 4);
	put(schema, value, 4);
	for (size_t i = 0; i < name_len; i++)
		put(schema, 'n', 1);
}

static int decode(struct bytes *bytes, size_t *ret_types)
{
	struct cap_schema *schema = NULL;
	int rc = cap_schema_decode(bytes->at, bytes->len, &schema, NULL);

	if (rc == 0)
		*ret_types = schema->type_count;
	(void)cap_schema_free(schema);
	free(bytes->at);
	*bytes = (struct bytes){0};
	return rc;
}

static void test_schema_limits(void **state)
{
	struct bytes schema = {0};
	size_t types = 0;

	(void)state;
	for (u32 over = 0; over < 2; over++) {
		int expected = over ? CAP_ELIMIT : 0;

		for (u32 i = 0; i < CAP_MAX_TYPES + over; i++)
			put_type(&schema, i);
		assert_int_equal(decode(&schema, &types), expected);
		assert_int_equal(types, CAP_MAX_TYPES);
		put_type(&schema, 1);
		for (u32 i = 0; i < CAP_MAX_FIELDS + over; i++)
			put_field(&schema, 1, (u16)i);
		assert_int_equal(decode(&schema, &types), over ? CAP_ELIMIT : 0);
		for (u32 i = 0; i < CAP_MAX_ENUM_VALUES + over; i++)
			put_name(&schema, i, 1);
		assert_int_equal(decode(&schema, &types), expected);
		types = CAP_MAX_TYPES;
		put_name(&schema, 1, 255 + over);
		assert_int_equal(decode(&schema, &types), expected);
		types = CAP_MAX_TYPES;
	}
	for (u32 i = 0; i <= CAP_MAX_SCHEMA_FIELDS; i++) {
		if (i % CAP_MAX_FIELDS == 0)
			put_type(&schema, i);
		put_field(&schema, i / CAP_MAX_FIELDS * CAP_MAX_FIELDS, (u16)i);
	}
	assert_int_equal(decode(&schema, &types), CAP_ELIMIT);
}

/* Reads a made capture to its end, all bodies decoded; frees it. */
static struct cap_damage read_all(struct fuzz_capture *made, u64 max_decoded_bytes)
{
	struct cap_reader_options options = {.max_decoded_bytes = max_decoded_bytes};
	struct cap_reader *reader = NULL;
	struct cap_damage damage;
	struct cap_block block;
	struct cap_rows rows;

	assert_int_equal(cap_reader_open_fd(dup(fuzz_file(made->bytes, made->len)), "made",
					    &options, &reader, NULL),
			 0);
	while (cap_reader_next(reader, &block, NULL) == 1)
		if (block.raw_len && block.plain_len)
			(void)cap_reader_rows(reader, &rows, NULL);
	damage = *cap_reader_damage(reader);
	cap_reader_close(reader);
	fuzz_capture_done(made);
	return damage;
}

static void test_schemas_of_a_file(void **state)
{
	struct fuzz_capture made;
	struct bytes schema = {0};

	(void)state;
	put_type(&schema, 1);
	fuzz_capture_begin(&made, schema.at, schema.len);
	for (u32 i = 1; i < CAP_MAX_SCHEMAS + 3; i++) {
		cap_store_le(schema.at + 8, i % CAP_MAX_SCHEMAS + 1, 4);
		fuzz_capture_block(&made, CAP_BLOCK_SCHEMA, NULL, 0, schema.at, schema.len);
	}
	assert_int_equal(read_all(&made, 0).blocks_damaged, 0); /* as many as there may be */
	fuzz_capture_begin(&made, schema.at, schema.len);
	for (u32 i = 0; i < CAP_MAX_SCHEMAS + 1; i++) {
		cap_store_le(schema.at + 8, 100 + i, 4);
		fuzz_capture_block(&made, CAP_BLOCK_SCHEMA, NULL, 0, schema.at, schema.len);
	}
	assert_int_equal(read_all(&made, 0).blocks_damaged, 2);
	free(schema.at);
	/* one that is too big, of records that a later version may have put there */
	schema = (struct bytes){0};
	put_type(&schema, 1);
	while (schema.len <= CAP_MAX_SCHEMA_BYTES) {
		put(&schema, 9, 2);
		put(&schema, 56, 2);
		put(&schema, 56, 4);
		for (int i = 0; i < 7; i++)
			put(&schema, 0, 8);
	}
	fuzz_capture_begin(&made, NULL, 0);
	fuzz_capture_block(&made, CAP_BLOCK_SCHEMA, NULL, 0, schema.at, schema.len);
	assert_int_equal(read_all(&made, 0).blocks_damaged, 1);
	free(schema.at);
}

/* -------- bodies -------- */

/* A body of one EVENTS section without columns. */
static void put_empty_rows(struct bytes *body, u32 rows, u32 section_len)
{
	put(body, 1, 4);
	put(body, CAP_SECTION_EVENTS, 4);
	put(body, EV_MARK, 4);
	put(body, rows, 4);
	put(body, 28, 4);
	put(body, section_len, 4);
	put(body, 0, 4);
	for (u32 i = 0; i < section_len; i++)
		put(body, 0, 1);
}

static u64 damaged_by(u32 rows, u32 section_len, u64 max_decoded_bytes)
{
	struct fuzz_capture made;
	struct bytes body = {0};

	put_empty_rows(&body, rows, section_len);
	fuzz_capture_begin(&made, NULL, 0);
	for (int i = 0; i < 3; i++)
		fuzz_capture_rows(&made, CAP_BLOCK_MARK, body.at, body.len);
	free(body.at);
	return read_all(&made, max_decoded_bytes).blocks_damaged;
}

static void test_rows(void **state)
{
	(void)state;
	assert_int_equal(damaged_by(4, 4, 0), 0);
	assert_int_equal(damaged_by(5, 4, 0), 3); /* more rows than bytes */
	assert_int_equal(damaged_by(CAP_MAX_ROWS + 1, CAP_MAX_ROWS + 1, 0), 3);
}

/* The budget of one reading: the schema and the first body fit, the others do not. */
static void test_decoded_budget(void **state)
{
	(void)state;
	assert_int_equal(damaged_by(4, 60000, 200000), 0);
	assert_int_equal(damaged_by(4, 60000, 100000), 2);
}

/* A prologue that promises other rows than the body holds. */
static void test_promised_rows(void **state)
{
	(void)state;
	for (u32 promised = 3; promised < 6; promised++) {
		u8 prologue[CAP_PROLOGUE_BYTES] = {CAP_PROLOGUE_BYTES};
		struct fuzz_capture made;
		struct bytes body = {0};

		put_empty_rows(&body, 4, 8);
		cap_store_le(prologue + CAP_PRO_ROWS, promised, 4);
		fuzz_capture_begin(&made, NULL, 0);
		fuzz_capture_block(&made, CAP_BLOCK_MARK, prologue, sizeof(prologue), body.at,
				   body.len);
		assert_int_equal(read_all(&made, 0).blocks_damaged, promised != 4);
		free(body.at);
	}
}

/* -------- frames -------- */

static void test_compressor(void **state)
{
	struct cap_compressor *compressor = cap_compressor_new(3);
	u8 raw[1000] = {1}, frame[16];
	struct cap_err err = {0};
	size_t len;

	(void)state;
	assert_null(cap_compressor_free(NULL));
	assert_null(cap_decompressor_free(NULL));
	assert_int_equal(
		cap_compress(compressor, raw, sizeof(raw), frame, sizeof(frame), &len, &err),
		CAP_ECODEC);
	assert_true(err.text[0] != '\0');
	cap_compressor_free(compressor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_limits), cmocka_unit_test(test_schemas_of_a_file),
		cmocka_unit_test(test_rows),	      cmocka_unit_test(test_decoded_budget),
		cmocka_unit_test(test_promised_rows), cmocka_unit_test(test_compressor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

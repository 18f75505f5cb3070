/* What goes into a writer comes out of a reader: every row type, random values, extremes included.
 * TEST_SEED replays a run. */
#include "unit_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/limits.h"
#include "random_rows.h"

#define MAX_ROWS 4000

struct written {
	u64 digests[EV_TYPE_MAX + 1][MAX_ROWS];
	u32 counts[EV_TYPE_MAX + 1];
};

static void fill_chunk(struct row_maker *maker, struct cap_chunk *chunk,
		       const struct cap_type *only, u32 rows, struct written *written)
{
	const struct cap_schema *schema = cap_schema_builtin();

	memset(written, 0, sizeof(*written));
	for (u32 i = 0; i < rows; i++) {
		const struct cap_type *type =
			only ? only : &schema->types[rng_below(&maker->rng, schema->type_count)];
		int rc;
		u64 digest = row_maker_add(maker, chunk, type, &rc);

		assert_int_equal(rc, 0);
		written->digests[type->id][written->counts[type->id]++] = digest;
	}
	assert_int_equal(cap_chunk_failed(chunk), 0);
}

/* A capture with this one chunk, read back; the caller closes. */
static struct cap_reader *write_and_open(const struct cap_chunk *chunk, struct cap_rows *ret_rows)
{
	struct cap_err err = {0};
	int fd = memory_file("roundtrip");
	struct cap_writer_options options = {.fd = fd};
	struct cap_file_info info = {.hostname = "h", .tool_version = "t"};
	struct cap_totals totals = {.attempted_count = 7, .stored_count = 5, .lost_count = 2};
	struct cap_writer *writer = NULL;
	struct cap_reader *reader = NULL;
	struct cap_block block;

	assert_true(fd >= 0);
	assert_int_equal(cap_writer_new(&options, &info, &writer, &err), 0);
	assert_int_equal(cap_writer_begin(writer, &err), 0);
	assert_int_equal(cap_writer_rows(writer, CAP_BLOCK_CHUNK, chunk, &totals, &err), 0);
	assert_int_equal(cap_writer_events(writer), cap_chunk_rows(chunk));
	assert_int_equal(cap_writer_end(writer, CAP_END_SIGNAL, &totals, &err), 0);
	assert_int_equal(cap_writer_bytes(writer), lseek(fd, 0, SEEK_END));
	cap_writer_free(writer);
	assert_int_equal(reader_of_fd(fd, CAP_READ_STRICT, &reader, &err), 0);
	(void)close(fd);
	do {
		assert_int_equal(cap_reader_next(reader, &block, &err), 1);
	} while (block.type != CAP_BLOCK_CHUNK);
	assert_int_equal(block.row_count, cap_chunk_rows(chunk));
	assert_int_equal(block.first_ns, cap_chunk_first_ns(chunk));
	assert_int_equal(block.last_ns, cap_chunk_last_ns(chunk));
	assert_int_equal(block.totals.lost_count, 2);
	assert_int_equal(block.schema_id, cap_reader_schema(reader)->id);
	assert_int_equal(cap_reader_rows(reader, ret_rows, &err), 0);
	return reader;
}

static void check_rows(struct cap_reader *reader, const struct cap_rows *rows,
		       const struct written *written)
{
	u32 seen[EV_TYPE_MAX + 1] = {0};
	u64 *digests = NULL;
	long count = block_row_digests(reader, rows, &digests);
	long at = 0;

	assert_true(count >= 0);
	for (u32 s = 0; s < rows->section_count; s++) {
		u32 type = rows->sections[s].type_id;

		assert_non_null(rows->sections[s].type);
		for (u32 i = 0; i < rows->sections[s].row_count; i++, at++) {
			if (digests[at] != written->digests[type][i])
				fail_msg("type %u (%s), row %u differs", type,
					 rows->sections[s].type->name, i);
		}
		seen[type] += rows->sections[s].row_count;
	}
	assert_memory_equal(seen, written->counts, sizeof(seen));
	free(digests);
}

static void round_trip(u64 seed, const struct cap_type *only, u32 rows, unsigned variety,
		       bool benign)
{
	static struct written written;
	struct row_maker maker = {
		.rng = {seed}, .time_ns = 1000000000, .variety = variety, .benign = benign};
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_rows decoded;
	struct cap_reader *reader;

	assert_non_null(chunk);
	fill_chunk(&maker, chunk, only, rows, &written);
	reader = write_and_open(chunk, &decoded);
	check_rows(reader, &decoded, &written);
	assert_int_equal(cap_reader_damage(reader)->columns_rejected, 0);
	cap_reader_close(reader);
	cap_chunk_free(chunk);
}

static void every_type_alone(void **state)
{
	const struct cap_schema *schema = cap_schema_builtin();
	u64 seed = test_seed();

	(void)state;
	assert_true(schema->type_count > 0 && schema->type_count <= EV_TYPE_MAX);
	for (size_t i = 0; i < schema->type_count; i++) {
		round_trip(seed + i, &schema->types[i], 1, 3, false);
		round_trip(seed + i, &schema->types[i], 300, 20, false);
		round_trip(seed + i, &schema->types[i], 300, 1, true); /* constant columns */
	}
}

static void all_types_mixed(void **state)
{
	u64 seed = test_seed();

	(void)state;
	for (u64 round = 0; round < 40; round++)
		round_trip(seed + round, NULL, 1 + (u32)(round * 97 % MAX_ROWS),
			   1 + (unsigned)(round * 31 % 400), round % 2);
}

/* A chunk is used again and again by the recorder: nothing of the rows before may show. */
static void reset_chunks_carry_nothing_over(void **state)
{
	static struct written written;
	struct row_maker maker = {.rng = {test_seed()}, .time_ns = 5, .variety = 50};
	struct cap_chunk *chunk = cap_chunk_new();

	(void)state;
	assert_non_null(chunk);
	for (int round = 0; round < 20; round++) {
		struct cap_rows decoded;
		struct cap_reader *reader;

		fill_chunk(&maker, chunk, NULL, 200 + 30 * (u32)round, &written);
		reader = write_and_open(chunk, &decoded);
		check_rows(reader, &decoded, &written);
		cap_reader_close(reader);
		cap_chunk_reset(chunk);
		assert_int_equal(cap_chunk_rows(chunk), 0);
		assert_int_equal(cap_chunk_first_ns(chunk), 0);
		assert_int_equal(cap_chunk_last_ns(chunk), 0);
	}
	cap_chunk_free(chunk);
}

static void facts_and_end_are_kept(void **state)
{
	struct small_capture plan = {.seed = 1, .chunks = 2, .rows = 3};
	struct cap_err err = {0};
	int fd = memory_file("facts");
	const struct cap_damage *damage;
	const struct cap_file_facts *facts;
	struct cap_reader *reader = NULL;
	struct cap_block block;
	u64 blocks = 0, rows = 0;
	int rc;

	(void)state;
	assert_int_equal(small_capture_write(&plan, fd, &err), 0);
	assert_int_equal(reader_of_fd(fd, CAP_READ_STRICT, &reader, &err), 0);
	facts = cap_reader_facts(reader);
	assert_string_equal(facts->info.hostname, "test-host");
	assert_string_equal(facts->info.kernel_release, "6.1.0-test");
	assert_string_equal(facts->info.tool_version, "random_rows 1");
	assert_int_equal(facts->version_major, CAP_VERSION_MAJOR);
	assert_int_equal(facts->info.cpu_count, 2);
	assert_int_equal(facts->info.boot_id[15], 115);
	while ((rc = cap_reader_next(reader, &block, &err)) == 1) {
		assert_int_equal(block.seq, blocks);
		blocks++;
		rows += block.type == CAP_BLOCK_CHUNK ? block.row_count : 0;
	}
	assert_int_equal(rc, 0);
	damage = cap_reader_damage(reader);
	assert_true(damage->ended);
	assert_int_equal(damage->end_reason, CAP_END_NORMAL);
	assert_int_equal(damage->end_events, rows);
	assert_int_equal(damage->end_lost, 0);
	assert_int_equal(damage->blocks_read, blocks);
	assert_int_equal(damage->blocks_damaged + damage->blocks_lost + damage->blocks_unknown +
				 damage->blocks_foreign + damage->bytes_skipped,
			 0);
	cap_reader_close(reader);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_alone),
		cmocka_unit_test(all_types_mixed),
		cmocka_unit_test(reset_chunks_carry_nothing_over),
		cmocka_unit_test(facts_and_end_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

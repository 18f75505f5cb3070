/* Copies of stacks on their way into a capture: what is kept of them, and how the recorder knows
 * what points into code. */
#include "unit_main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random_rows.h"
#include "recorder/pipeline/code_map.h"
#include "recorder/pipeline/stack_copies.h"

#define CODE 0x555500000000ull
#define CODE_BYTES 0x2000ull
#define SP 0x7ffd00001000ull
#define WORDS 64u
#define START 77ull

struct taken { /* as a program puts it into a ring */
	struct ring_copy copy;
	u64 words[WORDS + CAP_RED_ZONE_BYTES / 8];
};

#define LOW (SP - CAP_RED_ZONE_BYTES)
#define TOP (SP + 8 * WORDS)

static struct rec_stack_memo memo;

static void take_nothing(struct taken *taken)
{
	memset(taken, 0, sizeof(*taken));
	taken->copy =
		(struct ring_copy){.ip = CODE + 8, .sp = SP, .top = TOP, .flags = CAP_COPY_MAIN};
}

static u64 *word_at(struct taken *taken, u64 address)
{
	return &taken->words[(address - LOW) / 8];
}

static const struct rec_code_set *known_code(struct rec_code_map *map)
{
	rec_code_map_listed(map, 5, START);
	rec_code_map_add(map, 5, CODE, CODE_BYTES);
	return rec_code_map_find(map, 5, START);
}

/* Writes a block with one sample that has the copy, and reads it again. */
static struct cap_rows read_back(const struct taken *taken, const struct rec_code_set *code,
				 struct cap_reader **ret_reader)
{
	struct cap_file_info info = {.cpu_count = 1, .word_bytes = 8, .page_shift = 12};
	struct cap_writer_options options = {.fd = memory_file("copies")};
	struct ev_cpu_sample sample = {.time_ns = 1};
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_totals totals = {.stored_count = 1, .attempted_count = 1};
	struct cap_writer *writer = NULL;
	struct cap_block block;
	struct cap_rows rows;
	struct cap_err err;
	u32 copy = 0;

	memo.generation++; /* another chunk */
	assert_int_equal(rec_stack_copy(chunk, &(struct rec_copy_owner){.code = code}, &memo, 1,
					taken, sizeof(*taken), &copy),
			 0);
	assert_int_equal(copy, 1);
	sample.copy = copy;
	assert_int_equal(cap_chunk_add(chunk, EV_CPU_SAMPLE, &sample), 0);
	assert_int_equal(cap_writer_new(&options, &info, &writer, &err), 0);
	assert_int_equal(cap_writer_begin(writer, &err), 0);
	assert_int_equal(cap_writer_rows(writer, CAP_BLOCK_CHUNK, chunk, &totals, &err), 0);
	assert_int_equal(cap_writer_end(writer, CAP_END_NORMAL, &totals, &err), 0);
	cap_writer_free(writer);
	cap_chunk_free(chunk);
	assert_int_equal(reader_of_fd(options.fd, CAP_READ_STRICT, ret_reader, &err), 0);
	(void)close(options.fd);
	do
		assert_int_equal(cap_reader_next(*ret_reader, &block, &err), 1);
	while (block.type != CAP_BLOCK_CHUNK);
	assert_int_equal(cap_reader_rows(*ret_reader, &rows, &err), 0);
	assert_int_equal(rows.copy_count, 2);
	return rows;
}

static void expect_word(struct cap_word_walk *walk, u64 address, u64 value)
{
	u64 found_address = 0, found_value = 0;

	assert_int_equal(cap_word_next(walk, &found_address, &found_value), 1);
	assert_int_equal(found_address, address);
	assert_int_equal(found_value, value);
}

static void expect_no_more(struct cap_word_walk *walk)
{
	u64 address, value;

	assert_int_equal(cap_word_next(walk, &address, &value), 0);
}

static void test_what_is_kept(void **state)
{
	struct rec_code_map *map = rec_code_map_new();
	const struct rec_code_set *code = known_code(map);
	struct cap_reader *reader = NULL;
	struct cap_word_walk walk;
	struct taken taken;
	struct cap_rows rows;

	(void)state;
	take_nothing(&taken);
	*word_at(&taken, LOW) = CODE;	  /* in the red zone */
	*word_at(&taken, SP) = 0x1234567; /* data */
	*word_at(&taken, SP + 8) = CODE + CODE_BYTES - 1;
	*word_at(&taken, SP + 16) = CODE + CODE_BYTES; /* one past */
	*word_at(&taken, SP + 24) = CODE - 1;
	*word_at(&taken, SP + 32) = SP + 40; /* a saved frame pointer */
	*word_at(&taken, SP + 40) = SP + 41; /* no address of a word */
	*word_at(&taken, SP + 48) = TOP;
	*word_at(&taken, SP + 56) = TOP + 8; /* of another stack */
	*word_at(&taken, TOP - 8) = CODE + 3;
	taken.copy.bp = SP + 32;
	taken.copy.bx = 0xdeadbeef;
	taken.copy.r12 = CODE + 1;
	taken.copy.r13 = 1;
	rows = read_back(&taken, code, &reader);
	walk = cap_copy_words(&rows, 1);
	expect_word(&walk, LOW, CODE);
	expect_word(&walk, SP + 8, CODE + CODE_BYTES - 1);
	expect_word(&walk, SP + 32, SP + 40);
	expect_word(&walk, SP + 48, TOP);
	expect_word(&walk, TOP - 8, CODE + 3);
	expect_no_more(&walk);
	assert_int_equal(rows.copies[1].ip, CODE + 8);
	assert_int_equal(rows.copies[1].sp, SP);
	assert_int_equal(rows.copies[1].top, TOP);
	assert_int_equal(rows.copies[1].bp, SP + 32);
	assert_int_equal(rows.copies[1].bx, 1); /* masked */
	assert_int_equal(rows.copies[1].r12, CODE + 1);
	assert_int_equal(rows.copies[1].r13, 1);
	assert_int_equal(rows.copies[1].r14, 0);
	assert_int_equal(rows.copies[1].flags, CAP_COPY_MAIN);
	cap_reader_close(reader);
	rec_code_map_free(map);
}

static void test_holes(void **state)
{
	struct rec_code_map *map = rec_code_map_new();
	struct cap_reader *reader = NULL;
	struct cap_rows rows;
	struct taken taken;

	(void)state;
	take_nothing(&taken);
	taken.copy.holes = 2; /* LOW is in page 0, SP in page 1 */
	rows = read_back(&taken, known_code(map), &reader);
	assert_int_equal(rows.copies[1].flags, CAP_COPY_MAIN | CAP_COPY_HOLE);
	assert_int_equal(rows.copies[1].word, 0);
	assert_false(cap_copy_is_hole(&rows.copies[1], LOW));
	assert_true(cap_copy_is_hole(&rows.copies[1], SP));
	assert_false(cap_copy_is_hole(&rows.copies[1], SP + 4096));
	cap_reader_close(reader);
	rec_code_map_free(map);
}

static void test_unknown_mappings(void **state)
{
	struct cap_reader *reader = NULL;
	struct cap_rows rows;
	struct taken taken;

	(void)state;
	take_nothing(&taken);
	*word_at(&taken, SP + 8) = SP + 16;
	taken.copy.bp = SP;
	rows = read_back(&taken, NULL, &reader);
	assert_int_equal(rows.copies[1].word, 0);
	assert_int_equal(rows.copies[1].bp, 1);
	assert_int_equal(rows.copies[1].ip, CODE + 8);
	assert_int_equal(rows.copies[1].flags, CAP_COPY_MAIN | CAP_COPY_NO_MAPPINGS);
	cap_reader_close(reader);
}

/* With the memo of a thread, copies get the rows that they get without. */
static void test_memo(void **state)
{
	struct rec_code_map *map = rec_code_map_new();
	const struct rec_code_set *code = known_code(map);
	struct rec_stack_memo *fresh = calloc(1, sizeof(*fresh));
	struct cap_chunk *chunk = cap_chunk_new();
	struct rng rng = {test_seed()};
	struct taken taken;
	u32 with = 0, without = 0;

	(void)state;
	take_nothing(&taken);
	memo.generation++;
	for (int i = 0; i < 3000; i++) {
		u64 *word = &taken.words[rng_below(&rng, WORDS + CAP_RED_ZONE_BYTES / 8)];
		u64 pick = rng_below(&rng, 4);

		*word = pick == 0   ? 0
			: pick == 1 ? CODE + rng_below(&rng, CODE_BYTES)
			: pick == 2 ? LOW + 8 * rng_below(&rng, WORDS)
				    : rng_next(&rng);
		assert_int_equal(rec_stack_copy(chunk, &(struct rec_copy_owner){.code = code},
						&memo, 1 + (u32)rng_below(&rng, 2), &taken,
						sizeof(taken), &with),
				 0);
		memset(fresh, 0, sizeof(*fresh));
		assert_int_equal(rec_stack_copy(chunk, &(struct rec_copy_owner){.code = code},
						fresh, 1, &taken, sizeof(taken), &without),
				 0);
		assert_int_equal(with, without);
	}
	cap_chunk_free(chunk);
	free(fresh);
	rec_code_map_free(map);
}

/* A record whose lengths lie is refused before anything of it is used. */
static void test_lengths(void **state)
{
	struct cap_chunk *chunk = cap_chunk_new();
	struct taken taken;
	u32 copy = 0;

	(void)state;
	take_nothing(&taken);
	for (size_t bytes = 0; bytes < sizeof(taken); bytes++)
		assert_int_equal(rec_stack_copy(chunk, &(struct rec_copy_owner){0}, &memo, 1,
						&taken, bytes, &copy),
				 -EBADMSG);
	taken.copy.top = SP - 8;
	assert_int_equal(rec_stack_copy(chunk, &(struct rec_copy_owner){0}, &memo, 1, &taken,
					sizeof(taken), &copy),
			 -EBADMSG);
	taken.copy.top = TOP + 8;
	assert_int_equal(rec_stack_copy(chunk, &(struct rec_copy_owner){0}, &memo, 1, &taken,
					sizeof(taken), &copy),
			 -EBADMSG);
	cap_chunk_free(chunk);
}

/* -------- which process has code where -------- */

static void test_ranges(void **state)
{
	struct rec_code_map *map = rec_code_map_new();
	struct rng rng = {test_seed()};
	const struct rec_code_set *set;
	bool mapped[600] = {0};

	(void)state;
	rec_code_map_listed(map, 9, START);
	for (int i = 0; i < 80; i++) {
		u64 from = rng_below(&rng, 580), count = 1 + rng_below(&rng, 9);

		rec_code_map_add(map, 9, CODE + from * 4096, count * 4096);
		memset(&mapped[from], 1, count);
	}
	set = rec_code_map_find(map, 9, START);
	assert_non_null(set);
	for (u64 page = 0; page < 600; page++) {
		assert_int_equal(rec_code_set_has(set, CODE + page * 4096), mapped[page]);
		assert_int_equal(rec_code_set_has(set, CODE + page * 4096 + 4095), mapped[page]);
	}
	assert_false(rec_code_set_has(set, 0));
	assert_false(rec_code_set_has(set, UINT64_MAX));
	rec_code_map_add(map, 9, UINT64_MAX - 10, 100); /* wraps: nothing */
	assert_false(rec_code_set_has(set, UINT64_MAX));
	rec_code_map_free(map);
}

static bool has(const struct rec_code_map *map, u32 tgid, u64 start_ns, u64 address)
{
	const struct rec_code_set *set = rec_code_map_find(map, tgid, start_ns);

	return set && rec_code_set_has(set, address);
}

static void test_life(void **state)
{
	struct rec_code_map *map = rec_code_map_new();

	(void)state;
	rec_code_map_add(map, 1, CODE, 4096);
	assert_null(rec_code_map_find(map, 1, START)); /* nobody listed the rest */
	rec_code_map_fork(map, 1, 2, START + 1);
	assert_null(rec_code_map_find(map, 2, START + 1));
	rec_code_map_exec(map, 1, START);
	assert_true(has(map, 1, START, CODE));	    /* mapped by the exec, which is told later */
	assert_false(has(map, 1, START + 9, CODE)); /* another process of this number */

	rec_code_map_add(map, 3, CODE + 8192, 4096); /* of a child whose fork is told later */
	rec_code_map_fork(map, 1, 3, START + 2);
	assert_true(has(map, 3, START + 2, CODE));
	assert_true(has(map, 3, START + 2, CODE + 8192));
	assert_false(has(map, 1, START, CODE + 8192));

	for (int i = 1; i <= 3; i++) { /* programs, each of which maps before it is told */
		rec_code_map_add(map, 3, CODE + (u64)i * 0x100000, 4096);
		rec_code_map_exec(map, 3, START + 2);
		rec_code_map_settle(map);
		assert_true(has(map, 3, START + 2, CODE + (u64)i * 0x100000));
		assert_true(has(map, 3, START + 2, CODE + 8192) == (i < 3));
	}
	rec_code_map_exit(map, 3);
	assert_true(has(map, 3, START + 2, CODE + 0x300000));
	rec_code_map_settle(map);
	assert_true(has(map, 3, START + 2, CODE + 0x300000));
	rec_code_map_settle(map);
	assert_null(rec_code_map_find(map, 3, START + 2));
	rec_code_map_free(map);
}

/* Without bound: what does not fit makes a process unknown, never wrong. */
static void test_too_much(void **state)
{
	struct rec_code_map *map = rec_code_map_new();
	u32 known = 0;

	(void)state;
	rec_code_map_listed(map, 1, START);
	for (u64 i = 0; i < 20000; i++)
		rec_code_map_add(map, 1, CODE + i * 8192, 4096);
	assert_null(rec_code_map_find(map, 1, START));
	for (u32 tgid = 2; tgid < 80000; tgid++) {
		rec_code_map_listed(map, tgid, START);
		for (u64 i = 0; i < 10; i++)
			rec_code_map_add(map, tgid, CODE + i * 8192, 4096);
		known += rec_code_map_find(map, tgid, START) != NULL;
	}
	assert_in_range(known, 40000, 70000);
	rec_code_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_kept),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_unknown_mappings),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_too_much),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}

/* Interning and the limits of a chunk. */
#include "unit_main.h"

#include <stdlib.h>
#include <string.h>

#include "formats/base/limits.h"
#include "random_rows.h"

static int setup(void **state)
{
	*state = cap_chunk_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = cap_chunk_free(*state);
	assert_null(*state);
	return 0;
}

static void the_same_thing_gets_the_same_index(void **state)
{
	struct cap_chunk *chunk = *state;
	struct cap_task task = {.tgid = 1, .tid = 2, .comm = "a"}, other = task;
	u32 name, frame;

	name = cap_chunk_string(chunk, "name", 4);
	assert_true(name > 0);
	assert_int_equal(cap_chunk_string(chunk, "name", 4), name);
	assert_int_not_equal(cap_chunk_string(chunk, "name", 3), name);
	assert_int_not_equal(cap_chunk_string(chunk, "name\0x", 6), name);
	assert_int_equal(cap_chunk_string(chunk, "", 0), 0);

	assert_true(cap_chunk_task(chunk, &task) > 0);
	assert_int_equal(cap_chunk_task(chunk, &task), cap_chunk_task(chunk, &other));
	other.exec_id = 1; /* another program in the same process */
	assert_int_not_equal(cap_chunk_task(chunk, &task), cap_chunk_task(chunk, &other));
	other = task;
	other.comm[0] = 'b';
	assert_int_not_equal(cap_chunk_task(chunk, &task), cap_chunk_task(chunk, &other));

	frame = cap_chunk_frame(chunk, CAP_SPACE_USER, 0, 0x1000);
	assert_true(frame > 0);
	assert_int_equal(cap_chunk_frame(chunk, CAP_SPACE_USER, 0, 0x1000), frame);
	assert_int_not_equal(cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 0x1000), frame);
	assert_int_not_equal(cap_chunk_frame(chunk, CAP_SPACE_USER, name, 0x1000), frame);

	assert_int_equal(cap_chunk_stack(chunk, 0, frame), cap_chunk_stack(chunk, 0, frame));
	assert_int_not_equal(cap_chunk_stack(chunk, 1, frame), cap_chunk_stack(chunk, 0, frame));
	assert_int_equal(cap_chunk_failed(chunk), 0);
}

static void many_strings_keep_their_indices(void **state)
{
	struct cap_chunk *chunk = *state;
	enum { COUNT = 50000 };
	u32 *first = calloc(COUNT, sizeof(*first));

	assert_non_null(first);
	for (u32 i = 0; i < COUNT; i++) {
		first[i] = cap_chunk_string(chunk, &i, sizeof(i));
		assert_int_equal(first[i], i + 1);
	}
	for (u32 i = 0; i < COUNT; i++)
		assert_int_equal(cap_chunk_string(chunk, &i, sizeof(i)), first[i]);
	free(first);
}

static void strings_are_cut_at_their_limit(void **state)
{
	struct cap_chunk *chunk = *state;
	char *text = malloc(CAP_MAX_STRING_BYTES + 10);
	u32 whole;

	assert_non_null(text);
	memset(text, 'x', CAP_MAX_STRING_BYTES + 10);
	whole = cap_chunk_string(chunk, text, CAP_MAX_STRING_BYTES);
	assert_true(whole > 0);
	assert_int_equal(cap_chunk_string(chunk, text, CAP_MAX_STRING_BYTES + 10), whole);
	free(text);
}

/* A full chunk refuses with CAP_ELIMIT, can still be written, and is empty after a reset. */
static void a_full_chunk_says_so(void **state)
{
	struct cap_chunk *chunk = *state;
	struct ev_syscall row = {0};
	struct rng rng = {1};
	u32 rows = 0;
	int rc = 0;

	while (rc == 0 && rows <= CAP_MAX_ROWS) {
		row.time_ns = rng_next(&rng);
		row.duration_ns = rng_next(&rng);
		row.ret = (s64)rng_next(&rng);
		rc = cap_chunk_add(chunk, EV_SYSCALL, &row);
		rows += rc == 0;
	}
	assert_int_equal(rc, CAP_ELIMIT);
	assert_int_equal(cap_chunk_rows(chunk), rows);
	assert_int_equal(cap_chunk_rows_of(chunk, EV_SYSCALL), rows);
	assert_true(cap_chunk_raw_bytes(chunk) <= CAP_WRITER_MAX_RAW_BYTES);
	cap_chunk_reset(chunk);
	assert_int_equal(cap_chunk_rows(chunk), 0);
	assert_int_equal(cap_chunk_raw_bytes(chunk), 0);
	assert_int_equal(cap_chunk_add(chunk, EV_SYSCALL, &row), 0);
}

/* Equal rows take no bytes, so only their number can stop them. */
static void the_number_of_rows_is_limited(void **state)
{
	struct cap_chunk *chunk = *state;
	struct ev_module row = {.size_bytes = 7};
	u32 rows = 0;

	while (cap_chunk_add(chunk, EV_MODULE, &row) == 0 && rows <= CAP_MAX_ROWS)
		rows++;
	assert_true(rows <= CAP_MAX_ROWS);
	assert_true(rows > 1000);
}

static void strings_stop_at_the_chunks_size(void **state)
{
	struct cap_chunk *chunk = *state;
	char text[CAP_MAX_STRING_BYTES];
	u32 count = 0;

	memset(text, 'y', sizeof(text));
	for (u32 i = 0; i < 1000; i++) {
		memcpy(text, &i, sizeof(i));
		if (!cap_chunk_string(chunk, text, sizeof(text)))
			break;
		count++;
	}
	assert_true(count > 10 && count < 1000);
	assert_int_equal(cap_chunk_failed(chunk), CAP_ELIMIT);
	assert_true(cap_chunk_raw_bytes(chunk) <= CAP_WRITER_MAX_RAW_BYTES);
	cap_chunk_reset(chunk);
	assert_int_equal(cap_chunk_failed(chunk), 0);
	assert_int_equal(cap_chunk_string(chunk, text, 5), 1);
}

static void first_and_last_time(void **state)
{
	struct cap_chunk *chunk = *state;
	struct ev_mark row = {.time_ns = 500};

	assert_int_equal(cap_chunk_first_ns(chunk), 0);
	assert_int_equal(cap_chunk_add(chunk, EV_MARK, &row), 0);
	row.time_ns = 900;
	assert_int_equal(cap_chunk_add(chunk, EV_MARK, &row), 0);
	row.time_ns = 700;
	assert_int_equal(cap_chunk_add(chunk, EV_MARK, &row), 0);
	assert_int_equal(cap_chunk_first_ns(chunk), 500);
	assert_int_equal(cap_chunk_last_ns(chunk), 900);
	assert_null(cap_chunk_free(NULL));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		EACH(the_same_thing_gets_the_same_index),
		EACH(many_strings_keep_their_indices),
		EACH(strings_are_cut_at_their_limit),
		EACH(a_full_chunk_says_so),
		EACH(the_number_of_rows_is_limited),
		EACH(strings_stop_at_the_chunks_size),
		EACH(first_and_last_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

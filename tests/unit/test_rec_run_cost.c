/* What a run of a program is taken to cost, from runs whose times are known: what interrupts some
 * of them must not change it. */
#include "unit_main.h"

#include "recorder/budget/run_cost.h"

#define MS 1000000ull

static const struct rec_run_price price = {
	.run_ns = 150, .path_ns = 60, .indirect = 2, .runs_per_event = 2};

/* What a program does with the time of a run: bpf/run_time.bpf.h. */
struct program {
	u64 limit_ns, buckets[LIVE_RUN_BUCKETS];
	struct rec_timed_runs timed;
};

static void time_run(struct program *program, u64 ns)
{
	u32 bucket = 0;

	while (bucket < LIVE_RUN_BUCKETS - 1 && ns >> (bucket + LIVE_RUN_FIRST_LOG2 + 1))
		bucket++;
	program->buckets[bucket]++;
	program->timed.run_count++;
	if (ns > program->limit_ns)
		program->timed.interrupted_count++;
	else
		program->timed.run_time_ns += ns;
}

/* A window of runs of 200 to 240 ns, each 100th of which lasts longer by long_ns. */
static void time_window(struct program *program, u32 runs, u64 long_ns)
{
	program->limit_ns = rec_run_limit_ns(program->buckets);
	for (u32 i = 0; i < runs; i++)
		time_run(program, 200 + i % 41 + (i % 100 == 50 ? long_ns : 0));
}

static void test_limit(void **state)
{
	u64 buckets[LIVE_RUN_BUCKETS] = {};

	(void)state;
	assert_int_equal(rec_run_limit_ns(buckets), REC_RUN_MAX_NS);
	buckets[1] = REC_RUNS_MIN - 1; /* 128 to 255 ns */
	assert_int_equal(rec_run_limit_ns(buckets), REC_RUN_MAX_NS);
	buckets[1]++;
	assert_int_equal(rec_run_limit_ns(buckets), 16 * 256);
	buckets[LIVE_RUN_BUCKETS - 1] = REC_RUNS_MIN / 2; /* a third of all were interrupted */
	assert_int_equal(rec_run_limit_ns(buckets), 16 * 256);
	buckets[8] = 10 * REC_RUNS_MIN; /* 16 to 33 us: never more than the maximum */
	assert_int_equal(rec_run_limit_ns(buckets), REC_RUN_MAX_NS);
}

/* 5 ms, or 50 us, added to single runs: the cost stays that of the others. */
static void test_outliers(void **state)
{
	static const u64 long_ns[] = {0, 30000, 50000, 5 * MS, 900 * MS};
	double first_ns = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(long_ns) / sizeof(*long_ns); i++) {
		struct program program = {};
		struct rec_run_cost cost;

		rec_run_cost_init(&cost, &price);
		assert_int_equal(cost.run_ns, 420);
		time_window(&program, 300, 0); /* so the limit is known */
		rec_run_cost_timed(&cost, 150, 100 * MS, &program.timed);
		rec_run_cost_learn(&cost, &price);
		time_window(&program, 300, long_ns[i]);
		rec_run_cost_timed(&cost, 300, 100 * MS, &program.timed);
		rec_run_cost_learn(&cost, &price);
		assert_int_equal(program.timed.interrupted_count, i == 0 ? 0 : 3);
		assert_in_range(cost.run_ns, 556, 560); /* 2 x (219 + 60) */
		assert_int_equal(cost.unseen_hz, 0);
		if (i == 0)
			first_ns = cost.cost_ns;
		assert_in_range(cost.cost_ns, first_ns - 1, first_ns + 1);
	}
}

/* One of the very first runs, before anything is known: 22 of them, as when it happened. */
static void test_first_runs(void **state)
{
	struct program program = {};
	struct rec_run_cost cost;

	(void)state;
	rec_run_cost_init(&cost, &price);
	time_window(&program, 22, 0);
	time_run(&program, 5 * MS);
	rec_run_cost_timed(&cost, 11, 100 * MS, &program.timed);
	rec_run_cost_learn(&cost, &price);
	assert_int_equal(cost.run_ns, 420); /* too few to tell */
	assert_in_range(cost.cost_ns, 23 * 450 - 1, 23 * 450 + 1);
	for (int window = 0; window < 9; window++) {
		time_window(&program, 22, 0);
		rec_run_cost_timed(&cost, 11 * (u64)(window + 2), 100 * MS, &program.timed);
		rec_run_cost_learn(&cost, &price);
	}
	assert_in_range(cost.run_ns, 530, 560); /* with 200 it is known */
}

/* Runs that no event tells are charged, too, until they stop: those for tasks of other processes.
 */
static void test_unseen(void **state)
{
	struct program program = {};
	struct rec_run_cost cost;
	double before_ns;

	(void)state;
	rec_run_cost_init(&cost, &price);
	time_window(&program, 1000, 0);
	rec_run_cost_timed(&cost, 100, 100 * MS, &program.timed);
	rec_run_cost_learn(&cost, &price);
	assert_int_equal(cost.unseen_hz, 8000);
	before_ns = cost.cost_ns;
	rec_run_cost_count(&cost, &price, 100, 1000 * MS, true);
	assert_in_range(cost.cost_ns - before_ns, 7999 * cost.run_ns, 8001 * cost.run_ns);
	before_ns = cost.cost_ns;
	rec_run_cost_count(&cost, &price, 100, 1000 * MS, false);
	assert_int_equal(cost.cost_ns - before_ns, 0);
	rec_run_cost_timed(&cost, 100, 100 * MS, &program.timed); /* none in this window */
	rec_run_cost_learn(&cost, &price);
	assert_int_equal(cost.unseen_hz, 0);
}

static void test_forget(void **state)
{
	struct program program = {};
	struct rec_run_cost cost;

	(void)state;
	rec_run_cost_init(&cost, &price);
	time_window(&program, 199, 0);
	rec_run_cost_timed(&cost, 0, 100 * MS, &program.timed);
	rec_run_cost_forget(&cost);
	time_window(&program, 199, 0);
	rec_run_cost_timed(&cost, 0, 100 * MS, &program.timed);
	rec_run_cost_learn(&cost, &price);
	assert_int_equal(cost.run_ns, 420);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),	   cmocka_unit_test(test_outliers),
		cmocka_unit_test(test_first_runs), cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The policy of the CPU budget against made-up hosts: what it costs in the end, and what is lost
 * for it. */
#include "unit_main.h"

#include "made_host.h"

static void test_calm_never_sheds(void **state)
{
	static const double call_hz[] = {0, 1000, 5000, 15000};

	(void)state;
	for (size_t i = 0; i < sizeof(call_hz) / sizeof(*call_hz); i++) {
		struct host host;

		host_init(&host, 2, 10000);
		host.call_hz = call_hz[i];
		run(&host, 600);
		assert_int_equal(host.decisions, 0);
	}
}

/* A storm of 100 ms on one CPU, once in ten seconds; and reading all names of the kernel. */
static void test_short_bursts_do_not_shed(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	for (int i = 0; i < 30; i++) {
		host.call_hz = 1e6;
		run(&host, 0.1);
		host.call_hz = 500;
		run(&host, 4.9);
		host.load.recorder_ns += 40 * MS;
		run(&host, 5);
	}
	assert_int_equal(host.decisions, 0);
}

/* Reading the names of many programs costs more than a second's budget: it is paid, but nothing
 * else is recorded less for it. */
static void test_names_do_not_shed(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.call_hz = 500;
	run(&host, 3);
	for (int i = 0; i < 10; i++) {
		host.load.once_ns += 10 * MS;
		run(&host, 0.02);
	}
	assert_true(host.policy.balance_ns < 0);
	run(&host, 10);
	assert_int_equal(host.decisions, 0);
	assert_true(host.policy.balance_ns > 0);
}

static void storm_of(u32 cpus, u32 budget_ppm, double call_hz)
{
	struct host host;
	double cost;

	host_init(&host, cpus, budget_ppm);
	run(&host, 5);
	host.call_hz = call_hz;
	run(&host, 3);
	assert_int_equal(host.state[CLASS_CPU], STATE_FULL); /* it would have saved nothing */
	cost = cost_of(&host, 27);
	assert_below(cost, 1.2);
	assert_above(cost, 0.4);
	assert_int_equal(host.state[CLASS_CPU], STATE_FULL);
	assert_false(host.seen_states & 1u << STATE_COUNTS); /* they would not have been enough */
	assert_true(host.slice_count > 0);
}

static void test_storm_stays_in_budget(void **state)
{
	static const u32 cpus[] = {1, 2, 8, 64, 512};

	(void)state;
	for (size_t i = 0; i < sizeof(cpus) / sizeof(*cpus); i++) {
		storm_of(cpus[i], 10000, 1e6 * cpus[i]);
		storm_of(cpus[i], 20000, 2e6 * cpus[i]);
		storm_of(cpus[i], 10000, 5e4 * cpus[i]);
	}
}

/* Slices come each few seconds at least, and leave of the budget what no account sees. */
static void test_slices_go_on(void **state)
{
	struct host host;
	struct rec_load before;
	u64 attached_ns;
	u32 slices;

	(void)state;
	host_init(&host, 2, 10000);
	host.call_hz = 2e6;
	run(&host, 10);
	slices = host.slice_count;
	attached_ns = host.attached_ns;
	before = host.load;
	run(&host, 60);
	assert_in_range(host.slice_count - slices, 20, 60);
	assert_in_range(rec_load_spent_ns(&before, &host.load), 600 * MS, 1100 * MS); /* of 1200 */
	assert_in_range(host.attached_ns - attached_ns, 600 * MS, 3 * SECOND);
	assert_true(host.policy.slicing);
}

/* Each tenth of a recording holds slices, the last like the first, and no two pauses are alike. */
static void test_slices_are_spread(void **state)
{
	struct host host;
	u64 begin_ns = 0, shortest_ns = ~0ull, longest_ns = 0;

	(void)state;
	host_init(&host, 2, 10000);
	host.call_hz = 4e5;
	for (int tenth = 0; tenth < 10; tenth++) {
		u64 attached_ns = host.attached_ns;
		u32 slices = host.slice_count;

		for (int i = 0; i < 60; i++) {
			u64 before_ns = host.policy.slice_begin.now_ns, pause_ns;

			run(&host, 0.1);
			if (host.policy.slice_begin.now_ns == before_ns)
				continue;
			pause_ns = host.policy.slice_begin.now_ns - begin_ns;
			if (begin_ns && pause_ns < shortest_ns)
				shortest_ns = pause_ns;
			if (begin_ns && pause_ns > longest_ns)
				longest_ns = pause_ns;
			begin_ns = host.policy.slice_begin.now_ns;
		}
		assert_in_range(host.slice_count - slices, 1, 8);
		assert_in_range(host.attached_ns - attached_ns, 60 * MS, 700 * MS); /* of 6 s */
	}
	assert_true(longest_ns > shortest_ns + SECOND / 2);
}

/* A recording of 5 s in the middle of a storm: not all is spent at its beginning. */
static void test_short_recording(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.call_hz = 4e5;
	assert_below(cost_of(&host, 5), 1.5);
	assert_in_range(host.slice_count, 1, 6);
}

/* Nor, if its length is known, much more than is due in that time. */
static void test_recording_of_known_length(void **state)
{
	static const u64 lengths_s[] = {5, 10, 60};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths_s) / sizeof(*lengths_s); i++) {
		struct host host;
		struct rec_budget_policy_options options;

		host_init(&host, 2, 10000);
		options = host.policy.options;
		options.duration_ns = lengths_s[i] * SECOND;
		rec_budget_policy_init(&host.policy, &options);
		host.call_hz = 4e5;
		assert_below(cost_of(&host, (double)lengths_s[i]), 1.15);
		assert_true(host.slice_count >= 1);
	}
}

/* A storm that begins in a slice planned for a calm host ends it early. */
static void test_storm_in_a_slice(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.call_hz = 4e5;
	run(&host, 10);
	host.policy.balance_ns = 0;
	host.call_hz = 20000;
	while (!host.policy.slice_open)
		run(&host, 0.02);
	run(&host, 0.02);
	host.policy.slice_length_ns = 250 * MS;
	host.call_hz = 4e6;
	run(&host, 0.06);
	assert_false(host.policy.slice_open);
}

static void test_waves_come_back_to_full(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	run(&host, 3);
	for (int i = 0; i < 3; i++) {
		host.call_hz = 2e6;
		run(&host, 5);
		assert_true(host.policy.slicing);
		host.call_hz = 300;
		run(&host, 20);
		if (i == 0)
			assert_int_equal(host.state[CLASS_SYSCALLS], STATE_FULL);
	}
	run(&host, 120);
	assert_int_equal(host.state[CLASS_SYSCALLS], STATE_FULL);
	assert_int_equal(host.state[CLASS_CPU], STATE_FULL);
}

/* A load that is too much one by one, and fits as counts, must not swing between the two. */
static void test_no_swinging(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.single_ns = 400;
	host.call_hz = 30000; /* 12 + 12 ms a second of 20 */
	run(&host, 600);
	assert_int_equal(host.state[CLASS_SYSCALLS], STATE_COUNTS);
	assert_false(host.policy.slicing);
	assert_in_range(host.decisions, 1, 3);
}

/* Tries fail less and less often. */
static void test_failed_tries_become_rare(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	for (int i = 0; i < 60; i++) {
		host.call_hz = 2e6;
		run(&host, 2);
		host.call_hz = 300;
		run(&host, 8);
	}
	assert_in_range(host.shed_count, 2, 40);
}

static void test_slow_growth(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	for (int i = 0; i < 300; i++) {
		host.call_hz = 1000 * i;
		run(&host, 1);
	}
	assert_below(cost_of(&host, 30), 1.2);
	assert_true(host.policy.slicing);
}

/* Where samples cost most, they are what is shed; down to an eighth, then off, and back again. */
static void test_samples(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.sample_ns = 150000;
	run(&host, 30);
	assert_int_equal(host.state[CLASS_CPU], STATE_REDUCED);
	assert_int_equal(host.sample_hz, 49);
	assert_int_equal(host.state[CLASS_SYSCALLS], STATE_FULL);
	host.sample_ns = 500000;
	host.call_hz = 100;
	for (int i = 0; i < 300 && host.sample_hz == 49; i++)
		run(&host, 0.1);
	assert_true(host.policy.slicing); /* first, however little there is to save on calls */
	run(&host, 60);
	assert_int_equal(host.sample_hz, 12);
	host.sample_ns = 5000000;
	run(&host, 60);
	assert_int_equal(host.state[CLASS_CPU], STATE_OFF);
	host.sample_ns = 5000;
	/* Nobody can know before it is tried, and it is judged by what a sample cost. */
	host.policy.classes[CLASS_CPU].fuller_per_event_ns = 5000;
	run(&host, 300);
	assert_int_equal(host.state[CLASS_CPU], STATE_FULL);
	assert_int_equal(host.sample_hz, 99);
}

static void test_low_rates_stay_above_nothing(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.policy.options.sample_hz = host.policy.sample_hz = host.sample_hz = 3;
	host.sample_ns = 20000000;
	run(&host, 60);
	assert_true(host.policy.sample_hz >= 1);
	assert_int_equal(host.state[CLASS_CPU], STATE_OFF);
}

/* What is never shed cannot be saved: said now and then, and nothing is given up for it. */
static void test_lifecycle_is_never_shed(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.tasks = 1;
	run(&host, 130);
	assert_int_equal(host.state[CLASS_SYSCALLS], STATE_FULL);
	assert_int_equal(host.state[CLASS_CPU], STATE_FULL);
	assert_in_range(host.helpless_count, 2, 3);
	assert_int_equal(host.last.event_class, EV_CLASS_UNKNOWN);
}

/* A kernel that refuses to attach again: detached for good, without further tries. */
static void test_refused(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.refuses = true;
	host.call_hz = 2e6;
	run(&host, 60);
	host.call_hz = 0;
	run(&host, 120);
	assert_int_equal(host.slice_count, 1);
	assert_int_equal(host.state[CLASS_SYSCALLS], STATE_OFF);
	assert_int_equal(rec_budget_policy_state(&host.policy, CLASS_SYSCALLS), STATE_OFF);
}

static void test_no_budget(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, 2, 0);
	host.call_hz = 4e6;
	run(&host, 60);
	assert_int_equal(host.decisions, 0);
}

/* Neither a clock that goes back nor counters that do may shed anything, nor a day asleep save up.
 */
static void test_clock_jumps(void **state)
{
	struct rec_decision decision;
	struct host host;

	(void)state;
	host_init(&host, 2, 10000);
	host.load.now_ns = 1000 * SECOND;
	host.next_drain_ns = host.load.now_ns;
	run(&host, 10);
	host.load.now_ns -= 500 * SECOND;
	host.next_drain_ns = host.load.now_ns;
	run(&host, 10);
	host.load.recorder_ns = 0;
	run(&host, 10);
	assert_int_equal(host.decisions, 0);
	host.load.now_ns += 86400 * SECOND;
	host.next_drain_ns = host.load.now_ns;
	(void)rec_budget_policy_step(&host.policy, &host.load, &decision);
	host.call_hz = 2e6;
	run(&host, 3);
	assert_below(cost_of(&host, 27), 1.2);
}

/* The smallest budget that can be asked for still gets a slice now and then. */
static void test_tiny_budget(void **state)
{
	struct host host;
	u32 slices;

	(void)state;
	host_init(&host, 2, 100); /* 0.01 % */
	host.base = 0.00001;
	host.sample_ns = 100;
	host.call_hz = 2e6;
	run(&host, 60);
	slices = host.slice_count;
	run(&host, 180);
	assert_in_range(host.slice_count - slices, 2, 4);
}

/* Where the rest alone costs more than the budget, slices come once a minute all the same. */
static void test_a_slice_a_minute(void **state)
{
	struct host host;
	u32 slices;

	(void)state;
	host_init(&host, 2, 10000);
	host.call_hz = 2e6;
	run(&host, 30);
	host.base = 0.03;
	run(&host, 60);
	slices = host.slice_count;
	run(&host, 300);
	assert_in_range(host.slice_count - slices, 4, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calm_never_sheds),
		cmocka_unit_test(test_short_bursts_do_not_shed),
		cmocka_unit_test(test_names_do_not_shed),
		cmocka_unit_test(test_storm_stays_in_budget),
		cmocka_unit_test(test_slices_go_on),
		cmocka_unit_test(test_slices_are_spread),
		cmocka_unit_test(test_short_recording),
		cmocka_unit_test(test_recording_of_known_length),
		cmocka_unit_test(test_storm_in_a_slice),
		cmocka_unit_test(test_waves_come_back_to_full),
		cmocka_unit_test(test_no_swinging),
		cmocka_unit_test(test_failed_tries_become_rare),
		cmocka_unit_test(test_slow_growth),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_low_rates_stay_above_nothing),
		cmocka_unit_test(test_lifecycle_is_never_shed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_budget),
		cmocka_unit_test(test_clock_jumps),
		cmocka_unit_test(test_tiny_budget),
		cmocka_unit_test(test_a_slice_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

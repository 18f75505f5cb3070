/* The policy of the CPU budget against made-up hosts: what it costs in the end, and what is lost
 * for it. */
#include "unit_main.h"

#include <string.h>

#include "recorder/budget/budget_policy.h"

#define MS 1000000ull
#define SECOND 1000000000ull

/* A host, and a recorder on it whose costs are known. All rates per second of all CPUs. */
struct host {
	struct rec_budget_policy policy;
	struct rec_load load;
	u32 cpus;
	double call_hz;			     /* now */
	double call_full_ns, call_counts_ns; /* programs, with the kernel's path */
	double single_ns;		     /* recorder, per stored call */
	double sample_ns;
	double base;	  /* CPUs that the recorder takes in any case */
	double switch_ns; /* attaching or detaching */
	double tasks;	  /* CPUs that lifecycle events take */
	bool refuses;	  /* to attach again */
	u32 state[EV_CLASS_COUNT], sample_hz;
	u64 attached_ns;
	u32 decisions, shed_count, recover_count, slice_count, helpless_count;
	u32 seen_states; /* of system calls, as bits */
	u64 next_drain_ns;
	struct rec_decision last;
};

static void host_init(struct host *host, u32 cpus, u32 budget_ppm)
{
	const struct rec_budget_policy_options options = {
		.budget_ppm = budget_ppm,
		.cpu_count = cpus,
		.classes = 1u << CLASS_SYSCALLS | 1u << CLASS_CPU,
		.sample_hz = 99,
	};

	*host = (struct host){
		.cpus = cpus,
		.call_full_ns = 400,
		.call_counts_ns = 380,
		.single_ns = 150,
		.sample_ns = 8000,
		.base = 0.001,
		.switch_ns = 600000,
		.sample_hz = 99,
		.load.now_ns = SECOND,
		.next_drain_ns = SECOND + 100 * MS,
	};
	rec_budget_policy_init(&host->policy, &options);
}

static void pass(struct host *host, u64 ns)
{
	double calls = host->call_hz * (double)ns / 1e9;
	double samples = (double)host->sample_hz * host->cpus * (double)ns / 1e9;
	u32 state = host->state[CLASS_SYSCALLS];

	host->load.now_ns += ns;
	host->load.recorder_ns += (u64)(host->base * (double)ns);
	host->load.program_ns[CLASS_TASKS] += (u64)(host->tasks * (double)ns);
	if (host->state[CLASS_CPU] != STATE_OFF) {
		host->load.program_ns[CLASS_CPU] += (u64)(samples * host->sample_ns);
		host->load.event_count[CLASS_CPU] += (u64)samples;
	}
	if (state == STATE_OFF)
		return;
	host->attached_ns += ns;
	host->load.event_count[CLASS_SYSCALLS] += (u64)calls;
	host->load.program_ns[CLASS_SYSCALLS] +=
		(u64)(calls * (state == STATE_FULL ? host->call_full_ns : host->call_counts_ns));
	if (state == STATE_FULL)
		host->load.recorder_ns += (u64)(calls * host->single_ns);
}

static void obey(struct host *host, const struct rec_decision *decision)
{
	u32 class = decision->event_class;

	host->last = *decision;
	host->decisions++;
	host->shed_count += decision->kind == REC_SHED;
	host->recover_count += decision->kind == REC_RECOVER;
	host->slice_count += decision->kind == REC_SLICE_BEGIN;
	host->helpless_count += decision->kind == REC_HELPLESS;
	if (class >= EV_CLASS_COUNT)
		return;
	if (class == CLASS_SYSCALLS) {
		if ((decision->state == STATE_OFF) != (host->state[class] == STATE_OFF))
			host->load.recorder_ns += (u64)host->switch_ns;
		if (host->refuses && host->state[class] == STATE_OFF) {
			rec_budget_policy_refused(&host->policy, class);
			return;
		}
		host->seen_states |= 1u << decision->state;
	} else if (decision->state != STATE_OFF) {
		host->sample_hz = decision->sample_hz;
	}
	host->state[class] = decision->state;
}

/* Lets seconds pass; drains each 100 ms, or when the policy wants it. */
static void run(struct host *host, double seconds)
{
	u64 end_ns = host->load.now_ns + (u64)(seconds * 1e9);

	while (host->load.now_ns < end_ns) {
		u64 next_ns = host->next_drain_ns,
		    wake_ns = rec_budget_policy_wake_ns(&host->policy);
		struct rec_decision decision;

		if (wake_ns > host->load.now_ns && wake_ns < next_ns)
			next_ns = wake_ns;
		if (next_ns > end_ns)
			next_ns = end_ns;
		pass(host, next_ns - host->load.now_ns);
		if (host->load.now_ns >= host->next_drain_ns)
			host->next_drain_ns += 100 * MS;
		if (rec_budget_policy_step(&host->policy, &host->load, &decision)) {
			obey(host, &decision);
			rec_budget_policy_done(&host->policy, &host->load);
		}
	}
}

static u64 spent_ns(const struct host *host)
{
	u64 sum = host->load.recorder_ns;

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		sum += host->load.program_ns[i];
	return sum;
}

/* Runs on; what that cost, as a multiple of the budget. */
static double cost_of(struct host *host, double seconds)
{
	u64 before_ns = spent_ns(host);

	run(host, seconds);
	return (double)(spent_ns(host) - before_ns) / 1e9 / seconds /
	       ((double)host->policy.options.budget_ppm / 1e6 * host->cpus);
}

static void assert_below(double value, double limit)
{
	if (value > limit)
		fail_msg("%.3f is more than %.3f", value, limit);
}

static void assert_above(double value, double limit)
{
	if (value < limit)
		fail_msg("%.3f is less than %.3f", value, limit);
}

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
	assert_true(host.seen_states & 1u << STATE_COUNTS);
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
	assert_in_range(rec_load_spent_ns(&before, &host.load), 300 * MS, 840 * MS); /* of 1200 */
	assert_in_range(host.attached_ns - attached_ns, 600 * MS, 3 * SECOND);
	assert_true(host.policy.slicing);
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
	assert_true(host.seen_states & 1u << STATE_COUNTS);
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
		cmocka_unit_test(test_storm_stays_in_budget),
		cmocka_unit_test(test_slices_go_on),
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

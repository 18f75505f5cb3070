#pragma once
/*
 * A host on a simulated clock, with a recorder whose costs are known: what policy and control of
 * the CPU budget are tested against. Rates are per second of all CPUs.
 */
#include "unit_main.h"

#include <errno.h>

#include "recorder/budget/budget_policy.h"

#define MS 1000000ull
#define SECOND 1000000000ull

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
	double steal; /* of the time of each CPU, the part that a hypervisor takes */
	u64 attached_ns;
	u32 decisions, shed_count, recover_count, slice_count, helpless_count;
	u32 seen_states; /* of system calls, as bits */
	u64 next_drain_ns;
	struct rec_decision last;
};

static inline void host_init(struct host *host, u32 cpus, u32 budget_ppm)
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

/* A program that is stopped in its run by a hypervisor seems to run longer: the kernel's clock goes
 * on. */
static inline u64 seems_ns(const struct host *host, double ns)
{
	return (u64)(ns / (1 - host->steal));
}

static inline void pass(struct host *host, u64 ns)
{
	double calls = host->call_hz * (double)ns / 1e9;
	double samples = (double)host->sample_hz * host->cpus * (double)ns / 1e9;
	u32 state = host->state[CLASS_SYSCALLS];

	host->load.now_ns += ns;
	host->load.recorder_ns += (u64)(host->base * (double)ns);
	host->load.program_ns[CLASS_TASKS] += seems_ns(host, host->tasks * (double)ns);
	if (host->state[CLASS_CPU] != STATE_OFF) {
		host->load.program_ns[CLASS_CPU] += seems_ns(host, samples * host->sample_ns);
		host->load.event_count[CLASS_CPU] += (u64)samples;
		host->load.single_count[CLASS_CPU] += (u64)samples;
	}
	if (state == STATE_OFF)
		return;
	host->attached_ns += ns;
	host->load.event_count[CLASS_SYSCALLS] += (u64)calls;
	host->load.single_count[CLASS_SYSCALLS] += (u64)calls;
	host->load.program_ns[CLASS_SYSCALLS] += seems_ns(
		host, calls * (state == STATE_FULL ? host->call_full_ns : host->call_counts_ns));
	if (state == STATE_FULL)
		host->load.recorder_ns += (u64)(calls * host->single_ns);
}

/* What a source does when it is told: 0, or -EBUSY where the kernel refuses to attach again. */
static inline int host_reduce(struct host *host, const struct rec_decision *decision)
{
	u32 class = decision->event_class;

	if (class == CLASS_SYSCALLS) {
		if ((decision->state == STATE_OFF) != (host->state[class] == STATE_OFF))
			host->load.recorder_ns += (u64)host->switch_ns;
		if (host->refuses && host->state[class] == STATE_OFF)
			return -EBUSY;
		host->seen_states |= 1u << decision->state;
	} else if (decision->state != STATE_OFF) {
		host->sample_hz = decision->sample_hz;
	}
	host->state[class] = decision->state;
	return 0;
}

static inline void count_decision(struct host *host, const struct rec_decision *decision)
{
	host->last = *decision;
	host->decisions++;
	host->shed_count += decision->kind == REC_SHED;
	host->recover_count += decision->kind == REC_RECOVER;
	host->slice_count += decision->kind == REC_SLICE_BEGIN;
	host->helpless_count += decision->kind == REC_HELPLESS;
}

static inline void obey(struct host *host, const struct rec_decision *decision)
{
	count_decision(host, decision);
	if (decision->event_class < EV_CLASS_COUNT && host_reduce(host, decision) < 0)
		rec_budget_policy_refused(&host->policy, decision->event_class);
}

/* Lets seconds pass; drains each 100 ms, or when the policy wants it. */
static inline void run(struct host *host, double seconds)
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

static inline u64 spent_ns(const struct host *host)
{
	u64 sum = host->load.recorder_ns;

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		sum += host->load.program_ns[i];
	return sum;
}

/* Runs on; what that cost, as a multiple of the budget. */
static inline double cost_of(struct host *host, double seconds)
{
	u64 before_ns = spent_ns(host);

	run(host, seconds);
	return (double)(spent_ns(host) - before_ns) / 1e9 / seconds /
	       ((double)host->policy.options.budget_ppm / 1e6 * host->cpus);
}

static inline void assert_below(double value, double limit)
{
	if (value > limit)
		fail_msg("%.3f is more than %.3f", value, limit);
}

static inline void assert_above(double value, double limit)
{
	if (value < limit)
		fail_msg("%.3f is less than %.3f", value, limit);
}

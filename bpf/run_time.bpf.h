#pragma once
/*
 * Run time of the programs. They time themselves, only while the recorder has a window open: the
 * kernel's own counting (BPF_ENABLE_STATS) needs CAP_SYS_ADMIN each time it is switched on, which
 * the recorder has dropped by then, and slows down every BPF program on the host.
 */
#include "log2.bpf.h"
#include "state.bpf.h"

extern struct live_run_times run_times[LIVE_MAX_CPUS];
extern u64 run_limits_ns[LIVE_TIMED_COUNT];

static __always_inline void run_count(u32 timed, u64 begin_ns)
{
	struct live_run_time *time =
		&run_times[bpf_get_smp_processor_id() & (LIVE_MAX_CPUS - 1)].programs[timed];
	u64 run_ns = bpf_ktime_get_ns() - begin_ns;
	u32 bucket = log2_floor(run_ns >> LIVE_RUN_FIRST_LOG2);

	/* What interrupts a run, the hypervisor most of all, is not its cost: one run of 5 ms among
	 * 22 once cut sampling to an eighth. */
	if (run_ns > run_limits_ns[timed])
		__sync_fetch_and_add(&time->interrupted_count, 1);
	else
		__sync_fetch_and_add(&time->run_time_ns, run_ns);
	if (bucket >= LIVE_RUN_BUCKETS)
		bucket = LIVE_RUN_BUCKETS - 1;
	__sync_fetch_and_add(&time->buckets[bucket], 1);
}

/* Runs call, the whole work of a program of LIVE_TIMED_PROGRAMS, and returns its result. */
#define TIMED(program, call)                                                       \
	({                                                                         \
		u64 timed_begin_ns_ = control.runs_timed ? bpf_ktime_get_ns() : 0; \
		int timed_result_ = (call);                                        \
                                                                                   \
		if (timed_begin_ns_)                                               \
			run_count(LIVE_TIMED_##program, timed_begin_ns_);          \
		timed_result_;                                                     \
	})

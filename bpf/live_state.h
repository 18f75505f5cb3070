#pragma once
/*
 * What the BPF programs and the recorder share besides ring records: counters and control words in
 * the object's .bss, which the recorder maps. Holds no code.
 */
#ifdef __bpf__
#include "kernel_ints.h"
#endif
#include "formats/events.h"

#define LIVE_MAX_CPUS                                                               \
	1024 /* possible CPUs; a power of two. The recorder refuses hosts with more \
	      */

/*
 * One per class and CPU, written on that CPU only, but by programs that can preempt each other:
 * hence atomic adds. attempted = records submitted + ring_full + ring_busy + no_storage.
 */
struct live_counters {
	u64 attempted;
	u64 ring_full;	 /* no room */
	u64 ring_busy;	 /* the ring refused although there was room */
	u64 no_storage;	 /* no memory to keep the entry of a call */
	u64 unmatched;	 /* returns without an entry seen: no record was due, so not a loss */
	u64 reserved[3]; /* a cache line each */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct live_counters) == 64, "one cache line");

/* Written by the recorder (or by the iterator that tells us who we are), read by every program. */
struct live_control {
	u32 tasks_open;	    /* 1: lifecycle events are recorded */
	u32 events_open;    /* 1: all other events are recorded */
	u32 self_tgid;	    /* the recorder, in the initial pid namespace; never recorded */
	u32 self_pid_level; /* depth of the recorder's pid namespace */
	u64 start_ns;	    /* when events_open became 1 */
	u64 stop_ns;	    /* when it became 0 */
	u32 runs_timed;	    /* 1: programs time their runs */
	u32 reserved32;
	u64 reserved[3];
} __attribute__((aligned(64)));

/* Programs that time themselves, by their name in probes.def. Not the iterators: they run inside
 * the recorder's read(2) and are in its own CPU time. */
#define LIVE_TIMED_PROGRAMS(PROGRAM) \
	PROGRAM(sys_enter)           \
	PROGRAM(sys_exit)            \
	PROGRAM(caller_exit)         \
	PROGRAM(cpu_sample)          \
	PROGRAM(task_fork)           \
	PROGRAM(task_exec)           \
	PROGRAM(task_exit)           \
	PROGRAM(task_free)           \
	PROGRAM(task_rename)

enum live_timed {
#define AS_TIMED(program) LIVE_TIMED_##program,
	LIVE_TIMED_PROGRAMS(AS_TIMED)
#undef AS_TIMED
		LIVE_TIMED_COUNT,
};

/* While runs_timed is 1; a run that began then is counted even if it ends later. */
struct live_run_time {
	u64 run_count, run_time_ns;
};

struct live_run_times { /* of one CPU; added to like struct live_counters */
	struct live_run_time programs[LIVE_TIMED_COUNT];
} __attribute__((aligned(64)));

/* A system call that has not returned; kept per task. */
struct live_call {
	u64 enter_ns; /* 0: none in flight */
	u32 sysno;
	u32 flags; /* EV_SYSCALL_COMPAT, EV_SYSCALL_ARGS_RECORDED */
	u64 args[6];
};

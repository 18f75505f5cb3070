#pragma once
/*
 * What is known of a task that is off the CPU, kept in its task storage by class sched, and what
 * class syscalls wants of it where entries of calls are not recorded.
 */
#include "task.bpf.h"

struct sched_wait {
	u64 off_ns;  /* when it left the CPU; 0: it is on the CPU */
	u64 wake_ns; /* when it could run again; 0: not yet */
	u64 call_ns; /* how long it was off the CPU before in the call that it is in */
	struct ring_task waker;
	u32 sysno; /* EV_NO_SYSCALL: in none */
	u32 reason, flags;
	u32 in_call; /* 1: this interval is part of that call's duration */
};

struct sched_wait_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sched_wait);
};

extern struct sched_wait_map sched_waits SEC(".maps");

static __always_inline struct live_call_wait *call_wait_of_cpu(void)
{
	return &call_waits[bpf_get_smp_processor_id() & (LIVE_MAX_CPUS - 1)];
}

/* How long the current task was off the CPU in its call. 0 also where that is not known: while
 * waits are not recorded, or it went on before they were. */
static __always_inline u64 call_wait_so_far(u32 tid)
{
	const struct live_call_wait *here = call_wait_of_cpu();

	return here->tid == tid && here->since_ns >= control.class_since_ns[CLASS_SCHED]
		       ? here->off_ns
		       : 0;
}

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
	u64 reserved[4];
} __attribute__((aligned(64)));

/* A system call that has not returned; kept per task. */
struct live_call {
	u64 enter_ns; /* 0: none in flight */
	u32 sysno;
	u32 flags; /* EV_SYSCALL_COMPAT, EV_SYSCALL_ARGS_RECORDED */
	u64 args[6];
};

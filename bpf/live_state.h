#pragma once
/*
 * Shared by BPF programs and recorder besides ring records: counters and control words in
 * the object's .bss, which the recorder maps. Holds no code.
 */
#include "formats/table/events.h"

#define LIVE_MAX_CPUS                                                               \
	1024 /* possible CPUs; a power of two. The recorder refuses hosts with more \
	      */

/*
 * One per class and CPU, written on that CPU only, but by programs that can preempt each other:
 * hence atomic adds. attempted = records submitted + counted + ring_full + ring_busy + no_storage.
 */
struct live_counters {
	u64 attempted;
	u64 ring_full;	   /* no room */
	u64 ring_busy;	   /* the ring refused although there was room */
	u64 no_storage;	   /* no memory for the entry of a call */
	u64 unmatched;	   /* returns whose entry was not seen: no record was due, so not loss */
	u64 counted;	   /* counted in the counts table instead of a record of its own */
	u64 counts_claims; /* slots of the counts table taken so far */
	u64 reserved;	   /* a cache line each */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct live_counters) == 64, "one cache line");

/* Written by the recorder (or by the iterator that finds the recorder), read by every program. */
struct live_control {
	u32 tasks_open;	      /* 1: lifecycle events are recorded */
	u32 events_open;      /* 1: all other events are recorded */
	u32 self_tgid;	      /* the recorder, in the initial pid namespace; never recorded */
	u32 self_pid_level;   /* depth of the recorder's pid namespace */
	u64 start_ns;	      /* when events_open became 1 */
	u64 stop_ns;	      /* when it became 0 */
	u32 runs_timed;	      /* 1: programs time their runs */
	u32 counts_table;     /* 0 or 1: the half of the counts table that programs write */
	u64 self_time_ns;     /* the kernel's clocks when it was found: CLOCK_MONOTONIC, */
	u64 self_boottime_ns; /* and CLOCK_BOOTTIME */
	u64 sample_period_ns; /* 0: what the event says. Software clocks go on saying their first */
	/* Anything that began earlier is ignored: it is from before the class's probes were
	 * attached. Set before they are attached and the gate opens; never 0 then. */
	u64 class_since_ns[EV_CLASS_COUNT];
	u32 class_mode[EV_CLASS_COUNT]; /* enum live_mode; may change at any time */
	/* No hidden padding: with it, clang treats a zeroed struct as data that is not all zero. */
	u32 helper_tgid; /* its child that reads names; never recorded, either. 0: none */
	u64 reserved[2];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct live_control) == 192, "whole cache lines, all of them named");

/* By this name the programs find the recorder's child. */
#define LIVE_HELPER_NAME "kymo-names"

/* What becomes of an event. */
enum live_mode {
	LIVE_SINGLE = 0, /* a record of its own; counted if the ring has no room */
	LIVE_COUNTS = 1, /* counted only */
};

/*
 * A slot of the table of counts: events of one process, class, number, outcome and duration class,
 * all of which ended on one CPU. Becomes one row of counts. Only programs on that CPU write it, but
 * they can preempt each other: the program that adds 1 to claims and reads back 1 owns the slot,
 * fills in the key and sets ready; a slot that is claimed but not ready is skipped.
 */
struct live_count_slot {
	u64 leader_start_ns; /* the key: up to comm */
	u32 tgid, exec_id;
	u32 number; /* of the system call */
	u8 bucket;  /* floor(log2(duration in ns)); 0 for 0 */
	u8 flags;   /* LIVE_COUNT_FLAGS of the event, and its class << LIVE_COUNT_CLASS_SHIFT */
	u16 code;   /* what came of it: the class's own */
	char comm[EV_COMM_BYTES]; /* of the group leader when the slot was claimed */
	u64 event_count, total_ns;
	u64 second_ns; /* another time of theirs, summed: the class's own */
	u32 claims, ready;
	u64 amount; /* what they moved, summed: the class's own, such as bytes */
};
_Static_assert(sizeof(struct live_count_slot) == 80, "whole words, all of them named");

#define LIVE_COUNT_CLASS_SHIFT 5
#define LIVE_COUNT_FLAGS ((1u << LIVE_COUNT_CLASS_SHIFT) - 1)
#define LIVE_COUNT_CLASS_MAX 7u /* three bits name a class that counts */
_Static_assert(EV_CLASS_COUNT > LIVE_COUNT_CLASS_MAX, "each of them has counters");

/* A kind of counted events: number, flags, class, code; the bucket is added to it. */
#define LIVE_COUNT_KIND(number, flags, event_class, code)             \
	((u64)(u32)(number) | (u64)((flags)&LIVE_COUNT_FLAGS) << 40 | \
	 (u64)(event_class) << (40 + LIVE_COUNT_CLASS_SHIFT) | (u64)(u16)(code) << 48)

/* How the user's part of a stack is taken. */
enum live_stacks {
	LIVE_STACKS_FP = 0, /* by frame pointers */
	LIVE_STACKS_COPY =
		1, /* registers and a copy; by frame pointers where its outer end is missing */
	LIVE_STACKS_NONE = 2,
};

/* Slots where records with stacks are put together, of each CPU: of a sample, which may interrupt
 * the others, of a wait, and of class mem. */
#define LIVE_STACK_SLOT_SAMPLE 0
#define LIVE_STACK_SLOT_WAIT 1
#define LIVE_STACK_SLOT_MEMORY 2 /* of a page fault or a stall, with preemption off, too */
#define LIVE_STACK_SLOTS 3
/* The largest record and its frames, a copy's registers and its words, and a page, so that a read
 * of one is always inside. */
#define LIVE_STACK_SLOT_BYTES(copy_bytes)                                                \
	(sizeof(struct ring_offcpu) + 2 * EV_MAX_FRAMES * 8 + sizeof(struct ring_copy) + \
	 (copy_bytes) + 4096)

/* Sizes of processes: how many one answer has, so that it fits the 32 KiB which the kernel gathers
 * for one element of an iterator. */
#define LIVE_SIZES_PER_QUESTION 256

/*
 * Open files that were told already, by key: a set that forgets. Each line has the keys that fall
 * into it, the newest first; whoever falls off its end is told again when it is used. Programs
 * write it without a lock: what that loses is told twice.
 */
#define LIVE_FILE_WAYS 8
#define LIVE_FILE_LINES 16384u /* a power of two; 1 MiB */
struct live_file_line {
	u64 keys[LIVE_FILE_WAYS];
};

/* What a call has to do with descriptors: file_calls.def, by number. */
#define LIVE_FILE_CALLS 512u
#define LIVE_FILE_FIRST 1u  /* its first argument is one */
#define LIVE_FILE_RESULT 2u /* it returns a new one */
#define LIVE_FILE_PATH_FIRST                                                \
	4u /* its first argument is a path, or its second; told if it fails \
	    */
#define LIVE_FILE_PATH_SECOND 8u

#define LIVE_MAX_LISTED_FILES 16384u /* told when recording begins; others once they are used */

/* Stands for the kernel's bpf_rdonly_cast in calls of the object: the recorder puts its number
 * there. No helper has such a number. */
#define LIVE_CAST_MARK 0x4b796d6f

#define LIVE_MAX_NAMED 16384 /* addresses that can be named in one recording */

#define LIVE_COUNTS_PROBES 16 /* slots tried before a call counts as lost */

/* Programs that time themselves: those of probes.def but the iterators, which run inside the
 * recorder's read(2) and are in its own CPU time. */
enum live_timed {
#define TRACEPOINT(program, name, event_class, need) LIVE_TIMED_##program,
#define TYPED TRACEPOINT
#define PERF(program, name, event_class, need) LIVE_TIMED_##program,
#define COUNTER(program, name, event_class, need, event) LIVE_TIMED_##program,
#define ITERATOR(program, name, event_class, need)
#define PREPARE ITERATOR
#define PENDING ITERATOR
#define LIST ITERATOR
#define MAP(...)
#define STORAGE(...)
#include "bpf/probes.def"
	LIVE_TIMED_COUNT,
};

/* Runs by time: floor(log2(ns)) - LIVE_RUN_FIRST_LOG2; the first bucket holds shorter ones, too,
 * the last longer. */
#define LIVE_RUN_BUCKETS 16
#define LIVE_RUN_FIRST_LOG2 6

/* While runs_timed is 1; a run that began then is counted even if it ends later. */
struct live_run_time {
	u64 run_time_ns;	       /* without the interrupted ones */
	u64 interrupted_count;	       /* that lasted longer than run_limits_ns of the program */
	u64 buckets[LIVE_RUN_BUCKETS]; /* all of them */
};

struct live_run_times { /* of one CPU; added to like struct live_counters */
	struct live_run_time programs[LIVE_TIMED_COUNT];
} __attribute__((aligned(64)));

/*
 * Of a CPU: how long the task that runs there was off the CPU in the system call that it is in.
 * Class sched writes it where a task goes on, class syscalls takes it at the return, without
 * looking anything up: a task returns on the CPU where it went on last.
 */
struct live_call_wait {
	u64 off_ns;   /* 0: it ran all the time, or returned */
	u64 since_ns; /* when the task went on; 0: the rest means nothing */
	u32 tid, reserved;
	u64 reserved_line[5];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct live_call_wait) == 64, "one cache line");

/*
 * A system call that has not returned, where arguments are not recorded: the slot of its thread id,
 * modulo the number of slots. A slot belongs to the task that claimed it (by adding 1 and reading
 * back 1) until that ends; others with such an id keep their calls in struct live_call.
 */
struct live_call_slot {
	u64 start_ns; /* with tid: the owner */
	u64 enter_ns; /* 0: none in flight */
	u32 tid, claims;
	u32 sysno, flags;
};
_Static_assert(sizeof(struct live_call_slot) == 32, "half a cache line");

/* A system call that has not returned; kept per task. */
struct live_call {
	u64 enter_ns; /* 0: none in flight */
	u32 sysno;
	u32 flags; /* EV_SYSCALL_COMPAT, EV_SYSCALL_ARGS_RECORDED */
	u64 args[6];
};

#pragma once
/*
 * Row types as C: ids, structs and size checks, all made from events.def. Shared by the BPF
 * programs, the recorder and the analyzer. Holds no code and no policy.
 */

#include "formats/base/ints.h"

#define EV_COMM_BYTES 16       /* the kernel's TASK_COMM_LEN */
#define EV_MAX_FRAMES 127      /* per stack and side: PERF_MAX_STACK_DEPTH */
#define EV_MAX_PATH_BYTES 256  /* of an exec path in a ring record, NUL included */
#define EV_MAX_ARGS_BYTES 1024 /* of its arguments, NULs included */
#define EV_SYSCALL_ARGS 6
#define EV_MAX_NAMES_BYTES 1024	  /* of an open file in a ring record */
#define EV_MIN_COPY_BYTES 4096	  /* where a stack's outer end is not known */
#define EV_NO_SYSCALL 0xffffffffu /* number of a call: in none */

enum ev_type {
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) EV_##upper = id,
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
};
union ev_ids_of_types { /* as large as the highest id */
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) char of_##upper[id];
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
};
enum { EV_TYPE_MAX = sizeof(union ev_ids_of_types) };

/* CLASS_CPU, ..., and REASON_RING_FULL, ... */
enum ev_enum_value {
#define ENUM_VALUE(en, value, constant, name) constant = value,
#include "formats/table/enums.def"
#undef ENUM_VALUE
};
union ev_ids_of_classes { /* as large as the highest id and one */
#define CLASS(id, upper, name, when, ring, part, holds) char of_##upper[(id) + 1];
#include "formats/table/classes.def"
#undef CLASS
};
enum { EV_CLASS_COUNT = sizeof(union ev_ids_of_classes) };
#define EV_CLASS_UNKNOWN 255u	   /* loss rows of `kymo recover` whose class is unknown */
#define EV_CPU_UNKNOWN 0xffffffffu /* the same of CPUs */
#define EV_REASON_COUNT 9
#define EV_STATE_COUNT 4

/* Bits (1 << CLASS_*) of the classes whose records may be followed by a stack. */
enum {
	EV_CLASSES_WITH_STACKS = 0
#define STACKS_NOTHING(event_class)
#define STACKS_CALL(event_class)
#define STACKS_PATH(event_class)
#define STACKS_COMM(event_class)
#define STACKS_ENDS(event_class)
#define STACKS_DISK(event_class)
#define STACKS_NAMES(event_class)
#define STACKS_TEXT(event_class)
#define STACKS_NO_RING(event_class)
#define STACKS_COUNTS(event_class)
#define STACKS_FRAMES(event_class) | 1 << CLASS_##event_class
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) STACKS_##tail(event_class)
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
#undef STACKS_NOTHING
#undef STACKS_CALL
#undef STACKS_PATH
#undef STACKS_COMM
#undef STACKS_ENDS
#undef STACKS_DISK
#undef STACKS_NAMES
#undef STACKS_TEXT
#undef STACKS_NO_RING
#undef STACKS_COUNTS
#undef STACKS_FRAMES
};

/* Bits of fields that are FLAGS: EV_SYSCALL_UNFINISHED, ... */
enum ev_flag {
#define EVENT_BEGIN(...)
#define FIELD(...)
#define FLAG(bit, constant) constant = bit,
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef FLAG
#undef RING_ONLY
#undef EVENT_END
};

/*
 * First 48 bytes of every ring record. Identity of the task is read in the kernel at event time, so
 * it never depends on /proc or on the order of rings: (tgid, start, exec_id) is the process, tid
 * the thread.
 */
struct ring_head {
	u64 time_ns;	     /* CLOCK_MONOTONIC */
	u64 leader_start_ns; /* CLOCK_BOOTTIME start of the thread group's leader */
	u32 tgid;
	u32 tid;
	u32 exec_id; /* low half of task_struct.self_exec_id: changes with each exec */
	u16 cpu;
	u16 type; /* enum ev_type */
	char comm[EV_COMM_BYTES];
};
_Static_assert(sizeof(struct ring_head) == 48, "ring head layout");

/* Another task than that of the head. */
struct ring_task {
	u64 leader_start_ns;
	u32 tgid;
	u32 tid;
	u32 exec_id;
	u32 reserved;
	char comm[EV_COMM_BYTES];
};
_Static_assert(sizeof(struct ring_task) == 40, "ring task layout");

/*
 * open_file of a ring record: the file's key << EV_FD_BITS | its descriptor; 0: none. The key
 * stands for an open file and its name at that moment; it is made of addresses of the kernel and
 * means nothing outside the recording.
 */
#define EV_FD_BITS 20
#define EV_MAX_FD ((1u << EV_FD_BITS) - 1) /* those above are not followed */

/* Ends of a TCP or UDP socket; addresses and ports as they are sent. IPv4: in the first 4 bytes. */
struct ring_socket_names {
	u8 local[16], remote[16];
	u16 local_port, remote_port;
	u32 is_ipv6;
};
_Static_assert(sizeof(struct ring_socket_names) == 40, "ring socket names layout");

/* A copy of a user stack, as programs take it; its words follow, from the lowest address up to top.
 * The registers are as they were. */
struct ring_copy {
	u64 ip, sp, top;
	u64 bp, bx, r12, r13, r14, r15;
	u64 holes; /* bit i: page i of the words could not be read */
	u32 flags; /* enum cap_copy_flag */
	u32 reserved;
};
_Static_assert(sizeof(struct ring_copy) == 88, "ring copy layout");
#define EV_MAX_COPY_BYTES                                                       \
	((64u << 10) + 4096) /* words of a copy; what --stacks takes and a page \
			      */

/* struct ring_<event>: what a BPF program puts into a ring. */
#define RING_FROM_HEAD(ctype, name)
#define RING_FROM_USER(ctype, name)
#define RING_FROM_FILE(ctype, name)
#define RING_FROM_RING(ctype, name) ctype name;
#define RING_FROM_WHO(ctype, name) struct ring_task name;
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) \
	struct ring_##name {                                   \
		struct ring_head head;
#define FIELD(ev, id, ctype, name, kind, source, unit, sense, need) RING_FROM_##source(ctype, name)
#define RING_ONLY(ev, ctype, name) ctype name;
#define EVENT_END(ev, row_bytes, ring_bytes) \
	}                                    \
	;                                    \
	_Static_assert(sizeof(struct ring_##ev) == ring_bytes, "ring layout of " #ev);
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END

/* struct ev_<event>: a row as the writer takes it. TASK, STACK, STRING and BYTES fields are indices
 * into its chunk's tables. */
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) struct ev_##name {
#define FIELD(ev, id, ctype, name, kind, source, unit, sense, need) ctype name;
#define RING_ONLY(...)
#define EVENT_END(ev, row_bytes, ring_bytes) \
	}                                    \
	;                                    \
	_Static_assert(sizeof(struct ev_##ev) == row_bytes, "row layout of " #ev);
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END

/* How rows of events that were counted begin: TAIL COUNTS of events.def. */
struct ev_counts {
	u64 time_ns, from_ns; /* they were counted in (from_ns, time_ns] */
	u64 count;	      /* events */
};

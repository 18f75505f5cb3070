#pragma once
/* Counting events instead of recording them one by one: what counts.bpf.c does. */
#include "log2.bpf.h"
#include "state.bpf.h"

/* A control word, read exactly here: the compiler may neither move nor repeat the read. */
#define READ_CONTROL(word) (*(volatile typeof(control.word) *)&control.word)

/*
 * Adds an event of the current task, which just ended, to a half of the table; kind:
 * LIVE_COUNT_KIND. second_ns: another duration, its meaning depends on the class. 0: no slot was
 * free. A global function, which the verifier checks once, separately. table may have
 * COUNTS_OF_NOBODY added: then the event is no process's.
 */
#define COUNTS_OF_NOBODY 2u
int counts_add(u64 duration_ns, u64 second_ns, u64 kind, u32 table);

/* An event of a task that is not the current one. */
struct counts_event {
	u64 duration_ns, second_ns;
	u64 amount; /* what it moved: the class's own */
	u64 kind;   /* LIVE_COUNT_KIND */
	u32 table, reserved;
};

/* The same for an event of another process than the current task's: who, with the name of its
 * leader. Takes kernel 5.12. */
int counts_add_of(const struct ring_task *who, const struct counts_event *event);

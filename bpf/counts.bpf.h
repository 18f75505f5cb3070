#pragma once
/* Counting calls instead of recording them one by one: what counts.bpf.c does. */
#include "state.bpf.h"

/* A control word, read here and now: the compiler may neither move nor repeat it. */
#define READ_CONTROL(word) (*(volatile typeof(control.word) *)&control.word)

/*
 * Adds a call of the current task, which just returned, to a half of the table; flags are those of
 * the record. 0: no slot was free. A global function, which the verifier looks at once, by itself.
 */
int counts_add(u64 duration_ns, s64 ret, u32 sysno, u32 flags, u32 table);

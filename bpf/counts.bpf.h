#pragma once
/* Counting events instead of recording them one by one: what counts.bpf.c does. */
#include "state.bpf.h"

/* A control word, read exactly here: the compiler may neither move nor repeat the read. */
#define READ_CONTROL(word) (*(volatile typeof(control.word) *)&control.word)

/* floor(log2(value)); 0 for 0. Without a branch: each doubles the verifier's work. */
static __always_inline u32 log2_floor(u64 value)
{
	value |= value >> 1;
	value |= value >> 2;
	value |= value >> 4;
	value |= value >> 8;
	value |= value >> 16;
	value |= value >> 32;
	return (u32)__builtin_popcountll(value >> 1);
}

/*
 * Adds an event of the current task, which just ended, to a half of the table; kind:
 * LIVE_COUNT_KIND. second_ns: another duration, its meaning depends on the class. 0: no slot was
 * free. A global function, which the verifier checks once, separately.
 */
int counts_add(u64 duration_ns, u64 second_ns, u64 kind, u32 table);

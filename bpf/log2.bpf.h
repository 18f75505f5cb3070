#pragma once
/* Powers of two: the classes of durations. */
#include "vmlinux_min.h"

#include <bpf/bpf_helpers.h>

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

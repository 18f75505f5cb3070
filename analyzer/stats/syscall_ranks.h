#pragma once
/*
 * Percentiles and bounds of groups of system calls: which ranks must be looked up among single
 * events, and what counted calls say of the others. For syscall_aggregate.c.
 */
#include "analyzer/stats/rank_select.h"
#include "analyzer/stats/syscall_aggregate.h"
#include "analyzer/stats/syscall_counted.h"

/* -------- steps of durations: 32 per power of two, each value below 64 its own -------- */

#define KYMO_STEP_BITS 5u

static inline u32 kymo_step_of(u64 ns)
{
	u32 power;

	if (ns < 2u << KYMO_STEP_BITS)
		return (u32)ns;
	power = 63u - (u32)__builtin_clzll(ns);
	return ((power - KYMO_STEP_BITS) << KYMO_STEP_BITS) + (u32)(ns >> (power - KYMO_STEP_BITS));
}

void kymo_step_bounds(u32 step, u64 *ret_low_ns, u64 *ret_high_ns);
u32 kymo_step_log2(u32 step); /* floor(log2), 0 for 0 */

/* -------- ranks -------- */

struct kymo_rank_input {
	struct kymo_syscall_group *groups;
	u32 group_count;
	const struct kymo_count
		*steps; /* of single events; a: index of the group, b: step; sorted */
	size_t step_count;
	const struct kymo_counted *counted; /* sorted */
};

/* Sets the percentiles that are known or must be estimated, and adds targets for the others, group
 * number first_number being groups[0]. 0 or -ENOMEM. */
int kymo_rank_targets(struct kymo_rank_select *select, u32 first_number,
		      const struct kymo_rank_input *input);

/* When all percentiles are set: shortest and longest, of single events so far, over all calls.
 * Needs no steps. */
void kymo_rank_bounds(const struct kymo_rank_input *input);

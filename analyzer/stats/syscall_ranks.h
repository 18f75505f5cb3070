#pragma once
/*
 * Percentiles and bounds of groups of system calls: which ranks must be looked up among single
 * events, and what counted calls imply for the others. For syscall_aggregate.c.
 */
#include "analyzer/stats/kept_durations.h"
#include "analyzer/stats/rank_select.h"
#include "analyzer/stats/syscall_counted.h"
#include "analyzer/stats/syscall_group.h"

extern const u32 kymo_quantile_permille[KYMO_QUANTILES];

/* -------- ranks -------- */

struct kymo_rank_input {
	struct kymo_syscall_group *groups;
	u32 group_count;
	const struct cap_word_slot
		*steps; /* of single events; a: index of the group, b: step; sorted */
	size_t step_count;
	const struct kymo_counted *counted; /* sorted */
};

/* Sets the percentiles that are known or must be estimated, and adds targets for the others, group
 * number first_number being groups[0]. 0 or -ENOMEM. */
int kymo_rank_targets(struct kymo_rank_select *select, u32 first_number,
		      const struct kymo_rank_input *input);

/* Sets the value of each target from first_target to target_end that the kept durations tell: what
 * is left needs the events again. members: the groups of durations, those of target group
 * first_number + i from first_member[i] to first_member[i + 1]. */
void kymo_rank_answers(struct kymo_rank_select *select, size_t first_target, size_t target_end,
		       const struct kymo_kept *kept, u32 first_number, const u32 *members,
		       const u32 *first_member);

/* When all percentiles are set: shortest and longest, of single events so far, over all calls.
 * Needs no steps. */
void kymo_rank_bounds(const struct kymo_rank_input *input);

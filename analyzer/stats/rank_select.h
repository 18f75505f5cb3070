#pragma once
/*
 * Values at wanted ranks of many groups, exactly, in bounded memory: each round looks, in one pass
 * over the data, only at the value ranges that still hold a wanted rank, and either counts their
 * distinct values or splits them into 64. For syscall_aggregate.c.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/word_map.h"
#include "formats/base/cap_error.h"

struct kymo_rank_target { /* one wanted rank of one group */
	u32 group;
	u64 rank;      /* 1 = smallest */
	u64 low, high; /* the value is known to lie in here, both included */
	u64 before;    /* values of the group below low */
	u64 count;     /* values of the group in low..high */
	u64 value;     /* the answer, when low == high */
	u32 quantile;  /* the caller's */
	u32 range;     /* of this round */
};

struct kymo_rank_range {
	u32 group;
	u64 low, high, count;
	u64 split_width; /* 0: distinct values are counted */
};

struct kymo_rank_select {
	struct kymo_rank_target *targets; /* sorted by group, then rank */
	size_t target_count, target_capacity;
	struct kymo_rank_range *ranges; /* of this round, sorted by group */
	size_t range_count;
	u32 *first_range; /* per group: index into ranges; group_count + 1 entries */
	u32 group_count;
	struct cap_word_map counts;
};

void kymo_rank_select_done(struct kymo_rank_select *select);

/* Adds a target; in order of group and rank. 0 or -ENOMEM. */
int kymo_rank_select_want(struct kymo_rank_select *select, const struct kymo_rank_target *target);

/* Prepares the next round. 1: make a pass, feeding every value to kymo_rank_select_add, then end
 * the round; 0: all ranks are known; -ENOMEM. */
int kymo_rank_select_begin(struct kymo_rank_select *select);

static inline int kymo_rank_select_add(struct kymo_rank_select *select, u32 group, u64 value)
{
	for (u32 i = select->first_range[group]; i < select->first_range[group + 1]; i++) {
		const struct kymo_rank_range *range = &select->ranges[i];

		if (value >= range->low && value <= range->high &&
		    cap_word_map_add(&select->counts, i,
				     range->split_width ? (value - range->low) / range->split_width
							: value,
				     1) < 0)
			return -1;
	}
	return 0;
}

/* 0; -EIO if the pass did not show the same values as before. */
int kymo_rank_select_end(struct kymo_rank_select *select);

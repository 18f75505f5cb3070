#pragma once
/*
 * Durations of many groups: a histogram of each, and the durations themselves, four bytes each, so
 * that the value at a wanted rank can be told without reading the input again. Their memory is
 * bounded: beyond the bound, where many lie close together only the number of each value is kept,
 * and durations far from every wanted rank are only counted. For syscall_aggregate.c.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/word_map.h"

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

/* ceil(count * permille / 1000) without overflow */
static inline u64 kymo_rank_of(u64 count, u64 permille)
{
	return count / 1000 * permille + (count % 1000 * permille + 999) / 1000;
}

/* -------- what is kept -------- */

#define KYMO_KEPT_STEPS 896u /* of durations below 2^32 ns */

/* In a count of a step: its durations are only counted, or are in dense instead of the log. */
#define KYMO_STEP_DROPPED (1u << 31)
#define KYMO_STEP_DENSE (1u << 30)
#define KYMO_STEP_COUNT (KYMO_STEP_DENSE - 1)

struct kymo_kept_group {
	u32 *log; /* durations, as they came */
	u32 used, capacity;
	/* Per step, of a group that is used much, and since then. NULL: each duration is in the
	 * log, or dropped. */
	u32 *counts;
	u32 *dense;    /* how many there are of each duration of a dense step; NULL: no such step */
	u32 *dense_at; /* per step: what to add to a duration, modulo 2^32, for its place in dense
			*/
	u32 dense_count;
	bool dropped; /* without counts: durations are in kymo_kept.steps, not in the log */
};

struct kymo_kept {
	struct kymo_kept_group *groups;
	u32 group_count;
	struct cap_word_map steps; /* (group, step): what is counted neither in counts nor a log */
	struct cap_word_map wide;  /* (group, ns): durations that pass 32 bits; also in steps */
	bool wide_dropped;
	struct cap_word_slot *wide_list; /* of wide, sorted, once settled */
	size_t wide_count;
	u64 bytes; /* of logs, dense and wide; without the few durations that take no more than
		      their group does anyway */
};

void kymo_kept_done(struct kymo_kept *kept);

/* The slow ways of kymo_kept_add. 0 or -ENOMEM. */
int kymo_kept_add_wide(struct kymo_kept *kept, u32 group, u64 ns);
int kymo_kept_add_counted(struct kymo_kept *kept, u32 group, u32 step);
int kymo_kept_grow(struct kymo_kept *kept, u32 group);

/* One more duration of a group; groups count from 0. 0 or negative when out of memory. */
static inline int kymo_kept_add(struct kymo_kept *kept, u32 group, u64 ns)
{
	struct kymo_kept_group *at;

	if (ns > UINT32_MAX)
		return kymo_kept_add_wide(kept, group, ns);
	if (group >= kept->group_count ||
	    kept->groups[group].used == kept->groups[group].capacity) {
		if (kymo_kept_grow(kept, group) < 0)
			return -1;
	}
	at = &kept->groups[group];
	if (at->counts) {
		u32 step = kymo_step_of(ns), count = at->counts[step];

		if ((count & KYMO_STEP_COUNT) == KYMO_STEP_COUNT)
			return kymo_kept_add_counted(kept, group, step);
		at->counts[step] = count + 1;
		if (count & KYMO_STEP_DROPPED)
			return 0;
		if (count & KYMO_STEP_DENSE) {
			at->dense[(u32)ns + at->dense_at[step]]++;
			return 0;
		}
	} else if (at->dropped) {
		return kymo_kept_add_counted(kept, group, kymo_step_of(ns));
	}
	at->log[at->used++] = (u32)ns;
	return 0;
}

/*
 * When more than `bytes` are kept: packs and drops durations, to half of that if it can be. A rank
 * is wanted, by permille, of each group and of all groups with the same total (total_of: per group)
 * together: durations so close to these that later calls may move a rank there are kept longest.
 * All are dropped where that leaves little room for more. 0 or -ENOMEM.
 */
int kymo_kept_bound(struct kymo_kept *kept, u64 bytes, const u32 *total_of, const u32 *permille,
		    size_t permille_count);

/* Moves all counts into kept->steps: nothing may be added afterwards. 0 or -ENOMEM. */
int kymo_kept_settle(struct kymo_kept *kept);

/* The value at rank (1 = smallest) among the durations of these groups that lie in a step. False if
 * they are not all kept, or out of memory. */
bool kymo_kept_value(const struct kymo_kept *kept, const u32 *groups, size_t group_count, u32 step,
		     u64 rank, u64 *ret_ns);

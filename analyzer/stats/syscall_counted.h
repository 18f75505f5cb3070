#pragma once
/*
 * System calls that were counted in the kernel instead of stored one by one: per group and power of
 * two, their number and total duration. What follows for the shortest, the longest and a wanted
 * rank is a bound or an estimate, never a measurement, and is marked so. For syscall_aggregate.c.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/word_map.h"

#define KYMO_COUNTED_BUCKETS 64u /* powers of two of a u64 */

struct kymo_counted_cell {
	u32 group, bucket;
	u64 calls;    /* more than none */
	u64 total_ns; /* of all of them together: exact */
	/* The shortest lies in least_low_ns..least_high_ns, the longest in
	 * most_low_ns..most_high_ns: a row of one call knows it exactly. */
	u64 least_low_ns, least_high_ns, most_low_ns, most_high_ns;
};

struct kymo_counted {
	struct kymo_counted_cell *cells; /* in order of group and bucket once sorted */
	size_t count, capacity;
	struct cap_word_map map; /* -> index + 1; until sorted */
};

void kymo_counted_done(struct kymo_counted *counted);

/* calls > 0 finished calls of that duration class, which took total_ns together. 0 or -ENOMEM. */
int kymo_counted_add(struct kymo_counted *counted, u32 group, u32 bucket, u64 calls, u64 total_ns);
/* The same of a cell of another group. */
int kymo_counted_merge(struct kymo_counted *counted, u32 group,
		       const struct kymo_counted_cell *from);
/* Nothing may be added afterwards. */
void kymo_counted_sort(struct kymo_counted *counted);

/* Bounds of a power of two: the same as of the histogram. */
void kymo_counted_bounds(u32 bucket, u64 *ret_low_ns, u64 *ret_high_ns);

struct kymo_counted_steps { /* single events in the same power of two: `count` steps, ascending */
	const struct cap_word_slot *list; /* b: the step */
	size_t count;
	void (*bounds)(u32 step, u64 *ret_low_ns, u64 *ret_high_ns);
};

/*
 * The value at rank 1 .. cell->calls + single events of the cell's power of two. Counted calls are
 * assumed to be spread evenly below and evenly above their measured mean.
 */
u64 kymo_counted_estimate(const struct kymo_counted_cell *cell,
			  const struct kymo_counted_steps *single, u64 rank);

/* Sums of numbers from a capture: they saturate at the largest that SQL can hold. */
static inline u64 kymo_counted_sum(u64 a, u64 b)
{
	u64 sum;

	return __builtin_add_overflow(a, b, &sum) || sum > INT64_MAX ? INT64_MAX : sum;
}

#pragma once
/* A group of system calls: what reports show of it. Its percentiles are found by syscall_ranks.c,
 * the rest by syscall_aggregate.c. */
#include "formats/table/events.h"

#define KYMO_QUANTILES 4 /* p50, p90, p99, p999 */

/* Bits of kymo_syscall_group.estimated: percentiles that are interpolated, and a shortest (at
 * least) and a longest (at most) that are bounds. */
#define KYMO_ESTIMATED_QUANTILE(q) (1u << (q))
#define KYMO_BOUND_MIN (1u << KYMO_QUANTILES)
#define KYMO_BOUND_MAX (2u << KYMO_QUANTILES)
/* All times are lower bounds: of calls recorded without their entries, the time off the CPU. */
#define KYMO_BOUND_ALL (4u << KYMO_QUANTILES)

struct kymo_syscall_group {
	u32 capture_id;
	u32 process_id; /* 0: all processes */
	u32 sysno;
	u32 compat; /* 0 or 1 */
	u64 calls, finished, unfinished, errors;
	u64 total_ns, min_ns, max_ns; /* of finished calls; meaningless where finished is 0 */
	u64 quantile_ns[KYMO_QUANTILES];
	u64 counted;	      /* of calls: known as counts, not as single events */
	u64 counted_finished; /* of finished */
	u32 estimated;	      /* bits above */
};

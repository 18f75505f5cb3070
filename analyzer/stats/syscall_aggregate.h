#pragma once
/*
 * Exact counts, sums and percentiles of system calls, per (capture, process, call) and per
 * (capture, call), in bounded memory: the first pass keeps the durations as small as they get;
 * where that is too much, further passes narrow down and then count distinct values only where a
 * wanted rank lies. Knows neither SQL nor captures: a source feeds it the columns, once per pass.
 *
 * Calls that were counted in the kernel (syscall_counted.h) join in: numbers and sums stay exact; a
 * rank that lies among them is estimated, and the shortest and the longest are bounds.
 */
#include <stdbool.h>
#include <stddef.h>

#include "analyzer/stats/syscall_group.h"
#include "formats/base/cap_error.h"
#include "formats/table/events.h"

struct kymo_syscall_batch { /* columns of count calls, already filtered */
	size_t count;
	const u64 *duration_ns;
	const u64 *sysno;
	const u64 *flags;
	const u64 *error;
	const u32 *process_id; /* global ids */
	u32 capture_id;
};

typedef int (*kymo_syscall_batch_fn)(void *context, const struct kymo_syscall_batch *batch,
				     struct cap_err *err);

struct kymo_syscall_counts { /* columns of count `syscall_count` rows, already filtered */
	size_t count;
	const u64 *call_count;
	const u64 *total_ns;
	const u64 *sysno;
	const u64 *flags;
	const u64 *bucket;
	const u64 *error;
	const u32 *process_id; /* global ids */
	u32 capture_id;
};

typedef int (*kymo_syscall_counts_fn)(void *context, const struct kymo_syscall_counts *counts,
				      struct cap_err *err);

struct kymo_syscall_source {
	/* Feeds every call to fn, in the same way each time. Stops at and returns what fn returns
	 * if negative. */
	int (*run)(void *context, kymo_syscall_batch_fn fn, void *fn_context, struct cap_err *err);
	/* Feeds all counted calls to fn, once. NULL: there are none. */
	int (*run_counts)(void *context, kymo_syscall_counts_fn fn, void *fn_context,
			  struct cap_err *err);
	void *context;
};

struct kymo_syscall_count { /* failed calls by errno, or finished calls by power of two */
	u32 capture_id, process_id, sysno, compat;
	u32 value; /* errno, or bucket: floor(log2(ns)), 0 for 0 */
	u64 calls;
};

struct kymo_syscall_aggregate;

/*
 * The first pass by itself, for callers that walk over the calls anyway: new, add each batch,
 * finish. finish runs the source for the passes that are left; the source must show the same calls.
 * The counting is to be freed in any case.
 */
struct kymo_syscall_counting;
struct kymo_syscall_counting *kymo_syscall_counting_new(void); /* NULL: out of memory */
struct kymo_syscall_counting *kymo_syscall_counting_free(struct kymo_syscall_counting *counting);
/* Bytes for kept durations, instead of the default. For tests: fewer bytes mean more passes. */
void kymo_syscall_counting_keep(struct kymo_syscall_counting *counting, u64 bytes);
void kymo_syscall_counting_freep(struct kymo_syscall_counting **counting);
int kymo_syscall_counting_add(void *counting, const struct kymo_syscall_batch *batch,
			      struct cap_err *err);
int kymo_syscall_counting_finish(struct kymo_syscall_counting *counting,
				 const struct kymo_syscall_source *source,
				 struct kymo_syscall_aggregate **ret_aggregate,
				 struct cap_err *err);

/* All passes. 0, -ENOMEM, or what the source returned. */
int kymo_syscall_aggregate_new(const struct kymo_syscall_source *source,
			       struct kymo_syscall_aggregate **ret_aggregate, struct cap_err *err);
struct kymo_syscall_aggregate *
kymo_syscall_aggregate_free(struct kymo_syscall_aggregate *aggregate);
void kymo_syscall_aggregate_freep(struct kymo_syscall_aggregate **aggregate);

/* Sorted by capture, process, call; owned by the aggregate. */
const struct kymo_syscall_group *kymo_syscall_totals(const struct kymo_syscall_aggregate *aggregate,
						     size_t *ret_count);
const struct kymo_syscall_group *
kymo_syscall_by_process(const struct kymo_syscall_aggregate *aggregate, size_t *ret_count);
const struct kymo_syscall_count *kymo_syscall_errors(const struct kymo_syscall_aggregate *aggregate,
						     size_t *ret_count);
const struct kymo_syscall_count *
kymo_syscall_histogram(const struct kymo_syscall_aggregate *aggregate, size_t *ret_count);

#pragma once
/*
 * CPU samples of a capture summed up per task and stack, as its stacks are resolved: what pictures
 * of stacks ask for, without another walk. Table temp.sample_sums(capture_id, task_id, stack_id,
 * samples, no_user, no_kernel, truncated, with_period, periods) has a row for each that a filter's
 * time holds: samples; how many have no user stack (kernel threads left out), no kernel stack, a
 * cut stack; how many tell their period, and the sum of these. Table temp.sample_period(capture_id,
 * longest) has the longest period of the first samples, from which view sampling takes the rate.
 */
#include <sqlite3.h>

#include "analyzer/capture/chunk_cursor.h"
#include "analyzer/db/filter.h"

struct kymo_sample_sums;

/* filter: settled, or NULL; only its times are used. NULL: out of memory. */
struct kymo_sample_sums *kymo_sample_sums_new(const struct kymo_filter *filter);
struct kymo_sample_sums *kymo_sample_sums_free(struct kymo_sample_sums *sums);

/* The section of CPU samples that the cursor is at. 0 or negative. */
int kymo_sample_sums_add(struct kymo_sample_sums *sums, const struct kymo_capture *capture,
			 struct kymo_chunk_cursor *cursor, struct cap_err *err);
/* Makes the table. */
int kymo_sample_sums_store(const struct kymo_sample_sums *sums, const struct kymo_capture *capture,
			   sqlite3 *db, struct cap_err *err);

#pragma once
/* The exact aggregate of system calls, limited by a filter, from a database or a capture. For what
 * the summary tables do not answer. */
#include "analyzer/db/open_db.h"
#include "analyzer/stats/syscall_aggregate.h"

/* The filter must be resolved. 0, -ENOMEM, or what reading met. Free with
 * kymo_syscall_aggregate_free. *ret_counts_outside (may be NULL): counted calls that were left out,
 * since their span is only partly in the time asked for. */
int kymo_db_syscall_aggregate(struct kymo_db *db, const struct kymo_filter *filter,
			      struct kymo_syscall_aggregate **ret_aggregate,
			      u64 *ret_counts_outside, struct cap_err *err);

#pragma once
/* The exact aggregate of system calls, limited by a filter, from a database or a capture. For what
 * the summary tables do not answer. */
#include "analyzer/db/open_db.h"
#include "analyzer/reports/syscall_aggregate.h"

/* The filter must be resolved. 0, -ENOMEM, or what reading met. Free with
 * kymo_syscall_aggregate_free. */
int kymo_db_syscall_aggregate(struct kymo_db *db, const struct kymo_filter *filter,
			      struct kymo_syscall_aggregate **ret_aggregate, struct cap_err *err);

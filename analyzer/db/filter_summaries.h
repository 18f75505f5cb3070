#pragma once
/*
 * Makes the views of system calls answer for a part of a capture: under a filter of time, process
 * or name, the summary tables are computed again for the calls that pass it, as temporary tables of
 * the same names, which hide the stored ones on this connection.
 */
#include "analyzer/db/open_db.h"

/* Nothing to do where the filter is open. filter must be resolved. *ret_counts_outside: counted
 * calls that were left out, since their span is only partly in the time asked for. 0, -ENOMEM, or
 * the database's error. */
int kymo_filter_summaries(struct kymo_db *db, const struct kymo_filter *filter,
			  u64 *ret_counts_outside, struct cap_err *err);

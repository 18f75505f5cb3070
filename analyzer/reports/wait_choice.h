#pragma once
/* Which intervals off the CPU a report is about. Their views have the same columns for that. */
#include <stdbool.h>

#include "analyzer/db/open_db.h"

struct kymo_wait_choice {
	const struct kymo_filter *filter; /* resolved */
	const char *reason;		  /* NULL: all */
	const char *kinds;		  /* names with commas between; NULL: all */
	const char *name;		  /* of the system call; NULL: all */
	s64 min_ns, max_ns;		  /* of an interval; 0 and INT64_MAX: any */
	bool all; /* also kernel threads, and what waited from before the recording to after it */
	bool share_idle; /* shares are of all that is shown, also of waits for work */
};

#define KYMO_WAIT_SQL_BYTES (KYMO_FILTER_SQL_BYTES + 512)

/*
 * Conditions on a view called v, to stand after WHERE. low and high: what bounds the length of its
 * intervals. Of those that are counted together, they hold for all or none. Bind with
 * kymo_wait_bind.
 */
void kymo_wait_sql(const struct kymo_wait_choice *choice, const char *low, const char *high,
		   char ret_sql[KYMO_WAIT_SQL_BYTES]);
int kymo_wait_bind(const struct kymo_wait_choice *choice, struct kymo_query *query);

static inline bool kymo_wait_is_bounded(const struct kymo_wait_choice *choice)
{
	return choice->min_ns > 0 || choice->max_ns < INT64_MAX;
}

/* What --reason and --kind take (one reason; kinds with commas between); value must stay. 0 or
 * CAP_EUSAGE. */
int kymo_wait_set_reason(struct kymo_wait_choice *choice, const char *value, struct cap_err *err);
int kymo_wait_set_kinds(struct kymo_wait_choice *choice, const char *value, struct cap_err *err);

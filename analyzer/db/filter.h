#pragma once
/* What a report is limited to: a part of the time, a process, a name, a capture. */
#include <stdbool.h>

#include "analyzer/capture/syscall_rows.h"
#include "analyzer/db/query.h"
#include "formats/base/cap_error.h"

/* What a report is limited to. Set by the common options, then completed by kymo_filter_resolve
 * (filter_resolve.h). */
struct kymo_filter {
	bool has_from, has_to;
	bool from_is_absolute,
		to_is_absolute; /* ns of CLOCK_MONOTONIC; else ns from the capture's start */
	s64 from_ns, to_ns;	/* calls and samples with from <= time_ns < to */
	s64 pid;		/* tgid; -1: all */
	const char *comm;	/* thread name; NULL: all */
	s64 capture_id;		/* 0: all */
};

#define KYMO_WINDOW_EMPTY "--to must be later than --from"

/* The first half of kymo_filter_resolve, for a capture that begins at start_ns. */
void kymo_filter_settle_times(struct kymo_filter *filter, s64 start_ns);
/* A resolved filter, as a choice of system calls. */
void kymo_filter_wanted(const struct kymo_filter *filter, struct kymo_syscall_wanted *ret_wanted);

bool kymo_filter_is_open(const struct kymo_filter *
				 filter); /* no time, pid or comm: the summary tables may be used */

#define KYMO_FILTER_SQL_BYTES 512
/*
 * Writes conditions for a resolved filter, to stand after WHERE ("1" if none): on capture_id and
 * time_ns of the event table called `event`, and tgid and comm of the task table called `task`.
 * Bind the values with kymo_filter_bind.
 */
void kymo_filter_sql(const struct kymo_filter *filter, const char *event, const char *task,
		     char ret_sql[KYMO_FILTER_SQL_BYTES]);
int kymo_filter_bind(const struct kymo_filter *filter, struct kymo_query *query);

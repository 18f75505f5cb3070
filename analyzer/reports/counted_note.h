#pragma once
/* How many system calls a report knows as single events, and how many only as counts with durations
 * known to a power of two: those that were counted in the kernel instead of stored one by one. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_counted_sums {
	s64 single, counted;
	s64 outside; /* counted calls that were left out: their span is only partly in the time
			asked for */
	bool has_spans;
	bool blocked; /* some were recorded without their entries: times are those off the CPU */
	double from_s,
		to_s; /* first begin and last end of the spans; seconds from the capture's start */
};

/* Sums over view `syscalls`, whose summaries are already limited to the filter; name NULL: all
 * calls. 0 or the database's error. */
int kymo_counted_sums(struct kymo_db *db, const struct kymo_filter *filter, const char *name,
		      u64 outside, struct kymo_counted_sums *ret_sums, struct cap_err *err);

/* What was left out of a report that is limited to a time; "" where nothing was. */
#define KYMO_COUNTED_CLAUSE_BYTES 96
void kymo_counted_clause(const struct kymo_counted_sums *sums,
			 char ret_text[KYMO_COUNTED_CLAUSE_BYTES]);

/* Object "counted_calls" of a JSON document, with what the marks of its rows mean. Nothing where no
 * call was counted. */
void kymo_counted_object(struct kymo_writer *writer, const struct kymo_counted_sums *sums,
			 const struct kymo_filter *filter);

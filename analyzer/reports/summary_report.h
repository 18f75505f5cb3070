#pragma once
/* The first answer about a capture: where it is from, what ran, what waited, what was slow. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

/* The filter is resolved and names one capture. 0, or the database's error. */
int kymo_summary_json(struct kymo_db *db, const struct kymo_filter *filter,
		      struct kymo_writer *writer, struct cap_err *err);

/*
 * For people: at most 20 lines of at most 80 columns. has_offcpu: there is a command of that name,
 * to be named among the next ones.
 */
int kymo_summary_text(struct kymo_db *db, const struct kymo_filter *filter, bool has_offcpu,
		      FILE *out, struct cap_err *err);

#pragma once
/* What the recorder left out on purpose, to stay within its budget: sampled more slowly, counted
 * instead of stored, or not recorded. Not a loss: the exit status does not tell it, so the line
 * above a report does (coverage_line.h). */
#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"
#include "analyzer/reports/coverage_line.h"

/*
 * Calls fn for each class and state (not full) in each capture under the resolved filter, with a
 * sentence like "no samples were taken for 5.00 of 30.00 s (seconds 20.0 to 25.0)". path and text
 * are valid during the call. Returns how often, or the database's error.
 */
int kymo_reduced_each(struct kymo_db *db, const struct kymo_filter *filter, int classes,
		      void (*fn)(void *context, const char *path, const char *text), void *context,
		      struct cap_err *err);

/*
 * The same as table "thinned" of a JSON document: one row per span, only where the captures have
 * rows of the governor; without them nothing is known to be thinned. With KYMO_ABOUT_ALL also, as
 * table "counted", the system calls that were counted instead of stored. Nothing in other formats.
 * 0 or the database's error.
 */
int kymo_reduced_tables(struct kymo_db *db, const struct kymo_filter *filter, int classes,
			struct kymo_writer *writer, struct cap_err *err);

/* Whether captures under the filter hold rows of the governor: 1, 0, or the database's error. */
int kymo_governed(struct kymo_db *db, const struct kymo_filter *filter, struct cap_err *err);

/* Table "counted" of a document: calls that were counted instead of stored; none, if there are
 * none. For reports on single calls. */
int kymo_counted_table(struct kymo_db *db, const struct kymo_filter *filter,
		       struct kymo_writer *writer, struct cap_err *err);

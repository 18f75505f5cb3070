#pragma once
/* Tables of system calls: what was called, how long it took, how it failed, and what had not
 * returned. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_syscalls_options {
	const struct kymo_filter *filter; /* resolved; summaries are already limited to it */
	const char *sort;		  /* one of kymo_syscalls_sort_names */
	const char *name;		  /* one system call only; NULL: all */
	s64 limit;			  /* rows of the main table; -1: all */
	bool by_process, errors, in_flight;
	bool slow;	 /* also the longest single calls, up to the limit of rows or SLOW_ROWS */
	bool on_cpu;	 /* also the CPU time of calls, from samples */
	bool estimate;	 /* also what calls come to with the spans that were not recorded */
	bool share_idle; /* shares are of all time, also of that spent waiting for work */
	bool counted;	 /* some calls were counted: tables say which, and mark what is not exact */
	bool blocked;	 /* entries were not recorded: times are marked as lower bounds */
};

/* "share, total, ...": the keys a table can be sorted by. */
const char *kymo_syscalls_sort_names(void);
bool kymo_syscalls_sort_known(const char *name);

/* Writes the tables asked for into a document. Returns rows of the main table, or the database's
 * error. */
s64 kymo_syscalls_tables(struct kymo_db *db, const struct kymo_syscalls_options *options,
			 struct kymo_writer *writer, struct cap_err *err);

/* Was there time, within the resolved filter's, in which calls were not recorded, but waits were?
 * 0, or the database's error. */
int kymo_syscalls_have_gaps(struct kymo_db *db, const struct kymo_filter *filter, bool *ret_gaps,
			    struct cap_err *err);

/* Histograms of the finished calls: as a table of a document, or drawn as text with one bar per
 * power of two. */
s64 kymo_syscalls_histogram_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
				  struct kymo_writer *writer, struct cap_err *err);
s64 kymo_syscalls_histogram_text(struct kymo_db *db, const struct kymo_syscalls_options *options,
				 FILE *out, struct cap_err *err);

#pragma once
/* Tables of memory: page faults and sizes of processes, stalls, OOM kills, sizes over time. */
#include <stdio.h>

#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_mem_options {
	const struct kymo_filter *filter; /* resolved */
	s64 limit;			  /* rows of a table; -1: all */
	bool by_process;		  /* processes of one name apart */
	bool by_growth;			  /* those that grew most first; else by page faults */
};

struct kymo_mem_totals {
	s64 minor_faults, major_faults; /* of the whole host in the time asked for; exact */
	s64 stalls, stall_ns;
	s64 oom_kills;
	bool has_sizes; /* of processes */
	bool recorded;	/* the captures have probes for class mem */
};

/* 0, or the database's error. */
int kymo_mem_totals(struct kymo_db *db, const struct kymo_mem_options *options,
		    struct kymo_mem_totals *ret_totals, struct cap_err *err);

/*
 * Tables of a document: mem_by_process; mem_stalls_by_process, the longest in total first;
 * oom_kills; mem_stalls, the longest first; rss_samples. Return how many rows there are, of which
 * no more than the limit are written, or the database's error.
 */
s64 kymo_mem_processes(struct kymo_db *db, const struct kymo_mem_options *options,
		       struct kymo_writer *writer, struct cap_err *err);
s64 kymo_mem_stalls(struct kymo_db *db, const struct kymo_mem_options *options,
		    struct kymo_writer *writer, struct cap_err *err);
s64 kymo_mem_oom_kills(struct kymo_db *db, const struct kymo_mem_options *options,
		       struct kymo_writer *writer, struct cap_err *err);
s64 kymo_mem_single_stalls(struct kymo_db *db, const struct kymo_mem_options *options,
			   struct kymo_writer *writer, struct cap_err *err);
s64 kymo_mem_sizes(struct kymo_db *db, const struct kymo_mem_options *options,
		   struct kymo_writer *writer, struct cap_err *err);

/* Sizes over time, a line for each process, the largest first. Returns how many there are. */
s64 kymo_mem_sizes_text(struct kymo_db *db, const struct kymo_mem_options *options, FILE *out,
			struct cap_err *err);

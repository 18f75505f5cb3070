#pragma once
/* Tables of disk I/O: by disk, by process, single requests, histograms, a heat map. */
#include <stdio.h>

#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_block_options {
	const struct kymo_filter *filter; /* resolved */
	const char *disk;		  /* only this; NULL: all */
	const char *op;			  /* only this; NULL: all */
	s64 limit;			  /* rows of a table; -1: all */
	bool by_process;		  /* processes of one name apart */
	bool failed;			  /* requests that failed only */
};

struct kymo_block_totals {
	s64 ios, read_bytes, written_bytes, max_ns, failed;
	s64 unknown_ios; /* nobody knows who issued them */
	s64 counted_ios; /* not known singly */
	s64 partly;	 /* counted ones that may lie outside of the time asked for: in no sum */
	bool recorded;	 /* the captures have requests at all, or probes for them */
};

/* 0, or the database's error. */
int kymo_block_totals(struct kymo_db *db, const struct kymo_block_options *options,
		      struct kymo_block_totals *ret_totals, struct cap_err *err);

/*
 * Tables of a document, most bytes first (block_by_disk, block_by_process), slowest first
 * (block_requests), or by range (block_histogram, block_sizes, block_heat). Return how many rows
 * there are, of which no more than the limit are written, or the database's error.
 */
s64 kymo_block_disks(struct kymo_db *db, const struct kymo_block_options *options,
		     struct kymo_writer *writer, struct cap_err *err);
s64 kymo_block_processes(struct kymo_db *db, const struct kymo_block_options *options,
			 struct kymo_writer *writer, struct cap_err *err);
s64 kymo_block_requests(struct kymo_db *db, const struct kymo_block_options *options,
			struct kymo_writer *writer, struct cap_err *err);
s64 kymo_block_histogram(struct kymo_db *db, const struct kymo_block_options *options,
			 struct kymo_writer *writer, struct cap_err *err);
s64 kymo_block_sizes(struct kymo_db *db, const struct kymo_block_options *options,
		     struct kymo_writer *writer, struct cap_err *err);
s64 kymo_block_heat(struct kymo_db *db, const struct kymo_block_options *options,
		    struct kymo_writer *writer, struct cap_err *err);

/* The same as pictures of text. Return how many rows they were made from. */
s64 kymo_block_histogram_text(struct kymo_db *db, const struct kymo_block_options *options,
			      FILE *out, struct cap_err *err);
s64 kymo_block_sizes_text(struct kymo_db *db, const struct kymo_block_options *options, FILE *out,
			  struct cap_err *err);
s64 kymo_block_heat_text(struct kymo_db *db, const struct kymo_block_options *options, FILE *out,
			 struct cap_err *err);

#pragma once
/* Tables of files: what was done with each, and paths that calls failed with. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_files_options {
	const struct kymo_filter *filter; /* resolved */
	const char *sort;		  /* one of kymo_files_sort_names; NULL: the first */
	s64 limit;			  /* rows of the table; -1: all */
	bool by_process;
	bool all; /* also sockets, pipes and what is in no file system */
};

/* "time, longest, ...": what a table of files can be sorted by. */
const char *kymo_files_sort_names(void);
bool kymo_files_sort_known(const char *name);

/* Table file_use, the most first. Returns its rows, or the database's error. */
s64 kymo_files_table(struct kymo_db *db, const struct kymo_files_options *options,
		     struct kymo_writer *writer, struct cap_err *err);
/* Table failed_paths: path, error and call, the most frequent first. */
s64 kymo_files_errors(struct kymo_db *db, const struct kymo_files_options *options,
		      struct kymo_writer *writer, struct cap_err *err);

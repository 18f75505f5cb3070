#pragma once
/* How many stacks reach the root, and why others do not: for the notes of reports. */
#include <stdbool.h>

#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"
#include "analyzer/reports/sampled_stacks.h"

#define KYMO_STACK_ENDS_BYTES 400

struct kymo_stack_ends {
	char text[KYMO_STACK_ENDS_BYTES]; /* "" where nothing is known: no copies of stacks */
	bool warning;			  /* more than 1 % are not complete */
};

/* Of the CPU samples, or waits, of a resolved filter. 0, or the database's error. */
int kymo_stack_ends_line(struct kymo_db *db, const struct kymo_filter *filter,
			 enum kymo_stacks_of of, struct kymo_stack_ends *ret_ends,
			 struct cap_err *err);

/* Table "stacks" of a document: how, end, module, samples, percent, advice; no table where there
 * are no copies of stacks. 0, or the database's error. */
int kymo_stack_ends_table(struct kymo_db *db, const struct kymo_filter *filter,
			  struct kymo_writer *writer, struct cap_err *err);

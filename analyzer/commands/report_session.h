#pragma once
/* What all report commands do: open the input, resolve the filter, and end with a status that
 * reflects loss. */
#include "analyzer/commands/common_options.h"
#include "analyzer/reports/coverage_line.h"
#include "analyzer/reports/report_list.h"

/*
 * Opens a capture or database as the common options say, reads what
 * the report needs of it, and resolves their filter. The caller
 * closes *ret_db. Errors are those of kymo_db_open and kymo_filter_resolve.
 */
int kymo_report_open(const struct kymo_run *run, struct kymo_common *common, const char *path,
		     enum kymo_report report, struct kymo_db **ret_db, struct cap_err *err);

struct kymo_input_needs { /* as in struct kymo_db_options */
	unsigned needs;
	const char *question;
	bool sorts_all;
};

/* The same for a command that is no report and knows itself what it needs. */
int kymo_input_open(const struct kymo_run *run, struct kymo_common *common, const char *path,
		    const struct kymo_input_needs *needs, struct kymo_db **ret_db,
		    struct cap_err *err);

/*
 * Begins what is shown of it: in text on a terminal the pager; then on stderr what is damaged;
 * then, where something is missing of what the report is about, one line that says how much was
 * recorded: at the head of text, in CSV on stderr. JSON has it in its document. The caller frees
 * *ret_writer.
 */
int kymo_report_begin(const struct kymo_run *run, const struct kymo_common *common,
		      struct kymo_db *db, const struct kymo_about *about,
		      struct kymo_writer **ret_writer, struct cap_err *err);

/* The same for data that has no head (folded stacks, a picture): the line goes to stderr. */
int kymo_report_begin_data(const struct kymo_run *run, struct kymo_db *db,
			   const struct kymo_filter *filter, const struct kymo_about *about,
			   struct cap_err *err);

/*
 * Ends a document: in JSON how much was recorded, what was left out on purpose and what was lost;
 * then the writer's end. The filter must be resolved. Returns what kymo_loss_status does, or the
 * first error.
 */
int kymo_report_finish(struct kymo_db *db, const struct kymo_filter *filter,
		       const struct kymo_about *about, struct kymo_writer *writer,
		       struct cap_err *err);

#pragma once
/* What all report commands do: open the input, resolve the filter, and end with a status that
 * reflects loss. */
#include "analyzer/commands/common_options.h"
#include "analyzer/reports/report_list.h"

/*
 * Opens a capture or database as the common options say, reads what
 * the report needs of it, and resolves their filter. The caller
 * closes *ret_db. Errors are those of kymo_db_open and kymo_filter_resolve.
 */
int kymo_report_open(const struct kymo_run *run, struct kymo_common *common, const char *path,
		     enum kymo_report report, struct kymo_db **ret_db, struct cap_err *err);

/*
 * Ends a document: what was left out on purpose of the classes (bits by enum event_class, see
 * reduced_note.h) and what was lost, both also as notes for stderr, then the writer's end. The
 * filter must be resolved. Returns what kymo_loss_note does, or the first error.
 */
int kymo_report_finish(const struct kymo_run *run, struct kymo_db *db,
		       const struct kymo_filter *filter, int classes, struct kymo_writer *writer,
		       struct cap_err *err);

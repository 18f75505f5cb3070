#pragma once
/* What was lost, damaged or is unknown in the captures a report covers. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/command_run.h"
#include "analyzer/output/report_writer.h"

/* Says on stderr which captures are damaged, cut off, or of a newer version: a line each. The
 * filter must be resolved. 0 or the database's error. */
int kymo_damage_note(const struct kymo_run *run, struct kymo_db *db,
		     const struct kymo_filter *filter, struct cap_err *err);

/*
 * Writes object "loss" into the writer (JSON only; NULL: no writer) with events_dropped,
 * events_damaged, complete and the time spans. Returns 0 if nothing is missing, KYMO_EXIT_LOSS if
 * something is, or negative. The filter must be resolved.
 */
int kymo_loss_status(struct kymo_db *db, const struct kymo_filter *filter,
		     struct kymo_writer *writer, struct cap_err *err);

#pragma once
/* What was lost, damaged or is unknown in the captures a report covers: as an object of the
 * document, and as one line per capture for stderr. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/command_run.h"
#include "analyzer/output/report_writer.h"

/*
 * Writes object "loss" into the writer (JSON only; NULL: no writer) with events_dropped,
 * events_damaged, complete and the time spans, and notes for stderr. Returns 0 if nothing is
 * missing, KYMO_EXIT_LOSS if something is, or negative. The filter must be resolved.
 */
int kymo_loss_note(const struct kymo_run *run, struct kymo_db *db, const struct kymo_filter *filter,
		   struct kymo_writer *writer, struct cap_err *err);

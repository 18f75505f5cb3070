#pragma once
/* What recording cost, against its targets, and what was lost. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/sink.h"

/*
 * Writes the document. One capture: its figures as fields, then tables overhead_targets,
 * overhead_bpf, class_totals, loss_summary and, if asked, overhead_timeline. Several captures:
 * table overhead with a row for each. 0, or the database's error.
 */
int kymo_overhead_report(struct kymo_db *db, const struct kymo_filter *filter, bool timeline,
			 struct kymo_sink *sink, struct cap_err *err);

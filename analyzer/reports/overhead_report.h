#pragma once
/* What recording cost, against its targets, and what was lost. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_overhead_options {
	const struct kymo_filter *filter; /* resolved */
	bool timeline;			  /* also from measurement to measurement */
	bool decisions;			  /* all decisions of the budget, however many */
	s64 limit;			  /* rows of a table of text; -1: all */
	s64 asked_limit;		  /* rows of what was asked for by an option */
};

/*
 * Writes the document. One capture: its figures as fields, then tables overhead_targets, what
 * budget_report.h adds, overhead_bpf, class_totals, loss_summary and, if asked, overhead_rates.
 * Several captures: table overhead with a row for each. CSV holds one table: overhead, or what was
 * asked for: governor_decisions, overhead_spending. 0, or the database's error.
 */
int kymo_overhead_report(struct kymo_db *db, const struct kymo_overhead_options *options,
			 struct kymo_writer *writer, struct cap_err *err);

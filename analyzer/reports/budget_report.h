#pragma once
/* The part of `kymo overhead` about the recorder's budget: the limit, what was spent, and each
 * decision. Captures without governor rows have no such part. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_budget_options {
	const struct kymo_filter *filter; /* resolved */
	bool timeline;			  /* also the spending from measurement to measurement */
	bool all_decisions;		  /* text: asked_limit holds for them */
	s64 limit;			  /* text: rows of a table; -1: all */
	s64 asked_limit;		  /* text: rows of what was asked for by an option */
};

/* Object "budget" and tables class_coverage, governor_decisions and, with timeline,
 * overhead_spending. 0 or the database's error. */
int kymo_budget_report(struct kymo_db *db, const struct kymo_budget_options *options,
		       struct kymo_writer *writer, struct cap_err *err);

/* Single tables, for CSV. Return rows, or the database's error. */
s64 kymo_decisions_table(struct kymo_db *db, const struct kymo_budget_options *options,
			 struct kymo_writer *writer, struct cap_err *err);
s64 kymo_spending_table(struct kymo_db *db, const struct kymo_filter *filter,
			struct kymo_writer *writer, struct cap_err *err);

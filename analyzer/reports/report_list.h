#pragma once
/* reports.def as a list. */
#include "analyzer/db/open_db.h"

enum kymo_report {
#define REPORT(name, needs) KYMO_REPORT_##name,
#include "analyzer/reports/reports.def"
#undef REPORT
};

struct kymo_report_row {
	const char *name;
	unsigned needs;	 /* enum kymo_need */
	const char *sql; /* its views */
};

const struct kymo_report_row *kymo_report_row(enum kymo_report report);

/* A report without its file of views does not link. */
#include "analyzer/reports/report_list.h"

#define REPORT(name, needs) extern const char kymo_##name##_sql[];
#include "analyzer/reports/reports.def"
#undef REPORT

static const struct kymo_report_row rows[] = {
#define REPORT(name_, needs_) \
	[KYMO_REPORT_##name_] = {#name_, KYMO_NEED_##needs_, kymo_##name_##_sql},
#include "analyzer/reports/reports.def"
#undef REPORT
};

const struct kymo_report_row *kymo_report_row(enum kymo_report report)
{
	return &rows[report];
}

/* kymo overhead: what the recording cost and what it lost. */
#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/reports/overhead_report.h"
#include "formats/base/cleanup.h"

static int set_timeline(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_overhead_options *)own)->timeline = true;
	return 0;
}

static int set_decisions(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_overhead_options *)own)->decisions = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_OVERHEAD
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

int kymo_overhead_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	const struct kymo_about about = {.classes = KYMO_ABOUT_ALL};
	struct kymo_overhead_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	common.symbols = false; /* no stacks are shown */
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_overhead, &db, err);
	if (rc < 0)
		return rc;
	rc = kymo_report_begin(run, &common, db, &about, &writer, err);
	if (rc < 0)
		return rc;
	own.filter = &common.filter;
	own.limit = common.limit;
	own.asked_limit = common.limit_given ? common.limit : -1; /* what is asked for is shown */
	rc = kymo_overhead_report(db, &own, writer, err);
	return rc < 0 ? rc : kymo_report_finish(db, &common.filter, &about, writer, err);
}

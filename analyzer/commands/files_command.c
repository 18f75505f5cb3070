/* kymo files: what was done with files, and which paths were not found. */
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/reports/files_report.h"
#include "analyzer/reports/reduced_note.h"
#include "formats/base/cleanup.h"

struct files_options {
	struct kymo_files_options report;
	bool errors;
};

static int set_sort(void *own, const char *value, struct cap_err *err)
{
	if (!kymo_files_sort_known(value))
		return cap_fail(err, CAP_EUSAGE, "unknown key '%s' (known: %s)", value,
				kymo_files_sort_names());
	((struct files_options *)own)->report.sort = value;
	return 0;
}

static int set_errors(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct files_options *)own)->errors = true;
	return 0;
}

static int set_by_process(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct files_options *)own)->report.by_process = true;
	return 0;
}

static int set_all(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct files_options *)own)->report.all = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_FILES
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static void note_empty(const struct kymo_run *run, const struct kymo_common *common,
		       const struct files_options *own)
{
	if (!kymo_filter_is_open(&common->filter))
		run->note(run, "nothing matches the filters");
	else if (own->errors)
		run->note(run,
			  "no calls failed with a path: were they recorded (-e syscalls,files)?");
	else
		run->note(run, "no files were used: were they recorded (-e syscalls,files)?%s",
			  own->report.all ? "" : " --all also shows sockets and pipes");
}

int kymo_files_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	const struct kymo_about about = {.classes = KYMO_ABOUT_SYSCALLS};
	struct files_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	int rc, first;
	s64 rows;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	common.symbols = false; /* no stacks are shown */
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_files, &db, err);
	if (rc == 0)
		rc = kymo_report_begin(run, &common, db, &about, &writer, err);
	if (rc < 0)
		return rc;
	own.report.filter = &common.filter;
	/* text says how many rows there are beyond its limit */
	own.report.limit = common.format == KYMO_FORMAT_TEXT ? -1 : common.limit;
	rows = own.errors ? kymo_files_errors(db, &own.report, writer, err)
			  : kymo_files_table(db, &own.report, writer, err);
	if (rows < 0)
		return (int)rows;
	if (rows == 0)
		note_empty(run, &common, &own);
	if (common.format == KYMO_FORMAT_JSON) {
		rc = kymo_counted_table(db, &common.filter, writer, err);
		if (rc < 0)
			return rc;
	}
	return kymo_report_finish(db, &common.filter, &about, writer, err);
}

/* kymo import: options, the progress line, and the stop on a signal. */
#include "analyzer/commands/command_mains.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "analyzer/commands/progress_line.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/commands/stop_signal.h"
#include "analyzer/db/filter_resolve.h"
#include "analyzer/db/import_files.h"
#include "analyzer/reports/loss_note.h"

struct import_arguments {
	const char *output;
	bool force;
};

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct import_arguments *)own)->output = value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct import_arguments *)own)->force = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_IMPORT
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static int show_progress(void *context, const struct kymo_import_progress *progress)
{
	struct kymo_progress_line *line = context;
	char speed[40] = "";

	if (kymo_stop_asked())
		return -EINTR;
	if (!kymo_progress_due(line))
		return 0;
	line->path = progress->path;
	if (progress->file_count > 1)
		(void)snprintf(line->what, sizeof(line->what), "import %zu/%zu", progress->file + 1,
			       progress->file_count);
	if (progress->events > 0)
		(void)snprintf(speed, sizeof(speed), "%.2f M events/s",
			       (double)progress->events / kymo_progress_seconds(line) / 1e6);
	kymo_progress_show(line, progress->fraction, speed);
	return 0;
}

/* What was lost in the captures, according to the finished database. */
static int note_loss(const struct kymo_run *run, const char *path, struct kymo_common *common,
		     struct cap_err *err)
{
	const struct kymo_about about = {.classes = KYMO_ABOUT_ALL};
	struct kymo_db *db = NULL;
	int rc = kymo_db_open(path, NULL, &db, err);

	if (rc == 0)
		rc = kymo_filter_resolve(db, &common->filter, err);
	if (rc == 0)
		rc = kymo_report_begin_data(run, db, &common->filter, &about, err);
	if (rc == 0)
		rc = kymo_loss_status(db, &common->filter, NULL, err);
	kymo_db_closep(&db);
	return rc;
}

int kymo_import_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct import_arguments own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_progress_line line;
	struct kymo_import_options options = {.progress = show_progress, .progress_context = &line};
	struct kymo_import_result result;
	struct kymo_common common;
	double elapsed_s;
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!own.output)
		return cap_fail(err, CAP_EUSAGE,
				"no output: name the database to create with -o DB");
	options.paths = (const char *const *)argv + first;
	options.path_count = (size_t)(argc - first);
	options.output = own.output;
	options.force = own.force;
	options.reading = common.reading;
	options.symbols = common.symbols;
	options.symbol_options = &common.symbol_options;
	kymo_progress_begin(&line, "import", argv[first], run->stderr_is_tty && !common.quiet);
	kymo_stop_catch();
	rc = kymo_import_files(&options, &result, err);
	elapsed_s = kymo_progress_seconds(&line);
	kymo_progress_end(&line);
	if (rc < 0)
		return rc;
	if (!common.quiet)
		run->note(run,
			  "'%s': %" PRIu64 " events from %zu capture%s in %.2f s (%.2f M events/s)",
			  own.output, result.events, options.path_count,
			  options.path_count == 1 ? "" : "s", elapsed_s,
			  elapsed_s > 0 ? (double)result.events / elapsed_s / 1e6 : 0);
	if (result.stopped_count > 0)
		run->note(run, "stopped at the first damage: %s%s", result.stopped,
			  result.stopped_count > 1 ? "; and in other captures" : "");
	return note_loss(run, own.output, &common, err);
}

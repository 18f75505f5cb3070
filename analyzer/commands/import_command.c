/* kymo import: options, the progress line, and the stop on a signal. */
#include "analyzer/commands/capture_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analyzer/commands/stop_signal.h"
#include "analyzer/db/import_files.h"
#include "analyzer/output/safe_text.h"
#include "analyzer/reports/loss_note.h"
#include "analyzer/reports/reduced_note.h"

#define LINE_PERIOD_NS 200000000

struct import_arguments {
	const char *output;
	bool force;
};

struct progress_line {
	bool shown; /* on a terminal */
	u64 start_ns, last_ns;
};

static u64 now_ns(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* it cannot fail for this clock */
	return (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec;
}

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
	{"output", 'o', "DB", "the database to make", set_output},
	{"force", 'f', NULL, "replace DB if it exists", set_force},
	{0},
};

static int show_progress(void *context, const struct kymo_import_progress *progress)
{
	struct progress_line *line = context;
	u64 now = now_ns();
	double elapsed_s = (double)(now - line->start_ns) / 1e9;

	if (kymo_stop_asked())
		return -EINTR;
	if (!line->shown || now - line->last_ns < LINE_PERIOD_NS)
		return 0;
	line->last_ns = now;
	(void)fprintf(stderr, "\r\033[Kimport %zu/%zu ", progress->file + 1, progress->file_count);
	kymo_print_safe(stderr, progress->path, strlen(progress->path));
	(void)fprintf(stderr, "  %3.0f %%", 100 * progress->fraction);
	if (progress->events > 0 && elapsed_s > 0)
		(void)fprintf(stderr, "  %.2f M events/s",
			      (double)progress->events / elapsed_s / 1e6);
	if (progress->fraction > 0.02)
		(void)fprintf(stderr, "  ETA %.0f s",
			      elapsed_s * (1 - progress->fraction) / progress->fraction);
	(void)fflush(stderr);
	return 0;
}

/* What was lost in the captures, as the finished database tells it. */
static int note_loss(const struct kymo_run *run, const char *path, struct kymo_common *common,
		     struct cap_err *err)
{
	struct kymo_db *db = NULL;
	int rc = kymo_db_open(path, NULL, &db, err);

	if (rc == 0)
		rc = kymo_filter_resolve(db, &common->filter, err);
	if (rc == 0)
		rc = kymo_reduced_note(run, db, &common->filter, KYMO_ABOUT_ALL, NULL, err);
	if (rc == 0)
		rc = kymo_loss_note(run, db, &common->filter, NULL, err);
	kymo_db_closep(&db);
	return rc;
}

int kymo_import_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct import_arguments own = {0};
	const struct kymo_parse parse = {.groups = KYMO_OPT_QUIET | KYMO_OPT_SYMBOLS |
						   KYMO_OPT_READING,
					 .options = options_table,
					 .own = &own,
					 .min_arguments = 1,
					 .max_arguments = -1};
	struct progress_line line = {.start_ns = now_ns()};
	struct kymo_import_options options = {.progress = show_progress, .progress_context = &line};
	struct kymo_import_result result;
	struct kymo_common common;
	double elapsed_s;
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!own.output)
		return cap_fail(err, CAP_EUSAGE, "where to? give the database to make with -o DB");
	options.paths = (const char *const *)argv + first;
	options.path_count = (size_t)(argc - first);
	options.output = own.output;
	options.force = own.force;
	options.reading = common.reading;
	options.symbols = common.symbols;
	options.symbol_options = &common.symbol_options;
	line.shown = run->stderr_is_tty && !common.quiet;
	kymo_stop_catch();
	rc = kymo_import_files(&options, &result, err);
	if (line.shown)
		(void)fputs("\r\033[K", stderr);
	if (rc < 0)
		return rc;
	elapsed_s = (double)(now_ns() - line.start_ns) / 1e9;
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

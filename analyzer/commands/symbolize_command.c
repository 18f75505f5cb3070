/* kymo symbolize: a capture with all names that this machine, or a debuginfod server, has for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/progress_line.h"
#include "analyzer/commands/stop_signal.h"
#include "analyzer/db/added_names.h"
#include "analyzer/db/module_wanted.h"
#include "analyzer/output/result_file.h"
#include "analyzer/recover/recover_capture.h"
#include "analyzer/symbols/debuginfod.h"
#include "formats/base/cleanup.h"

struct symbolize_arguments {
	const char *output;
	bool force, debuginfod;
};

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct symbolize_arguments *)own)->output = value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct symbolize_arguments *)own)->force = true;
	return 0;
}

static int set_debuginfod(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct symbolize_arguments *)own)->debuginfod = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_SYMBOLIZE
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

struct work {
	const struct kymo_run *run;
	struct kymo_common *common;
	const struct symbolize_arguments *own;
	const char *path;
	char *cache; /* where debuginfod keeps files; NULL: nothing was downloaded */
	struct kymo_progress_line line;
};

static int open_db(struct work *work, bool lines, struct kymo_db **ret_db, struct cap_err *err)
{
	const struct kymo_db_options options = {.needs = KYMO_NEED_STACKS,
						.reading = work->common->reading,
						.symbolize = work->common->symbols,
						.symbol_options = &work->common->symbol_options,
						.lines = lines && work->common->symbols};
	int rc = kymo_db_open(work->path, &options, ret_db, err);

	if (rc == 0 && !kymo_db_is_capture(*ret_db)) {
		kymo_db_closep(ret_db);
		return cap_fail(err, CAP_ENOTCAPTURE,
				"'%s' is a database: names are added to captures", work->path);
	}
	return rc;
}

/* -------- debuginfod -------- */

/* DIR of DIR/BUILD-ID/debuginfo. */
static int keep_cache(struct work *work, const char *path, struct cap_err *err)
{
	struct kymo_object_search *search = &work->common->symbol_options.search;
	char *slash;

	if (work->cache)
		return 0;
	work->cache = strdup(path);
	if (!work->cache)
		return cap_fail(err, -ENOMEM, "debuginfod");
	for (int i = 0; i < 2; i++) {
		slash = strrchr(work->cache, '/');
		if (!slash || slash == work->cache)
			return cap_fail(err, -EINVAL, "debuginfod keeps a file in '%s'", path);
		*slash = '\0';
	}
	if (search->debug_dir_count == KYMO_MAX_DEBUG_DIRS)
		return cap_fail(err, CAP_EUSAGE, "more than %d directories are given",
				KYMO_MAX_DEBUG_DIRS);
	search->debug_dirs[search->debug_dir_count++] = work->cache;
	return 0;
}

static int download_all(struct work *work, struct kymo_debuginfod *client, struct kymo_query *query,
			struct cap_err *err)
{
	u64 asked = 0, had = 0;
	int rc;

	while ((rc = kymo_query_step(query, err)) == 1) {
		uint8_t bytes[KYMO_ELF_MAX_BUILD_ID_BYTES];
		CLEANUP(cap_freep) char *path = NULL;
		size_t len = kymo_build_id_bytes(kymo_query_text(query, 0, NULL), bytes);

		if (kymo_stop_asked())
			return cap_fail(err, -EINTR, "interrupted");
		asked++;
		rc = kymo_debuginfod_find(client, bytes, len, &path, err);
		if (rc == 1) {
			had++;
			rc = keep_cache(work, path, err);
		}
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && !work->common->quiet)
		work->run->note(work->run,
				"debuginfod: debug files of %" PRIu64 " of %" PRIu64 " modules",
				had, asked);
	return rc;
}

static int download(struct work *work, struct cap_err *err)
{
	CLEANUP(kymo_debuginfod_closep) struct kymo_debuginfod *client = NULL;
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_debuginfod_open(&client, err);

	if (rc == 0)
		rc = open_db(work, false, &db, err);
	if (rc == 0)
		rc = kymo_query_new(kymo_db_handle(db),
				    "SELECT DISTINCT m.build_id FROM module m JOIN frame f ON "
				    "f.module_id = m.id WHERE f.space = 'user' AND m.build_id IS "
				    "NOT NULL ORDER BY m.build_id",
				    &query, err);
	return rc < 0 ? rc : download_all(work, client, query, err);
}

/* -------- the copy -------- */

static int show_progress(void *context, u64 done_bytes, u64 total_bytes)
{
	struct work *work = context;

	if (kymo_stop_asked())
		return -EINTR;
	kymo_progress_bytes(&work->line, done_bytes, total_bytes);
	return 0;
}

static int copy_to(struct work *work, struct kymo_added_names *names, int fd,
		   struct kymo_recovered *ret_copied, struct cap_err *err)
{
	CLEANUP(cap_reader_closep) struct cap_reader *reader = NULL;
	const struct kymo_recover_options options = {.output_fd = fd,
						     .tool = "kymo " KYMO_VERSION,
						     .progress = show_progress,
						     .progress_context = work,
						     .add_symbols = kymo_added_names_fill,
						     .add_context = names};
	int rc = kymo_reading_open(work->path, work->common->reading, &reader, err);

	if (rc < 0)
		return rc;
	kymo_progress_begin(&work->line, "symbolize", work->path,
			    work->run->stderr_is_tty && !work->common->quiet);
	rc = kymo_recover(reader, &options, ret_copied, err);
	kymo_progress_end(&work->line);
	return rc;
}

static int copy_into(struct work *work, struct kymo_added_names *names,
		     struct kymo_recovered *ret_copied, struct cap_err *err)
{
	const struct kymo_result_request request = {.path = work->own->output,
						    .force = work->own->force,
						    .stream = true,
						    .what = "symbolize",
						    .for_files = "a capture",
						    .inputs = &work->path,
						    .input_count = 1};
	CLEANUP(kymo_result_done) struct kymo_result_file result = {.fd = -1};
	int rc = kymo_result_open(&request, &result, err);

	if (rc == 0)
		rc = copy_to(work, names, result.fd, ret_copied, err);
	return rc < 0 ? rc : kymo_result_publish(&result, err);
}

static void note_result(const struct work *work, const struct kymo_added_names *names)
{
	struct kymo_added_counts counts;

	kymo_added_names_counts(names, &counts);
	work->run->note(work->run,
			"added %" PRIu64 " function name%s, and source lines of %" PRIu64
			" of %" PRIu64 " places; %" PRIu64 " %s without a name%s",
			counts.functions, counts.functions == 1 ? "" : "s", counts.places,
			counts.frames, counts.frames_unnamed,
			counts.frames_unnamed == 1 ? "is" : "are",
			counts.frames_unnamed ? " (`kymo info` says why)" : "");
}

static int symbolize(struct work *work, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	CLEANUP(kymo_added_names_freep) struct kymo_added_names *names = NULL;
	struct kymo_recovered copied = {.lossless = true};
	int rc = work->own->debuginfod ? download(work, err) : 0;

	if (rc == 0)
		rc = open_db(work, true, &db, err);
	if (rc == 0)
		rc = kymo_added_names_open(db, &names, err);
	if (rc == 0)
		rc = copy_into(work, names, &copied, err);
	if (rc < 0)
		return rc;
	if (!work->common->quiet)
		note_result(work, names);
	if (!copied.lossless)
		work->run->note(work->run,
				"'%s' is damaged: what could not be read is missing from the copy, "
				"which says so",
				work->path);
	return copied.lossless ? 0 : KYMO_EXIT_LOSS;
}

int kymo_symbolize_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct symbolize_arguments own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	struct work work = {.run = run, .common = &common, .own = &own};
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!own.output)
		return cap_fail(err, CAP_EUSAGE,
				"no output: name the capture to write with -o OUT");
	work.path = argv[first];
	if (strcmp(work.path, "-") == 0)
		return cap_fail(err, CAP_EUSAGE,
				"the capture is read twice: give a file, not standard input");
	kymo_stop_catch();
	rc = symbolize(&work, err);
	free(work.cache);
	return rc;
}

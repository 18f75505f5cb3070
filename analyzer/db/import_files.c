/* Files and transaction around schema_db.h. */
#include "analyzer/db/import_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/capture_open.h"
#include "analyzer/db/connection.h"
#include "analyzer/db/query.h"
#include "analyzer/db/schema_db.h"
#include "analyzer/db/symbolize_db.h"
#include "analyzer/output/result_file.h"
#include "formats/base/cleanup.h"

/* Passes over a capture that take time, in order, and the share of the whole that each has;
 * measured on syscall captures. */
#define FIRST_PASS_SHARE 0.05
#define ROWS_SHARE 0.75

struct import {
	const struct kymo_import_options *options;
	struct kymo_result_file result;
	sqlite3 *db;
	struct kymo_ids next; /* bases for the next capture */
	size_t file;
	const struct kymo_capture *capture; /* NULL during its first pass */
	double done;			    /* of this capture's work; never goes back */
	u64 events_before;
	u64 last_bytes;
};

static void import_done(struct import *import)
{
	if (import->db)
		kymo_connection_closep(&import->db);
	kymo_result_done(&import->result);
}

/* -------- progress -------- */

/*
 * Tables are copied one after the other, each in a walk over the file; the walk over the biggest
 * one is nearly all the work. Later walks begin at byte 0 again, so they move the last part only.
 */
static int progress(void *context, u64 done_bytes, u64 total_bytes)
{
	struct import *import = context;
	const struct kymo_import_options *options = import->options;
	double share = total_bytes ? (double)done_bytes / (double)total_bytes : 1;
	double done =
		import->capture ? FIRST_PASS_SHARE + share * ROWS_SHARE : share * FIRST_PASS_SHARE;
	struct kymo_import_progress report = {.file = import->file,
					      .file_count = options->path_count,
					      .path = options->paths[import->file]};

	if (import->capture && done_bytes < import->last_bytes &&
	    import->done >= FIRST_PASS_SHARE + 0.9 * ROWS_SHARE)
		done = FIRST_PASS_SHARE + ROWS_SHARE + (1 - FIRST_PASS_SHARE - ROWS_SHARE) / 2;
	import->last_bytes = done_bytes;
	import->done = done > import->done ? done : import->done;
	if (!options->progress)
		return 0;
	report.fraction = ((double)import->file + import->done) / (double)options->path_count;
	report.events =
		import->events_before +
		(import->capture ? (u64)(import->done * (double)import->capture->events) : 0);
	return options->progress(options->progress_context, &report);
}

/* -------- contents -------- */

static int open_database(struct import *import, struct cap_err *err)
{
	int rc = kymo_connection_open_file(import->result.path,
					   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW,
					   &import->db, err);

	if (rc == 0)
		rc = kymo_query_exec(import->db,
				     "PRAGMA page_size = 16384; PRAGMA journal_mode = OFF; PRAGMA "
				     "synchronous = OFF; "
				     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16384; "
				     "PRAGMA temp_store = MEMORY; BEGIN EXCLUSIVE",
				     err);
	if (rc == 0)
		rc = kymo_schema_create(import->db, err);
	return rc;
}

static void advance_ids(struct kymo_ids *next, const struct kymo_capture *capture)
{
	next->capture++;
	next->task += capture->tasks.task_count;
	next->process += capture->tasks.process_count;
	next->module += capture->stacks.module_count;
	next->frame += capture->stacks.frame_count;
	next->stack += capture->stacks.stack_count;
}

static int copy_capture(struct import *import, struct kymo_vtab_source *source, struct cap_err *err)
{
	int rc = kymo_vtab_register(import->db, source, err);

	if (rc == 0)
		rc = kymo_schema_import(import->db, source, err);
	/* what the virtual tables met tells more than SQLite's code for it */
	if (rc < 0 && source->error.code < 0)
		rc = cap_fail(err, source->error.code, "%s", source->error.text);
	return rc;
}

static int import_one(struct import *import, struct kymo_import_result *result, struct cap_err *err)
{
	const char *path = import->options->paths[import->file];
	const struct kymo_symbol_options *symbols = import->options->symbol_options;
	const struct kymo_capture_options options = {.reading = import->options->reading,
						     .progress = progress,
						     .progress_context = import,
						     .search = symbols ? &symbols->search : NULL};
	CLEANUP(kymo_capture_closep) struct kymo_capture *capture = NULL;
	CLEANUP(kymo_vtab_source_done) struct kymo_vtab_source source = {0};
	int rc;

	import->capture = NULL;
	import->done = 0;
	rc = kymo_capture_open(path, &options, &capture, err);
	if (rc < 0)
		return rc;
	capture->base = import->next;
	source.capture = capture;
	import->capture = capture;
	import->last_bytes = 0;
	rc = copy_capture(import, &source, err);
	if (rc < 0)
		return cap_context(err, rc, "'%s'", path);
	if (capture->stopped && result->stopped_count++ == 0)
		(void)snprintf(result->stopped, sizeof(result->stopped), "%s", capture->stopped);
	advance_ids(&import->next, capture);
	result->events += capture->events;
	result->bytes += cap_reader_file_bytes(capture->reader);
	import->events_before = result->events;
	return 0;
}

int kymo_import_files(const struct kymo_import_options *options,
		      struct kymo_import_result *ret_result, struct cap_err *err)
{
	const struct kymo_result_request request = {.path = options->output,
						    .force = options->force,
						    .what = "import",
						    .inputs = options->paths,
						    .input_count = options->path_count};
	CLEANUP(import_done)
	struct import import = {.options = options, .next = {.capture = 1}, .result = {.fd = -1}};
	struct kymo_import_result result = {0};
	int rc = kymo_result_open(&request, &import.result, err);

	if (rc == 0)
		rc = open_database(&import, err);
	for (size_t i = 0; rc == 0 && i < options->path_count; i++) {
		import.file = i;
		rc = import_one(&import, &result, err);
	}
	if (rc == 0 && options->symbols)
		rc = kymo_symbolize_frames(import.db, options->symbol_options, KYMO_NAMES_OF_ROWS,
					   err);
	if (rc == 0)
		rc = kymo_query_exec(import.db, "COMMIT", err);
	if (rc < 0)
		return rc == -EINTR ? rc
				    : cap_context(err, rc, "import into '%s'", options->output);
	kymo_connection_closep(&import.db);
	rc = kymo_result_publish(&import.result, err);
	if (rc < 0)
		return rc;
	*ret_result = result;
	return 0;
}

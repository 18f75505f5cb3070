/* Files and transaction around schema_db.h. */
#include "analyzer/import/import_files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/db/connection.h"
#include "analyzer/db/query.h"
#include "analyzer/db/schema_db.h"
#include "analyzer/symbols/symbolize_db.h"
#include "formats/cleanup.h"

/* Passes over a capture that take time, in order, and the share of the whole that each has;
 * measured on syscall captures. */
#define FIRST_PASS_SHARE 0.05
#define ROWS_SHARE 0.75

#define PART_LOCK_BYTE 0x3fffffff /* SQLite's begin at 0x40000000 */
#define PART_RETRIES 100

struct import {
	const struct kymo_import_options *options;
	char *part;  /* OUTPUT.part */
	int part_fd; /* holds its lock until it has its final name */
	bool part_is_ours;
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
	if (import->part_is_ours)
		(void)unlink(import->part); /* we are failing already */
	cap_closep(&import->part_fd);
	free(import->part);
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

/* -------- files -------- */

static int refuse_inputs(const struct kymo_import_options *options, struct cap_err *err)
{
	struct stat output, input;

	if (lstat(options->output, &output) < 0)
		return 0; /* what else is wrong with it, creating it will tell */
	if (!S_ISREG(output.st_mode))
		return cap_fail(err, -EEXIST,
				"'%s' is not a regular file: give another name with -o",
				options->output);
	for (size_t i = 0; i < options->path_count; i++) {
		if (stat(options->paths[i], &input) == 0 && input.st_dev == output.st_dev &&
		    input.st_ino == output.st_ino)
			return cap_fail(err, CAP_EUSAGE,
					"'%s' is both a capture to import and the output",
					options->output);
	}
	if (!options->force)
		return cap_fail(err, -EEXIST,
				"'%s' exists: give another name with -o, or -f to replace it",
				options->output);
	return 0;
}

/* A lock that dies with its process tells a running import from a killed one. It lies below the
 * bytes that SQLite locks. 0, -EAGAIN if another process has it. */
static int lock_part(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = PART_LOCK_BYTE, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

/* Opens the part under its name, made now or left by a killed import, and locks it: 1 and *ret_fd,
 * or 0 if it was renamed or removed meanwhile. */
static int open_locked(const char *part, int *ret_fd, struct cap_err *err)
{
	CLEANUP(cap_closep)
	int fd = open(part, O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat opened, named;
	int rc;

	if (fd < 0 || fstat(fd, &opened) < 0)
		return cap_fail_errno(err, errno, "create '%s'", part);
	if (!S_ISREG(opened.st_mode) || opened.st_nlink > 1 || opened.st_uid != geteuid())
		return cap_fail(
			err, -EEXIST,
			"'%s' is there and not left by an import of this user: remove it, or "
			"give another name with -o",
			part);
	rc = lock_part(fd);
	if (rc == -EAGAIN)
		return cap_fail(err, -EEXIST, "another import is writing '%s': wait for it", part);
	if (rc < 0)
		return cap_fail_errno(err, -rc, "lock '%s'", part);
	if (lstat(part, &named) < 0 || named.st_dev != opened.st_dev ||
	    named.st_ino != opened.st_ino)
		return 0;
	*ret_fd = fd;
	fd = -1;
	return 1;
}

static int create_part(struct import *import, struct cap_err *err)
{
	int rc = 0;

	if (asprintf(&import->part, "%s.part", import->options->output) < 0) {
		import->part = NULL;
		return cap_fail(err, -ENOMEM, "out of memory");
	}
	for (int i = 0; rc == 0 && i < PART_RETRIES; i++)
		rc = open_locked(import->part, &import->part_fd, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return cap_fail(err, -EAGAIN, "'%s' comes and goes: another import is running",
				import->part);
	import->part_is_ours = true;
	if (fchmod(import->part_fd, 0600) < 0 || ftruncate(import->part_fd, 0) < 0)
		return cap_fail_errno(err, errno, "empty '%s'", import->part);
	return 0;
}

static int sync_path(const char *path, int flags, struct cap_err *err)
{
	CLEANUP(cap_closep) int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return cap_fail_errno(err, errno, "write '%s' to disk", path);
	return 0;
}

/* Gives the finished file its name. */
static int publish(struct import *import, struct cap_err *err)
{
	const char *output = import->options->output;
	CLEANUP(cap_freep) char *copy = strdup(output);
	int rc = sync_path(import->part, O_RDONLY, err);

	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	if (import->options->force) {
		rc = rename(import->part, output);
	} else {
		rc = renameat2(AT_FDCWD, import->part, AT_FDCWD, output, RENAME_NOREPLACE);
		if (rc < 0 && errno == EINVAL) { /* a file system that cannot: a link does not
						    replace either */
			rc = link(import->part, output);
			if (rc == 0)
				(void)unlink(import->part);
		}
	}
	if (rc < 0 && errno == EEXIST)
		return cap_fail(err, -EEXIST, "'%s' appeared meanwhile: give another name with -o",
				output);
	if (rc < 0)
		return cap_fail_errno(err, errno, "rename '%s' to '%s'", import->part, output);
	import->part_is_ours = false;
	return sync_path(dirname(copy), O_RDONLY | O_DIRECTORY, err);
}

/* -------- contents -------- */

static int open_part(struct import *import, struct cap_err *err)
{
	int rc = kymo_connection_open(import->part, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW,
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
	const struct kymo_capture_options options = {
		.stacks_later = true, .progress = progress, .progress_context = import};
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
	advance_ids(&import->next, capture);
	result->events += capture->events;
	result->bytes += cap_reader_file_bytes(capture->reader);
	import->events_before = result->events;
	return 0;
}

int kymo_import_files(const struct kymo_import_options *options,
		      struct kymo_import_result *ret_result, struct cap_err *err)
{
	CLEANUP(import_done)
	struct import import = {.options = options, .part_fd = -1, .next = {.capture = 1}};
	struct kymo_import_result result = {0};
	int rc = refuse_inputs(options, err);

	if (rc == 0)
		rc = create_part(&import, err);
	if (rc == 0)
		rc = open_part(&import, err);
	for (size_t i = 0; rc == 0 && i < options->path_count; i++) {
		import.file = i;
		rc = import_one(&import, &result, err);
	}
	if (rc == 0 && options->symbols)
		rc = kymo_symbolize_frames(import.db, options->symbol_options, err);
	if (rc == 0)
		rc = kymo_query_exec(import.db, "COMMIT", err);
	if (rc < 0)
		return rc == -EINTR ? rc
				    : cap_context(err, rc, "import into '%s'", options->output);
	kymo_connection_closep(&import.db);
	rc = publish(&import, err);
	if (rc < 0)
		return rc;
	*ret_result = result;
	return 0;
}

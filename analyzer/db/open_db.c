/* A file is a database if it begins like one; everything else must be a capture. */
#include "analyzer/db/open_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/capture/capture_open.h"
#include "analyzer/db/capture_db.h"
#include "analyzer/db/connection.h"
#include "analyzer/db/frame_lines.h"
#include "analyzer/db/import_rows.h"
#include "analyzer/db/own_schema.h"
#include "analyzer/db/question_needs.h"
#include "analyzer/db/sample_sums.h"
#include "analyzer/db/schema_db.h"
#include "analyzer/db/symbolize_db.h"
#include "analyzer/db/wait_sums.h"
#include "formats/base/bytes.h"
#include "formats/base/cleanup.h"

#define SQLITE_HEAD_BYTES 100u
#define CHECKED_BYTES \
	(64u << 20) /* a bigger database is not checked as a whole before it is asked */

struct kymo_db {
	char *path;
	sqlite3 *handle;
	struct kymo_vtab_source source; /* source.capture NULL: a database */
	struct kymo_db_options options;
	bool has_sample_sums;
};

enum content { CONTENT_OTHER, CONTENT_DATABASE };

static u32 big_endian(const u8 *bytes)
{
	return (u32)bytes[0] << 24 | (u32)bytes[1] << 16 | (u32)bytes[2] << 8 | bytes[3];
}

/* Looks at the head of a regular file; anything else is left to the capture reader, which knows
 * pipes. */
static int look_at(const char *path, enum content *ret_content, u64 *ret_file_bytes,
		   struct cap_err *err)
{
	CLEANUP(cap_closep) int fd = -1;
	u8 head[SQLITE_HEAD_BYTES];
	struct stat st;
	s64 version;

	*ret_content = CONTENT_OTHER;
	if (strcmp(path, "-") == 0)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return kymo_reading_explain(path, cap_fail_errno(err, errno, "open '%s'", path),
					    err);
	if (fstat(fd, &st) < 0)
		return cap_fail_errno(err, errno, "open '%s'", path);
	if (!S_ISREG(st.st_mode) || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, "SQLite format 3", 16) != 0)
		return 0;
	if (big_endian(head + 68) != KYMO_APPLICATION_ID)
		return cap_fail(err, CAP_ENOTOURS,
				"'%s' is an SQLite database of another program; give a capture, or "
				"a database "
				"made by `kymo import`",
				path);
	version = big_endian(head + 60);
	if (version != KYMO_SCHEMA_VERSION)
		return cap_fail(err, CAP_EVERSION,
				"'%s' has schema version %lld, this kymo reads %d: import the "
				"capture again",
				path, (long long)version, KYMO_SCHEMA_VERSION);
	*ret_content = CONTENT_DATABASE;
	*ret_file_bytes = (u64)st.st_size;
	return 0;
}

static int check_database(struct kymo_db *db, u64 file_bytes, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	const char *answer;
	int rc;

	if (file_bytes > CHECKED_BYTES)
		return 0;
	rc = kymo_query_new(db->handle, "PRAGMA quick_check(1)", &query, err);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	answer = rc == 1 ? kymo_query_text(query, 0, NULL) : NULL;
	/* the check reports what it could not read, whatever the reason; 7 is SQLITE_NOMEM */
	if (answer && strstr(answer, "error code=7"))
		return cap_fail(err, -ENOMEM, "out of memory");
	if (!answer || strcmp(answer, "ok") != 0)
		return cap_fail(err, CAP_EDAMAGED, "%s",
				answer ? answer : "no answer from its check");
	return 0;
}

static int open_database(struct kymo_db *db, u64 file_bytes, struct cap_err *err)
{
	s64 captures;
	int rc = kymo_connection_open_file(db->path, SQLITE_OPEN_READONLY, &db->handle, err);

	if (rc == 0 && db->options.sorts_all)
		rc = kymo_connection_sort_in_files(db->handle, err);
	if (rc == 0)
		rc = kymo_connection_harden(db->handle, err);
	if (rc == 0)
		rc = kymo_own_schema_check(db->handle, err);
	if (rc == 0)
		rc = check_database(db, file_bytes, err);
	if (rc == 0)
		rc = kymo_own_schema_views(db->handle, err);
	if (rc == 0)
		rc = kymo_query_one_int(db->handle, "SELECT count(*) FROM capture", &captures, err);
	if (rc == -ENOMEM || rc == -EBUSY || rc == -EACCES || rc == -EROFS)
		return cap_context(err, rc, "open '%s'", db->path);
	if (rc < 0)
		return cap_context(err, CAP_EDAMAGED,
				   "database '%s' is damaged: import the capture again", db->path);
	return 0;
}

static int progress(void *context, u64 done_bytes, u64 total_bytes)
{
	const struct kymo_db *db = context;

	if (db->options.progress)
		db->options.progress(db->options.progress_context, done_bytes, total_bytes);
	return 0;
}

/* What an opening capture is copied into, block by block. */
struct attachment {
	struct kymo_db *db;
	struct kymo_rows_import *import;
	struct kymo_sample_sums *sums;
	struct kymo_wait_sums *waits;
};

static void attachment_done(struct attachment *attachment)
{
	(void)kymo_rows_import_free(attachment->import);
	(void)kymo_sample_sums_free(attachment->sums);
	(void)kymo_wait_sums_free(attachment->waits);
}

/* What the options' filter comes to, for a capture of which only the beginning is known. */
static void settle_filter(const struct kymo_db *db, const struct kymo_capture *capture,
			  struct kymo_filter *ret_filter)
{
	*ret_filter = db->options.filter ? *db->options.filter : (struct kymo_filter){.pid = -1};
	kymo_filter_settle_times(ret_filter, (s64)kymo_capture_start_ns(capture));
}

/* The bits of row types that are copied for a need. */
static const struct {
	unsigned need;
	u64 types;
} types_needed[] = {
	{KYMO_NEED_WAITS, 1ull << EV_OFFCPU},
	{KYMO_NEED_NET, 1ull << EV_TCP_CONN | 1ull << EV_TCP_EVENT},
	{KYMO_NEED_DISKS, 1ull << EV_BLOCK_IO},
	{KYMO_NEED_SIZES, 1ull << EV_RSS | 1ull << EV_OOM_KILL},
	{KYMO_NEED_PLACES, 1ull << EV_FAULT | 1ull << EV_MEM_STALL},
};

/* Row types that become tables of their own; the others stay in the capture. */
static u64 copied_types(const struct kymo_db *db)
{
	u64 types = kymo_schema_small_types();

	for (size_t i = 0; i < sizeof(types_needed) / sizeof(types_needed[0]); i++)
		if (db->options.needs & types_needed[i].need)
			types |= types_needed[i].types;
	return types;
}

/* Rows with stacks have to wait until all mappings are known. */
static u64 late_types(const struct kymo_db *db)
{
	const u64 with_stacks = 1ull << EV_OFFCPU | 1ull << EV_FAULT | 1ull << EV_MEM_STALL;

	return db->options.needs & KYMO_NEED_STACKS ? copied_types(db) & with_stacks : 0;
}

/* The others are copied as the capture is read. */
static u64 early_types(const struct kymo_db *db)
{
	return copied_types(db) & ~late_types(db);
}

/* At the first block: only now it is known when the capture begins. */
static int begin_import(struct attachment *attachment, struct kymo_capture *capture,
			struct cap_err *err)
{
	struct kymo_db *db = attachment->db;
	struct kymo_filter filter;
	struct kymo_syscall_wanted calls;
	const struct kymo_rows_wanted wanted = {
		.types = early_types(db),
		.calls = db->options.needs & KYMO_NEED_CALLS ? &calls : NULL};

	settle_filter(db, capture, &filter);
	kymo_filter_wanted(&filter, &calls);
	db->source.capture = capture;
	return kymo_rows_import_new(db->handle, &db->source, &wanted, &attachment->import, err);
}

static int take_block(void *context, struct kymo_capture *capture, const struct cap_rows *rows,
		      u64 types, struct cap_err *err)
{
	struct attachment *attachment = context;
	int rc = attachment->import ? 0 : begin_import(attachment, capture, err);

	return rc < 0 ? rc : kymo_rows_import_block(attachment->import, rows, types, err);
}

static int take_samples(struct attachment *attachment, struct kymo_capture *capture,
			struct kymo_chunk_cursor *cursor, struct cap_err *err)
{
	struct kymo_filter filter;

	if (!attachment->sums) {
		settle_filter(attachment->db, capture, &filter);
		attachment->sums = kymo_sample_sums_new(&filter);
	}
	return attachment->sums ? kymo_sample_sums_add(attachment->sums, capture, cursor, err)
				: cap_fail(err, -ENOMEM, "out of memory for samples");
}

static int take_section(void *context, struct kymo_capture *capture, u32 type_id,
			struct kymo_chunk_cursor *cursor, struct cap_err *err)
{
	struct attachment *attachment = context;
	unsigned needs = attachment->db->options.needs;

	if (type_id == EV_CPU_SAMPLE && needs & KYMO_NEED_SAMPLES)
		return take_samples(attachment, capture, cursor, err);
	if (!(needs & KYMO_NEED_SUMS))
		return 0;
	if (!attachment->waits)
		attachment->waits = kymo_wait_sums_new();
	return attachment->waits ? kymo_wait_sums_add(attachment->waits, type_id, cursor, err)
				 : cap_fail(err, -ENOMEM, "out of memory for waits");
}

static int store_waits(struct attachment *attachment, struct cap_err *err)
{
	struct kymo_db *db = attachment->db;

	if (!(db->options.needs & KYMO_NEED_SUMS))
		return 0;
	if (!attachment->waits)
		attachment->waits = kymo_wait_sums_new();
	if (!attachment->waits)
		return cap_fail(err, -ENOMEM, "out of memory for waits");
	return kymo_wait_sums_store(attachment->waits, db->source.capture, db->handle, err);
}

/* Also where the capture has no samples: then the table is empty. */
static int store_samples(struct attachment *attachment, struct cap_err *err)
{
	struct kymo_db *db = attachment->db;

	if (!(db->options.needs & KYMO_NEED_SAMPLES))
		return 0;
	if (!attachment->sums)
		attachment->sums = kymo_sample_sums_new(NULL);
	if (!attachment->sums)
		return cap_fail(err, -ENOMEM, "out of memory for samples");
	db->has_sample_sums = true;
	return kymo_sample_sums_store(attachment->sums, db->source.capture, db->handle, err);
}

static int open_memory(struct kymo_db *db, struct cap_err *err)
{
	int rc = kymo_connection_open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
				      &db->handle, err);

	if (rc == 0)
		rc = kymo_vtab_register(db->handle, &db->source, err);
	if (rc == 0)
		rc = kymo_query_exec(db->handle, "PRAGMA journal_mode = OFF", err);
	if (rc == 0 && db->options.sorts_all)
		rc = kymo_connection_sort_in_files(db->handle, err);
	if (rc == 0)
		rc = kymo_query_exec(db->handle, "BEGIN", err);
	return rc < 0 ? rc : kymo_schema_create(db->handle, err);
}

/* One pass over the capture, which fills the tables of small rows and counts calls; one more where
 * stacks are needed. */
static int read_capture(struct kymo_db *db, struct attachment *attachment, struct cap_err *err)
{
	unsigned needs = db->options.needs;
	const struct kymo_capture_options options = {
		.reading = db->options.reading,
		.progress = progress,
		.progress_context = db,
		.search = db->options.symbol_options ? &db->options.symbol_options->search : NULL,
		/* what is copied with its stacks resolves them on the way */
		.stacks = (needs & KYMO_NEED_STACKS) && !late_types(db),
		.section = take_section,
		.section_context = attachment,
		.section_types = needs & KYMO_NEED_SUMS ? 1ull << EV_SYSCALL : 0,
		.block = take_block,
		.block_context = attachment};
	int rc = kymo_capture_open(db->path, &options, &db->source.capture, err);

	if (rc < 0)
		db->source.capture = NULL;
	if (rc == CAP_ENOTCAPTURE)
		return cap_fail(
			err, rc,
			"'%s' is neither a kymo capture nor a database made by `kymo import`",
			db->path);
	return rc;
}

static int attach_capture(struct kymo_db *db, struct attachment *attachment, struct cap_err *err)
{
	bool too_early = false;
	int rc = attachment->import ? kymo_rows_import_finish(attachment->import, &too_early, err)
				    : 0;

	if (rc == 0 && !too_early && late_types(db))
		rc = kymo_import_rows(db->handle, &db->source, late_types(db), err);
	if (rc == 0)
		rc = kymo_schema_attach(db->handle, &db->source, copied_types(db), !too_early, err);
	if (rc == 0)
		rc = store_samples(attachment, err);
	if (rc == 0)
		rc = store_waits(attachment, err);
	if (rc == 0 &&
	    db->options.needs & KYMO_NEED_SUMS) /* views of the schema know no temp tables */
		rc = kymo_own_schema_views(db->handle, err);
	if (rc == 0)
		rc = kymo_query_exec(db->handle, "COMMIT", err);
	if (rc == 0 && db->options.symbolize && (db->options.needs & KYMO_NEED_STACKS))
		rc = kymo_symbolize_frames(db->handle, db->options.symbol_options,
					   KYMO_NAMES_OF_CAPTURE, err);
	return rc < 0 ? rc : kymo_connection_harden(db->handle, err);
}

static int open_capture(struct kymo_db *db, struct cap_err *err)
{
	CLEANUP(attachment_done) struct attachment attachment = {.db = db};
	int rc = open_memory(db, err);

	if (db->options.question)
		db->options.needs = kymo_question_needs(db->options.question);
	if (db->options.needs & KYMO_NEED_SAMPLES)
		db->options.needs |= KYMO_NEED_STACKS;

	if (rc < 0)
		return cap_context(err, rc, "'%s'", db->path);
	rc = read_capture(db, &attachment, err);
	if (rc < 0)
		return rc;
	rc = attach_capture(db, &attachment, err);
	return rc < 0 ? cap_context(err, rc, "'%s'", db->path) : 0;
}

int kymo_db_open(const char *path, const struct kymo_db_options *options, struct kymo_db **ret_db,
		 struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = calloc(1, sizeof(*db));
	enum content content;
	u64 file_bytes = 0;
	int rc;

	if (!db)
		return cap_fail(err, -ENOMEM, "open '%s': out of memory", path);
	db->path = strdup(path);
	if (!db->path)
		return cap_fail(err, -ENOMEM, "open '%s': out of memory", path);
	db->options = options ? *options : (struct kymo_db_options){.needs = KYMO_NEED_STACKS};
	rc = look_at(path, &content, &file_bytes, err);
	if (rc < 0)
		return rc;
	rc = content == CONTENT_DATABASE ? open_database(db, file_bytes, err)
					 : open_capture(db, err);
	if (rc < 0)
		return rc;
	if (db->options.lines)
		rc = kymo_frame_lines(
			db->handle,
			db->options.symbol_options ? &db->options.symbol_options->search : NULL,
			err);
	if (rc < 0)
		return rc;
	*ret_db = TAKE(db);
	return 0;
}

struct kymo_db *kymo_db_close(struct kymo_db *db)
{
	if (!db)
		return NULL;
	if (db->handle)
		kymo_connection_closep(&db->handle); /* before what its virtual tables read */
	kymo_vtab_source_done(&db->source);
	(void)kymo_capture_close(db->source.capture);
	free(db->path);
	free(db);
	return NULL;
}

void kymo_db_closep(struct kymo_db **db)
{
	*db = kymo_db_close(*db);
}

struct sqlite3 *kymo_db_handle(const struct kymo_db *db)
{
	return db->handle;
}

bool kymo_db_is_capture(const struct kymo_db *db)
{
	return db->source.capture != NULL;
}

const char *kymo_db_stopped(const struct kymo_db *db)
{
	return db->source.capture ? db->source.capture->stopped : NULL;
}

bool kymo_db_has_sample_sums(const struct kymo_db *db)
{
	return db->has_sample_sums;
}

const char *kymo_db_path(const struct kymo_db *db)
{
	return db->path;
}

struct kymo_capture *kymo_db_capture(const struct kymo_db *db)
{
	return db->source.capture;
}

bool kymo_db_take_filtered(struct kymo_db *db, const struct kymo_syscall_wanted *wanted,
			   struct kymo_syscall_aggregate **ret_aggregate, u64 *ret_outside)
{
	const struct kymo_syscall_wanted *by = &db->source.filtered_by;

	if (!db->source.filtered || by->from_ns != wanted->from_ns || by->to_ns != wanted->to_ns ||
	    by->pid != wanted->pid || by->comm != wanted->comm)
		return false;
	*ret_aggregate = TAKE(db->source.filtered);
	if (ret_outside)
		*ret_outside = db->source.filtered_outside;
	return true;
}

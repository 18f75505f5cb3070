#pragma once
/*
 * One door to what a report asks: a database made by `kymo import`, or a capture, which then looks
 * like such a database (dictionary tables in memory, big tables as virtual tables over the file).
 * Which of the two a file is, its content says, not its name.
 */
#include <stdbool.h>

#include "analyzer/db/query.h"
#include "analyzer/capture/reading.h"
#include "analyzer/db/symbolize_db.h"
#include "formats/base/cap_error.h"
#include "formats/table/events.h"

struct kymo_db_options {
	enum kymo_reading reading; /* captures only; CAP_EREFUSED */
	bool symbolize; /* captures only: names of user functions, from local files with the same
			   build-id */
	const struct kymo_symbol_options *symbol_options; /* where to look for them; NULL: on this
							     machine. Only used while opening */
	void (*progress)(void *context, u64 done_bytes,
			 u64 total_bytes); /* while a capture is read; NULL: none */
	void *progress_context;
};

struct kymo_db;

/*
 * path "-": a capture on standard input. Read-only. options may be NULL. -errno, CAP_ENOTCAPTURE
 * (neither capture nor database), CAP_ENOTOURS (a database of another program), CAP_EVERSION (of a
 * newer kymo), CAP_EDAMAGED (the database fails its check).
 */
int kymo_db_open(const char *path, const struct kymo_db_options *options, struct kymo_db **ret_db,
		 struct cap_err *err);
struct kymo_db *kymo_db_close(struct kymo_db *db);
void kymo_db_closep(struct kymo_db **db); /* for CLEANUP */

struct sqlite3 *kymo_db_handle(const struct kymo_db *db);
bool kymo_db_is_capture(const struct kymo_db *db); /* opened from a .kymo */
/* The damage that KYMO_READ_STOP ended before; NULL: none. */
const char *kymo_db_stopped(const struct kymo_db *db);
const char *kymo_db_path(const struct kymo_db *db);

/* What a report is limited to. Set by the common options, then completed by kymo_filter_resolve. */
struct kymo_filter {
	bool has_from, has_to;
	bool from_is_absolute,
		to_is_absolute; /* ns of CLOCK_MONOTONIC; else ns from the capture's start */
	s64 from_ns, to_ns;	/* calls and samples with from <= time_ns < to */
	s64 pid;		/* tgid; -1: all */
	const char *comm;	/* thread name; NULL: all */
	s64 capture_id;		/* 0: all */
};

#define KYMO_WINDOW_EMPTY "--to must be later than --from"

/*
 * Makes the times absolute (INT64_MIN and INT64_MAX where open) and sets capture_id where the
 * database holds one capture. CAP_EUSAGE if the capture does not exist, if times relative to the
 * start are asked of several captures, or if the window ends before it begins.
 */
int kymo_filter_resolve(struct kymo_db *db, struct kymo_filter *filter, struct cap_err *err);
bool kymo_filter_is_open(const struct kymo_filter *
				 filter); /* no time, pid or comm: the summary tables may be used */

#define KYMO_FILTER_SQL_BYTES 512
/*
 * Writes conditions for a resolved filter, to stand after WHERE ("1" if none): on capture_id and
 * time_ns of the event table called `event`, and tgid and comm of the task table called `task`.
 * Bind the values with kymo_filter_bind.
 */
void kymo_filter_sql(const struct kymo_filter *filter, const char *event, const char *task,
		     char ret_sql[KYMO_FILTER_SQL_BYTES]);
int kymo_filter_bind(const struct kymo_filter *filter, struct kymo_query *query);

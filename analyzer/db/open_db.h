#pragma once
/*
 * One door to what a report asks: a database made by `kymo import`, or a capture, which then looks
 * like such a database (dictionary tables in memory, big tables as virtual tables over the file).
 * Which of the two a file is, its content says, not its name.
 */
#include <stdbool.h>

#include "analyzer/capture/reading.h"
#include "analyzer/db/filter.h"
#include "analyzer/db/query.h"
#include "analyzer/db/question_needs.h"
#include "analyzer/db/symbolize_db.h"
#include "formats/base/cap_error.h"
#include "formats/table/events.h"

struct kymo_db_options {
	unsigned needs;			  /* captures only: enum kymo_need, ored */
	const char *question;		  /* instead of needs: SQL, which tells them; NULL: none */
	const struct kymo_filter *filter; /* of calls, and its times of sample sums; NULL: all */
	enum kymo_reading reading;	  /* captures only; CAP_EREFUSED */
	bool sorts_all; /* all rows of a table will be sorted: in temporary files, where memory
			   would grow with the capture */
	bool symbolize; /* captures only: names of user functions, from local files with the same
			   build-id */
	bool lines;	/* temp.frame_line is filled: frame_lines.h */
	const struct kymo_symbol_options *symbol_options; /* where to look for them; NULL: on this
							     machine. Only used while opening */
	void (*progress)(void *context, u64 done_bytes,
			 u64 total_bytes); /* while a capture is read; NULL: none */
	void *progress_context;
};

struct kymo_db;

/*
 * path "-": a capture on standard input. Read-only. options may be NULL: then it has stacks.
 * -errno, CAP_ENOTCAPTURE (neither capture nor database), CAP_ENOTOURS (a database of another
 * program), CAP_EVERSION (of a newer kymo), CAP_EDAMAGED (the database fails its check).
 */
int kymo_db_open(const char *path, const struct kymo_db_options *options, struct kymo_db **ret_db,
		 struct cap_err *err);
struct kymo_db *kymo_db_close(struct kymo_db *db);
void kymo_db_closep(struct kymo_db **db); /* for CLEANUP */

struct sqlite3 *kymo_db_handle(const struct kymo_db *db);
bool kymo_db_is_capture(const struct kymo_db *db); /* opened from a .kymo */
/* The damage that KYMO_READ_STOP ended before; NULL: none. */
const char *kymo_db_stopped(const struct kymo_db *db);
/* Whether temp.sample_sums is there, made within the times of the filter. */
bool kymo_db_has_sample_sums(const struct kymo_db *db);
const char *kymo_db_path(const struct kymo_db *db);

#pragma once
/*
 * `kymo import`: captures into one new database. Written as OUTPUT.part in one transaction, then
 * renamed, so a database under its final name is always whole.
 */
#include <stdbool.h>
#include <stddef.h>

#include "analyzer/capture/reading.h"
#include "analyzer/db/symbolize_db.h"
#include "formats/base/cap_error.h"
#include "formats/table/events.h"

struct kymo_import_progress {
	size_t file, file_count; /* which of the captures, from 0 */
	const char *path;
	double fraction; /* of all the work, 0..1 */
	u64 events;	 /* of the captures up to this one, as far as done */
};

struct kymo_import_options {
	const char *const *paths;
	size_t path_count;
	const char *output;
	enum kymo_reading reading;
	bool force;   /* replace an existing output */
	bool symbols; /* names of user functions from local files */
	const struct kymo_symbol_options
		*symbol_options; /* where those are; NULL: this machine's */
	/* Called some times per second of work; a negative return ends the import with that code.
	 * May be NULL. */
	int (*progress)(void *context, const struct kymo_import_progress *progress);
	void *progress_context;
};

struct kymo_import_result {
	u64 events, bytes;		  /* bytes of the captures */
	size_t stopped_count;		  /* captures that KYMO_READ_STOP read only in part */
	char stopped[CAP_ERR_TEXT_BYTES]; /* the damage before which the first of them ended */
};

/*
 * 0 and *ret_result. -EEXIST where the output or a .part of it is there (and not force), CAP_EUSAGE
 * if the output is one of the captures, -EINTR, errors of reading and writing. After a failure
 * nothing is left of what was written.
 */
int kymo_import_files(const struct kymo_import_options *options,
		      struct kymo_import_result *ret_result, struct cap_err *err);

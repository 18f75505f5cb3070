#pragma once
/* Virtual tables over a capture. SQL names: kymo_rows(TYPE), kymo_model(TABLE),
 * kymo_syscalls(TABLE). */
#include <sqlite3.h>

#include "analyzer/capture/capture_model.h"
#include "analyzer/capture/syscall_rows.h"
#include "formats/base/cap_error.h"

struct kymo_chunk_cursor;
struct kymo_syscall_aggregate;

struct kymo_vtab_source { /* what the virtual tables of a connection read; outlives the connection
			   */
	struct kymo_capture *capture;
	struct kymo_chunk_cursor *block; /* if set, kymo_rows shows the rows of its block only */
	u64 rejected;			 /* columns that scans could not use */
	struct kymo_syscall_aggregate *aggregate; /* of all calls; made at the first question at the
						     latest */
	struct kymo_syscall_aggregate *filtered; /* made at opening: of the calls filtered_by wants;
						    NULL: none was */
	struct kymo_syscall_wanted filtered_by;
	u64 filtered_outside; /* counted calls left out of it: kymo_syscall_rows.counts_outside */
	struct cap_err
		error; /* of the last failed call: SQLite keeps only text and a code of its own */
};

/* Registers the modules on a connection. 0 or a negative code. */
int kymo_vtab_register(sqlite3 *db, struct kymo_vtab_source *source, struct cap_err *err);

/* Frees what the source made; not the capture. */
void kymo_vtab_source_done(struct kymo_vtab_source *source);

/* For the modules' xConnect: declares a table of these columns, separated by commas, and makes its
 * object: `bytes` bytes that begin with a sqlite3_vtab and are zero. The SQLite code. */
int kymo_vtab_connect(sqlite3 *db, const char *columns, size_t bytes, sqlite3_vtab **ret_vtab);
/* Their xDisconnect. */
int kymo_vtab_disconnect(sqlite3_vtab *vtab);

/* The same for cursors: for xOpen, and their xClose where a cursor holds no memory of its own. */
int kymo_vtab_open(size_t bytes, sqlite3_vtab_cursor **ret_cursor);
int kymo_vtab_close(sqlite3_vtab_cursor *cursor);

/* For the modules: keeps the error and returns the SQLite code for it. */
int kymo_vtab_fail(sqlite3_vtab *vtab, struct kymo_vtab_source *source, int code,
		   const struct cap_err *err);

/* Columns that kymo_model(TABLE) and kymo_syscalls(TABLE) have, as a comma-separated list; NULL if
 * there is no such table. */
const char *kymo_model_columns(const char *table);
const char *kymo_syscalls_columns(const char *table);

extern const sqlite3_module kymo_rows_module, kymo_model_module, kymo_syscalls_module;

#pragma once
/*
 * Copies rows of a capture into the tables of their types, block by block, by INSERT ... SELECT
 * from the virtual tables, and feeds the aggregate of system calls on the way. Each block is
 * decompressed once for all of that: in a walk of its own (kymo_import_rows), or by who reads the
 * capture anyway.
 */
#include "analyzer/capture/syscall_rows.h"
#include "analyzer/db/vtab.h"

struct kymo_rows_import;

struct kymo_rows_wanted {
	u64 types; /* to copy: a bit per row type */
	/* Calls to aggregate; NULL: none. A resolved source->aggregate or, where not all are
	 * wanted, source->filtered is the result. */
	const struct kymo_syscall_wanted *calls;
};

/* For who reads the capture: source->capture is there from the first block on. */
int kymo_rows_import_new(sqlite3 *db, struct kymo_vtab_source *source,
			 const struct kymo_rows_wanted *wanted,
			 struct kymo_rows_import **ret_import, struct cap_err *err);
struct kymo_rows_import *kymo_rows_import_free(struct kymo_rows_import *import);
void kymo_rows_import_freep(struct kymo_rows_import **import);
int kymo_rows_import_block(struct kymo_rows_import *import, const struct cap_rows *rows, u64 types,
			   struct cap_err *err);
/* After the last block. If a row was met before its task had a number, nothing is copied, and
 * *ret_too_early is set: a walk of its own can do it. */
int kymo_rows_import_finish(struct kymo_rows_import *import, bool *ret_too_early,
			    struct cap_err *err);

/* The same in a walk of its own; calls are aggregated where rows of calls are copied. 0 or
 * negative.
 */
int kymo_import_rows(sqlite3 *db, struct kymo_vtab_source *source, u64 types, struct cap_err *err);

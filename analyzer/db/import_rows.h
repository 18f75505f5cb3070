#pragma once
/* The rows of all types of a capture into their tables. For schema_db.c. */
#include "analyzer/db/vtab.h"

/*
 * The types of `types` (a bit per type id) that the capture has. If system calls are among them,
 * they are counted on the way: source->aggregate is then there for the summary tables. 0 or a
 * negative code.
 */
int kymo_import_rows(sqlite3 *db, struct kymo_vtab_source *source, u64 types, struct cap_err *err);

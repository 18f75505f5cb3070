#pragma once
/* The rows of all types of a capture into their tables. For schema_db.c. */
#include "analyzer/import/vtab.h"

/* Also counts system calls on the way: source->aggregate is then there for the summary tables. 0 or
 * a negative code. */
int kymo_import_rows(sqlite3 *db, struct kymo_vtab_source *source, struct cap_err *err);

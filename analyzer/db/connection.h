#pragma once
/* Hardened connections: closed to everything a hostile file or query could reach. Only below
 * db/ and import/. */
#include <sqlite3.h>

#include "formats/base/cap_error.h"

/* What another program may take to finish its writing, before we say that the file is locked. */
#define KYMO_BUSY_WAIT_MS 10000

/* Opens path with SQLITE_OPEN_* flags; ":memory:" is a database in memory. */
int kymo_connection_open(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err);
/* The same for a path that a user gave: any name is the name of a file, such as "file:x?mode=ro" or
 * ":memory:". */
int kymo_connection_open_file(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err);
void kymo_connection_closep(sqlite3 **db); /* for CLEANUP */

/* No ATTACH, no writing of the schema by hand, only harmless functions in the schema, tight limits.
 * To be called once the schema is complete. */
int kymo_connection_harden(sqlite3 *db, struct cap_err *err);

/* Where what is sorted and what is only there for this connection goes: into memory, which is the
 * default of ours, or into temporary files that nobody else can open. Before anything is put
 * there. */
int kymo_connection_sort_in_files(sqlite3 *db, struct cap_err *err);

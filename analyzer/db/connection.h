#pragma once
/* Hardened connections: closed to everything a hostile file or query could reach. Only below
 * db/ and import/. */
#include <sqlite3.h>

#include "formats/base/cap_error.h"

/* Opens path with SQLITE_OPEN_* flags. */
int kymo_connection_open(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err);
void kymo_connection_closep(sqlite3 **db); /* for CLEANUP */

/* No ATTACH, no writing of the schema by hand, only harmless functions in the schema, tight limits.
 * To be called once the schema is complete. */
int kymo_connection_harden(sqlite3 *db, struct cap_err *err);

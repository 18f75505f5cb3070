#pragma once
/*
 * What our database looks like, held against one that a stranger may have made. Its tables must be
 * plain tables; its views are never used by reports, because temporary ones with our text stand in
 * front of them: a view can run for ever, or say anything.
 */
#include <sqlite3.h>

#include "formats/base/cap_error.h"

/*
 * Nothing but plain tables, all of ours among them, without computed columns: reading them runs no
 * code of the file. 0, CAP_EDAMAGED, or SQLite's error. To be asked before any other question.
 */
int kymo_own_schema_check(sqlite3 *db, struct cap_err *err);

/* Each view of schema.sql as a temporary one, where it is not there yet. They see temporary tables
 * first, then the file's. */
int kymo_own_schema_views(sqlite3 *db, struct cap_err *err);

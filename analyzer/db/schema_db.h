#pragma once
/* Makes the schema on a connection, and fills it from an opened capture. */
#include <stdbool.h>

#include "analyzer/db/schema_version.h"
#include "analyzer/db/vtab.h"
#include "formats/base/cap_error.h"

/* schema.sql, then reports/NAME.sql of each report, embedded at build time; ended by NULL. Each is
 * also there as kymo_<name>_sql. */
extern const char *const kymo_schema_texts[];

/* Tables and views of these files, the table of errno names, and the tables of row types. */
int kymo_schema_create(sqlite3 *db, struct cap_err *err);

/* Copies everything of source->capture by INSERT ... SELECT, and computes the summaries. The
 * modules of vtab.h must be registered. */
int kymo_schema_import(sqlite3 *db, struct kymo_vtab_source *source, struct cap_err *err);

/* Row types that are not in chunks: a bit per type. Few rows, which nearly every report asks for.
 */
u64 kymo_schema_small_types(void);

/* The same tables for asking a capture directly: dictionaries are copied, rows of chunks and their
 * summaries become virtual tables. copied: row types that are to be tables of their own, a bit per
 * type; they are there already, or else (rows_there false) copied now. */
int kymo_schema_attach(sqlite3 *db, struct kymo_vtab_source *source, u64 copied, bool rows_there,
		       struct cap_err *err);

/* Opening and hardening. */
#include "analyzer/db/connection.h"

#include <errno.h>
#include <stdio.h>

#include "formats/base/cleanup.h"

int kymo_connection_open(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err)
{
	CLEANUP(kymo_connection_closep) sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
			    NULL) != SQLITE_OK)
		return cap_fail(err, db ? -EIO : -ENOMEM, "open '%s': %s", path,
				db ? sqlite3_errmsg(db) : "out of memory");
	(void)sqlite3_extended_result_codes(db, 1);
	(void)sqlite3_busy_timeout(db, KYMO_BUSY_WAIT_MS); /* of a connection it cannot fail */
	if (sqlite3_exec(db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL) != SQLITE_OK)
		return cap_fail(err, -EIO, "open '%s': %s", path, sqlite3_errmsg(db));
	*ret_db = TAKE(db);
	return 0;
}

int kymo_connection_sort_in_files(sqlite3 *db, struct cap_err *err)
{
	/* a sort fills the cache before it writes a run: longer runs are merged faster */
	if (sqlite3_exec(db, "PRAGMA temp_store = FILE; PRAGMA cache_size = -16384", NULL, NULL,
			 NULL) != SQLITE_OK)
		return cap_fail(err, -EIO, "%s", sqlite3_errmsg(db));
	return 0;
}

int kymo_connection_open_file(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err)
{
	CLEANUP(cap_freep) char *plain = NULL;

	/* SQLite may take "file:" for the beginning of a URI. */
	if (asprintf(&plain, "%s%s", path[0] == '/' ? "" : "./", path) < 0) {
		plain = NULL;
		return cap_fail(err, -ENOMEM, "open '%s'", path);
	}
	return kymo_connection_open(plain, flags, ret_db, err);
}

void kymo_connection_closep(sqlite3 **db)
{
	(void)sqlite3_close(*db); /* all statements are finalized: it cannot be busy */
	*db = NULL;
}

int kymo_connection_harden(sqlite3 *db, struct cap_err *err)
{
	static const struct {
		int what, value;
	} settings[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
		{SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
	};
	static const struct {
		int what, value;
	} limits[] = {
		{SQLITE_LIMIT_ATTACHED, 0},	    {SQLITE_LIMIT_LENGTH, 64 << 20},
		{SQLITE_LIMIT_SQL_LENGTH, 1 << 20}, {SQLITE_LIMIT_COLUMN, 500},
		{SQLITE_LIMIT_EXPR_DEPTH, 500},	    {SQLITE_LIMIT_VDBE_OP, 250000},
		{SQLITE_LIMIT_FUNCTION_ARG, 100},   {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
		{SQLITE_LIMIT_WORKER_THREADS, 0},   {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		/* a library built without a feature cannot switch it off, and need not */
		(void)sqlite3_db_config(db, settings[i].what, settings[i].value, NULL);
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)sqlite3_limit(db, limits[i].what, limits[i].value); /* returns the old one */
	if (sqlite3_exec(db,
			 "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0; "
			 "PRAGMA ignore_check_constraints = 1",
			 NULL, NULL, NULL) != SQLITE_OK)
		return cap_fail(err, -EIO, "%s", sqlite3_errmsg(db));
	return 0;
}

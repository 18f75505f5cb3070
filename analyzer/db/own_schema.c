/* The schema is made once more, in memory, and read from there: no text of the file is ever run. */
#include "analyzer/db/own_schema.h"

#include <errno.h>
#include <string.h>

#include "analyzer/db/connection.h"
#include "analyzer/db/query.h"
#include "analyzer/db/schema_db.h"
#include "formats/base/cleanup.h"

#define VIEW_HEAD "CREATE VIEW "

/* A fresh database in memory with nothing but our schema. */
static int make_schema(sqlite3 **ret_db, struct cap_err *err)
{
	CLEANUP(kymo_connection_closep) sqlite3 *db = NULL;
	int rc = kymo_connection_open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db,
				      err);

	if (rc == 0)
		rc = kymo_schema_create(db, err);
	if (rc == 0)
		*ret_db = TAKE(db);
	return rc;
}

static int refuse_if_any(sqlite3 *db, const char *sql, const char *what, struct cap_err *err)
{
	s64 count;
	int rc = kymo_query_one_int(db, sql, &count, err);

	if (rc == 0 && count > 0)
		return cap_fail(err, CAP_EDAMAGED, "it has %s", what);
	return rc;
}

static int check_tables(sqlite3 *db, sqlite3 *own, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *names = NULL;
	CLEANUP(kymo_query_freep) struct kymo_query *find = NULL;
	int rc = kymo_query_new(own, "SELECT name FROM sqlite_schema WHERE type = 'table'", &names,
				err);

	if (rc == 0)
		rc = kymo_query_new(
			db,
			"SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = :name",
			&find, err);
	while (rc == 0 && (rc = kymo_query_step(names, err)) == 1) {
		const char *name = kymo_query_text(names, 0, NULL);

		rc = kymo_query_bind_text(find, ":name", name);
		if (rc == 0)
			rc = kymo_query_step(find, err);
		if (rc == 0)
			return cap_fail(err, CAP_EDAMAGED, "it has no table %s", name);
		if (rc < 0)
			return rc;
		kymo_query_reset(find);
		rc = 0;
	}
	return rc;
}

int kymo_own_schema_check(sqlite3 *db, struct cap_err *err)
{
	CLEANUP(kymo_connection_closep) sqlite3 *own = NULL;
	int rc;

	/* SQLite writes this text itself; a file with another one was not made by it alone. */
	rc = refuse_if_any(db,
			   "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND "
			   "substr(sql, 1, 13) <> 'CREATE TABLE '",
			   "tables that are not plain", err);
	if (rc == 0)
		rc = refuse_if_any(db,
				   "SELECT count(*) FROM main.sqlite_schema s, "
				   "pragma_table_xinfo(s.name) c WHERE s.type = 'table' AND "
				   "c.hidden <> 0",
				   "computed columns", err);
	if (rc == 0)
		rc = make_schema(&own, err);
	return rc < 0 ? rc : check_tables(db, own, err);
}

int kymo_own_schema_views(sqlite3 *db, struct cap_err *err)
{
	CLEANUP(kymo_connection_closep) sqlite3 *own = NULL;
	CLEANUP(kymo_query_freep) struct kymo_query *views = NULL;
	int rc = make_schema(&own, err);

	if (rc == 0)
		rc = kymo_query_new(own, "SELECT sql FROM sqlite_schema WHERE type = 'view'",
				    &views, err);
	while (rc == 0 && (rc = kymo_query_step(views, err)) == 1) {
		const char *sql = kymo_query_text(views, 0, NULL);
		char *copy = sqlite3_mprintf("CREATE TEMP VIEW IF NOT EXISTS %s",
					     sql + strlen(VIEW_HEAD));

		rc = copy ? kymo_query_exec(db, copy, err)
			  : cap_fail(err, -ENOMEM, "out of memory");
		sqlite3_free(copy);
	}
	return rc;
}

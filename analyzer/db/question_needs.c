/* The question is compiled against an empty database with our schema, and SQLite tells what it
 * reads. */
#include "analyzer/db/question_needs.h"

#include <sqlite3.h>
#include <string.h>

#include "analyzer/capture/row_columns.h"
#include "analyzer/db/connection.h"
#include "analyzer/db/schema_db.h"
#include "formats/base/cleanup.h"

#define ALL_NEEDS (KYMO_NEED_CALLS | KYMO_NEED_STACKS)

static bool is_any(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sqlite3_stricmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static int note_read(void *context, int action, const char *table, const char *column,
		     const char *database, const char *view)
{
	static const char *const stacks[] = {"stack", "frame", "module", "module_symbols",
					     "module_unwinding"};
	unsigned *needs = context;

	(void)database, (void)view;
	if (action != SQLITE_READ)
		return SQLITE_OK;
	if (is_any(table, stacks, sizeof(stacks) / sizeof(stacks[0])) ||
	    kymo_row_column_is_stack(table, column))
		*needs |= KYMO_NEED_STACKS;
	if (kymo_syscalls_columns(table))
		*needs |= KYMO_NEED_CALLS;
	return SQLITE_OK;
}

unsigned kymo_question_needs(const char *sql)
{
	CLEANUP(kymo_connection_closep) sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	unsigned needs = 0;
	int rc;

	if (kymo_connection_open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db,
				 NULL) < 0 ||
	    kymo_schema_create(db, NULL) < 0 || kymo_connection_harden(db, NULL) < 0 ||
	    sqlite3_set_authorizer(db, note_read, &needs) != SQLITE_OK)
		return ALL_NEEDS;
	rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	(void)sqlite3_finalize(statement); /* it was never stepped */
	return rc == SQLITE_OK ? needs : ALL_NEEDS;
}

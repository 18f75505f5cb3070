/* Registration of the virtual tables, what their modules have in common, and their errors. */
#include "analyzer/db/vtab.h"

#include <errno.h>
#include <string.h>

#include "analyzer/stats/syscall_aggregate.h"

int kymo_vtab_register(sqlite3 *db, struct kymo_vtab_source *source, struct cap_err *err)
{
	static const struct {
		const char *name;
		const sqlite3_module *module;
	} modules[] = {{"kymo_rows", &kymo_rows_module},
		       {"kymo_model", &kymo_model_module},
		       {"kymo_syscalls", &kymo_syscalls_module}};

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		if (sqlite3_create_module(db, modules[i].name, modules[i].module, source) !=
		    SQLITE_OK)
			return cap_fail(err, -ENOMEM, "register virtual table %s: %s",
					modules[i].name, sqlite3_errmsg(db));
	}
	return 0;
}

void kymo_vtab_source_done(struct kymo_vtab_source *source)
{
	source->aggregate = kymo_syscall_aggregate_free(source->aggregate);
	source->filtered = kymo_syscall_aggregate_free(source->filtered);
}

static void *zeroed(size_t bytes)
{
	void *memory = sqlite3_malloc64(bytes);

	return memory ? memset(memory, 0, bytes) : NULL;
}

int kymo_vtab_connect(sqlite3 *db, const char *columns, size_t bytes, sqlite3_vtab **ret_vtab)
{
	char *sql = sqlite3_mprintf("CREATE TABLE x(%s)", columns);
	int rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;

	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return rc;
	/* Views of ours use it; it reads nothing but the capture that was opened. */
	(void)sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	*ret_vtab = zeroed(bytes);
	return *ret_vtab ? SQLITE_OK : SQLITE_NOMEM;
}

int kymo_vtab_disconnect(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}

int kymo_vtab_open(size_t bytes, sqlite3_vtab_cursor **ret_cursor)
{
	*ret_cursor = zeroed(bytes);
	return *ret_cursor ? SQLITE_OK : SQLITE_NOMEM;
}

int kymo_vtab_close(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

int kymo_vtab_fail(sqlite3_vtab *vtab, struct kymo_vtab_source *source, int code,
		   const struct cap_err *err)
{
	source->error = *err;
	source->error.code = code;
	sqlite3_free(vtab->zErrMsg);
	vtab->zErrMsg = sqlite3_mprintf("%s", err->text);
	if (code == -ENOMEM)
		return SQLITE_NOMEM;
	return code == -EINTR ? SQLITE_INTERRUPT : SQLITE_ERROR;
}

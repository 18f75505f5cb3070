/* Virtual table kymo_model(TABLE): walks the rows of model_tables.c. */
#include <string.h>

#include "analyzer/db/model_tables.h"

struct model_vtab {
	sqlite3_vtab base;
	struct kymo_vtab_source *source;
	const struct kymo_model_table *table;
};

struct model_cursor {
	sqlite3_vtab_cursor base;
	u64 row, count;
};

const char *kymo_model_columns(const char *table)
{
	const struct kymo_model_table *found = kymo_model_table_find(table);

	return found ? found->columns : NULL;
}

static int model_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			 sqlite3_vtab **ret_vtab, char **ret_error)
{
	const struct kymo_model_table *table = argc == 4 ? kymo_model_table_find(argv[3]) : NULL;
	struct model_vtab *vtab;
	char *sql;
	int rc;

	if (!table) {
		*ret_error = sqlite3_mprintf("kymo_model: no such table");
		return SQLITE_ERROR;
	}
	vtab = sqlite3_malloc(sizeof(*vtab));
	sql = sqlite3_mprintf("CREATE TABLE x(%s)", table->columns);
	if (!vtab || !sql) {
		sqlite3_free(vtab);
		sqlite3_free(sql);
		return SQLITE_NOMEM;
	}
	*vtab = (struct model_vtab){.source = aux, .table = table};
	rc = sqlite3_declare_vtab(db, sql);
	sqlite3_free(sql);
	if (rc != SQLITE_OK) {
		sqlite3_free(vtab);
		return rc;
	}
	*ret_vtab = &vtab->base;
	return SQLITE_OK;
}

static int model_disconnect(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}

static int model_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	(void)vtab;
	info->estimatedCost = 1e6;
	return SQLITE_OK;
}

static int model_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor)
{
	struct model_cursor *cursor = sqlite3_malloc(sizeof(*cursor));

	(void)vtab;
	if (!cursor)
		return SQLITE_NOMEM;
	memset(cursor, 0, sizeof(*cursor));
	*ret_cursor = &cursor->base;
	return SQLITE_OK;
}

static int model_close(sqlite3_vtab_cursor *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

static int model_filter(sqlite3_vtab_cursor *base, int index, const char *text, int argc,
			sqlite3_value **argv)
{
	struct model_cursor *cursor = (struct model_cursor *)base;
	const struct model_vtab *vtab = (const struct model_vtab *)base->pVtab;

	(void)index, (void)text, (void)argc, (void)argv;
	cursor->row = 0;
	cursor->count = vtab->table->count(vtab->source->capture);
	return SQLITE_OK;
}

static int model_next(sqlite3_vtab_cursor *base)
{
	((struct model_cursor *)base)->row++;
	return SQLITE_OK;
}

static int model_eof(sqlite3_vtab_cursor *base)
{
	const struct model_cursor *cursor = (const struct model_cursor *)base;

	return cursor->row >= cursor->count;
}

static int model_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct model_vtab *vtab = (const struct model_vtab *)base->pVtab;

	vtab->table->column(vtab->source, context, ((struct model_cursor *)base)->row, column);
	return SQLITE_OK;
}

static int model_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
	*ret_rowid = (s64)((struct model_cursor *)base)->row + 1;
	return SQLITE_OK;
}

const sqlite3_module kymo_model_module = {
	.iVersion = 1,
	.xCreate = model_connect,
	.xConnect = model_connect,
	.xBestIndex = model_best_index,
	.xDisconnect = model_disconnect,
	.xDestroy = model_disconnect,
	.xOpen = model_open,
	.xClose = model_close,
	.xFilter = model_filter,
	.xNext = model_next,
	.xEof = model_eof,
	.xColumn = model_column,
	.xRowid = model_rowid,
};

/* Virtual table kymo_model(TABLE): walks the rows of model_tables.c. */
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
	sqlite3_vtab *base;
	int rc;

	if (!table) {
		*ret_error = sqlite3_mprintf("kymo_model: no such table");
		return SQLITE_ERROR;
	}
	rc = kymo_vtab_connect(db, table->columns, sizeof(struct model_vtab), &base);
	if (rc != SQLITE_OK)
		return rc;
	((struct model_vtab *)base)->source = aux;
	((struct model_vtab *)base)->table = table;
	*ret_vtab = base;
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
	(void)vtab;
	return kymo_vtab_open(sizeof(struct model_cursor), ret_cursor);
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
	.xDisconnect = kymo_vtab_disconnect,
	.xDestroy = kymo_vtab_disconnect,
	.xOpen = model_open,
	.xClose = kymo_vtab_close,
	.xFilter = model_filter,
	.xNext = model_next,
	.xEof = model_eof,
	.xColumn = model_column,
	.xRowid = model_rowid,
};

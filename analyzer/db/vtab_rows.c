/*
 * Virtual table kymo_rows(TYPE): the rows of one type, straight from the capture's chunks. Columns
 * are decoded when first asked for, and a bound on time_ns passes over chunks outside it. Import
 * copies from it, and reports on a capture read it in place of the table.
 */
#include "analyzer/db/vtab.h"

#include <math.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/chunk_cursor.h"
#include "analyzer/db/result_text.h"
#include "analyzer/capture/row_columns.h"

struct rows_table {
	sqlite3_vtab base;
	struct kymo_vtab_source *source;
	const struct cap_type *type;
	struct kymo_row_columns columns;
	int time_column; /* -1: none */
};

struct rows_cursor {
	sqlite3_vtab_cursor base;
	struct kymo_chunk_cursor *chunks; /* ours, or the source's block */
	u32 row, count;			  /* of the section */
	bool eof;
	s64 rowid;
	u64 from_ns, to_ns;
	const u64 *times; /* only while bounded */
	bool bounded;
	u64 rejected; /* already told to the source */
	u8 loaded[ROW_MAX_FIELDS];
	const u64 *values[ROW_MAX_FIELDS];
};

enum index_bit { INDEX_FROM = 1, INDEX_TO = 2, INDEX_EQUAL = 4 };

static int rows_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			sqlite3_vtab **ret_vtab, char **ret_error)
{
	const struct cap_type *type =
		argc == 4 ? cap_schema_type_by_name(cap_schema_builtin(), argv[3]) : NULL;
	struct rows_table *table;
	sqlite3_vtab *base;
	char *columns;
	int rc;

	if (!type) {
		*ret_error = sqlite3_mprintf("kymo_rows: no such row type");
		return SQLITE_ERROR;
	}
	columns = kymo_row_columns_sql(type);
	rc = columns ? kymo_vtab_connect(db, columns, sizeof(*table), &base) : SQLITE_NOMEM;
	free(columns);
	if (rc != SQLITE_OK)
		return rc;
	table = (struct rows_table *)base;
	table->source = aux;
	table->type = type;
	table->time_column = -1;
	kymo_row_columns(type, &table->columns);
	for (size_t i = 0; i < table->columns.count; i++) {
		if (table->columns.list[i].kind == CAP_KIND_TIME &&
		    strcmp(table->columns.list[i].name, "time_ns") == 0)
			table->time_column = (int)i;
	}
	*ret_vtab = base;
	return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	const struct rows_table *table = (const struct rows_table *)vtab;
	double rows = table->source->capture ? (double)table->source->capture->rows[table->type->id]
					     : 1e6;
	int from = -1, to = -1, equal = -1, used = 0;

	for (int i = 0; i < info->nConstraint; i++) {
		const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];

		if (!constraint->usable || constraint->iColumn != table->time_column ||
		    table->time_column < 0)
			continue;
		if (constraint->op == SQLITE_INDEX_CONSTRAINT_GE ||
		    constraint->op == SQLITE_INDEX_CONSTRAINT_GT)
			from = i;
		else if (constraint->op == SQLITE_INDEX_CONSTRAINT_LE ||
			 constraint->op == SQLITE_INDEX_CONSTRAINT_LT)
			to = i;
		else if (constraint->op == SQLITE_INDEX_CONSTRAINT_EQ)
			equal = i;
	}
	if (equal >= 0)
		from = to = -1;
	if (from >= 0)
		info->aConstraintUsage[from].argvIndex = ++used;
	if (to >= 0)
		info->aConstraintUsage[to].argvIndex = ++used;
	if (equal >= 0)
		info->aConstraintUsage[equal].argvIndex = ++used;
	info->idxNum = (from >= 0 ? INDEX_FROM : 0) | (to >= 0 ? INDEX_TO : 0) |
		       (equal >= 0 ? INDEX_EQUAL : 0);
	info->estimatedRows = (sqlite3_int64)(rows / (1 + used * 3)) + 1;
	info->estimatedCost = rows / (1 + used) + 1000;
	return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor)
{
	const struct rows_table *table = (const struct rows_table *)vtab;
	sqlite3_vtab_cursor *base;
	struct rows_cursor *cursor;
	struct cap_err err = {0};
	int rc = kymo_vtab_open(sizeof(*cursor), &base);

	if (rc != SQLITE_OK)
		return rc;
	cursor = (struct rows_cursor *)base;
	cursor->chunks = table->source->block;
	rc = cursor->chunks ? 0
			    : kymo_chunk_cursor_new(table->source->capture, table->type->id,
						    &cursor->chunks, &err);
	if (rc < 0) {
		(void)kymo_vtab_close(base);
		return kymo_vtab_fail(vtab, table->source, rc, &err);
	}
	*ret_cursor = base;
	return SQLITE_OK;
}

static void tell_rejected(struct rows_cursor *cursor)
{
	struct rows_table *table = (struct rows_table *)cursor->base.pVtab;
	u64 rejected = kymo_chunk_cursor_rejected(cursor->chunks);

	table->source->rejected += rejected - cursor->rejected;
	cursor->rejected = rejected;
}

static int rows_close(sqlite3_vtab_cursor *base)
{
	struct rows_cursor *cursor = (struct rows_cursor *)base;

	if (cursor->chunks != ((struct rows_table *)base->pVtab)->source->block) {
		tell_rejected(cursor);
		(void)kymo_chunk_cursor_free(cursor->chunks);
	}
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int next_section(struct rows_cursor *cursor)
{
	struct rows_table *table = (struct rows_table *)cursor->base.pVtab;
	struct cap_err err = {0};
	int rc = kymo_chunk_cursor_next(cursor->chunks, &err);

	cursor->row = 0;
	cursor->count = 0;
	memset(cursor->loaded, 0, sizeof(cursor->loaded));
	if (rc < 0)
		return kymo_vtab_fail(cursor->base.pVtab, table->source, rc, &err);
	cursor->eof = rc == 0;
	if (rc == 1) {
		cursor->count = kymo_chunk_cursor_rows(cursor->chunks);
		cursor->times = cursor->bounded
					? kymo_chunk_cursor_column(
						  cursor->chunks,
						  table->columns.list[table->time_column].field)
					: NULL;
		if (kymo_chunk_cursor_failed(cursor->chunks))
			return SQLITE_NOMEM;
	}
	return SQLITE_OK;
}

/* From the current row on, the first one within the bounds. */
static int settle(struct rows_cursor *cursor)
{
	for (;;) {
		while (cursor->row < cursor->count && cursor->times &&
		       (cursor->times[cursor->row] < cursor->from_ns ||
			cursor->times[cursor->row] > cursor->to_ns))
			cursor->row++;
		if (cursor->row < cursor->count || cursor->eof)
			return SQLITE_OK;
		int rc = next_section(cursor);

		if (rc != SQLITE_OK)
			return rc;
	}
}

static int rows_next(sqlite3_vtab_cursor *base)
{
	struct rows_cursor *cursor = (struct rows_cursor *)base;

	cursor->rowid++;
	if (++cursor->row < cursor->count && !cursor->bounded)
		return SQLITE_OK;
	return settle(cursor);
}

/* A bound as u64; SQLite checks each row itself, so a bound may be too wide but not too narrow. */
static u64 bound_of(sqlite3_value *value, u64 open)
{
	sqlite3_int64 number;

	if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER)
		return open;
	number = sqlite3_value_int64(value);
	return number < 0 ? 0 : (u64)number;
}

static int rows_filter(sqlite3_vtab_cursor *base, int index, const char *index_text, int argc,
		       sqlite3_value **argv)
{
	struct rows_cursor *cursor = (struct rows_cursor *)base;
	struct rows_table *table = (struct rows_table *)base->pVtab;
	struct cap_err err = {0};
	int at = 0, rc;

	(void)index_text, (void)argc;
	cursor->from_ns = 0;
	cursor->to_ns = UINT64_MAX;
	if (index & (INDEX_FROM | INDEX_EQUAL))
		cursor->from_ns = bound_of(argv[at], 0);
	if (index & INDEX_FROM)
		at++;
	if (index & (INDEX_TO | INDEX_EQUAL))
		cursor->to_ns = bound_of(argv[at], UINT64_MAX);
	cursor->bounded = index != 0;
	cursor->rowid = 1;
	cursor->eof = false;
	cursor->row = cursor->count = 0;
	/* times at and above 2^63 read as negative numbers in SQL: no bound can be used against
	 * them */
	if (cursor->bounded && table->source->capture->last_ns > INT64_MAX)
		cursor->bounded = false;
	if (cursor->chunks == table->source->block) {
		kymo_chunk_cursor_type(cursor->chunks, table->type->id);
		return settle(cursor);
	}
	rc = kymo_chunk_cursor_start(cursor->chunks, cursor->bounded ? cursor->from_ns : 0,
				     cursor->bounded ? cursor->to_ns : UINT64_MAX, &err);
	if (rc < 0)
		return kymo_vtab_fail(base->pVtab, table->source, rc, &err);
	return settle(cursor);
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
	return ((struct rows_cursor *)base)->eof;
}

static void result_reference(sqlite3_context *context, s64 number, u64 base)
{
	if (number == -ENOMEM)
		sqlite3_result_error_nomem(context);
	else if (number < 0)
		sqlite3_result_error(context, "more stacks than a capture of this size may hold",
				     -1);
	else
		sqlite3_result_int64(context, number == 0 ? 0 : (s64)(base + (u64)number));
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index)
{
	struct rows_cursor *cursor = (struct rows_cursor *)base;
	const struct rows_table *table = (const struct rows_table *)base->pVtab;
	const struct kymo_ids *ids = &table->source->capture->base;
	const struct kymo_row_column *column = &table->columns.list[index];
	unsigned int field = column->field;
	const struct cap_string *string;
	u64 value;

	if (field == KYMO_FIELD_CAPTURE_ID) {
		sqlite3_result_int64(context, ids->capture);
		return SQLITE_OK;
	}
	if (!cursor->loaded[field]) {
		cursor->values[field] = kymo_chunk_cursor_column(cursor->chunks, field);
		cursor->loaded[field] = 1;
	}
	if (!cursor->values[field]) /* NULL */
		return kymo_chunk_cursor_failed(cursor->chunks) ? SQLITE_NOMEM : SQLITE_OK;
	value = cursor->values[field][cursor->row];
	switch (column->kind) {
	case CAP_KIND_TASK:
		result_reference(context, kymo_chunk_cursor_task(cursor->chunks, value), ids->task);
		break;
	case CAP_KIND_STACK:
		result_reference(context,
				 kymo_chunk_cursor_stack(cursor->chunks, field, cursor->row),
				 ids->stack);
		break;
	case CAP_KIND_STRING:
		string = kymo_chunk_cursor_string(cursor->chunks, value);
		kymo_result_text(context, string->bytes, string->len);
		break;
	case CAP_KIND_BYTES:
		string = kymo_chunk_cursor_string(cursor->chunks, value);
		kymo_result_hex(context, string->bytes, string->len);
		break;
	default:
		sqlite3_result_int64(context, (s64)value);
	}
	return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
	*ret_rowid = ((struct rows_cursor *)base)->rowid;
	return SQLITE_OK;
}

const sqlite3_module kymo_rows_module = {
	.iVersion = 1,
	.xCreate = rows_connect,
	.xConnect = rows_connect,
	.xBestIndex = rows_best_index,
	.xDisconnect = kymo_vtab_disconnect,
	.xDestroy = kymo_vtab_disconnect,
	.xOpen = rows_open,
	.xClose = rows_close,
	.xFilter = rows_filter,
	.xNext = rows_next,
	.xEof = rows_eof,
	.xColumn = rows_column,
	.xRowid = rows_rowid,
};

/* Thin helpers over SQLite statements: every error carries SQLite's own words. */
#include "analyzer/db/query.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/safe_text.h"
#include "formats/base/cleanup.h"

struct kymo_query {
	sqlite3 *handle;
	sqlite3_stmt *statement;
	bool unbound; /* a value could not be bound: stepping would take NULL for it */
};

static int code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return CAP_EDAMAGED;
	case SQLITE_IOERR:
		return -EIO;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EINVAL;
	}
}

static int fail(sqlite3 *handle, struct cap_err *err)
{
	int code = code_of(sqlite3_errcode(handle)), detail = sqlite3_extended_errcode(handle);

	if (code == -EBUSY)
		return cap_fail(err, code, "locked: another program is writing to it");
	/* The file itself was opened. */
	if (code == -EACCES || detail == SQLITE_READONLY_DIRECTORY ||
	    detail == SQLITE_READONLY_CANTINIT || detail == SQLITE_READONLY_RECOVERY)
		return cap_fail(err, code,
				"%s: in WAL mode it needs files beside it; copy it to a folder "
				"where you may write",
				sqlite3_errmsg(handle));
	return cap_fail(err, code, "%s", sqlite3_errmsg(handle));
}

static bool is_blank(const char *text)
{
	/* what may follow a statement: white space, semicolons and comments */
	while (*text) {
		if (strncmp(text, "--", 2) == 0) {
			text += strcspn(text, "\n");
		} else if (strncmp(text, "/*", 2) == 0) {
			const char *end = strstr(text + 2, "*/");

			text = end ? end + 2 : text + strlen(text);
		} else if (strchr(" \t\r\n\f;", *text)) {
			text++;
		} else {
			return false;
		}
	}
	return true;
}

int kymo_query_new(struct sqlite3 *handle, const char *sql, struct kymo_query **ret_query,
		   struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = calloc(1, sizeof(*query));
	const char *rest = NULL;

	if (!query)
		return cap_fail(err, -ENOMEM, "out of memory");
	query->handle = handle;
	if (sqlite3_prepare_v2(handle, sql, -1, &query->statement, &rest) != SQLITE_OK)
		return fail(handle, err);
	if (!query->statement)
		return cap_fail(err, -EINVAL, "no SQL statement given");
	if (!is_blank(rest))
		return cap_fail(err, -EINVAL, "more than one SQL statement");
	*ret_query = TAKE(query);
	return 0;
}

struct kymo_query *kymo_query_free(struct kymo_query *query)
{
	if (!query)
		return NULL;
	(void)sqlite3_finalize(query->statement); /* its error was reported by the step */
	free(query);
	return NULL;
}

void kymo_query_freep(struct kymo_query **query)
{
	*query = kymo_query_free(*query);
}

int kymo_query_bind_int(struct kymo_query *query, const char *name, s64 value)
{
	int index = sqlite3_bind_parameter_index(query->statement, name);

	if (index == 0 || sqlite3_bind_int64(query->statement, index, value) == SQLITE_OK)
		return 0;
	query->unbound = true;
	return -ENOMEM;
}

int kymo_query_bind_real(struct kymo_query *query, const char *name, double value)
{
	int index = sqlite3_bind_parameter_index(query->statement, name);

	if (index == 0 || sqlite3_bind_double(query->statement, index, value) == SQLITE_OK)
		return 0;
	query->unbound = true;
	return -ENOMEM;
}

int kymo_query_bind_text(struct kymo_query *query, const char *name, const char *text)
{
	int index = sqlite3_bind_parameter_index(query->statement, name);

	int rc;

	if (index == 0)
		return 0;
	/* Import keeps names that are not UTF-8 as BLOBs: kymo_result_text. */
	if (text && !kymo_is_utf8(text, strlen(text)))
		rc = sqlite3_bind_blob64(query->statement, index, text, strlen(text),
					 SQLITE_TRANSIENT);
	else
		rc = sqlite3_bind_text(query->statement, index, text, -1, SQLITE_TRANSIENT);
	if (rc == SQLITE_OK)
		return 0;
	query->unbound = true;
	return -ENOMEM;
}

int kymo_query_step(struct kymo_query *query, struct cap_err *err)
{
	if (query->unbound)
		return cap_fail(err, -ENOMEM, "out of memory");
	switch (sqlite3_step(query->statement)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return fail(query->handle, err);
	}
}

void kymo_query_reset(struct kymo_query *query)
{
	(void)sqlite3_reset(
		query->statement); /* repeats the error of the last step, which was reported */
	(void)sqlite3_clear_bindings(query->statement);
	query->unbound = false;
}

int kymo_query_run(struct kymo_query *query, struct cap_err *err)
{
	int rc = kymo_query_step(query, err);

	kymo_query_reset(query);
	return rc < 0 ? rc : 0;
}

int kymo_query_run_with(struct kymo_query *query, const struct kymo_bound_int *values, size_t count,
			struct cap_err *err)
{
	for (size_t i = 0; i < count; i++) /* running fails where binding did */
		(void)kymo_query_bind_int(query, values[i].name, (s64)values[i].value);
	return kymo_query_run(query, err);
}

int kymo_query_column_count(const struct kymo_query *query)
{
	return sqlite3_column_count(query->statement);
}

const char *kymo_query_column_name(const struct kymo_query *query, int column)
{
	const char *name = sqlite3_column_name(query->statement, column);

	return name ? name : "";
}

bool kymo_query_is_null(struct kymo_query *query, int column)
{
	return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

s64 kymo_query_int(struct kymo_query *query, int column)
{
	return sqlite3_column_int64(query->statement, column);
}

double kymo_query_real(struct kymo_query *query, int column)
{
	return sqlite3_column_double(query->statement, column);
}

const char *kymo_query_text(struct kymo_query *query, int column, size_t *ret_bytes)
{
	const char *text = (const char *)sqlite3_column_text(query->statement, column);

	if (ret_bytes)
		*ret_bytes = (size_t)sqlite3_column_bytes(query->statement, column);
	return text;
}

struct kymo_value kymo_query_value(struct kymo_query *query, int column)
{
	struct kymo_value value = {.type = KYMO_NULL};
	/* Asked once, not for its type and then for itself: millions of values pass here. It is not
	 * protected against other threads, of which a connection of ours has none. */
	sqlite3_value *from = sqlite3_column_value(query->statement, column);

	switch (sqlite3_value_type(from)) {
	case SQLITE_INTEGER:
		return kymo_int(sqlite3_value_int64(from));
	case SQLITE_FLOAT:
		return kymo_real(sqlite3_value_double(from));
	case SQLITE_TEXT:
	case SQLITE_BLOB:
		value.text = kymo_query_text(query, column, &value.text_bytes);
		value.type = value.text ? KYMO_TEXT : KYMO_NULL;
		return value;
	default:
		return value;
	}
}

int kymo_query_exec(struct sqlite3 *handle, const char *sql, struct cap_err *err)
{
	return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(handle, err);
}

int kymo_query_one_int(struct sqlite3 *handle, const char *sql, s64 *ret_value, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(handle, sql, &query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	*ret_value = rc == 1 ? kymo_query_int(query, 0) : 0;
	return 0;
}

s64 kymo_query_to_writer(struct kymo_query *query, struct kymo_writer *writer,
			 const char *table_name, const struct kymo_column *columns,
			 struct cap_err *err)
{
	return kymo_query_to_sink_marked(query, writer, table_name, columns, NULL, err);
}

s64 kymo_query_to_sink_marked(struct kymo_query *query, struct kymo_writer *writer,
			      const char *table_name, const struct kymo_column *columns,
			      kymo_mark_fn mark, struct cap_err *err)
{
	size_t count = (size_t)kymo_query_column_count(query);
	CLEANUP(cap_freep) struct kymo_column *named = calloc(count + 1, sizeof(*named));
	CLEANUP(cap_freep) struct kymo_value *values = calloc(count + 1, sizeof(*values));
	s64 rows = 0;
	int rc;

	if (!named || !values)
		return cap_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count && !columns; i++)
		named[i].name = kymo_query_column_name(query, (int)i);
	rc = kymo_query_step(query, err); /* a question that fails at once leaves no empty table */
	if (rc < 0)
		return rc;
	kymo_writer_table_begin(writer, table_name, columns ? columns : named, count);
	while (rc == 1 && kymo_writer_error(writer) == 0) {
		for (size_t i = 0; i < count; i++)
			values[i] = kymo_query_value(query, (int)i);
		if (mark)
			mark(columns ? columns : named, count, values);
		kymo_writer_row(writer, values);
		rows++;
		rc = kymo_query_step(query, err);
	}
	kymo_writer_table_end(writer);
	return rc < 0 ? rc : rows;
}

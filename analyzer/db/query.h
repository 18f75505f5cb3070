#pragma once
/*
 * SQL for code that may not include sqlite3.h: prepare, bind, step, read. Columns count from 0,
 * parameters by name (":pid") .
 */
#include <stdbool.h>
#include <stddef.h>

#include "analyzer/output/report_writer.h"
#include "formats/base/cap_error.h"
#include "formats/table/events.h"

struct sqlite3;
struct kymo_query;

/* Prepares one statement. 0, -EINVAL (SQL error; the message holds SQLite's), -ENOMEM. The handle
 * is kymo_db_handle()'s. */
int kymo_query_new(struct sqlite3 *handle, const char *sql, struct kymo_query **ret_query,
		   struct cap_err *err);
struct kymo_query *kymo_query_free(struct kymo_query *query);
void kymo_query_freep(struct kymo_query **query); /* for CLEANUP */

/* A parameter that the statement does not have is no error: one set of filters serves many
 * statements. Text is copied; NULL binds NULL, and text that is not UTF-8 the BLOB
 * that import keeps such names as. 0 or -ENOMEM; the next step fails then too, so that results need
 * not be looked at one by one. */
int kymo_query_bind_int(struct kymo_query *query, const char *name, s64 value);
int kymo_query_bind_real(struct kymo_query *query, const char *name, double value);
int kymo_query_bind_text(struct kymo_query *query, const char *name, const char *text);

/* 1: a row is ready; 0: done; negative on an error. */
int kymo_query_step(struct kymo_query *query, struct cap_err *err);
/* Ready to be stepped again with new values. */
void kymo_query_reset(struct kymo_query *query);
/* Both, for a statement that gives no rows, run once per row of values. 0 or negative. */
int kymo_query_run(struct kymo_query *query, struct cap_err *err);

struct kymo_bound_int {
	const char *name;
	u64 value; /* at most INT64_MAX */
};
/* The same, with these bound before. */
int kymo_query_run_with(struct kymo_query *query, const struct kymo_bound_int *values, size_t count,
			struct cap_err *err);

int kymo_query_column_count(const struct kymo_query *query);
const char *kymo_query_column_name(const struct kymo_query *query, int column);
bool kymo_query_is_null(struct kymo_query *query, int column);
s64 kymo_query_int(struct kymo_query *query, int column);
double kymo_query_real(struct kymo_query *query, int column);
/* Valid until the next step; NULL where the value is NULL. ret_bytes may be NULL. */
const char *kymo_query_text(struct kymo_query *query, int column, size_t *ret_bytes);
/* The column as a value for a writer; valid until the next step. */
struct kymo_value kymo_query_value(struct kymo_query *query, int column);

/* Runs statements that give no rows. */
int kymo_query_exec(struct sqlite3 *handle, const char *sql, struct cap_err *err);
/* First column of the first row as a number; 0 if there is none. */
int kymo_query_one_int(struct sqlite3 *handle, const char *sql, s64 *ret_value,
		       struct cap_err *err);

/*
 * Steps the query to its end into a table of the writer. columns: how to show each (by position);
 * NULL: names from the query, plain. Returns rows written, or negative.
 */
s64 kymo_query_to_writer(struct kymo_query *query, struct kymo_writer *writer,
			 const char *table_name, const struct kymo_column *columns,
			 struct cap_err *err);

/* May set the marks of a row's values. */
typedef void (*kymo_mark_fn)(const struct kymo_column *columns, size_t count,
			     struct kymo_value *values);
/* The same with mark called for each row; NULL: not. */
s64 kymo_query_to_sink_marked(struct kymo_query *query, struct kymo_writer *writer,
			      const char *table_name, const struct kymo_column *columns,
			      kymo_mark_fn mark, struct cap_err *err);

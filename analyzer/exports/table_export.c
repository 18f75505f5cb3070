/*
 * Rows of a table or view, as lines of JSON or CSV. Which of the filters can be applied, its
 * columns tell; one that cannot be is refused rather than forgotten.
 */
#include "analyzer/exports/table_export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/exports/export_formats.h"
#include "formats/base/cleanup.h"
#include "formats/base/near_word.h"

#define SQL_BYTES 1024

int kymo_table_sql(const char *name, char ret_sql[KYMO_TABLE_SQL_BYTES], struct cap_err *err)
{
	const size_t len = strlen(name);

	if (len == 0 || strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") < len ||
	    len > KYMO_TABLE_NAME_BYTES)
		return cap_fail(err, CAP_EUSAGE,
				"'%s' is no table or view; `kymo schema` lists them", name);
	(void)snprintf(ret_sql, KYMO_TABLE_SQL_BYTES, "SELECT * FROM %s", name);
	return 0;
}

static int refuse_unknown(struct kymo_db *db, const char *table, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) const char **names = NULL;
	const char *near;
	size_t count = 0;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT group_concat(name, char(10)), count(*) FROM"
				" (SELECT name FROM sqlite_schema UNION"
				" SELECT name FROM temp.sqlite_schema)",
				&query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	names = calloc((size_t)kymo_query_int(query, 1) + 1, sizeof(*names));
	if (!names)
		return cap_fail(err, -ENOMEM, "out of memory");
	{
		CLEANUP(cap_freep) char *list = strdup(kymo_query_text(query, 0, NULL));
		char *rest = NULL;

		if (!list)
			return cap_fail(err, -ENOMEM, "out of memory");
		for (char *at = strtok_r(list, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest))
			names[count++] = at;
		near = cap_word_nearest(table, names);
		return near ? cap_fail(err, CAP_EUSAGE, "no table or view '%s'; did you mean %s?",
				       table, near)
			    : cap_fail(err, CAP_EUSAGE,
				       "no table or view '%s'; `kymo schema` lists them", table);
	}
}

/* Whether there is such a table or view: 1, 0, or negative. */
static int is_there(struct kymo_db *db, const char *table, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT 1 FROM sqlite_schema WHERE name = :name UNION"
				" SELECT 1 FROM temp.sqlite_schema WHERE name = :name",
				&query, err);

	if (rc == 0)
		rc = kymo_query_bind_text(query, ":name", table);
	return rc < 0 ? rc : kymo_query_step(query, err);
}

struct columns { /* that filters look at */
	bool capture_id, time_ns, tgid, task_id, process_id, comm;
};

static int read_columns(struct kymo_db *db, const char *sql, struct columns *ret_columns,
			struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	const struct {
		const char *name;
		bool *found;
	} known[] = {
		{"capture_id", &ret_columns->capture_id},
		{"time_ns", &ret_columns->time_ns},
		{"tgid", &ret_columns->tgid},
		{"task_id", &ret_columns->task_id},
		{"process_id", &ret_columns->process_id},
		{"comm", &ret_columns->comm},
	};

	*ret_columns = (struct columns){0};
	if (rc < 0)
		return rc;
	for (int i = 0; i < kymo_query_column_count(query); i++)
		for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
			if (strcmp(kymo_query_column_name(query, i), known[j].name) == 0)
				*known[j].found = true;
	return 0;
}

static int refuse(const char *table, const char *option, const char *lacks, struct cap_err *err)
{
	return cap_fail(err, CAP_EUSAGE, "%s cannot be applied to '%s': it has no %s", option,
			table, lacks);
}

/* Adds conditions after " WHERE 1". */
static int add_conditions(const struct kymo_export *export, const struct columns *columns,
			  char ret_sql[SQL_BYTES], struct cap_err *err)
{
	const struct kymo_filter *filter = export->filter;
	const char *pid = columns->tgid ? " AND tgid = :pid"
			  : columns->task_id
				  ? " AND task_id IN (SELECT id FROM task WHERE tgid = :pid)"
			  : columns->process_id
				  ? " AND process_id IN (SELECT id FROM process WHERE tgid = :pid)"
				  : NULL,
		   *comm = columns->comm      ? " AND comm = :comm"
			   : columns->task_id ? " AND task_id IN (SELECT id FROM task"
						" WHERE comm = :comm)"
					      : NULL;
	size_t used = strlen(ret_sql);

	if ((filter->has_from || filter->has_to) && !columns->time_ns)
		return refuse(export->table, filter->has_from ? "--from" : "--to", "column time_ns",
			      err);
	if (filter->pid >= 0 && !pid)
		return refuse(export->table, "--pid", "column tgid, task_id or process_id", err);
	if (filter->comm && !comm)
		return refuse(export->table, "--comm", "column comm or task_id", err);
	(void)snprintf(ret_sql + used, SQL_BYTES - used, "%s%s%s%s%s",
		       filter->capture_id != 0 && columns->capture_id ? " AND capture_id = :capture"
								      : "",
		       filter->has_from ? " AND time_ns >= :from" : "",
		       filter->has_to ? " AND time_ns < :to" : "", filter->pid >= 0 ? pid : "",
		       filter->comm ? comm : "");
	return 0;
}

int kymo_export_table(const struct kymo_export *export, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	struct columns columns;
	char sql[SQL_BYTES];
	s64 rows;
	int rc = is_there(export->db, export->table, err);

	if (rc <= 0)
		return rc < 0 ? rc : refuse_unknown(export->db, export->table, err);
	rc = kymo_table_sql(export->table, sql, err);
	if (rc == 0)
		rc = read_columns(export->db, sql, &columns, err);
	if (rc == 0) {
		(void)strncat(sql, " WHERE 1", SQL_BYTES - strlen(sql) - 1);
		rc = add_conditions(export, &columns, sql, err);
	}
	if (rc == 0)
		rc = kymo_query_new(kymo_db_handle(export->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(export->filter, query);
	if (rc == 0)
		rc = kymo_writer_new(export->row_format, export->out, &writer);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "rows", NULL, err);
	if (rows < 0)
		return (int)rows;
	*export->written = (u64)rows;
	return kymo_writer_finish(writer, err);
}

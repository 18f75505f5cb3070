/*
 * Views of the main schema see the main schema's tables only, so the views are made once more as
 * temporary ones: those look among temporary tables first.
 */
#include "analyzer/db/filter_summaries.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "analyzer/db/own_schema.h"
#include "analyzer/db/syscall_question.h"
#include "formats/base/cleanup.h"

static const char tables_sql[] =
	"CREATE TEMP TABLE syscall_summary AS SELECT * FROM main.syscall_summary LIMIT 0;"
	"CREATE TEMP TABLE syscall_process_summary AS SELECT * FROM main.syscall_process_summary "
	"LIMIT 0;"
	"CREATE TEMP TABLE syscall_error_summary AS SELECT * FROM main.syscall_error_summary LIMIT "
	"0;"
	"CREATE TEMP TABLE syscall_histogram_summary AS SELECT * FROM "
	"main.syscall_histogram_summary LIMIT 0";

struct insert {
	sqlite3 *handle;
	sqlite3_stmt *statement;
};

static void insert_done(struct insert *insert)
{
	(void)sqlite3_finalize(insert->statement); /* its error was reported by the step */
}

static int insert_init(struct insert *insert, sqlite3 *handle, const char *sql, struct cap_err *err)
{
	insert->handle = handle;
	if (sqlite3_prepare_v2(handle, sql, -1, &insert->statement, NULL) != SQLITE_OK)
		return cap_fail(err, -EIO, "%s", sqlite3_errmsg(handle));
	return 0;
}

/* Values from `null_from` on are NULL. */
static int insert_row(struct insert *insert, const u64 *values, int count, int null_from,
		      int null_count, struct cap_err *err)
{
	int rc = SQLITE_OK;

	for (int i = 0; rc == SQLITE_OK && i < count; i++) {
		bool is_null = i >= null_from && i < null_from + null_count;

		rc = is_null ? sqlite3_bind_null(insert->statement, i + 1)
			     : sqlite3_bind_int64(insert->statement, i + 1, (s64)values[i]);
	}
	if (rc == SQLITE_OK && sqlite3_step(insert->statement) == SQLITE_DONE) {
		(void)sqlite3_reset(insert->statement);
		return 0;
	}
	return cap_fail(err, -EIO, "%s", sqlite3_errmsg(insert->handle));
}

static int insert_groups(sqlite3 *handle, bool by_process, const struct kymo_syscall_group *groups,
			 size_t count, struct cap_err *err)
{
	CLEANUP(insert_done) struct insert insert = {0};
	int rc = insert_init(&insert, handle,
			     by_process ? "INSERT INTO temp.syscall_process_summary "
					  "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
					: "INSERT INTO temp.syscall_summary "
					  "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			     err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct kymo_syscall_group *group = &groups[i];
		const u64 values[] = {
			group->capture_id,     group->process_id,     group->sysno,
			group->compat,	       group->calls,	      group->finished,
			group->unfinished,     group->errors,	      group->total_ns,
			group->min_ns,	       group->quantile_ns[0], group->quantile_ns[1],
			group->quantile_ns[2], group->quantile_ns[3], group->max_ns,
			group->counted,	       group->estimated,
		};
		u64 without_process[16];

		/* min, percentiles, max: six columns that mean nothing where no call finished */
		if (by_process) {
			rc = insert_row(&insert, values, 17, 9, group->finished ? 0 : 6, err);
			continue;
		}
		without_process[0] = values[0];
		memcpy(without_process + 1, values + 2, 15 * sizeof(u64));
		rc = insert_row(&insert, without_process, 16, 8, group->finished ? 0 : 6, err);
	}
	return rc;
}

static int insert_counts(sqlite3 *handle, const char *sql, const struct kymo_syscall_count *counts,
			 size_t count, struct cap_err *err)
{
	CLEANUP(insert_done) struct insert insert = {0};
	int rc = insert_init(&insert, handle, sql, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const u64 values[] = {counts[i].capture_id, counts[i].process_id, counts[i].sysno,
				      counts[i].compat,	    counts[i].value,	  counts[i].calls};

		rc = insert_row(&insert, values, 6, 0, 0, err);
	}
	return rc;
}

static int fill(sqlite3 *handle, const struct kymo_syscall_aggregate *aggregate,
		struct cap_err *err)
{
	const struct kymo_syscall_group *groups;
	const struct kymo_syscall_count *counts;
	size_t count;
	int rc;

	groups = kymo_syscall_totals(aggregate, &count);
	rc = insert_groups(handle, false, groups, count, err);
	groups = kymo_syscall_by_process(aggregate, &count);
	if (rc == 0)
		rc = insert_groups(handle, true, groups, count, err);
	counts = kymo_syscall_errors(aggregate, &count);
	if (rc == 0)
		rc = insert_counts(handle,
				   "INSERT INTO temp.syscall_error_summary VALUES(?,?,?,?,?,?)",
				   counts, count, err);
	counts = kymo_syscall_histogram(aggregate, &count);
	if (rc == 0)
		rc = insert_counts(handle,
				   "INSERT INTO temp.syscall_histogram_summary VALUES(?,?,?,?,?,?)",
				   counts, count, err);
	return rc;
}

int kymo_filter_summaries(struct kymo_db *db, const struct kymo_filter *filter,
			  u64 *ret_counts_outside, struct cap_err *err)
{
	CLEANUP(kymo_syscall_aggregate_freep) struct kymo_syscall_aggregate *aggregate = NULL;
	sqlite3 *handle = kymo_db_handle(db);
	int rc;

	*ret_counts_outside = 0;
	if (kymo_filter_is_open(filter))
		return 0;
	rc = kymo_db_syscall_aggregate(db, filter, &aggregate, ret_counts_outside, err);
	if (rc == 0)
		rc = kymo_query_exec(handle, tables_sql, err);
	if (rc == 0)
		rc = fill(handle, aggregate, err);
	if (rc == 0)
		rc = kymo_own_schema_views(handle, err);
	return rc;
}

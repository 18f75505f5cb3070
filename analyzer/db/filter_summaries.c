/*
 * Temporary tables come before stored ones when names are looked up, but a stored view keeps to its own database: so the views over
 * the summaries are made again as temporary ones, from their own text.
 */
#include "analyzer/db/filter_summaries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/db/syscall_question.h"
#include "formats/cleanup.h"

static const char tables_sql[] =
	"CREATE TEMP TABLE syscall_summary (capture_id, sysno, compat, calls, finished, unfinished,"
	" errors, total_ns, min_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns);"
	"CREATE TEMP TABLE syscall_process_summary (capture_id, process_id, sysno, compat, calls, finished,"
	" unfinished, errors, total_ns, min_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns);"
	"CREATE TEMP TABLE syscall_error_summary (capture_id, process_id, sysno, compat, error, calls);"
	"CREATE TEMP TABLE syscall_histogram_summary (capture_id, process_id, sysno, compat, bucket, calls)";

static const char *const views[] = {
	"syscalls",
	"syscalls_by_process",
	"syscall_errors",
	"syscall_errors_by_process",
	"syscall_histogram",
	"syscall_histogram_by_process",
};

static int step_once(struct kymo_query *query, struct cap_err *err)
{
	int rc = kymo_query_step(query, err);

	kymo_query_reset(query);
	return rc < 0 ? rc : 0;
}

static void bind_durations(struct kymo_query *query, const struct kymo_syscall_group *group)
{
	static const char *const quantiles[KYMO_QUANTILES] = {":p50", ":p90", ":p99", ":p999"};

	(void)kymo_query_bind_int(query, ":min", (s64)group->min_ns);
	(void)kymo_query_bind_int(query, ":max", (s64)group->max_ns);
	for (int i = 0; i < KYMO_QUANTILES; i++)
		(void)kymo_query_bind_int(query, quantiles[i], (s64)group->quantile_ns[i]);
}

#define GROUP_VALUES                                                                              \
	":sysno, :compat, :calls, :finished, :unfinished, :errors, :total,"                       \
	" iif(:finished, :min, NULL), iif(:finished, :p50, NULL), iif(:finished, :p90, NULL),"    \
	" iif(:finished, :p99, NULL), iif(:finished, :p999, NULL), iif(:finished, :max, NULL))"

static int fill_groups(struct sqlite3 *handle, const char *sql, const struct kymo_syscall_group *groups,
		       size_t count, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(handle, sql, &query, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct kymo_syscall_group *group = &groups[i];

		(void)kymo_query_bind_int(query, ":capture", group->capture_id);
		(void)kymo_query_bind_int(query, ":process", group->process_id);
		(void)kymo_query_bind_int(query, ":sysno", group->sysno);
		(void)kymo_query_bind_int(query, ":compat", group->compat);
		(void)kymo_query_bind_int(query, ":calls", (s64)group->calls);
		(void)kymo_query_bind_int(query, ":finished", (s64)group->finished);
		(void)kymo_query_bind_int(query, ":unfinished", (s64)group->unfinished);
		(void)kymo_query_bind_int(query, ":errors", (s64)group->errors);
		(void)kymo_query_bind_int(query, ":total", (s64)group->total_ns);
		bind_durations(query, group);
		rc = step_once(query, err);
	}
	return rc;
}

static int fill_counts(struct sqlite3 *handle, const char *sql, const struct kymo_syscall_count *counts,
		       size_t count, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(handle, sql, &query, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		(void)kymo_query_bind_int(query, ":capture", counts[i].capture_id);
		(void)kymo_query_bind_int(query, ":process", counts[i].process_id);
		(void)kymo_query_bind_int(query, ":sysno", counts[i].sysno);
		(void)kymo_query_bind_int(query, ":compat", counts[i].compat);
		(void)kymo_query_bind_int(query, ":value", counts[i].value);
		(void)kymo_query_bind_int(query, ":calls", (s64)counts[i].calls);
		rc = step_once(query, err);
	}
	return rc;
}

static int fill_tables(struct sqlite3 *handle, const struct kymo_syscall_aggregate *aggregate,
		       struct cap_err *err)
{
	const struct kymo_syscall_group *groups;
	const struct kymo_syscall_count *counts;
	size_t count;
	int rc;

	groups = kymo_syscall_totals(aggregate, &count);
	rc = fill_groups(handle, "INSERT INTO temp.syscall_summary VALUES (:capture, " GROUP_VALUES, groups,
			 count, err);
	if (rc < 0)
		return rc;
	groups = kymo_syscall_by_process(aggregate, &count);
	rc = fill_groups(handle,
			 "INSERT INTO temp.syscall_process_summary VALUES (:capture, :process, " GROUP_VALUES,
			 groups, count, err);
	if (rc < 0)
		return rc;
	counts = kymo_syscall_errors(aggregate, &count);
	rc = fill_counts(handle,
			 "INSERT INTO temp.syscall_error_summary"
			 " VALUES (:capture, :process, :sysno, :compat, :value, :calls)",
			 counts, count, err);
	if (rc < 0)
		return rc;
	counts = kymo_syscall_histogram(aggregate, &count);
	return fill_counts(handle,
			   "INSERT INTO temp.syscall_histogram_summary"
			   " VALUES (:capture, :process, :sysno, :compat, :value, :calls)",
			   counts, count, err);
}

static int copy_view(struct sqlite3 *handle, const char *name, struct cap_err *err)
{
	static const char head[] = "CREATE VIEW ";
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	const char *text;
	int rc;

	rc = kymo_query_new(handle,
			    "SELECT sql FROM main.sqlite_schema WHERE type = 'view' AND name = :name", &query,
			    err);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":name", name);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	text = rc > 0 ? kymo_query_text(query, 0, NULL) : NULL;
	if (rc < 0)
		return rc;
	if (!text || strncmp(text, head, strlen(head)) != 0)
		return cap_fail(err, CAP_EDAMAGED, "view %s is missing: import the capture again", name);
	if (asprintf(&sql, "CREATE TEMP VIEW %s", text + strlen(head)) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "view %s", name);
	}
	return kymo_query_exec(handle, sql, err);
}

static int make_tables(struct sqlite3 *handle, const struct kymo_syscall_aggregate *aggregate,
		       struct cap_err *err)
{
	int rc = kymo_query_exec(handle, tables_sql, err);

	if (rc == 0)
		rc = fill_tables(handle, aggregate, err);
	for (size_t i = 0; rc == 0 && i < sizeof(views) / sizeof(views[0]); i++)
		rc = copy_view(handle, views[i], err);
	return rc;
}

int kymo_filter_summaries(struct kymo_db *db, const struct kymo_filter *filter, struct cap_err *err)
{
	CLEANUP(kymo_syscall_aggregate_freep) struct kymo_syscall_aggregate *aggregate = NULL;
	struct sqlite3 *handle = kymo_db_handle(db);
	int rc, restored;

	if (kymo_filter_is_open(filter))
		return 0;
	rc = kymo_db_syscall_aggregate(db, filter, &aggregate, err);
	/* The connection refuses every change; for temporary tables of our own making it is opened for a moment. */
	if (rc == 0)
		rc = kymo_query_exec(handle, "PRAGMA query_only = 0", err);
	if (rc == 0)
		rc = make_tables(handle, aggregate, err);
	restored = kymo_query_exec(handle, "PRAGMA query_only = 1", rc == 0 ? err : NULL);
	if (rc == 0)
		rc = restored;
	return rc < 0 ? cap_context(err, rc, "system calls within the filter") : 0;
}

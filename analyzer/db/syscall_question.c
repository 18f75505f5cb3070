/* Two sources for one aggregate: the columns of a capture, or the rows of tables syscall and
 * syscall_count. */
#include "analyzer/db/syscall_question.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/db/capture_db.h"
#include "analyzer/capture/syscall_rows.h"
#include "formats/base/cleanup.h"

#define BATCH_ROWS 4096

struct table_source {
	struct kymo_db *db;
	const struct kymo_filter *filter;
	struct kymo_syscall_wanted wanted;
	u64 counts_outside;
};

struct table_batch {
	u64 duration_ns[BATCH_ROWS], sysno[BATCH_ROWS], flags[BATCH_ROWS], error[BATCH_ROWS];
	u32 process_id[BATCH_ROWS];
	struct kymo_syscall_batch batch;
};

static int flush(struct table_batch *rows, kymo_syscall_batch_fn fn, void *fn_context,
		 struct cap_err *err)
{
	int rc = rows->batch.count > 0 ? fn(fn_context, &rows->batch, err) : 0;

	rows->batch.count = 0;
	return rc;
}

static int step_rows(struct kymo_query *query, struct table_batch *rows, kymo_syscall_batch_fn fn,
		     void *fn_context, struct cap_err *err)
{
	struct kymo_syscall_batch *batch = &rows->batch;
	int rc;

	while ((rc = kymo_query_step(query, err)) == 1) {
		u32 capture_id = (u32)kymo_query_int(query, 0);

		if (batch->count == BATCH_ROWS || capture_id != batch->capture_id) {
			rc = flush(rows, fn, fn_context, err);
			if (rc < 0)
				return rc;
			batch->capture_id = capture_id;
		}
		rows->process_id[batch->count] = (u32)kymo_query_int(query, 1);
		rows->duration_ns[batch->count] = (u64)kymo_query_int(query, 2);
		rows->sysno[batch->count] = (u64)kymo_query_int(query, 3);
		rows->flags[batch->count] = (u64)kymo_query_int(query, 4);
		rows->error[batch->count++] = (u64)kymo_query_int(query, 5);
	}
	return rc < 0 ? rc : flush(rows, fn, fn_context, err);
}

static int run_table(void *context, kymo_syscall_batch_fn fn, void *fn_context, struct cap_err *err)
{
	const struct table_source *source = context;
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) struct table_batch *rows = calloc(1, sizeof(*rows));
	char conditions[KYMO_FILTER_SQL_BYTES], sql[KYMO_FILTER_SQL_BYTES + 256];
	int rc;

	if (!rows)
		return cap_fail(err, -ENOMEM, "out of memory");
	rows->batch = (struct kymo_syscall_batch){.duration_ns = rows->duration_ns,
						  .sysno = rows->sysno,
						  .flags = rows->flags,
						  .error = rows->error,
						  .process_id = rows->process_id};
	kymo_filter_sql(source->filter, "s", "t", conditions);
	(void)snprintf(
		sql, sizeof(sql),
		"SELECT s.capture_id, t.process_id, s.duration_ns, s.sysno, s.flags, s.error "
		"FROM syscall s LEFT JOIN task t ON t.id = s.task_id WHERE %s",
		conditions);
	rc = kymo_query_new(kymo_db_handle(source->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(source->filter, query);
	return rc < 0 ? rc : step_rows(query, rows, fn, fn_context, err);
}

/* -------- counted calls -------- */

struct counts_batch {
	u64 call_count[BATCH_ROWS], total_ns[BATCH_ROWS], sysno[BATCH_ROWS], flags[BATCH_ROWS];
	u64 bucket[BATCH_ROWS], error[BATCH_ROWS];
	u32 process_id[BATCH_ROWS];
	struct kymo_syscall_counts counts;
};

static int flush_counts(struct counts_batch *rows, kymo_syscall_counts_fn fn, void *fn_context,
			struct cap_err *err)
{
	int rc = rows->counts.count > 0 ? fn(fn_context, &rows->counts, err) : 0;

	rows->counts.count = 0;
	return rc;
}

static int step_counts(struct table_source *source, struct kymo_query *query,
		       struct counts_batch *rows, kymo_syscall_counts_fn fn, void *fn_context,
		       struct cap_err *err)
{
	struct kymo_syscall_counts *counts = &rows->counts;
	int rc;

	while ((rc = kymo_query_step(query, err)) == 1) {
		u32 capture_id = (u32)kymo_query_int(query, 0);
		bool partly;
		bool inside =
			kymo_syscall_span_wanted(&source->wanted, (u64)kymo_query_int(query, 8),
						 (u64)kymo_query_int(query, 9), &partly);

		if (counts->count == BATCH_ROWS || capture_id != counts->capture_id) {
			rc = flush_counts(rows, fn, fn_context, err);
			if (rc < 0)
				return rc;
			counts->capture_id = capture_id;
		}
		source->counts_outside += partly ? (u64)kymo_query_int(query, 2) : 0;
		if (!inside)
			continue;
		rows->process_id[counts->count] = (u32)kymo_query_int(query, 1);
		rows->call_count[counts->count] = (u64)kymo_query_int(query, 2);
		rows->total_ns[counts->count] = (u64)kymo_query_int(query, 3);
		rows->sysno[counts->count] = (u64)kymo_query_int(query, 4);
		rows->flags[counts->count] = (u64)kymo_query_int(query, 5);
		rows->bucket[counts->count] = (u64)kymo_query_int(query, 6);
		rows->error[counts->count++] = (u64)kymo_query_int(query, 7);
	}
	return rc < 0 ? rc : flush_counts(rows, fn, fn_context, err);
}

static int run_table_counts(void *context, kymo_syscall_counts_fn fn, void *fn_context,
			    struct cap_err *err)
{
	struct table_source *source = context;
	struct kymo_filter who = *source->filter; /* spans are looked at here */
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) struct counts_batch *rows = calloc(1, sizeof(*rows));
	char conditions[KYMO_FILTER_SQL_BYTES], sql[KYMO_FILTER_SQL_BYTES + 256];
	int rc;

	if (!rows)
		return cap_fail(err, -ENOMEM, "out of memory");
	rows->counts = (struct kymo_syscall_counts){.call_count = rows->call_count,
						    .total_ns = rows->total_ns,
						    .sysno = rows->sysno,
						    .flags = rows->flags,
						    .bucket = rows->bucket,
						    .error = rows->error,
						    .process_id = rows->process_id};
	who.has_from = who.has_to = false;
	kymo_filter_sql(&who, "s", "t", conditions);
	(void)snprintf(sql, sizeof(sql),
		       "SELECT s.capture_id, t.process_id, s.call_count, s.total_ns, s.sysno, "
		       "s.flags, s.bucket, s.error, s.from_ns, s.time_ns "
		       "FROM syscall_count s LEFT JOIN task t ON t.id = s.task_id WHERE %s",
		       conditions);
	source->counts_outside = 0;
	rc = kymo_query_new(kymo_db_handle(source->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(source->filter, query);
	return rc < 0 ? rc : step_counts(source, query, rows, fn, fn_context, err);
}

int kymo_db_syscall_aggregate(struct kymo_db *db, const struct kymo_filter *filter,
			      struct kymo_syscall_aggregate **ret_aggregate,
			      u64 *ret_counts_outside, struct cap_err *err)
{
	struct table_source table = {.db = db, .filter = filter};
	struct kymo_syscall_rows rows = {.capture = kymo_db_capture(db)};
	const struct kymo_syscall_source from_table = {
		.run = run_table, .run_counts = run_table_counts, .context = &table};
	const struct kymo_syscall_source from_capture = {.run = kymo_syscall_rows_run,
							 .run_counts = kymo_syscall_counts_run,
							 .context = &rows};
	int rc;

	kymo_filter_wanted(filter, &table.wanted);
	rows.wanted = table.wanted;
	if (kymo_db_take_filtered(db, &rows.wanted, ret_aggregate, ret_counts_outside))
		return 0;
	rc = kymo_syscall_aggregate_new(rows.capture ? &from_capture : &from_table, ret_aggregate,
					err);

	if (rc == 0 && ret_counts_outside)
		*ret_counts_outside = rows.capture ? rows.counts_outside : table.counts_outside;
	return rc;
}

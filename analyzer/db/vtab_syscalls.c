/*
 * Virtual table kymo_syscalls(TABLE): the exact summaries of all system calls of a capture,
 * computed at the first question and kept. Import copies them into the tables of the same names; on
 * a capture they stand in for those tables.
 */
#include "analyzer/db/vtab.h"

#include <string.h>

#include "analyzer/capture/syscall_rows.h"
#include "analyzer/stats/syscall_aggregate.h"

enum summary { SUMMARY_TOTALS, SUMMARY_PROCESSES, SUMMARY_ERRORS, SUMMARY_HISTOGRAM };

#define GROUP_COLUMNS                                                                           \
	"calls,finished,unfinished,errors,total_ns,min_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns," \
	"counted,estimated"
enum { /* among them */ GROUP_MIN = 5, GROUP_COUNTED = 11, GROUP_ESTIMATED };
static const struct {
	const char *name, *columns;
} summaries[] = {
	[SUMMARY_TOTALS] = {"syscall_summary", "capture_id,sysno,compat," GROUP_COLUMNS},
	[SUMMARY_PROCESSES] = {"syscall_process_summary",
			       "capture_id,process_id,sysno,compat," GROUP_COLUMNS},
	[SUMMARY_ERRORS] = {"syscall_error_summary",
			    "capture_id,process_id,sysno,compat,error,calls"},
	[SUMMARY_HISTOGRAM] = {"syscall_histogram_summary",
			       "capture_id,process_id,sysno,compat,bucket,calls"},
};
#define SUMMARY_COUNT ((int)(sizeof(summaries) / sizeof(summaries[0])))

struct syscalls_vtab {
	sqlite3_vtab base;
	struct kymo_vtab_source *source;
	enum summary summary;
};

struct syscalls_cursor {
	sqlite3_vtab_cursor base;
	const struct kymo_syscall_group *groups;
	const struct kymo_syscall_count *counts;
	size_t row, count;
};

static int find_summary(const char *name)
{
	for (int i = 0; i < SUMMARY_COUNT; i++) {
		if (strcmp(summaries[i].name, name) == 0)
			return i;
	}
	return -1;
}

const char *kymo_syscalls_columns(const char *table)
{
	int found = find_summary(table);

	return found < 0 ? NULL : summaries[found].columns;
}

static int syscalls_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			    sqlite3_vtab **ret_vtab, char **ret_error)
{
	int summary = argc == 4 ? find_summary(argv[3]) : -1;
	sqlite3_vtab *base;
	int rc;

	if (summary < 0) {
		*ret_error = sqlite3_mprintf("kymo_syscalls: no such table");
		return SQLITE_ERROR;
	}
	rc = kymo_vtab_connect(db, summaries[summary].columns, sizeof(struct syscalls_vtab), &base);
	if (rc != SQLITE_OK)
		return rc;
	((struct syscalls_vtab *)base)->source = aux;
	((struct syscalls_vtab *)base)->summary = (enum summary)summary;
	*ret_vtab = base;
	return SQLITE_OK;
}

static int syscalls_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	(void)vtab;
	info->estimatedCost = 1e4;
	info->estimatedRows = 1000;
	return SQLITE_OK;
}

static int syscalls_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret_cursor)
{
	(void)vtab;
	return kymo_vtab_open(sizeof(struct syscalls_cursor), ret_cursor);
}

static int make_aggregate(struct kymo_vtab_source *source, struct cap_err *err)
{
	struct kymo_syscall_rows rows = {.capture = source->capture,
					 .wanted = {.to_ns = UINT64_MAX, .pid = -1}};
	const struct kymo_syscall_source from = {.run = kymo_syscall_rows_run,
						 .run_counts = kymo_syscall_counts_run,
						 .context = &rows};

	return source->aggregate ? 0 : kymo_syscall_aggregate_new(&from, &source->aggregate, err);
}

static int syscalls_filter(sqlite3_vtab_cursor *base, int index, const char *text, int argc,
			   sqlite3_value **argv)
{
	struct syscalls_cursor *cursor = (struct syscalls_cursor *)base;
	struct syscalls_vtab *vtab = (struct syscalls_vtab *)base->pVtab;
	struct cap_err err = {0};
	int rc = make_aggregate(vtab->source, &err);

	(void)index, (void)text, (void)argc, (void)argv;
	if (rc < 0)
		return kymo_vtab_fail(base->pVtab, vtab->source, rc, &err);
	cursor->row = 0;
	switch (vtab->summary) {
	case SUMMARY_TOTALS:
		cursor->groups = kymo_syscall_totals(vtab->source->aggregate, &cursor->count);
		break;
	case SUMMARY_PROCESSES:
		cursor->groups = kymo_syscall_by_process(vtab->source->aggregate, &cursor->count);
		break;
	case SUMMARY_ERRORS:
		cursor->counts = kymo_syscall_errors(vtab->source->aggregate, &cursor->count);
		break;
	case SUMMARY_HISTOGRAM:
		cursor->counts = kymo_syscall_histogram(vtab->source->aggregate, &cursor->count);
		break;
	}
	return SQLITE_OK;
}

static int syscalls_next(sqlite3_vtab_cursor *base)
{
	((struct syscalls_cursor *)base)->row++;
	return SQLITE_OK;
}

static int syscalls_eof(sqlite3_vtab_cursor *base)
{
	const struct syscalls_cursor *cursor = (const struct syscalls_cursor *)base;

	return cursor->row >= cursor->count;
}

static void result_count(sqlite3_context *context, const struct kymo_syscall_count *count,
			 int column)
{
	const u64 values[] = {count->capture_id, count->process_id, count->sysno,
			      count->compat,	 count->value,	    count->calls};

	sqlite3_result_int64(context, (s64)values[column]);
}

static void result_group(sqlite3_context *context, const struct kymo_syscall_group *group,
			 int column)
{
	const u64 always[] = {group->calls, group->finished, group->unfinished, group->errors,
			      group->total_ns};
	const u64 durations[] = {group->min_ns,		group->quantile_ns[0],
				 group->quantile_ns[1], group->quantile_ns[2],
				 group->quantile_ns[3], group->max_ns};

	if (column < GROUP_MIN)
		sqlite3_result_int64(context, (s64)always[column]);
	else if (column == GROUP_COUNTED)
		sqlite3_result_int64(context, (s64)group->counted);
	else if (column == GROUP_ESTIMATED)
		sqlite3_result_int64(context, group->estimated);
	else if (group->finished > 0) /* else NULL: there is no shortest of none */
		sqlite3_result_int64(context, (s64)durations[column - GROUP_MIN]);
}

static int syscalls_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct syscalls_cursor *cursor = (const struct syscalls_cursor *)base;
	const struct syscalls_vtab *vtab = (const struct syscalls_vtab *)base->pVtab;
	const struct kymo_syscall_group *group;
	u64 keys[4];
	int key_count = 0;

	if (vtab->summary == SUMMARY_ERRORS || vtab->summary == SUMMARY_HISTOGRAM) {
		result_count(context, &cursor->counts[cursor->row], column);
		return SQLITE_OK;
	}
	group = &cursor->groups[cursor->row];
	keys[key_count++] = group->capture_id;
	if (vtab->summary == SUMMARY_PROCESSES)
		keys[key_count++] = group->process_id;
	keys[key_count++] = group->sysno;
	keys[key_count++] = group->compat;
	if (column < key_count)
		sqlite3_result_int64(context, (s64)keys[column]);
	else
		result_group(context, group, column - key_count);
	return SQLITE_OK;
}

static int syscalls_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
	*ret_rowid = (s64)((struct syscalls_cursor *)base)->row + 1;
	return SQLITE_OK;
}

const sqlite3_module kymo_syscalls_module = {
	.iVersion = 1,
	.xCreate = syscalls_connect,
	.xConnect = syscalls_connect,
	.xBestIndex = syscalls_best_index,
	.xDisconnect = kymo_vtab_disconnect,
	.xDestroy = kymo_vtab_disconnect,
	.xOpen = syscalls_open,
	.xClose = kymo_vtab_close,
	.xFilter = syscalls_filter,
	.xNext = syscalls_next,
	.xEof = syscalls_eof,
	.xColumn = syscalls_column,
	.xRowid = syscalls_rowid,
};

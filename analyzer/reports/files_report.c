/* The sums are those of the views of the same names, here under a filter, which they cannot have.
 */
#include "analyzer/reports/files_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/reports/report_columns.h"
#include "formats/base/cleanup.h"

/* SORT(key, order) */
#define SORTS                       \
	SORT(time, "total_ns")      \
	SORT(longest, "longest_ns") \
	SORT(bytes, "total(bytes)") \
	SORT(calls, "total(calls)") \
	SORT(syncs, "syncs")

static const struct {
	const char *name, *order;
} sorts[] = {
#define SORT(key, order) {#key, order},
	SORTS
#undef SORT
};

const char *kymo_files_sort_names(void)
{
#define SORT(key, order) ", " #key
	static const char names[] = SORTS;
#undef SORT
	return names + 2;
}

bool kymo_files_sort_known(const char *name)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(sorts[i].name, name) == 0)
			return true;
	return false;
}

static const char *order_of(const char *sort)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (sort && strcmp(sorts[i].name, sort) == 0)
			return sorts[i].order;
	return sorts[0].order;
}

static s64 write_table(struct kymo_db *db, const struct kymo_files_options *options,
		       struct kymo_writer *writer, const char *name, const char *sql,
		       const struct kymo_column *columns, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);

	if (rc == 0)
		rc = kymo_filter_bind(options->filter, query);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":limit", options->limit);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":all", options->all);
	if (rc < 0)
		return rc;
	kymo_report_columns(options->filter, columns, (size_t)kymo_query_column_count(query),
			    shown);
	return kymo_query_to_writer(query, writer, name, shown, err);
}

/* Of the rows of one file (and process) what does says. */
#define SUM_WHERE(what, does, name) \
	" CAST(total(CASE WHEN does = '" does "' THEN " what " END) AS INTEGER) AS " name ","
#define USE_SQL                                                                                   \
	"SELECT CAST(total(total_ns) AS INTEGER) AS total_ns, max(longest_ns) AS "                \
	"longest_ns," SUM_WHERE("calls", "open", "opens") SUM_WHERE(                              \
		"calls", "read",                                                                  \
		"reads") SUM_WHERE("bytes", "read",                                               \
				   "read_bytes") SUM_WHERE("calls", "write",                      \
							   "writes") SUM_WHERE("bytes", "write",  \
									       "write_bytes")     \
		SUM_WHERE("calls", "sync", "syncs") SUM_WHERE(                                    \
			"total_ns", "sync",                                                       \
			"sync_ns") " CAST(total(errors) AS INTEGER) AS errors,"                   \
				   " CASE WHEN count(DISTINCT p.comm) = 1 THEN max(p.comm) ELSE " \
				   "'(' ||"                                                       \
				   " count(DISTINCT u.process_id) || ')' END AS comm, f.name AS " \
				   "file, f.kind,"                                                \
				   " CAST(total(calls) AS INTEGER) AS calls, count(DISTINCT "     \
				   "u.process_id) AS processes,"                                  \
				   " CASE WHEN count(DISTINCT p.tgid) = 1 THEN max(p.tgid) END "  \
				   "AS tgid, u.file_id,"                                          \
				   " u.capture_id FROM ("                                         \
				   "SELECT v.capture_id, v.file_id, t.process_id, "               \
				   "COALESCE(k.does, 'other') AS does,"                           \
				   " count(*) AS calls, sum(v.error <> 0) AS errors, total(CASE " \
				   "WHEN k.does IN"                                               \
				   " ('read', 'write') AND v.error = 0 THEN max(v.ret, 0) END) "  \
				   "AS bytes,"                                                    \
				   " total(v.duration_ns) AS total_ns, max(v.duration_ns) AS "    \
				   "longest_ns"                                                   \
				   " FROM syscall v LEFT JOIN task t ON t.id = v.task_id LEFT "   \
				   "JOIN enum_name n ON"                                          \
				   " n.capture_id = v.capture_id AND n.kind = 'sysno' AND "       \
				   "n.value = v.sysno"                                            \
				   " LEFT JOIN file_calls k ON k.name = n.name WHERE v.file_id "  \
				   "<> 0 AND %s"                                                  \
				   " GROUP BY v.capture_id, v.file_id, t.process_id, "            \
				   "COALESCE(k.does, 'other')) u"                                 \
				   " JOIN file_names f ON f.capture_id = u.capture_id AND "       \
				   "f.file_id = u.file_id"                                        \
				   " LEFT JOIN process p ON p.id = u.process_id WHERE :all OR "   \
				   "f.kind IN ('file',"                                           \
				   " 'directory', 'chardev', 'blockdev') GROUP BY u.capture_id, " \
				   "u.file_id%s"                                                  \
				   " ORDER BY %s DESC, file, u.file_id, u.process_id LIMIT :limit"

s64 kymo_files_table(struct kymo_db *db, const struct kymo_files_options *options,
		     struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"total_ns", "time", KYMO_SHOW_SHORT_NS},
		{"longest_ns", "longest", KYMO_SHOW_SHORT_NS},
		{"opens", NULL, KYMO_SHOW_COUNT},
		{"reads", NULL, KYMO_SHOW_COUNT},
		{"read_bytes", "read", KYMO_SHOW_BYTES},
		{"writes", NULL, KYMO_SHOW_COUNT},
		{"write_bytes", "written", KYMO_SHOW_BYTES},
		{"syncs", NULL, KYMO_SHOW_COUNT},
		{"sync_ns", NULL, KYMO_SHOW_HIDDEN},
		{"errors", NULL, KYMO_SHOW_HIDDEN},
		{"comm", "process", KYMO_SHOW_PLAIN},
		{"file", NULL, KYMO_SHOW_PLAIN},
		{"kind", NULL, KYMO_SHOW_HIDDEN},
		{"calls", NULL, KYMO_SHOW_HIDDEN},
		{"processes", NULL, KYMO_SHOW_HIDDEN},
		{"tgid", NULL, KYMO_SHOW_HIDDEN},
		{"file_id", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];

	kymo_filter_sql(options->filter, "v", "t", where);
	if (asprintf(&sql, USE_SQL, where, options->by_process ? ", u.process_id" : "",
		     order_of(options->sort)) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "files");
	}
	kymo_writer_expendable(writer, "syncs opens longest_ns reads writes");
	return write_table(db, options, writer, "file_use", sql, columns, err);
}

s64 kymo_files_errors(struct kymo_db *db, const struct kymo_files_options *options,
		      struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"calls", NULL, KYMO_SHOW_COUNT},      {"error_name", "error", KYMO_SHOW_PLAIN},
		{"name", "syscall", KYMO_SHOW_PLAIN},  {"comm", "process", KYMO_SHOW_PLAIN},
		{"path", NULL, KYMO_SHOW_PLAIN},       {"error", NULL, KYMO_SHOW_HIDDEN},
		{"processes", NULL, KYMO_SHOW_HIDDEN}, {"tgid", NULL, KYMO_SHOW_HIDDEN},
		{"first_s", NULL, KYMO_SHOW_HIDDEN},   {"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];

	kymo_filter_sql(options->filter, "v", "v", where);
	if (asprintf(&sql,
		     "SELECT count(*) AS calls, error_name, name, comm, path, error,"
		     " count(DISTINCT process_id) AS processes, CASE WHEN count(DISTINCT tgid) = 1"
		     " THEN max(tgid) END AS tgid, min(at_s) AS first_s, capture_id"
		     " FROM failed_paths v WHERE %s GROUP BY capture_id, path, error, name, comm%s"
		     " ORDER BY calls DESC, path, error, name, comm LIMIT :limit",
		     where, options->by_process ? ", process_id" : "") < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "files");
	}
	return write_table(db, options, writer, "failed_paths", sql, columns, err);
}

/* Each table is a SELECT from a view of the same name; columns keep the view's names and order. */
#include "analyzer/reports/syscalls_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/reports/report_columns.h"
#include "formats/base/cleanup.h"

/* SORT(key, order) */
#define SORTS                                                                   \
	SORT(share, "share_percent IS NULL AND NOT :share_idle, total_ns DESC") \
	SORT(total, "total_ns DESC")                                            \
	SORT(calls, "calls DESC")                                               \
	SORT(errors, "errors DESC")                                             \
	SORT(unfinished, "unfinished DESC")                                     \
	SORT(min, "min_ns DESC")                                                \
	SORT(avg, "avg_ns DESC")                                                \
	SORT(p50, "p50_ns DESC")                                                \
	SORT(p99, "p99_ns DESC")                                                \
	SORT(max, "max_ns DESC")                                                \
	SORT(name, "name")

static const struct {
	const char *name, *order;
} sorts[] = {
#define SORT(key, order) {#key, order},
	SORTS
#undef SORT
};

/* The columns of both main tables; those of processes, of counted calls, and of calls without their
 * entries where there are such. */
static const struct main_column {
	struct kymo_column column;
	enum { ALWAYS, BY_PROCESS, COUNTED, BLOCKED } when;
} main_columns[] = {
	{{"tgid", "pid", KYMO_SHOW_PLAIN}, BY_PROCESS},
	{{"comm", NULL, KYMO_SHOW_PLAIN}, BY_PROCESS},
	{{"name", "syscall", KYMO_SHOW_PLAIN}, ALWAYS},
	{{"calls", NULL, KYMO_SHOW_COUNT}, ALWAYS},
	{{"single", NULL, KYMO_SHOW_HIDDEN}, COUNTED},
	{{"counted", NULL, KYMO_SHOW_COUNT}, COUNTED},
	{{"estimated", NULL, KYMO_SHOW_HIDDEN}, COUNTED},
	{{"bounds", NULL, KYMO_SHOW_HIDDEN}, COUNTED},
	{{"errors", NULL, KYMO_SHOW_COUNT}, ALWAYS},
	{{"unfinished", NULL, KYMO_SHOW_COUNT}, ALWAYS},
	{{"total_ns", "total", KYMO_SHOW_NS}, ALWAYS},
	{{"share_percent", "share", KYMO_SHOW_PERCENT}, ALWAYS},
	{{"min_ns", "min", KYMO_SHOW_NS}, ALWAYS},
	{{"avg_ns", "avg", KYMO_SHOW_NS}, ALWAYS},
	{{"p50_ns", "p50", KYMO_SHOW_NS}, ALWAYS},
	{{"p90_ns", "p90", KYMO_SHOW_HIDDEN}, ALWAYS},
	{{"p99_ns", "p99", KYMO_SHOW_NS}, ALWAYS},
	{{"p999_ns", "p999", KYMO_SHOW_HIDDEN}, ALWAYS},
	{{"max_ns", "max", KYMO_SHOW_NS}, ALWAYS},
	{{"durations", NULL, KYMO_SHOW_HIDDEN}, BLOCKED},
	{{"sysno", NULL, KYMO_SHOW_HIDDEN}, ALWAYS},
	{{"compat", NULL, KYMO_SHOW_HIDDEN}, ALWAYS},
	{{"for_work", NULL, KYMO_SHOW_HIDDEN}, ALWAYS},
	{{"capture_id", NULL, KYMO_SHOW_HIDDEN}, ALWAYS},
};
#define MAIN_COLUMNS (sizeof(main_columns) / sizeof(main_columns[0]))

static const struct kymo_column error_columns[] = {
	{"name", "syscall", KYMO_SHOW_PLAIN},	{"error_name", "error", KYMO_SHOW_PLAIN},
	{"error", NULL, KYMO_SHOW_HIDDEN},	{"calls", NULL, KYMO_SHOW_COUNT},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column process_error_columns[] = {
	{"tgid", "pid", KYMO_SHOW_PLAIN},	{"comm", NULL, KYMO_SHOW_PLAIN},
	{"name", "syscall", KYMO_SHOW_PLAIN},	{"error_name", "error", KYMO_SHOW_PLAIN},
	{"error", NULL, KYMO_SHOW_HIDDEN},	{"calls", NULL, KYMO_SHOW_COUNT},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column in_flight_columns[] = {
	{"name", "syscall", KYMO_SHOW_PLAIN},
	{"tgid", "pid", KYMO_SHOW_PLAIN},
	{"tid", NULL, KYMO_SHOW_PLAIN},
	{"comm", NULL, KYMO_SHOW_PLAIN},
	{"elapsed_ns", "elapsed", KYMO_SHOW_NS},
	{"began", NULL, KYMO_SHOW_PLAIN},
	{"file", "file or peer", KYMO_SHOW_PLAIN},
	{"fd", NULL, KYMO_SHOW_HIDDEN},
	{"at_s", NULL, KYMO_SHOW_HIDDEN},
	{"time_ns", NULL, KYMO_SHOW_HIDDEN},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column histogram_columns[] = {
	{"name", "syscall", KYMO_SHOW_PLAIN},	{"low_ns", NULL, KYMO_SHOW_PLAIN},
	{"high_ns", NULL, KYMO_SHOW_PLAIN},	{"calls", NULL, KYMO_SHOW_COUNT},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};

#define SLOW_ROWS 20

/* What narrow terminals do without, the first of these first. */
static const char narrow[] = "min_ns unfinished counted p50_ns share_percent avg_ns"
			     " calls_low calls_high";

#define WHERE_SQL \
	" WHERE (:capture = 0 OR capture_id = :capture) AND (:name IS NULL OR name = :name)"

const char *kymo_syscalls_sort_names(void)
{
#define SORT(key, order) ", " #key
	static const char names[] = SORTS;
#undef SORT
	return names + 2;
}

bool kymo_syscalls_sort_known(const char *name)
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

static int bind(const struct kymo_syscalls_options *options, struct kymo_query *query)
{
	int rc = kymo_filter_bind(options->filter, query);

	if (rc == 0)
		rc = kymo_query_bind_text(query, ":name", options->name);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":limit", options->limit);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":share_idle", options->share_idle);
	return rc;
}

static bool has_word(const struct kymo_value *list, const char *word, size_t word_bytes)
{
	const char *at = list->text, *end;

	if (list->type != KYMO_TEXT)
		return false;
	end = at + list->text_bytes;
	while (at < end) {
		const char *next = memchr(at, ' ', (size_t)(end - at));
		size_t len = (size_t)((next ? next : end) - at);

		if (len == word_bytes && memcmp(at, word, len) == 0)
			return true;
		at += len + 1;
	}
	return false;
}

static const struct kymo_value *named(const struct kymo_column *columns, size_t count,
				      const struct kymo_value *values, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(columns[i].name, name) == 0)
			return &values[i];
	return NULL;
}

/* The columns named in `estimated` and `bounds` (without their unit) are not exact; of calls whose
 * `durations` are times off the CPU, none is, and all are lower bounds. */
static void mark_inexact(const struct kymo_column *columns, size_t count, struct kymo_value *values)
{
	const struct kymo_value *estimated = named(columns, count, values, "estimated");
	const struct kymo_value *bounds = named(columns, count, values, "bounds");
	const struct kymo_value *durations = named(columns, count, values, "durations");
	bool blocked = durations && durations->type == KYMO_TEXT;

	for (size_t i = 0; i < count; i++) {
		size_t len = strcspn(columns[i].name, "_");
		bool is_bound = bounds && has_word(bounds, columns[i].name, len);

		if ((estimated && has_word(estimated, columns[i].name, len)) ||
		    (blocked && is_bound))
			values[i].mark = '~';
		else if (is_bound)
			values[i].mark = columns[i].name[1] == 'i' ? '>' : '<';
		else if (blocked && columns[i].show == KYMO_SHOW_NS)
			values[i].mark = '>';
	}
}

/* For people: what is not exact, and why a call has no share. */
static void mark_text(const struct kymo_column *columns, size_t count, struct kymo_value *values)
{
	struct kymo_value *share = NULL;

	mark_inexact(columns, count, values);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(columns[i].name, "share_percent") == 0)
			share = &values[i];
		else if (strcmp(columns[i].name, "for_work") == 0 && values[i].integer && share &&
			 share->type == KYMO_NULL)
			*share = kymo_text("idle");
	}
}

static s64 table(struct kymo_db *db, const struct kymo_syscalls_options *options,
		 struct kymo_writer *writer, const char *view, const char *sql,
		 const struct kymo_column *columns, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);

	if (rc == 0)
		rc = bind(options, query);
	if (rc < 0)
		return rc;
	kymo_report_columns(options->filter, columns, (size_t)kymo_query_column_count(query),
			    shown);
	return kymo_query_to_sink_marked(
		query, writer, view, shown,
		kymo_writer_format(writer) == KYMO_FORMAT_TEXT ? mark_text : NULL, err);
}

#define SHARE_SQL                                                                \
	"CASE WHEN :share_idle THEN share_with_idle_percent ELSE share_percent " \
	"END AS share_percent"
#define LIST_BYTES (MAIN_COLUMNS * 16 + sizeof(SHARE_SQL))

/* The columns that are wanted, and their SQL with commas between. */
static void choose_columns(const struct kymo_syscalls_options *options,
			   struct kymo_column ret_columns[MAIN_COLUMNS], char ret_list[LIST_BYTES])
{
	const bool wanted[] = {[ALWAYS] = true,
			       [BY_PROCESS] = options->by_process,
			       [COUNTED] = options->counted,
			       [BLOCKED] = options->blocked};
	size_t count = 0, len = 0;

	for (size_t i = 0; i < MAIN_COLUMNS; i++) {
		if (!wanted[main_columns[i].when])
			continue;
		(void)snprintf(ret_list + len, LIST_BYTES - len, "%s%s", count ? ", " : "",
			       strcmp(main_columns[i].column.name, "share_percent") == 0
				       ? SHARE_SQL
				       : main_columns[i].column.name);
		len += strlen(ret_list + len);
		ret_columns[count++] = main_columns[i].column;
	}
}

static s64 main_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
		      struct kymo_writer *writer, struct cap_err *err)
{
	const char *view = options->by_process ? "syscalls_by_process" : "syscalls";
	struct kymo_column columns[MAIN_COLUMNS];
	CLEANUP(cap_freep) char *sql = NULL;
	char list[LIST_BYTES];

	choose_columns(options, columns, list);
	if (asprintf(&sql,
		     "SELECT %s FROM %s" WHERE_SQL
		     " ORDER BY %s, %sname, capture_id%s LIMIT :limit",
		     list, view, order_of(options->sort), options->blocked ? "calls DESC, " : "",
		     options->by_process ? ", process_id" : "") < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "system calls");
	}
	return table(db, options, writer, view, sql, columns, err);
}

static s64 error_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
		       struct kymo_writer *writer, struct cap_err *err)
{
	if (options->by_process)
		return table(db, options, writer, "syscall_errors_by_process",
			     "SELECT tgid, comm, name, error_name, error, calls, capture_id"
			     " FROM syscall_errors_by_process" WHERE_SQL
			     " ORDER BY calls DESC, name, error, process_id",
			     process_error_columns, err);
	return table(
		db, options, writer, "syscall_errors",
		"SELECT name, error_name, error, calls, capture_id FROM syscall_errors" WHERE_SQL
		" ORDER BY calls DESC, name, error, capture_id",
		error_columns, err);
}

static s64 in_flight_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
			   struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];

	kymo_filter_sql(options->filter, "v", "v", where);
	if (asprintf(&sql,
		     "SELECT name, tgid, tid, comm, elapsed_ns, began, file, fd, at_s, time_ns, "
		     "capture_id"
		     " FROM syscalls_in_flight v WHERE (:name IS NULL OR name = :name) AND %s"
		     " ORDER BY elapsed_ns DESC, tid",
		     where) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "system calls");
	}
	return table(db, options, writer, "syscalls_in_flight", sql, in_flight_columns, err);
}

/* The longest single calls; more than a screen of them is only of use to programs. */
static s64 slow_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
		      struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"duration_ns", "time", KYMO_SHOW_SHORT_NS},
		{"at_s", "at", KYMO_SHOW_SECONDS},
		{"comm", "thread", KYMO_SHOW_PLAIN},
		{"tid", NULL, KYMO_SHOW_PLAIN},
		{"name", "syscall", KYMO_SHOW_PLAIN},
		{"error_name", "error", KYMO_SHOW_PLAIN},
		{"file", "file or peer", KYMO_SHOW_PLAIN},
		{"fd", NULL, KYMO_SHOW_HIDDEN},
		{"tgid", NULL, KYMO_SHOW_HIDDEN},
		{"time_ns", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];

	kymo_filter_sql(options->filter, "v", "v", where);
	if (asprintf(&sql,
		     "SELECT duration_ns, at_s, comm, tid, name, error_name, file, fd, tgid, "
		     "time_ns, capture_id FROM slow_calls v WHERE (:name IS NULL OR name = :name) "
		     "AND %s ORDER BY duration_ns DESC, time_ns, tid LIMIT CASE WHEN :limit < 0 "
		     "THEN %d ELSE :limit END",
		     where, SLOW_ROWS) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "system calls");
	}
	return table(db, options, writer, "slow_calls", sql, columns, err);
}

static s64 estimate_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
			  struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"name", "syscall", KYMO_SHOW_PLAIN},
		{"calls", "recorded", KYMO_SHOW_COUNT},
		{"calls_estimate", "calls, est.", KYMO_SHOW_COUNT},
		{"calls_low", "at least", KYMO_SHOW_COUNT},
		{"calls_high", "at most", KYMO_SHOW_COUNT},
		{"total_estimate_ns", "total, est.", KYMO_SHOW_NS},
		{"total_low_ns", "at least", KYMO_SHOW_NS},
		{"total_high_ns", "at most", KYMO_SHOW_NS},
		{"total_ns", NULL, KYMO_SHOW_HIDDEN},
		{"blocked_ns", NULL, KYMO_SHOW_HIDDEN},
		{"sysno", NULL, KYMO_SHOW_HIDDEN},
		{"compat", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};

	return table(db, options, writer, "syscall_estimate",
		     "SELECT name, calls, calls_estimate, calls_low, calls_high, "
		     "total_estimate_ns, total_low_ns, total_high_ns, total_ns, blocked_ns, sysno, "
		     "compat, capture_id FROM syscall_estimate" WHERE_SQL
		     " ORDER BY total_estimate_ns DESC, name, capture_id",
		     columns, err);
}

static s64 on_cpu_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
			struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"name", "syscall", KYMO_SHOW_PLAIN},
		{"samples", NULL, KYMO_SHOW_COUNT},
		{"on_cpu_ns", "on CPU, sampled", KYMO_SHOW_NS},
		{"share_percent", "of CPU time", KYMO_SHOW_PERCENT},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];

	/* The view's text, over those samples that the filter wants. */
	kymo_filter_sql(options->filter, "v", "v", where);
	if (asprintf(&sql,
		     "SELECT name, samples, on_cpu_ns, share_percent, capture_id FROM ("
		     "SELECT v.capture_id, v.name, count(*) AS samples, CASE m.value WHEN "
		     "'cpu-clock' THEN CAST(total(v.period) AS INTEGER) END AS on_cpu_ns, "
		     "100.0 * total(v.scaled) / sum(total(v.scaled)) OVER (PARTITION BY "
		     "v.capture_id) AS share_percent FROM sample_calls v LEFT JOIN meta m ON "
		     "m.capture_id = v.capture_id AND m.key = 'cpu.event' WHERE %s "
		     "GROUP BY v.capture_id, v.name)"
		     " WHERE name IS NOT NULL AND (:name IS NULL OR name = :name)"
		     " ORDER BY share_percent DESC, name, capture_id LIMIT :limit",
		     where) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "system calls");
	}
	return table(db, options, writer, "syscall_sampled", sql, columns, err);
}

s64 kymo_syscalls_tables(struct kymo_db *db, const struct kymo_syscalls_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	s64 rows, rc = 0;

	kymo_writer_expendable(writer, narrow);
	rows = main_table(db, options, writer, err);
	if (rows >= 0 && options->errors)
		rc = error_table(db, options, writer, err);
	if (rows >= 0 && rc >= 0 && options->slow)
		rc = slow_table(db, options, writer, err);
	if (rows >= 0 && rc >= 0 && options->in_flight)
		rc = in_flight_table(db, options, writer, err);
	if (rows >= 0 && rc >= 0 && options->on_cpu)
		rc = on_cpu_table(db, options, writer, err);
	if (rows >= 0 && rc >= 0 && options->estimate)
		rc = estimate_table(db, options, writer, err);
	return rc < 0 ? rc : rows;
}

int kymo_syscalls_have_gaps(struct kymo_db *db, const struct kymo_filter *filter, bool *ret_gaps,
			    struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT 1 FROM class_spans s WHERE event_class = 1 AND state_number"
				" IS 3 AND (:capture = 0 OR capture_id = :capture)"
				" AND to_ns > :from AND from_ns < :to AND EXISTS"
				" (SELECT 1 FROM class_spans w WHERE w.event_class = 4"
				" AND w.capture_id = s.capture_id AND w.state_number IS NOT 3)"
				" LIMIT 1",
				&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	*ret_gaps = rc > 0;
	return rc < 0 ? rc : 0;
}

#define HISTOGRAM_SQL                                                                      \
	"SELECT name, low_ns, high_ns, calls, capture_id FROM syscall_histogram" WHERE_SQL \
	" ORDER BY capture_id, name, low_ns"

s64 kymo_syscalls_histogram_table(struct kymo_db *db, const struct kymo_syscalls_options *options,
				  struct kymo_writer *writer, struct cap_err *err)
{
	return table(db, options, writer, "syscall_histogram", HISTOGRAM_SQL, histogram_columns,
		     err);
}

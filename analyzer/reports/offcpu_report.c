/* The sums are those of the views of the same names, here under a choice, which they cannot have.
 */
#include "analyzer/reports/offcpu_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/reports/histogram_text.h"
#include "analyzer/reports/report_columns.h"
#include "formats/base/cleanup.h"

#define PARTS "v.shortest_ns", "v.longest_ns"
#define SINGLE "v.duration_ns", "v.duration_ns"
/* Of offcpu_parts: all of what was counted together can have begun before --to. */
#define BEFORE_END " AND COALESCE(v.last_ns, 0) < :to"

#define LONGEST_IS_BOUND                                                        \
	"max(CASE WHEN counted AND intervals > 1 THEN longest_ns ELSE 0 END) >" \
	" max(CASE WHEN counted AND intervals > 1 THEN 0 ELSE longest_ns END)"  \
	" AS longest_is_bound"

/* "head WHERE where tail" */
static int ask(struct kymo_db *db, const struct kymo_wait_choice *choice, const char *head,
	       const char *where, const char *tail, struct kymo_query **ret_query,
	       struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	int rc;

	if (asprintf(&sql, "%s WHERE %s%s", head, where, tail) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "waits");
	}
	rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	if (rc == 0)
		rc = kymo_wait_bind(choice, query);
	if (rc == 0)
		*ret_query = TAKE(query);
	return rc;
}

/* The first number that it gives. */
static int ask_number(struct kymo_db *db, const struct kymo_wait_choice *choice, const char *head,
		      const char *where, const char *tail, s64 *ret_number, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = ask(db, choice, head, where, tail, &query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc == 1)
		*ret_number = kymo_query_int(query, 0);
	return rc < 0 ? rc : 0;
}

/* -------- tables -------- */

struct table {
	const char *name, *select, *from, *tail, *order;
	const struct kymo_column *columns;
	kymo_mark_fn mark;
};

static s64 count_rows(struct kymo_db *db, const struct kymo_wait_choice *choice,
		      const struct table *table, const char *where, struct cap_err *err)
{
	char head[128], tail[256];
	s64 rows = 0;
	int rc;

	(void)snprintf(head, sizeof(head), "SELECT count(*) FROM (SELECT 1 FROM %s", table->from);
	(void)snprintf(tail, sizeof(tail), "%s)", table->tail);
	rc = ask_number(db, choice, head, where, tail, &rows, err);
	return rc < 0 ? rc : rows;
}

static s64 write_table(struct kymo_db *db, const struct kymo_offcpu_options *options,
		       const struct table *table, const char *where, struct kymo_writer *writer,
		       struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	char head[1024], tail[512];
	s64 rows;
	int rc;

	(void)snprintf(head, sizeof(head), "%s FROM %s", table->select, table->from);
	(void)snprintf(tail, sizeof(tail), "%s%s LIMIT :limit", table->tail, table->order);
	rc = ask(db, &options->choice, head, where, tail, &query, err);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":limit", options->limit);
	if (rc < 0)
		return rc;
	kymo_report_columns(options->choice.filter, table->columns,
			    (size_t)kymo_query_column_count(query), shown);
	for (int i = 0; options->by_process && i < kymo_query_column_count(query); i++)
		if (kymo_report_ends_in(shown[i].name, "tgid"))
			shown[i] = (struct kymo_column){shown[i].name, "pid", KYMO_SHOW_PLAIN};
	rows = kymo_query_to_sink_marked(query, writer, table->name, shown, table->mark, err);
	return rows == options->limit ? count_rows(db, &options->choice, table, where, err) : rows;
}

/* A bound where the longest of a row was counted together with others. */
static void mark_longest(const struct kymo_column *columns, size_t count, struct kymo_value *values)
{
	struct kymo_value *longest = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(columns[i].name, "longest_ns") == 0)
			longest = &values[i];
		else if (longest && strcmp(columns[i].name, "longest_is_bound") == 0 &&
			 values[i].integer)
			longest->mark = '<';
	}
}

/* What counts into a share: time that is not spent waiting for work, unless that is asked for. Of
 * groups whose rows agree in the columns that it reads. */
#define IN_SHARE "(:share_idle OR NOT (wait_kind = 'idle' OR idle OR kernel_thread))"
#define SHARE_OF(sum)                                                                          \
	"CASE WHEN " IN_SHARE " THEN 100.0 * " sum " / total(CASE WHEN " IN_SHARE " THEN " sum \
	" END) OVER (PARTITION BY capture_id) END AS share_percent"

s64 kymo_offcpu_table(struct kymo_db *db, const struct kymo_offcpu_options *options,
		      struct kymo_writer *writer, struct cap_err *err)
{
	const struct kymo_column columns[] = {
		{"comm", "process", KYMO_SHOW_PLAIN},
		{"name", "call", KYMO_SHOW_PLAIN},
		{"wait_kind", "kind", KYMO_SHOW_PLAIN},
		{"reason", NULL, KYMO_SHOW_HIDDEN},
		{"intervals", "waits", KYMO_SHOW_COUNT},
		{"total_ns", "time", KYMO_SHOW_SHORT_NS},
		{"share_percent", "share", KYMO_SHOW_PERCENT},
		{"longest_ns", "longest", KYMO_SHOW_SHORT_NS},
		{"runq_ns", "run queue", KYMO_SHOW_SHORT_NS},
		{"file", "file or peer", options->by_file ? KYMO_SHOW_PLAIN : KYMO_SHOW_HIDDEN},
		{"processes", NULL, KYMO_SHOW_HIDDEN},
		{"tgid", NULL, KYMO_SHOW_HIDDEN},
		{"longest_is_bound", NULL, KYMO_SHOW_HIDDEN},
		{"idle", NULL, KYMO_SHOW_HIDDEN},
		{"kernel_thread", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	char where[KYMO_WAIT_SQL_BYTES], tail[160];
	const struct table table = {
		.name = "offcpu_waits",
		.select =
			"SELECT process AS comm, name, wait_kind,"
			" CASE WHEN count(DISTINCT reason) = 1 THEN max(reason) END AS reason,"
			" CAST(total(intervals) AS INTEGER) AS intervals,"
			" CAST(total(total_ns) AS INTEGER) AS total_ns,"
			" " SHARE_OF("total(total_ns)") ","
							" max(longest_ns) AS longest_ns, "
							"CAST(total(runq_ns) AS INTEGER) AS "
							"runq_ns,"
							" CASE WHEN count(DISTINCT file) = 1 "
							"AND count(*) = count(file) THEN "
							"max(file) END AS file,"
							" count(DISTINCT process_id) AS processes,"
							" CASE WHEN count(DISTINCT tgid) = 1 THEN "
							"max(tgid) END AS tgid,"
							" " LONGEST_IS_BOUND
							", idle, kernel_thread, capture_id",
		.from = "offcpu_parts v",
		.tail = tail,
		.order = " ORDER BY share_percent IS NULL, total(v.total_ns) DESC, comm, name, "
			 "wait_kind, idle, reason, capture_id, v.process_id, v.file",
		.columns = columns,
		.mark = mark_longest,
	};
	(void)snprintf(tail, sizeof(tail),
		       BEFORE_END " GROUP BY capture_id, process, name, wait_kind, idle,"
				  " kernel_thread%s%s%s",
		       options->by_reason ? ", reason" : "", options->by_file ? ", file" : "",
		       options->by_process ? ", process_id" : "");
	kymo_wait_sql(&options->choice, PARTS, where);
	return write_table(db, options, &table, where, writer, err);
}

/* It had not begun, or not ended, within the recording: it was longer. */
static void mark_cut(const struct kymo_column *columns, size_t count, struct kymo_value *values)
{
	struct kymo_value *duration = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(columns[i].name, "duration_ns") == 0)
			duration = &values[i];
		else if (duration && values[i].integer &&
			 (strcmp(columns[i].name, "unfinished") == 0 ||
			  strcmp(columns[i].name, "since_before") == 0))
			duration->mark = '>';
	}
}

s64 kymo_offcpu_slow(struct kymo_db *db, const struct kymo_offcpu_options *options,
		     struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"duration_ns", "time", KYMO_SHOW_SHORT_NS},
		{"at_s", "at", KYMO_SHOW_SECONDS},
		{"comm", "thread", KYMO_SHOW_PLAIN},
		{"tid", NULL, KYMO_SHOW_PLAIN},
		{"name", "call", KYMO_SHOW_PLAIN},
		{"wait_kind", "kind", KYMO_SHOW_PLAIN},
		{"woken_by", "woken by", KYMO_SHOW_PLAIN},
		{"file", "file or peer", KYMO_SHOW_PLAIN},
		{"fd", NULL, KYMO_SHOW_HIDDEN},
		{"waker_tid", NULL, KYMO_SHOW_HIDDEN},
		{"reason", NULL, KYMO_SHOW_HIDDEN},
		{"runq_ns", NULL, KYMO_SHOW_HIDDEN},
		{"unfinished", NULL, KYMO_SHOW_HIDDEN},
		{"since_before", NULL, KYMO_SHOW_HIDDEN},
		{"tgid", NULL, KYMO_SHOW_HIDDEN},
		{"process", NULL, KYMO_SHOW_HIDDEN},
		{"idle", NULL, KYMO_SHOW_HIDDEN},
		{"kernel_thread", NULL, KYMO_SHOW_HIDDEN},
		{"time_ns", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	static const struct table table = {
		.name = "slow_waits",
		.select = "SELECT duration_ns, at_s, comm, tid, name, wait_kind, woken_by,"
			  " file, fd, waker_tid, reason, runq_ns, unfinished, since_before, tgid, "
			  "process, "
			  "idle, kernel_thread,"
			  " time_ns, capture_id",
		.from = "slow_waits v",
		.tail = "",
		.order = " ORDER BY wait_kind = 'idle' AND NOT :share_idle, duration_ns DESC, "
			 "time_ns, tid, capture_id",
		.columns = columns,
		.mark = mark_cut,
	};
	char where[KYMO_WAIT_SQL_BYTES];

	kymo_wait_sql(&options->choice, SINGLE, where);
	return write_table(db, options, &table, where, writer, err);
}

static void mark_sampled(const struct kymo_column *columns, size_t count, struct kymo_value *values)
{
	struct kymo_value *weight = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(columns[i].name, "weight_ns") == 0)
			weight = &values[i];
		else if (weight && strcmp(columns[i].name, "sampled") == 0 && values[i].integer)
			weight->mark = '~';
	}
}

s64 kymo_offcpu_wakers(struct kymo_db *db, const struct kymo_offcpu_options *options,
		       struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"woken_by", "woken by", KYMO_SHOW_PLAIN},
		{"waker_tgid", NULL, KYMO_SHOW_HIDDEN},
		{"comm", "process", KYMO_SHOW_PLAIN},
		{"name", "call", KYMO_SHOW_PLAIN},
		{"wait_kind", "kind", KYMO_SHOW_PLAIN},
		{"reason", NULL, KYMO_SHOW_HIDDEN},
		{"intervals", "seen", KYMO_SHOW_COUNT},
		{"weight_ns", "time", KYMO_SHOW_SHORT_NS},
		{"share_percent", "share", KYMO_SHOW_PERCENT},
		{"longest_ns", "longest", KYMO_SHOW_SHORT_NS},
		{"sampled", NULL, KYMO_SHOW_HIDDEN},
		{"idle", NULL, KYMO_SHOW_HIDDEN},
		{"kernel_thread", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	char where[KYMO_WAIT_SQL_BYTES], tail[160];
	const struct table table = {
		.name = "offcpu_wakers",
		.select =
			"SELECT woken_by,"
			" CASE WHEN count(DISTINCT waker_tgid) = 1 THEN max(waker_tgid) END AS"
			" waker_tgid, process AS comm, name, wait_kind,"
			" CASE WHEN count(DISTINCT reason) = 1 THEN max(reason) END AS reason,"
			" count(*) AS intervals, CAST(total(weight_ns) AS INTEGER) AS weight_ns,"
			" " SHARE_OF("total(weight_ns)") ", max(duration_ns) AS longest_ns,"
							 " max(weight_ns > duration_ns) AS "
							 "sampled, idle, kernel_thread, capture_id",
		.from = "slow_waits v",
		.tail = tail,
		.order = " ORDER BY share_percent IS NULL, total(v.weight_ns) DESC, woken_by, comm,"
			 " name, wait_kind, reason, idle, capture_id, v.process_id, v.waker_tgid",
		.columns = columns,
		.mark = mark_sampled,
	};

	(void)snprintf(tail, sizeof(tail),
		       " AND v.reason <> 'preempted' GROUP BY capture_id, woken_by, process, name,"
		       " wait_kind, idle, kernel_thread%s%s",
		       options->by_reason ? ", reason" : "",
		       options->by_process ? ", process_id, waker_tgid" : "");
	kymo_wait_sql(&options->choice, SINGLE, where);
	return write_table(db, options, &table, where, writer, err);
}

s64 kymo_offcpu_calls(struct kymo_db *db, const struct kymo_offcpu_options *options,
		      struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"name", "syscall", KYMO_SHOW_PLAIN},
		{"wait_kind", "kind", KYMO_SHOW_PLAIN},
		{"intervals", "waits", KYMO_SHOW_COUNT},
		{"slow_intervals", "of 10 ms or more", KYMO_SHOW_COUNT},
		{"blocked_ns", "blocked", KYMO_SHOW_NS},
		{"share_percent", "share", KYMO_SHOW_PERCENT},
		{"longest_ns", "longest", KYMO_SHOW_NS},
		{"longest_is_bound", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	static const struct table table = {
		.name = "syscall_blocked",
		.select = "SELECT name, wait_kind, CAST(total(intervals) AS INTEGER) AS intervals,"
			  " CAST(total(CASE WHEN shortest_ns >= 10000000 THEN intervals ELSE 0 END)"
			  " AS INTEGER) AS slow_intervals,"
			  " CAST(total(total_ns) AS INTEGER) AS blocked_ns,"
			  " " SHARE_OF("total(total_ns)") ", max(longest_ns) AS "
							  "longest_ns, " LONGEST_IS_BOUND
							  ", capture_id",
		.from = "offcpu_parts v",
		.tail = BEFORE_END " AND v.name <> '-' AND v.reason <> 'preempted'"
				   " GROUP BY capture_id, name, wait_kind, idle, kernel_thread",
		.order = " ORDER BY share_percent IS NULL, total(v.total_ns) DESC, name, wait_kind,"
			 " capture_id",
		.columns = columns,
		.mark = mark_longest,
	};
	char where[KYMO_WAIT_SQL_BYTES];

	kymo_wait_sql(&options->choice, PARTS, where);
	return write_table(db, options, &table, where, writer, err);
}

/* -------- run queue -------- */

/* One group of rows per process, or one for all; the most time first. */
#define HISTOGRAM_SELECT                                                                  \
	"SELECT CASE WHEN :by_process THEN process END AS comm, CASE WHEN :by_process"    \
	" THEN tgid END AS tgid, reason, CASE runq_bucket WHEN 0 THEN 0 ELSE 1 <<"        \
	" runq_bucket END AS low_ns, CASE WHEN runq_bucket >= 62 THEN"                    \
	" 9223372036854775807 ELSE (2 << runq_bucket) - 1 END AS high_ns,"                \
	" CAST(total(intervals) AS INTEGER) AS intervals, CAST(total(runq_ns) AS"         \
	" INTEGER) AS total_ns, capture_id, CASE WHEN :by_process THEN process_id END AS" \
	" process_id FROM offcpu_parts v"
#define HISTOGRAM_TAIL                                                                        \
	BEFORE_END " AND v.runq_ns > 0 GROUP BY capture_id, CASE WHEN :by_process"            \
		   " THEN process_id END, reason, runq_bucket"                                \
		   " ORDER BY capture_id, total(total(runq_ns)) OVER (PARTITION BY"           \
		   " capture_id, CASE WHEN :by_process THEN process_id END) DESC, 9, reason," \
		   " runq_bucket"
enum {
	DELAY_COMM,
	DELAY_TGID,
	DELAY_REASON,
	DELAY_LOW,
	DELAY_HIGH,
	DELAY_INTERVALS,
	DELAY_TOTAL,
	DELAY_CAPTURE,
	DELAY_PROCESS
};

static int ask_delays(struct kymo_db *db, const struct kymo_offcpu_options *options,
		      struct kymo_query **ret_query, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	char where[KYMO_WAIT_SQL_BYTES];
	int rc;

	kymo_wait_sql(&options->choice, PARTS, where);
	rc = ask(db, &options->choice, HISTOGRAM_SELECT, where, HISTOGRAM_TAIL, &query, err);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":by_process", options->by_process);
	if (rc == 0)
		*ret_query = TAKE(query);
	return rc;
}

s64 kymo_offcpu_runqueue(struct kymo_db *db, const struct kymo_offcpu_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"comm", "process", KYMO_SHOW_PLAIN},	 {"tgid", "pid", KYMO_SHOW_PLAIN},
		{"reason", NULL, KYMO_SHOW_PLAIN},	 {"low_ns", NULL, KYMO_SHOW_PLAIN},
		{"high_ns", NULL, KYMO_SHOW_PLAIN},	 {"intervals", "waits", KYMO_SHOW_COUNT},
		{"total_ns", "run queue", KYMO_SHOW_NS}, {"capture_id", NULL, KYMO_SHOW_HIDDEN},
		{"process_id", NULL, KYMO_SHOW_HIDDEN}};
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	int rc = ask_delays(db, options, &query, err);

	if (rc < 0)
		return rc;
	kymo_report_columns(options->choice.filter, columns, (size_t)kymo_query_column_count(query),
			    shown);
	return kymo_query_to_writer(query, writer, "offcpu_histogram", shown, err);
}

/* Preempted tasks could run all the time: theirs is a histogram of its own. */
struct delays {
	char who[64]; /* "nginx (pid 1940), "; empty: all */
	s64 capture_id, process_id;
	struct kymo_histogram woken, preempted;
};

static void delays_begin(struct delays *delays, struct kymo_query *row, bool by_process)
{
	const char *comm = kymo_query_text(row, DELAY_COMM, NULL);

	*delays = (struct delays){.capture_id = kymo_query_int(row, DELAY_CAPTURE),
				  .process_id = kymo_query_int(row, DELAY_PROCESS)};
	if (by_process)
		(void)snprintf(delays->who, sizeof(delays->who), "%.32s (pid %lld), ",
			       comm ? comm : "[unknown]",
			       (long long)kymo_query_int(row, DELAY_TGID));
}

/* Buckets are powers of two of ns: 1,024 of them stand for 1 us, which moves no bound by more than
 * 2.4 %. */
static void delays_add(struct delays *delays, struct kymo_query *row)
{
	const char *reason = kymo_query_text(row, DELAY_REASON, NULL);

	kymo_histogram_add(
		reason && strcmp(reason, "preempted") == 0 ? &delays->preempted : &delays->woken,
		kymo_query_int(row, DELAY_LOW) >> 10, (u64)kymo_query_int(row, DELAY_INTERVALS));
}

static void delays_draw(const struct delays *delays, FILE *out)
{
	char title[128];

	(void)snprintf(title, sizeof(title), "%sfrom being woken to running", delays->who);
	kymo_histogram_draw(out, title, "usecs", &delays->woken);
	(void)snprintf(title, sizeof(title), "%sfrom being preempted to running", delays->who);
	kymo_histogram_draw(out, title, "usecs", &delays->preempted);
}

s64 kymo_offcpu_runqueue_text(struct kymo_db *db, const struct kymo_offcpu_options *options,
			      FILE *out, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct delays delays = {0};
	s64 groups = 0;
	int rc = ask_delays(db, options, &query, err);

	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0) {
		if (groups == 0 || kymo_query_int(query, DELAY_CAPTURE) != delays.capture_id ||
		    kymo_query_int(query, DELAY_PROCESS) != delays.process_id) {
			if (groups > 0 && (options->limit < 0 || groups <= options->limit))
				delays_draw(&delays, out);
			delays_begin(&delays, query, options->by_process);
			groups++;
		}
		delays_add(&delays, query);
	}
	if (rc < 0)
		return rc;
	if (groups > 0 && (options->limit < 0 || groups <= options->limit))
		delays_draw(&delays, out);
	return groups;
}

/* -------- what is not shown -------- */

#define SUM_OF_PARTS "SELECT CAST(total(v.intervals) AS INTEGER) FROM offcpu_parts v"

static int find_recorded(struct kymo_db *db, const struct kymo_wait_choice *choice,
			 bool *ret_recorded, struct cap_err *err)
{
	static const char where[] = "(:capture = 0 OR capture_id = :capture) AND class = 'sched'";
	s64 found = 0;
	int rc =
		ask_number(db, choice, "SELECT count(*) FROM probe_status", where, "", &found, err);

	*ret_recorded = found > 0;
	return rc;
}

int kymo_offcpu_left_out(struct kymo_db *db, const struct kymo_wait_choice *choice,
			 struct kymo_offcpu_left *ret_left, struct cap_err *err)
{
	struct kymo_filter any_time = *choice->filter;
	struct kymo_wait_choice wide = *choice;
	struct kymo_offcpu_left left = {0};
	char where[KYMO_WAIT_SQL_BYTES];
	int rc = find_recorded(db, choice, &left.recorded, err);

	wide.all = true;
	kymo_wait_sql(&wide, PARTS, where);
	if (rc == 0 && !choice->all)
		rc = ask_number(db, choice, SUM_OF_PARTS, where,
				BEFORE_END " AND (v.idle OR v.kernel_thread)", &left.all, err);
	any_time.has_from = any_time.has_to = false;
	wide = (struct kymo_wait_choice){.filter = &any_time,
					 .reason = choice->reason,
					 .kinds = choice->kinds,
					 .max_ns = INT64_MAX,
					 .all = choice->all};
	kymo_wait_sql(&wide, PARTS, where);
	if (rc == 0)
		rc = ask_number(db, choice, SUM_OF_PARTS, where,
				" AND v.counted AND v.last_ns >= :from AND v.time_ns < :to"
				" AND v.longest_ns >= :min AND v.shortest_ns <= :max"
				" AND NOT (v.time_ns >= :from AND v.last_ns < :to"
				" AND v.shortest_ns >= :min AND v.longest_ns <= :max)",
				&left.partly, err);
	if (rc == 0)
		*ret_left = left;
	return rc;
}

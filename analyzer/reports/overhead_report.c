/* Fields and tables straight from the views; how a number is shown follows from the unit its name
 * ends in. */
#include "analyzer/reports/overhead_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/reports/budget_report.h"
#include "analyzer/reports/report_columns.h"
#include "formats/base/cleanup.h"

/* What narrow terminals do without: what follows from other columns first. */
static const char narrow[] = "cause recursion_count window_ns resource sample_hz limit_percent"
			     " queue_max_bytes ring_used_max_bytes recorder_cpu_percent"
			     " bpf_cpu_percent drain_delay_max_ns";

#define CAPTURE_SQL " WHERE :capture = 0 OR capture_id = :capture"

static const struct kymo_column bpf_columns[] = {
	{"name", "bpf program", KYMO_SHOW_PLAIN},
	{"class", NULL, KYMO_SHOW_PLAIN},
	{"run_count", "runs", KYMO_SHOW_COUNT},
	{"run_time_ns", "run time", KYMO_SHOW_NS},
	{"avg_ns", "per run", KYMO_SHOW_NS},
	{"window_ns", "measured for", KYMO_SHOW_NS},
	{"cpu_percent", "of host cpu", KYMO_SHOW_PERCENT},
	{"recursion_count", "skipped", KYMO_SHOW_COUNT},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column class_columns[] = {
	{"class", "event class", KYMO_SHOW_PLAIN},
	{"attempted_count", "attempted", KYMO_SHOW_COUNT},
	{"stored_count", "stored", KYMO_SHOW_COUNT},
	{"counted_count", "counted", KYMO_SHOW_COUNT},
	{"lost_count", "lost", KYMO_SHOW_COUNT},
	{"unmatched_count", "no entry seen", KYMO_SHOW_COUNT},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column loss_columns[] = {
	{"class", "lost from", KYMO_SHOW_PLAIN}, {"reason", NULL, KYMO_SHOW_PLAIN},
	{"lost_count", "lost", KYMO_SHOW_COUNT}, {"from_s", "from second", KYMO_SHOW_PLAIN},
	{"to_s", "to second", KYMO_SHOW_PLAIN},	 {"cpus", NULL, KYMO_SHOW_COUNT},
	{"from_ns", NULL, KYMO_SHOW_HIDDEN},	 {"to_ns", NULL, KYMO_SHOW_HIDDEN},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column target_columns[] = {
	{"target", NULL, KYMO_SHOW_PLAIN},   {"unit", NULL, KYMO_SHOW_PLAIN},
	{"measured", NULL, KYMO_SHOW_PLAIN}, {"limit_value", "limit", KYMO_SHOW_PLAIN},
	{"met", NULL, KYMO_SHOW_PLAIN},	     {"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column timeline_columns[] = {
	{"at_s", "at second", KYMO_SHOW_PLAIN},
	{"cpu_percent", "cpu of host", KYMO_SHOW_PERCENT},
	{"rss_bytes", "rss", KYMO_SHOW_BYTES},
	{"events_per_second", "events/s", KYMO_SHOW_COUNT},
	{"bytes_per_second", "data/s", KYMO_SHOW_BYTES},
	{"drain_delay_max_ns", "drain delay max", KYMO_SHOW_NS},
	{"ring_used_max_bytes", "ring max", KYMO_SHOW_BYTES},
	{"queue_max_bytes", "queue max", KYMO_SHOW_BYTES},
	{"time_ns", NULL, KYMO_SHOW_HIDDEN},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};

static int new_query(struct kymo_db *db, const struct kymo_filter *filter, const char *sql,
		     struct kymo_query **ret_query, struct cap_err *err)
{
	int rc = kymo_query_new(kymo_db_handle(db), sql, ret_query, err);

	if (rc == 0)
		rc = kymo_query_bind_int(*ret_query, ":capture", filter->capture_id);
	return rc;
}

/* Text leaves out a table without rows; the other formats always hold all. */
static int table(struct kymo_db *db, const struct kymo_filter *filter, struct kymo_writer *writer,
		 const char *view, const char *sql, const struct kymo_column *columns,
		 struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(db, filter, sql, &query, err);
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	s64 rows;

	if (rc == 0 && kymo_writer_format(writer) == KYMO_FORMAT_TEXT) {
		rc = kymo_query_step(query, err);
		if (rc <= 0)
			return rc;
		kymo_query_reset(query); /* clears the bindings, too */
		rc = kymo_query_bind_int(query, ":capture", filter->capture_id);
	}
	if (rc < 0)
		return rc;
	kymo_report_columns(filter, columns, (size_t)kymo_query_column_count(query), shown);
	rows = kymo_query_to_writer(query, writer, view, shown, err);
	return rows < 0 ? (int)rows : 0;
}

/* The figures of the one capture, as fields. Returns rows, or negative. */
static int figures(struct kymo_db *db, const struct kymo_filter *filter, struct kymo_writer *writer,
		   struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(db, filter, "SELECT * FROM overhead" CAPTURE_SQL, &query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc <= 0)
		return rc;
	for (int i = 0; i < kymo_query_column_count(query); i++) {
		const char *name = kymo_query_column_name(query, i);
		struct kymo_value value = kymo_query_value(query, i);

		kymo_writer_field(writer, name, kymo_report_show(name), &value);
	}
	return 1;
}

/* Each target as one line for people: "met: 0.42 % of 1 %". */
static int targets_as_text(struct kymo_db *db, const struct kymo_filter *filter,
			   struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(
		db, filter,
		"SELECT target || '_target', CASE WHEN met IS NULL AND limit_value IS NULL AND"
		" measured IS NOT NULL THEN printf('no limit: %.2f %% of the host with BPF', "
		"measured)"
		" WHEN met IS NULL THEN 'not measured'"
		" ELSE CASE met WHEN 1 THEN 'met: ' ELSE 'NOT MET: ' END || CASE unit WHEN 'bytes'"
		" THEN printf('%.1f MiB, limit %.0f MiB', measured / 1048576.0, limit_value / "
		"1048576.0)"
		" ELSE printf('%.2f %% of the host with BPF, limit %.4g %%', measured, "
		"limit_value) END END"
		" FROM overhead_targets" CAPTURE_SQL,
		&query, err);

	if (rc < 0)
		return rc;
	while ((rc = kymo_query_step(query, err)) > 0)
		kymo_writer_field_text(writer, kymo_query_text(query, 0, NULL),
				       kymo_query_text(query, 1, NULL));
	return rc;
}

static int several_captures(struct kymo_db *db, const struct kymo_filter *filter,
			    struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"capture_id", "capture", KYMO_SHOW_PLAIN},
		{"recorder_cpu_percent", "recorder cpu", KYMO_SHOW_PERCENT},
		{"bpf_cpu_percent", "bpf cpu", KYMO_SHOW_PERCENT},
		{"recorder_rss_bytes", "rss", KYMO_SHOW_BYTES},
		{"events_per_second", "events/s", KYMO_SHOW_COUNT},
		{"bytes_per_second", "data/s", KYMO_SHOW_BYTES},
		{"events_stored", "stored", KYMO_SHOW_COUNT},
		{"events_dropped", "lost", KYMO_SHOW_COUNT},
		{"drain_delay_max_ns", "drain delay max", KYMO_SHOW_NS},
	};

	return table(db, filter, writer, "overhead",
		     "SELECT capture_id, recorder_cpu_percent, bpf_cpu_percent, recorder_rss_bytes,"
		     " events_per_second, bytes_per_second, events_stored, events_dropped,"
		     " drain_delay_max_ns FROM overhead" CAPTURE_SQL " ORDER BY 1",
		     columns, err);
}

static int detail_tables(struct kymo_db *db, const struct kymo_overhead_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	const struct kymo_filter *filter = options->filter;
	int rc;

	rc = table(db, filter, writer, "overhead_bpf",
		   "SELECT name, class, run_count, run_time_ns, avg_ns, window_ns, cpu_percent, "
		   "recursion_count,"
		   " capture_id FROM overhead_bpf" CAPTURE_SQL " ORDER BY cpu_percent DESC, name",
		   bpf_columns, err);
	if (rc == 0)
		rc = table(db, filter, writer, "class_totals",
			   "SELECT class, attempted_count, stored_count, counted_count, lost_count,"
			   " unmatched_count,"
			   " capture_id FROM class_totals" CAPTURE_SQL
			   " ORDER BY capture_id, class",
			   class_columns, err);
	if (rc == 0)
		rc = table(db, filter, writer, "loss_summary",
			   "SELECT class, reason, lost_count, round(from_s, 3) AS from_s, "
			   "round(to_s, 3) AS to_s, cpus, from_ns, to_ns, "
			   "capture_id"
			   " FROM loss_summary" CAPTURE_SQL
			   " ORDER BY lost_count DESC, class, reason",
			   loss_columns, err);
	kymo_writer_limit(writer, options->asked_limit);
	if (rc == 0 && options->timeline)
		rc = table(db, filter, writer, "overhead_rates",
			   "SELECT round(at_s, 3) AS at_s, cpu_percent, rss_bytes, "
			   "events_per_second, bytes_per_second,"
			   " drain_delay_max_ns, ring_used_max_bytes, queue_max_bytes, time_ns, "
			   "capture_id"
			   " FROM overhead_rates" CAPTURE_SQL " ORDER BY capture_id, time_ns",
			   timeline_columns, err);
	return rc;
}

int kymo_overhead_report(struct kymo_db *db, const struct kymo_overhead_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	const struct kymo_filter *filter = options->filter;
	const struct kymo_budget_options budget = {.filter = filter,
						   .timeline = options->timeline,
						   .all_decisions = options->decisions,
						   .limit = options->limit,
						   .asked_limit = options->asked_limit};
	bool csv = kymo_writer_format(writer) == KYMO_FORMAT_CSV;
	s64 rows = 0;
	int rc;

	kymo_writer_expendable(writer, narrow);
	if (csv && options->decisions)
		rows = kymo_decisions_table(db, &budget, writer, err);
	else if (csv && options->timeline)
		rows = kymo_spending_table(db, filter, writer, err);
	if (csv && (options->decisions || options->timeline))
		return rows < 0 ? (int)rows : 0;

	if (filter->capture_id == 0 || kymo_writer_format(writer) == KYMO_FORMAT_CSV) {
		rc = several_captures(db, filter, writer, err);
	} else {
		rc = figures(db, filter, writer, err);
		if (rc > 0 && kymo_writer_format(writer) == KYMO_FORMAT_TEXT)
			rc = targets_as_text(db, filter, writer, err);
		else if (rc > 0)
			rc = 0;
	}
	if (rc == 0 && kymo_writer_format(writer) == KYMO_FORMAT_JSON)
		rc = table(db, filter, writer, "overhead_targets",
			   "SELECT target, unit, measured, limit_value, met, capture_id"
			   " FROM overhead_targets" CAPTURE_SQL " ORDER BY capture_id, target",
			   target_columns, err);
	if (rc == 0)
		rc = kymo_budget_report(db, &budget, writer, err);
	return rc < 0 ? rc : detail_tables(db, options, writer, err);
}

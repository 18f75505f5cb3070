/* Text leaves out the rows that only say how recording began; the other formats hold all. */
#include "analyzer/reports/budget_report.h"

#include "analyzer/db/query.h"
#include "analyzer/reports/report_columns.h"
#include "analyzer/reports/reduced_note.h"
#include "formats/base/cleanup.h"

#define CAPTURE_SQL "(:capture = 0 OR capture_id = :capture)"
/* What a person need not read: how recording began, and what was only spent. */
#define DECISION_SQL CAPTURE_SQL " AND (NOT :text OR kind = 'decision')"

static const struct kymo_column coverage_columns[] = {
	{"class", "recorded", KYMO_SHOW_PLAIN},	  {"full_ns", "in full", KYMO_SHOW_NS},
	{"counts_ns", "as counts", KYMO_SHOW_NS}, {"reduced_ns", "at a lower rate", KYMO_SHOW_NS},
	{"off_ns", "not at all", KYMO_SHOW_NS},	  {"duration_ns", NULL, KYMO_SHOW_HIDDEN},
	{"spans", NULL, KYMO_SHOW_COUNT},	  {"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column decision_columns[] = {
	{"at_s", "at second", KYMO_SHOW_PLAIN},
	{"class", NULL, KYMO_SHOW_PLAIN},
	{"state", "from then on", KYMO_SHOW_PLAIN},
	{"sample_hz", "Hz", KYMO_SHOW_PLAIN},
	{"resource", "about", KYMO_SHOW_PLAIN},
	{"measured_percent", "used", KYMO_SHOW_PERCENT},
	{"limit_percent", "allowed", KYMO_SHOW_PERCENT},
	{"effect", NULL, KYMO_SHOW_PLAIN},
	{"cause", NULL, KYMO_SHOW_PLAIN},
	{"time_ns", NULL, KYMO_SHOW_HIDDEN},
	{"span_ns", NULL, KYMO_SHOW_HIDDEN},
	{"measured_value", NULL, KYMO_SHOW_HIDDEN},
	{"limit_value", NULL, KYMO_SHOW_HIDDEN},
	{"kind", NULL, KYMO_SHOW_HIDDEN},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};
static const struct kymo_column spending_columns[] = {
	{"at_s", "at second", KYMO_SHOW_PLAIN},
	{"recorder_cpu_percent", "recorder cpu", KYMO_SHOW_PERCENT},
	{"bpf_cpu_percent", "bpf cpu", KYMO_SHOW_PERCENT},
	{"account_cpu_percent", "account", KYMO_SHOW_PERCENT},
	{"cpu_percent", "together", KYMO_SHOW_PERCENT},
	{"cpu_budget_percent", "budget", KYMO_SHOW_PERCENT},
	{"rss_bytes", "rss", KYMO_SHOW_BYTES},
	{"thinned", "not in full", KYMO_SHOW_PLAIN},
	{"time_ns", NULL, KYMO_SHOW_HIDDEN},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};

static int new_query(struct kymo_db *db, const struct kymo_filter *filter,
		     struct kymo_writer *writer, const char *sql, struct kymo_query **ret_query,
		     struct cap_err *err)
{
	int rc = kymo_query_new(kymo_db_handle(db), sql, ret_query, err);

	if (rc == 0)
		rc = kymo_query_bind_int(*ret_query, ":capture", filter->capture_id);
	if (rc == 0)
		rc = kymo_query_bind_int(*ret_query, ":text",
					 kymo_writer_format(writer) == KYMO_FORMAT_TEXT);
	return rc;
}

static s64 write_table(struct kymo_query *query, const struct kymo_filter *filter,
		       struct kymo_writer *writer, const char *view,
		       const struct kymo_column *columns, struct cap_err *err)
{
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];

	kymo_report_columns(filter, columns, (size_t)kymo_query_column_count(query), shown);
	return kymo_query_to_writer(query, writer, view, shown, err);
}

s64 kymo_decisions_table(struct kymo_db *db, const struct kymo_budget_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(
		db, options->filter, writer,
		"SELECT round(at_s, 3) AS at_s, class, state, NULLIF(sample_hz, 0) AS sample_hz,"
		" resource, measured_percent, limit_percent, effect, cause, time_ns, span_ns,"
		" measured_value, limit_value,"
		" kind, capture_id FROM governor_decisions WHERE " DECISION_SQL
		" ORDER BY capture_id, time_ns, place",
		&query, err);

	kymo_writer_limit(writer, options->all_decisions ? options->asked_limit : options->limit);
	return rc < 0 ? rc
		      : write_table(query, options->filter, writer, "governor_decisions",
				    decision_columns, err);
}

s64 kymo_spending_table(struct kymo_db *db, const struct kymo_filter *filter,
			struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(db, filter, writer,
			   "SELECT round(at_s, 3) AS at_s, recorder_cpu_percent, bpf_cpu_percent,"
			   " account_cpu_percent, cpu_percent, cpu_budget_percent, rss_bytes, "
			   "thinned, time_ns, capture_id FROM overhead_spending WHERE " CAPTURE_SQL
			   " ORDER BY capture_id, time_ns",
			   &query, err);

	return rc < 0 ? rc
		      : write_table(query, filter, writer, "overhead_spending", spending_columns,
				    err);
}

/* Text only with the timeline: each ten seconds one. The decisions of other formats hold them. */
static s64 account_table(struct kymo_db *db, const struct kymo_filter *filter,
			 struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"at_s", "at second", KYMO_SHOW_PLAIN},
		{"span_ns", "in", KYMO_SHOW_NS},
		{"measured_percent", "used", KYMO_SHOW_PERCENT},
		{"limit_percent", "allowed", KYMO_SHOW_PERCENT},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(db, filter, writer,
			   "SELECT round(at_s, 3) AS at_s, span_ns, measured_percent, "
			   "limit_percent, capture_id FROM governor_decisions WHERE " CAPTURE_SQL
			   " AND kind = 'account' ORDER BY capture_id, time_ns, place",
			   &query, err);

	return rc < 0 ? rc : write_table(query, filter, writer, "governor_accounts", columns, err);
}

static int coverage_table(struct kymo_db *db, const struct kymo_filter *filter,
			  struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(db, filter, writer,
			   "SELECT class, full_ns, counts_ns, reduced_ns, off_ns, duration_ns, "
			   "spans, capture_id FROM class_coverage WHERE " CAPTURE_SQL
			   " ORDER BY capture_id, class",
			   &query, err);
	s64 rows;

	if (rc < 0)
		return rc;
	rows = write_table(query, filter, writer, "class_coverage", coverage_columns, err);
	return rows < 0 ? (int)rows : 0;
}

/* The fields of object "budget", over all captures of the filter. */
static int budget_fields(struct kymo_db *db, const struct kymo_filter *filter,
			 struct kymo_writer *writer, s64 *ret_decisions, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = new_query(
		db, filter, writer,
		"SELECT b.cpu_budget_percent, b.cpu_account_percent, s.cpu_highest_percent,"
		" s.measurements, s.over_budget, b.memory_budget_bytes, b.disk_floor_bytes, "
		"d.decisions"
		" FROM (SELECT max(cpu_budget_percent) AS cpu_budget_percent,"
		" max(account_cpu_percent) AS cpu_account_percent,"
		" max(memory_budget_bytes) AS memory_budget_bytes,"
		" max(disk_floor_bytes) AS disk_floor_bytes FROM overhead_budget WHERE " CAPTURE_SQL
		") b, (SELECT max(cpu_percent) AS cpu_highest_percent, count(*) AS measurements,"
		" count(CASE WHEN cpu_percent > cpu_budget_percent THEN 1 END) AS over_budget"
		" FROM budget_spans WHERE " CAPTURE_SQL
		") s, (SELECT count(*) AS decisions FROM governor_decisions WHERE " CAPTURE_SQL
		" AND kind = 'decision') d",
		&query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc <= 0)
		return rc;
	kymo_writer_object_begin(writer, "budget");
	for (int i = 0; i < kymo_query_column_count(query); i++) {
		const char *name = kymo_query_column_name(query, i);
		struct kymo_value value = kymo_query_value(query, i);

		kymo_writer_field(writer, name, kymo_report_show(name), &value);
	}
	*ret_decisions = kymo_query_int(query, kymo_query_column_count(query) - 1);
	return 0;
}

int kymo_budget_report(struct kymo_db *db, const struct kymo_budget_options *options,
		       struct kymo_writer *writer, struct cap_err *err)
{
	bool text = kymo_writer_format(writer) == KYMO_FORMAT_TEXT;
	s64 decisions = 0, rows = 0;
	int rc = kymo_governed(db, options->filter, err);

	if (rc <= 0)
		return rc;
	rc = budget_fields(db, options->filter, writer, &decisions, err);
	if (rc < 0)
		return rc;
	kymo_writer_object_end(writer);
	rc = coverage_table(db, options->filter, writer, err);
	if (rc == 0 && (decisions > 0 || !text))
		rows = kymo_decisions_table(db, options, writer, err);
	kymo_writer_limit(writer, options->asked_limit);
	if (rc == 0 && rows >= 0 && options->timeline)
		rows = kymo_spending_table(db, options->filter, writer, err);
	if (rc == 0 && rows >= 0 && options->timeline && text)
		rows = account_table(db, options->filter, writer, err);
	kymo_writer_limit(writer, options->limit);
	return rc < 0 ? rc : rows < 0 ? (int)rows : 0;
}

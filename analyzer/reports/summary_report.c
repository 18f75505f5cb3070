/* Each part is a query. JSON holds all of them in the same order always, empty or not. */
#include "analyzer/reports/summary_report.h"

#include "analyzer/reports/coverage_line.h"
#include "analyzer/reports/summary_parts.h"
#include "formats/base/cleanup.h"

/* What the first screen shows of each. */
static const struct {
	const char *name, *sql;
} parts[] = {
	[KYMO_SUMMARY_CAPTURE] = {"capture",
				  "SELECT host, kernel, start_realtime, duration_ns, cpu_count, "
				  "events_dropped AS lost_count FROM capture_info WHERE capture_id "
				  "= :capture"},
	[KYMO_SUMMARY_COST] =
		{"cost",
		 "SELECT t.measured AS cpu_percent, g.cpu_budget_percent FROM overhead_targets t "
		 "LEFT JOIN overhead_budget g ON g.capture_id = t.capture_id WHERE t.capture_id = "
		 ":capture AND t.target = 'cpu'"},
	[KYMO_SUMMARY_CPU] = {"cpu",
			      "SELECT name, processes, tgid, samples, share_percent, function, "
			      "function_percent FROM summary_cpu WHERE capture_id = :capture "
			      "ORDER BY share_percent DESC, name LIMIT 5"},
	[KYMO_SUMMARY_WAITS] =
		{"waits",
		 "SELECT name, processes, tgid, reason, call, intervals, total_ns, longest_ns, "
		 "longest_is_bound, waits_for_work, wait_kind, file, file_short, files FROM "
		 "summary_waits WHERE capture_id "
		 "= :capture "
		 "ORDER BY waits_for_work, total_ns DESC, name, reason, call, wait_kind LIMIT 5"},
	[KYMO_SUMMARY_SLOWEST] =
		{"slowest",
		 "SELECT name, tgid, kind, call, duration_ns, wait_kind, file, file_short FROM "
		 "summary_slowest WHERE "
		 "capture_id = :capture ORDER BY duration_ns DESC, name, call LIMIT 3"},
	[KYMO_SUMMARY_IN_FLIGHT] =
		{"in_flight",
		 "SELECT name, processes, tgid, call, calls, longest_ns, waits_for_work, file, "
		 "file_short, sum(calls) OVER () AS all_calls, sum(calls * waits_for_work) OVER () "
		 "AS "
		 "all_waiting_for_work FROM summary_in_flight WHERE capture_id = :capture ORDER BY "
		 "waits_for_work, longest_ns DESC, name, call LIMIT 5"},
	[KYMO_SUMMARY_NET] = {"net",
			      "SELECT opened, accepted, failed, sent_bytes, received_bytes, "
			      "retrans_count, connections FROM net_totals WHERE capture_id = "
			      ":capture"},
	[KYMO_SUMMARY_DISKS] = {"disks",
				"SELECT requests, read_bytes, written_bytes, slowest_ns, failed "
				"FROM summary_disks WHERE capture_id = :capture"},
	[KYMO_SUMMARY_MEMORY] = {"memory",
				 "SELECT minor_faults, major_faults, stalls, stall_ns, oom_kills, "
				 "grown_most, grown_bytes FROM summary_memory WHERE capture_id = "
				 ":capture"},
};
_Static_assert(sizeof(parts) / sizeof(parts[0]) == KYMO_SUMMARY_PARTS, "each part has a question");

const char *kymo_summary_part_name(enum kymo_summary_part part)
{
	return parts[part].name;
}

int kymo_summary_ask(struct kymo_db *db, const struct kymo_filter *filter,
		     enum kymo_summary_part part, struct kymo_query **ret_query,
		     struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), parts[part].sql, &query, err);

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":capture", filter->capture_id);
	if (rc < 0)
		return cap_context(err, rc, "ask about %s", parts[part].name);
	*ret_query = TAKE(query);
	return 0;
}

/* The one row of a part, as an object. */
static int write_object(struct kymo_query *query, struct kymo_writer *writer, const char *name,
			struct cap_err *err)
{
	int rc = kymo_query_step(query, err);

	if (rc < 0)
		return rc;
	kymo_writer_object_begin(writer, name);
	for (int i = 0; rc > 0 && i < kymo_query_column_count(query); i++) {
		struct kymo_value value = kymo_query_value(query, i);

		kymo_writer_field(writer, kymo_query_column_name(query, i), KYMO_SHOW_PLAIN,
				  &value);
	}
	kymo_writer_object_end(writer);
	return 0;
}

int kymo_summary_json(struct kymo_db *db, const struct kymo_filter *filter,
		      struct kymo_writer *writer, struct cap_err *err)
{
	const struct kymo_about all = {.classes = KYMO_ABOUT_ALL};

	for (enum kymo_summary_part part = 0; part < KYMO_SUMMARY_PARTS; part++) {
		CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
		const char *name = parts[part].name;
		int rc = kymo_summary_ask(db, filter, part, &query, err);

		if (rc < 0)
			return rc;
		if (part == KYMO_SUMMARY_CAPTURE || part == KYMO_SUMMARY_COST ||
		    part == KYMO_SUMMARY_NET) {
			rc = write_object(query, writer, name, err);
		} else {
			s64 rows = kymo_query_to_writer(query, writer, name, NULL, err);

			rc = rows < 0 ? (int)rows : 0;
		}
		if (rc == 0 && part == KYMO_SUMMARY_CAPTURE)
			rc = kymo_coverage_table(db, filter, &all, writer, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The rate is asked of view class_spans, the unit of view sampling, the periods of the samples. */
#include "analyzer/reports/sample_weight.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "formats/base/cleanup.h"

const char *kymo_weight_unit(enum kymo_weight weight)
{
	return weight == KYMO_WEIGHT_NS	       ? "ns"
	       : weight == KYMO_WEIGHT_CYCLES  ? "cycles"
	       : weight == KYMO_WEIGHT_PERIODS ? "periods"
	       : weight == KYMO_WEIGHT_FAULTS  ? "faults"
					       : "samples";
}

const char *kymo_weight_name(enum kymo_weight weight)
{
	return weight == KYMO_WEIGHT_NS	       ? "ns of CPU time"
	       : weight == KYMO_WEIGHT_CYCLES  ? "CPU cycles"
	       : weight == KYMO_WEIGHT_PERIODS ? "periods of the sampled event"
	       : weight == KYMO_WEIGHT_FAULTS  ? "page faults"
					       : "samples";
}

/* 1 if samples of one capture were taken at several rates, else 0. */
static int rate_changed(struct kymo_db *db, const struct kymo_filter *filter, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT 1 FROM class_spans WHERE event_class = 0 AND state_number IS NOT 3"
		" AND (:capture = 0 OR capture_id = :capture) AND to_ns > :from AND from_ns < :to"
		" GROUP BY capture_id HAVING count(DISTINCT sample_hz) > 1 LIMIT 1",
		&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	return rc < 0 ? rc : kymo_query_step(query, err);
}

static int find_unit(struct kymo_db *db, const struct kymo_filter *filter,
		     enum kymo_weight *ret_weight, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	const char *event;
	int rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT count(DISTINCT COALESCE(event, '')), max(event) FROM sampling r"
		" WHERE (:capture = 0 OR capture_id = :capture)"
		" AND EXISTS (SELECT 1 FROM cpu_sample s WHERE s.capture_id = r.capture_id)",
		&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	if (rc > 0 && kymo_query_int(query, 0) > 1)
		return cap_fail(
			err, CAP_EUSAGE,
			"the sampling rate changed, and the samples of these captures count "
			"different things (time, cycles): choose one with --capture");
	event = rc > 0 ? kymo_query_text(query, 1, NULL) : NULL;
	*ret_weight = event && strcmp(event, "cpu-clock") == 0 ? KYMO_WEIGHT_NS
		      : event && strcmp(event, "cycles") == 0  ? KYMO_WEIGHT_CYCLES
							       : KYMO_WEIGHT_PERIODS;
	return 0;
}

/* Periods in a capture may be damaged or false: only those above 0 are used. */
static int ask_periods(struct kymo_db *db, const struct kymo_filter *filter,
		       struct kymo_sample_weight *weight, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	bool sums = kymo_db_has_sample_sums(db);
	struct kymo_filter who = *filter;
	char where[KYMO_FILTER_SQL_BYTES];
	int rc;

	if (sums)
		who.has_from = who.has_to = false; /* they hold no other times */
	kymo_filter_sql(&who, "s", "t", where);
	if (asprintf(&sql,
		     sums ? "SELECT CAST(total(s.periods) / NULLIF(total(s.with_period), 0) AS "
			    "INTEGER), total(s.samples) - total(s.with_period),"
			    " total(s.with_period)"
			    " FROM temp.sample_sums s LEFT JOIN task t ON t.id = s.task_id WHERE %s"
			  : "SELECT CAST(avg(CASE WHEN s.period > 0 THEN s.period END) AS INTEGER),"
			    " count(*) - total(s.period > 0), total(s.period > 0)"
			    " FROM cpu_sample s LEFT JOIN task t ON t.id = s.task_id WHERE %s",
		     where) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "samples");
	}
	rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc <= 0)
		return rc;
	weight->typical_period = kymo_query_int(query, 0);
	weight->without_period = kymo_query_int(query, 1);
	if (kymo_query_int(query, 2) == 0)
		weight->weight = KYMO_WEIGHT_UNKNOWN;
	return 0;
}

int kymo_sample_weight(struct kymo_db *db, const struct kymo_filter *filter,
		       struct kymo_sample_weight *ret_weight, struct cap_err *err)
{
	struct kymo_sample_weight weight = {0};
	int rc = rate_changed(db, filter, err);

	if (rc > 0) {
		rc = find_unit(db, filter, &weight.weight, err);
		if (rc == 0)
			rc = ask_periods(db, filter, &weight, err);
	}
	if (rc == 0)
		*ret_weight = weight;
	return rc;
}

/* The words stand in the document and not among the messages: who keeps its rows keeps them. In
 * text, the manual page has them. */
#include "analyzer/reports/counted_note.h"

#include <stdio.h>

#include "analyzer/db/query.h"
#include "analyzer/output/value_format.h"
#include "formats/base/cleanup.h"

static const char sums_sql[] =
	"SELECT CAST(total(single) AS INTEGER), CAST(total(counted) AS INTEGER),"
	" max(durations IS NOT NULL) FROM syscalls"
	" WHERE (:capture = 0 OR capture_id = :capture) AND (:name IS NULL OR name = :name)";
/* A span that a filter of time leaves out is left out whole. */
static const char spans_sql[] = "SELECT min(from_s), max(to_s) FROM counted_spans WHERE (:capture "
				"= 0 OR capture_id = :capture)"
				" AND from_ns + 1 >= :from AND to_ns < :to";

static int ask(struct kymo_db *db, const char *sql, const struct kymo_filter *filter,
	       const char *name, struct kymo_query **ret_query, struct cap_err *err)
{
	int rc = kymo_query_new(kymo_db_handle(db), sql, ret_query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, *ret_query);
	if (rc == 0)
		rc = kymo_query_bind_text(*ret_query, ":name", name);
	if (rc == 0)
		rc = kymo_query_step(*ret_query, err);
	return rc < 0 ? rc : 0;
}

int kymo_counted_sums(struct kymo_db *db, const struct kymo_filter *filter, const char *name,
		      u64 outside, struct kymo_counted_sums *ret_sums, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *calls = NULL;
	CLEANUP(kymo_query_freep) struct kymo_query *spans = NULL;
	struct kymo_counted_sums sums = {.outside = outside > INT64_MAX ? INT64_MAX : (s64)outside};
	int rc = ask(db, sums_sql, filter, name, &calls, err);

	if (rc == 0) {
		sums.single = kymo_query_int(calls, 0);
		sums.counted = kymo_query_int(calls, 1);
		sums.blocked = kymo_query_int(calls, 2) != 0;
	}
	if (rc == 0 && sums.counted > 0)
		rc = ask(db, spans_sql, filter, NULL, &spans, err);
	if (rc == 0 && spans && kymo_query_value(spans, 0).type != KYMO_NULL) {
		sums.has_spans = true;
		sums.from_s = kymo_query_real(spans, 0);
		sums.to_s = kymo_query_real(spans, 1);
	}
	if (rc == 0)
		*ret_sums = sums;
	return rc;
}

void kymo_counted_clause(const struct kymo_counted_sums *sums,
			 char ret_text[KYMO_COUNTED_CLAUSE_BYTES])
{
	const struct kymo_value value = kymo_int(sums->outside);
	char number[KYMO_NUMBER_BYTES];

	ret_text[0] = '\0';
	if (sums->outside <= 0)
		return;
	kymo_format_shown(&value, KYMO_SHOW_COUNT, number);
	(void)snprintf(ret_text, KYMO_COUNTED_CLAUSE_BYTES,
		       "%.32s counted calls at the edges left out", number);
}

void kymo_counted_object(struct kymo_writer *writer, const struct kymo_counted_sums *sums,
			 const struct kymo_filter *filter)
{
	if (kymo_writer_format(writer) != KYMO_FORMAT_JSON ||
	    (sums->counted <= 0 && sums->outside <= 0))
		return;
	kymo_writer_object_begin(writer, "counted_calls");
	kymo_writer_field_int(writer, "single", KYMO_SHOW_COUNT, sums->single);
	kymo_writer_field_int(writer, "counted", KYMO_SHOW_COUNT, sums->counted);
	if (sums->has_spans) {
		kymo_writer_field_real(writer, "from_s", KYMO_SHOW_PLAIN, sums->from_s);
		kymo_writer_field_real(writer, "to_s", KYMO_SHOW_PLAIN, sums->to_s);
	}
	if (sums->outside > 0) {
		kymo_writer_field_int(writer, "left_out", KYMO_SHOW_COUNT, sums->outside);
		kymo_writer_field_text(
			writer, "left_out_why",
			"counted in periods that are only partly in the time asked for");
	}
	kymo_writer_field_text(writer, "exact", "calls, errors, unfinished, total and avg of both");
	kymo_writer_field_text(
		writer, "estimated",
		"percentiles that a row lists in estimated are interpolated: durations "
		"of counted calls are known to a power of two");
	kymo_writer_field_text(
		writer, "bounds",
		"a min or max that a row lists in bounds is a bound: the shortest call "
		"may be longer, the longest shorter");
	if (filter->comm)
		kymo_writer_field_text(writer, "names",
				       "counted calls belong to whole processes: --comm was "
				       "compared with the name of the main thread");
	kymo_writer_object_end(writer);
}

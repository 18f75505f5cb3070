/* The words stand in the document and not among the messages: who keeps the table keeps them. */
#include "analyzer/reports/counted_note.h"

#include <stdio.h>

#include "analyzer/db/query.h"
#include "formats/base/cleanup.h"

static const char sums_sql[] =
	"SELECT CAST(total(single) AS INTEGER), CAST(total(counted) AS INTEGER) FROM syscalls"
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

/* Text to the microsecond: a table for people needs no exponents. */
static void seconds(struct kymo_writer *writer, const char *name, double value)
{
	char text[40];

	if (kymo_writer_format(writer) != KYMO_FORMAT_TEXT) {
		kymo_writer_field_real(writer, name, KYMO_SHOW_PLAIN, value);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.6f", value);
	kymo_writer_field_text(writer, name, text);
}

void kymo_counted_object(struct kymo_writer *writer, const struct kymo_counted_sums *sums,
			 const struct kymo_filter *filter)
{
	bool is_text = kymo_writer_format(writer) == KYMO_FORMAT_TEXT;

	if (sums->counted <= 0 && sums->outside <= 0)
		return;
	kymo_writer_object_begin(writer, "counted_calls");
	kymo_writer_field_int(writer, "single", KYMO_SHOW_COUNT, sums->single);
	kymo_writer_field_int(writer, "counted", KYMO_SHOW_COUNT, sums->counted);
	if (sums->has_spans) {
		seconds(writer, "from_s", sums->from_s);
		seconds(writer, "to_s", sums->to_s);
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
		is_text ? "durations of counted calls are known to a power of two; percentiles "
			  "marked ~ are interpolated"
			: "percentiles that a row lists in estimated are interpolated: durations "
			  "of counted calls are known to a power of two");
	kymo_writer_field_text(
		writer, "bounds",
		is_text ? "a min marked > is a lower bound, a max marked < an upper bound"
			: "a min or max that a row lists in bounds is a bound: the shortest call "
			  "may be longer, the longest shorter");
	if (filter->comm)
		kymo_writer_field_text(writer, "names",
				       "counted calls belong to whole processes: --comm was "
				       "compared with the name of the main thread");
	kymo_writer_object_end(writer);
}

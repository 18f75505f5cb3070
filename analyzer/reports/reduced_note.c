/* Sums of view class_spans, cut to the time that the report is limited to. */
#include "analyzer/reports/reduced_note.h"

#include <stdio.h>

#include "formats/base/cleanup.h"

#define SENTENCE_BYTES 320

#define SPANS_SQL                                                                                 \
	" FROM class_spans s JOIN capture c ON c.id = s.capture_id WHERE s.state_number IS NOT 0" \
	" AND (:capture = 0 OR s.capture_id = :capture) AND s.to_ns > :from AND s.from_ns < :to"  \
	" AND (:classes >> s.event_class) & 1"

static const char sums_sql[] =
	"SELECT c.path, s.event_class, s.class, s.state_number, s.state, count(*) AS spans,"
	" total(min(s.to_ns, :to) - max(s.from_ns, :from)) / 1e9 AS thinned_s,"
	" (min(c.end_ns, :to) - max(c.start_ns, :from)) / 1e9 AS all_s,"
	" (min(max(s.from_ns, :from)) - c.start_ns) / 1e9 AS from_s,"
	" (max(min(s.to_ns, :to)) - c.start_ns) / 1e9 AS to_s,"
	" min(s.sample_hz) AS low_hz, max(s.sample_hz) AS high_hz, max(s.full_hz) AS "
	"full_hz" SPANS_SQL " GROUP BY s.capture_id, s.event_class, s.state_number"
	" ORDER BY s.capture_id, s.event_class, s.state_number";
enum {
	PATH,
	CLASS,
	CLASS_NAME,
	STATE,
	STATE_NAME,
	SPANS,
	THINNED_S,
	ALL_S,
	FROM_S,
	TO_S,
	LOW_HZ,
	HIGH_HZ,
	FULL_HZ
};

static const char rows_sql[] =
	"SELECT s.capture_id, s.class, s.state, s.from_ns, s.to_ns, s.from_s, s.to_s, s.sample_hz,"
	" s.full_hz, s.cause, s.effect" SPANS_SQL " ORDER BY s.capture_id, s.from_ns, s.class";

static const char *noun_of(s64 event_class)
{
	return event_class == CLASS_SYSCALLS ? "system calls"
	       : event_class == CLASS_SCHED  ? "waits"
	       : event_class == CLASS_NET    ? "network events"
	       : event_class == CLASS_BLOCK  ? "disk requests"
	       : event_class == CLASS_MEM    ? "page faults"
					     : NULL;
}

/* "samples were taken at 10 to 50 instead of 100 Hz" */
static void say_what(struct kymo_query *row, char ret_text[SENTENCE_BYTES])
{
	s64 class = kymo_query_int(row, CLASS), state = kymo_query_int(row, STATE);
	long long low_hz = kymo_query_int(row, LOW_HZ), high_hz = kymo_query_int(row, HIGH_HZ);
	long long full_hz = kymo_query_int(row, FULL_HZ);
	const char *class_name = kymo_query_text(row, CLASS_NAME, NULL);
	const char *state_name = kymo_query_text(row, STATE_NAME, NULL);
	bool known = !kymo_query_is_null(row, STATE);

	if (known && noun_of(class) && state == STATE_COUNTS)
		(void)snprintf(ret_text, SENTENCE_BYTES, "%s were counted, not stored one by one,",
			       noun_of(class));
	else if (known && noun_of(class) && state == STATE_OFF)
		(void)snprintf(ret_text, SENTENCE_BYTES, "%s were not recorded", noun_of(class));
	else if (known && class == CLASS_CPU && state == STATE_OFF)
		(void)snprintf(ret_text, SENTENCE_BYTES, "no samples were taken");
	else if (known && class == CLASS_CPU && state == STATE_REDUCED && low_hz == high_hz)
		(void)snprintf(ret_text, SENTENCE_BYTES,
			       "samples were taken at %lld instead of %lld Hz", low_hz, full_hz);
	else if (known && class == CLASS_CPU && state == STATE_REDUCED)
		(void)snprintf(ret_text, SENTENCE_BYTES,
			       "samples were taken at %lld to %lld instead of %lld Hz", low_hz,
			       high_hz, full_hz);
	else
		(void)snprintf(ret_text, SENTENCE_BYTES,
			       "class %.40s was not recorded in full (%.40s)",
			       class_name ? class_name : "?", state_name ? state_name : "?");
}

int kymo_reduced_each(struct kymo_db *db, const struct kymo_filter *filter, int classes,
		      void (*fn)(void *context, const char *path, const char *text), void *context,
		      struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_classes_query(db, filter, classes, sums_sql, &query, err);
	int count = 0;

	while (rc == 0 && (rc = kymo_query_step(query, err)) == 1) {
		char what[SENTENCE_BYTES], text[2 * SENTENCE_BYTES], spans[40] = "";
		long long span_count = kymo_query_int(query, SPANS);
		const char *path = kymo_query_text(query, PATH, NULL);

		rc = 0;
		say_what(query, what);
		if (span_count > 1)
			(void)snprintf(spans, sizeof(spans), ", in %lld periods", span_count);
		(void)snprintf(text, sizeof(text), "%s for %.2f of %.2f s (seconds %.2f to %.2f%s)",
			       what, kymo_query_real(query, THINNED_S),
			       kymo_query_real(query, ALL_S), kymo_query_real(query, FROM_S),
			       kymo_query_real(query, TO_S), spans);
		fn(context, path ? path : "?", text);
		count++;
	}
	return rc < 0 ? rc : count;
}

int kymo_governed(struct kymo_db *db, const struct kymo_filter *filter, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_classes_query(
		db, filter, KYMO_ABOUT_ALL,
		"SELECT 1 FROM governor WHERE :capture = 0 OR capture_id = :capture LIMIT 1",
		&query, err);

	return rc < 0 ? rc : kymo_query_step(query, err);
}

static int write_rows(struct kymo_db *db, const struct kymo_filter *filter, int classes,
		      struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_governed(db, filter, err);
	s64 rows;

	if (rc <= 0)
		return rc;
	rc = kymo_classes_query(db, filter, classes, rows_sql, &query, err);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "thinned", NULL, err);
	return rows < 0 ? (int)rows : 0;
}

/* Counted calls: also where nothing was decided, but a buffer had no room. `kymo syscalls` says it
 * with its own numbers. */
static const char counted_sql[] =
	"SELECT c.path, CAST(total(s.call_count) AS INTEGER) AS calls,"
	" (max(min(s.from_ns), c.start_ns) - c.start_ns) / 1e9 AS from_s,"
	" (max(s.time_ns) - c.start_ns) / 1e9 AS to_s, c.id AS capture_id"
	" FROM syscall_count s JOIN capture c ON c.id = s.capture_id"
	" WHERE (:capture = 0 OR s.capture_id = :capture) AND s.time_ns > :from"
	" AND s.from_ns < :to GROUP BY s.capture_id HAVING calls > 0 ORDER BY s.capture_id";

int kymo_counted_table(struct kymo_db *db, const struct kymo_filter *filter,
		       struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_classes_query(db, filter, KYMO_ABOUT_SYSCALLS, counted_sql, &query, err);
	s64 rows;

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc <= 0) /* without any there is no table */
		return rc;
	kymo_query_freep(&query);
	rc = kymo_classes_query(db, filter, KYMO_ABOUT_SYSCALLS, counted_sql, &query, err);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "counted", NULL, err);
	return rows < 0 ? (int)rows : 0;
}

int kymo_reduced_tables(struct kymo_db *db, const struct kymo_filter *filter, int classes,
			struct kymo_writer *writer, struct cap_err *err)
{
	int rc;

	if (kymo_writer_format(writer) != KYMO_FORMAT_JSON)
		return 0;
	rc = write_rows(db, filter, classes, writer, err);
	if (rc >= 0 && classes == KYMO_ABOUT_ALL)
		rc = kymo_counted_table(db, filter, writer, err);
	return rc < 0 ? cap_context(err, rc, "ask what was left out") : 0;
}

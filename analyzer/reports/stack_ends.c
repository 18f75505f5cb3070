/* Of a capture the sums are asked that were made when it was opened; of a database view stack_ends'
 * sum, here under the filter. */
#include "analyzer/reports/stack_ends.h"

#include <stdio.h>

#include "formats/base/cleanup.h"

#define SQL_BYTES (KYMO_FILTER_SQL_BYTES + 1024)
#define MENTION_PERCENT 1.0

/* Rows: how, end, module, samples, percent of all whose end is known, advice. */
static void ends_sql(struct kymo_db *db, const struct kymo_filter *filter, enum kymo_stacks_of of,
		     char ret_sql[SQL_BYTES])
{
	bool has_sums = of == KYMO_STACKS_OF_SAMPLES && kymo_db_has_sample_sums(db);
	struct kymo_filter who = *filter;
	char where[KYMO_FILTER_SQL_BYTES];

	if (has_sums)
		who.has_from = who.has_to = false; /* the sums are of these times */
	kymo_filter_sql(&who, "s", "t", where);
	(void)snprintf(
		ret_sql, SQL_BYTES,
		"WITH used AS (SELECT s.stack_id, %s AS samples FROM %s s LEFT JOIN task t"
		" ON t.id = s.task_id WHERE %s GROUP BY s.stack_id), ends AS (SELECT r.stack_how,"
		" r.stack_end, r.module, sum(u.samples) AS samples, r.advice FROM used u"
		" JOIN stack_roots r ON r.stack_id = u.stack_id GROUP BY 1, 2, 3, 5)"
		" SELECT stack_how, stack_end, module, samples, CASE WHEN stack_end IS NOT NULL"
		" THEN 100.0 * samples / (SELECT sum(samples) FROM ends WHERE stack_end IS NOT"
		" NULL) END AS percent, advice FROM ends ORDER BY samples DESC, 1, 2, 3",
		has_sums ? "sum(s.samples)" : "count(*)",
		has_sums		      ? "temp.sample_sums"
		: of == KYMO_STACKS_OF_WAITS  ? "offcpu"
		: of == KYMO_STACKS_OF_FAULTS ? "fault"
					      : "cpu_sample",
		where);
}
enum { HOW, END, MODULE, SAMPLES, PERCENT, ADVICE };

static int ends_query(struct kymo_db *db, const struct kymo_filter *filter, enum kymo_stacks_of of,
		      struct kymo_query **ret_query, struct cap_err *err)
{
	char sql[SQL_BYTES];
	int rc;

	ends_sql(db, filter, of, sql);
	rc = kymo_query_new(kymo_db_handle(db), sql, ret_query, err);
	return rc < 0 ? rc : kymo_filter_bind(filter, *ret_query);
}

/* Rounded down: 100 % is all of them. */
static double whole_tenths(double percent)
{
	return (double)(s64)(percent * 10 + 1e-6) / 10;
}

int kymo_stack_ends_line(struct kymo_db *db, const struct kymo_filter *filter,
			 enum kymo_stacks_of of, struct kymo_stack_ends *ret_ends,
			 struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	double complete = 0, worst_percent = 0;
	char worst[KYMO_STACK_ENDS_BYTES / 2] = "";
	bool is_known = false;
	int rc = ends_query(db, filter, of, &query, err);

	*ret_ends = (struct kymo_stack_ends){0};
	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0) {
		const char *module = kymo_query_text(query, MODULE, NULL);
		const char *advice = kymo_query_text(query, ADVICE, NULL);

		if (kymo_query_is_null(query, END))
			continue;
		is_known = true;
		if (!advice) {
			complete += kymo_query_real(query, PERCENT);
		} else if (!worst[0]) { /* the first has the most samples */
			worst_percent = kymo_query_real(query, PERCENT);
			(void)snprintf(worst, sizeof(worst), "%s%.60s: %s", module ? " in " : "",
				       module ? module : "", advice);
		}
	}
	if (rc < 0 || !is_known)
		return rc;
	ret_ends->warning = complete < 100 - MENTION_PERCENT;
	if (ret_ends->warning)
		(void)snprintf(ret_ends->text, sizeof(ret_ends->text),
			       "%.1f %% of the stacks are complete; %.1f %% end%s",
			       whole_tenths(complete), worst_percent, worst);
	else
		(void)snprintf(ret_ends->text, sizeof(ret_ends->text),
			       "%.1f %% of the stacks are complete", whole_tenths(complete));
	return 0;
}

int kymo_stack_ends_table(struct kymo_db *db, const struct kymo_filter *filter,
			  struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{.name = "how"},
		{.name = "end"},
		{.name = "module"},
		{.name = "samples", .show = KYMO_SHOW_COUNT},
		{.name = "percent", .show = KYMO_SHOW_PERCENT},
		{.name = "advice"},
	};
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_stack_ends ends;
	int rc = kymo_stack_ends_line(db, filter, KYMO_STACKS_OF_SAMPLES, &ends, err);
	s64 rows;

	if (rc < 0 || !ends.text[0])
		return rc;
	rc = ends_query(db, filter, KYMO_STACKS_OF_SAMPLES, &query, err);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "stacks", columns, err);
	return rows < 0 ? (int)rows : 0;
}

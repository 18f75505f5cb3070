/* The sums are those of the views of the same names, here under a choice, which they cannot have.
 */
#include "analyzer/reports/mem_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/output/safe_text.h"
#include "analyzer/output/value_format.h"
#include "analyzer/reports/report_columns.h"
#include "formats/base/cleanup.h"

/* "head choice tail"; the choice is of columns of v. */
static int ask(struct kymo_db *db, const struct kymo_mem_options *options, const char *head,
	       const char *tail, struct kymo_query **ret_query, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];
	int rc;

	kymo_filter_sql(options->filter, "v", "v", where);
	if (asprintf(&sql, "%s%s%s", head, where, tail) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "memory");
	}
	rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(options->filter, query);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":limit", options->limit);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":by_process", options->by_process);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":by_growth", options->by_growth);
	if (rc == 0) /* then what was before --from counts for no process */
		rc = kymo_query_bind_int(query, ":whole", !options->filter->has_from);
	if (rc == 0)
		*ret_query = TAKE(query);
	return rc;
}

/* -------- tables -------- */

struct table {
	const char *name, *head, *tail;
	const struct kymo_column *columns;
	kymo_mark_fn mark;
};

static s64 write_table(struct kymo_db *db, const struct kymo_mem_options *options,
		       const struct table *table, struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	int rc = ask(db, options, table->head, table->tail, &query, err);

	if (rc < 0)
		return rc;
	kymo_report_columns(options->filter, table->columns, (size_t)kymo_query_column_count(query),
			    shown);
	return kymo_query_to_sink_marked(query, writer, table->name, shown, table->mark, err);
}

#define LIVES "from_last = 1 AND NOT ended"
#define PROCESSES_HEAD                                                                      \
	"WITH seen AS (SELECT *, row_number() OVER (PARTITION BY capture_id, tgid,"         \
	" leader_start_ns ORDER BY time_ns) AS from_first, row_number() OVER (PARTITION BY" \
	" capture_id, tgid, leader_start_ns ORDER BY time_ns DESC) AS from_last FROM"       \
	" rss_samples v WHERE "
#define PROCESSES_TAIL                                                                   \
	"), processes AS (SELECT capture_id, max(CASE from_last WHEN 1 THEN process "    \
	"END) AS process, tgid, leader_start_ns, max(minor_count) - CASE WHEN :whole "   \
	"AND max(began) THEN 0 ELSE min(minor_count) END AS minor_count, "               \
	"max(major_count) - CASE WHEN :whole AND max(began) THEN 0 ELSE "                \
	"min(major_count) END AS major_count, max(CASE WHEN " LIVES                      \
	" THEN rss_bytes END) AS rss_bytes, max(CASE WHEN " LIVES                        \
	" THEN swap_bytes END) AS swap_bytes, max(CASE WHEN " LIVES                      \
	" THEN rss_bytes END) - CASE WHEN :whole AND max(began) THEN 0 ELSE max(CASE "   \
	"from_first WHEN 1 THEN rss_bytes END) END AS grown_bytes, max(peak_bytes) AS "  \
	"peak_bytes FROM seen GROUP BY capture_id, tgid, leader_start_ns) SELECT "       \
	"process, CASE WHEN count(*) = 1 THEN max(tgid) END AS tgid, "                   \
	"CAST(total(minor_count) + total(major_count) AS INTEGER) AS faults, "           \
	"CAST(total(major_count) AS INTEGER) AS major_faults, CASE WHEN "                \
	"count(rss_bytes) > 0 THEN CAST(total(rss_bytes) AS INTEGER) END AS rss_bytes, " \
	"CASE WHEN count(grown_bytes) > 0 THEN CAST(total(grown_bytes) AS INTEGER) END " \
	"AS grown_bytes, max(peak_bytes) AS peak_bytes, CASE WHEN count(swap_bytes) > "  \
	"0 THEN CAST(total(swap_bytes) AS INTEGER) END AS swap_bytes, count(*) AS "      \
	"processes, capture_id FROM processes GROUP BY capture_id, process, CASE WHEN "  \
	":by_process THEN tgid END ORDER BY CASE WHEN :by_growth THEN grown_bytes ELSE " \
	"faults END DESC, process, 2, capture_id LIMIT :limit"

s64 kymo_mem_processes(struct kymo_db *db, const struct kymo_mem_options *options,
		       struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"process", NULL, KYMO_SHOW_PLAIN},	 {"tgid", "pid", KYMO_SHOW_PLAIN},
		{"faults", NULL, KYMO_SHOW_COUNT},	 {"major_faults", "major", KYMO_SHOW_COUNT},
		{"rss_bytes", "rss", KYMO_SHOW_BYTES},	 {"grown_bytes", "grown", KYMO_SHOW_BYTES},
		{"peak_bytes", "peak", KYMO_SHOW_BYTES}, {"swap_bytes", "swap", KYMO_SHOW_BYTES},
		{"processes", NULL, KYMO_SHOW_HIDDEN},	 {"capture_id", NULL, KYMO_SHOW_HIDDEN}};
	static const struct table table = {.name = "mem_by_process",
					   .head = PROCESSES_HEAD,
					   .tail = PROCESSES_TAIL,
					   .columns = columns};

	return write_table(db, options, &table, writer, err);
}

s64 kymo_mem_stalls(struct kymo_db *db, const struct kymo_mem_options *options,
		    struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"process", NULL, KYMO_SHOW_PLAIN},
		{"stall", NULL, KYMO_SHOW_PLAIN},
		{"stalls", NULL, KYMO_SHOW_COUNT},
		{"total_ns", "time", KYMO_SHOW_SHORT_NS},
		{"longest_ns", "longest", KYMO_SHOW_SHORT_NS},
		{"reclaimed_bytes", "freed", KYMO_SHOW_BYTES},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	static const struct table table = {
		.name = "mem_stalls_by_process",
		.head = "SELECT process, stall, count(*) AS stalls, CAST(total(duration_ns) AS"
			" INTEGER) AS total_ns, max(duration_ns) AS longest_ns,"
			" CAST(total(reclaimed_bytes) AS INTEGER) AS reclaimed_bytes, capture_id"
			" FROM mem_stalls v WHERE ",
		.tail = " GROUP BY capture_id, process, stall ORDER BY total_ns DESC, process,"
			" stall, capture_id LIMIT :limit",
		.columns = columns,
	};

	return write_table(db, options, &table, writer, err);
}

s64 kymo_mem_single_stalls(struct kymo_db *db, const struct kymo_mem_options *options,
			   struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"duration_ns", "time", KYMO_SHOW_SHORT_NS},
		{"at_s", "at", KYMO_SHOW_SECONDS},
		{"comm", "thread", KYMO_SHOW_PLAIN},
		{"tid", NULL, KYMO_SHOW_PLAIN},
		{"stall", NULL, KYMO_SHOW_PLAIN},
		{"reclaimed_bytes", "freed", KYMO_SHOW_BYTES},
		{"page_order", "order", KYMO_SHOW_PLAIN},
		{"process", NULL, KYMO_SHOW_HIDDEN},
		{"tgid", NULL, KYMO_SHOW_HIDDEN},
		{"time_ns", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	static const struct table table = {
		.name = "mem_stalls",
		.head = "SELECT duration_ns, at_s, comm, tid, stall, reclaimed_bytes, page_order,"
			" process, tgid, time_ns, capture_id FROM mem_stalls v WHERE ",
		.tail = " ORDER BY duration_ns DESC, time_ns, tid, capture_id LIMIT :limit",
		.columns = columns,
	};

	return write_table(db, options, &table, writer, err);
}

s64 kymo_mem_oom_kills(struct kymo_db *db, const struct kymo_mem_options *options,
		       struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"at_s", "at", KYMO_SHOW_SECONDS},
		{"process", "killed", KYMO_SHOW_PLAIN},
		{"tgid", "pid", KYMO_SHOW_PLAIN},
		{"rss_bytes", "rss", KYMO_SHOW_BYTES},
		{"swap_bytes", "swap", KYMO_SHOW_BYTES},
		{"score_adj", "adj", KYMO_SHOW_PLAIN},
		{"wanted_by", "memory wanted by", KYMO_SHOW_PLAIN},
		{"wanted_by_tgid", NULL, KYMO_SHOW_HIDDEN},
		{"anon_bytes", NULL, KYMO_SHOW_HIDDEN},
		{"file_bytes", NULL, KYMO_SHOW_HIDDEN},
		{"shmem_bytes", NULL, KYMO_SHOW_HIDDEN},
		{"time_ns", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	static const struct table table = {
		.name = "oom_kills",
		.head = "SELECT at_s, process, tgid, rss_bytes, swap_bytes, score_adj, wanted_by,"
			" wanted_by_tgid, anon_bytes, file_bytes, shmem_bytes, time_ns, capture_id"
			" FROM (SELECT *, process AS comm FROM oom_kills) v WHERE ",
		.tail = " ORDER BY time_ns, tgid, capture_id LIMIT :limit",
		.columns = columns,
	};

	return write_table(db, options, &table, writer, err);
}

/* -------- sizes over time -------- */

#define SIZES_TAIL " AND v.has_size ORDER BY v.tgid, v.leader_start_ns, v.time_ns"

s64 kymo_mem_sizes(struct kymo_db *db, const struct kymo_mem_options *options,
		   struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"at_s", "at", KYMO_SHOW_SECONDS},	   {"process", NULL, KYMO_SHOW_PLAIN},
		{"tgid", "pid", KYMO_SHOW_PLAIN},	   {"rss_bytes", "rss", KYMO_SHOW_BYTES},
		{"anon_bytes", "anon", KYMO_SHOW_BYTES},   {"file_bytes", "file", KYMO_SHOW_BYTES},
		{"shmem_bytes", "shmem", KYMO_SHOW_BYTES}, {"swap_bytes", "swap", KYMO_SHOW_BYTES},
		{"peak_bytes", "peak", KYMO_SHOW_BYTES},   {"minor_count", NULL, KYMO_SHOW_COUNT},
		{"major_count", NULL, KYMO_SHOW_COUNT},	   {"ended", NULL, KYMO_SHOW_HIDDEN},
		{"time_ns", NULL, KYMO_SHOW_HIDDEN},	   {"capture_id", NULL, KYMO_SHOW_HIDDEN}};
	static const struct table table = {
		.name = "rss_samples",
		.head = "SELECT at_s, process, tgid, rss_bytes, anon_bytes, file_bytes,"
			" shmem_bytes, swap_bytes, peak_bytes, minor_count, major_count, ended,"
			" time_ns, capture_id FROM rss_samples v WHERE ",
		.tail = SIZES_TAIL ", v.capture_id LIMIT :limit",
		.columns = columns};

	return write_table(db, options, &table, writer, err);
}

#define LINE_COLUMNS 26
#define NAME_COLUMNS 15
static const char letters[] = "_.:-=+*#%@"; /* of the largest size of the process: none to all */

struct size_line {
	s64 tgid, start_ns, peak, first, last;
	s64 columns[LINE_COLUMNS]; /* -1: it was not there */
	char name[32];
	bool ended;
};

struct size_lines {
	struct size_line *list;
	size_t count, capacity;
	s64 from_ns, to_ns, start_ns;
};

static unsigned column_of(const struct size_lines *lines, s64 time_ns)
{
	double at = ((double)time_ns - (double)lines->from_ns) /
		    ((double)lines->to_ns - (double)lines->from_ns) * LINE_COLUMNS;

	return at <= 0 ? 0 : at >= LINE_COLUMNS ? LINE_COLUMNS - 1 : (unsigned)at;
}

/* The line of a process; rows of one stand together. NULL when out of memory. */
static struct size_line *line_of(struct size_lines *lines, struct kymo_query *row)
{
	s64 tgid = kymo_query_int(row, 1), start_ns = kymo_query_int(row, 2);
	struct size_line *line = lines->count ? &lines->list[lines->count - 1] : NULL;

	if (line && line->tgid == tgid && line->start_ns == start_ns)
		return line;
	if (lines->count == lines->capacity) {
		size_t capacity = lines->capacity * 2 + 64;
		struct size_line *list = reallocarray(lines->list, capacity, sizeof(*list));

		if (!list)
			return NULL;
		lines->list = list;
		lines->capacity = capacity;
	}
	line = &lines->list[lines->count++];
	*line = (struct size_line){
		.tgid = tgid, .start_ns = start_ns, .first = kymo_query_int(row, 4)};
	for (unsigned i = 0; i < LINE_COLUMNS; i++)
		line->columns[i] = -1;
	return line;
}

/* A size holds until the next one is known. */
static void line_add(struct size_line *line, unsigned column, struct kymo_query *row)
{
	const char *name = kymo_query_text(row, 0, NULL);
	s64 size = kymo_query_int(row, 4);

	for (unsigned i = column; i-- > 0 && line->columns[i] < 0 && line->last > 0;)
		line->columns[i] = line->last;
	line->columns[column] = size;
	line->last = size;
	line->peak = size > line->peak ? size : line->peak;
	line->ended = kymo_query_int(row, 5);
	(void)snprintf(line->name, sizeof(line->name), "%s", name ? name : "-");
}

static int by_peak(const void *a, const void *b)
{
	const struct size_line *one = a, *two = b;

	if (one->peak != two->peak)
		return one->peak < two->peak ? 1 : -1;
	return one->tgid < two->tgid ? -1 : one->tgid > two->tgid;
}

static int by_growth(const void *a, const void *b)
{
	const struct size_line *one = a, *two = b;
	s64 grown = one->last - one->first, other = two->last - two->first;

	return grown != other ? (grown < other ? 1 : -1) : by_peak(a, b);
}

static void line_draw(FILE *out, const struct size_line *line)
{
	const struct kymo_value first = kymo_int(line->first), last = kymo_int(line->last);
	char from[KYMO_NUMBER_BYTES], to[KYMO_NUMBER_BYTES], picture[LINE_COLUMNS + 1];
	size_t used = kymo_print_fitting(out, line->name, strlen(line->name), NAME_COLUMNS);

	for (unsigned i = 0; i < LINE_COLUMNS; i++) {
		s64 size = line->columns[i];
		double share = line->peak > 0 ? (double)size / (double)line->peak : 0;

		picture[i] = size < 0 ? ' ' : letters[(unsigned)(share * (sizeof(letters) - 2))];
	}
	picture[LINE_COLUMNS] = '\0';
	kymo_format_shown(&first, KYMO_SHOW_BYTES, from);
	kymo_format_shown(&last, KYMO_SHOW_BYTES, to);
	(void)fprintf(out, "%*s %7lld |%s| %s to %s%s\n", (int)(NAME_COLUMNS - used), "",
		      (long long)line->tgid, picture, from, to, line->ended ? " *" : "");
}

static int lines_load(struct kymo_db *db, const struct kymo_mem_options *options,
		      struct size_lines *lines, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = ask(db, options,
		     "SELECT process, tgid, leader_start_ns, time_ns, rss_bytes, ended,"
		     " min(time_ns) OVER (), max(time_ns) OVER (), (SELECT min(start_ns) FROM"
		     " capture) FROM rss_samples v WHERE ",
		     SIZES_TAIL, &query, err);

	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0) {
		struct size_line *line = line_of(lines, query);

		if (!line)
			return cap_fail(err, -ENOMEM, "sizes of processes");
		lines->from_ns = kymo_query_int(query, 6);
		lines->to_ns = kymo_query_int(query, 7);
		lines->to_ns += lines->to_ns == lines->from_ns;
		lines->start_ns = kymo_query_int(query, 8);
		line_add(line, column_of(lines, kymo_query_int(query, 3)), query);
	}
	return rc;
}

static void lines_done(struct size_lines *lines)
{
	free(lines->list);
}

s64 kymo_mem_sizes_text(struct kymo_db *db, const struct kymo_mem_options *options, FILE *out,
			struct cap_err *err)
{
	CLEANUP(lines_done) struct size_lines lines = {0};
	int rc = lines_load(db, options, &lines, err);
	char to[32];

	if (rc < 0 || lines.count == 0)
		return rc;
	qsort(lines.list, lines.count, sizeof(*lines.list),
	      options->by_growth ? by_growth : by_peak);
	(void)snprintf(to, sizeof(to), "%.1f s",
		       ((double)lines.to_ns - (double)lines.start_ns) / 1e9);
	(void)fprintf(out, "%-*s %7s  %-*s%s  rss, '%c' its most; * ended\n", NAME_COLUMNS,
		      "process", "pid", LINE_COLUMNS - (int)strlen(to), "0 s", to,
		      letters[sizeof(letters) - 2]);
	for (size_t i = 0; i < lines.count && (options->limit < 0 || (s64)i < options->limit); i++)
		line_draw(out, &lines.list[i]);
	return (s64)lines.count;
}

/* -------- sums -------- */

static int ask_row(struct kymo_db *db, const struct kymo_mem_options *options, const char *head,
		   const char *tail, s64 ret_values[2], struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = ask(db, options, head, tail, &query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	for (int i = 0; rc > 0 && i < kymo_query_column_count(query) && i < 2; i++)
		ret_values[i] = kymo_query_int(query, i);
	return rc < 0 ? rc : 0;
}

/* Of the whole host: their rows are about a second long, and have no process. */
static int find_faults(struct kymo_db *db, const struct kymo_filter *filter, s64 ret_values[2],
		       struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT CAST(total(minor_count) AS INTEGER),"
				" CAST(total(major_count) AS INTEGER) FROM fault_total"
				" WHERE (:capture = 0 OR capture_id = :capture)"
				" AND time_ns > :from AND from_ns < :to",
				&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	for (int i = 0; rc > 0 && i < 2; i++)
		ret_values[i] = kymo_query_int(query, i);
	return rc < 0 ? rc : 0;
}

int kymo_mem_totals(struct kymo_db *db, const struct kymo_mem_options *options,
		    struct kymo_mem_totals *ret_totals, struct cap_err *err)
{
	const struct kymo_filter anybody = {.capture_id = options->filter->capture_id, .pid = -1};
	struct kymo_mem_options host = *options;
	s64 faults[2] = {0}, stalls[2] = {0}, kills[2] = {0}, sizes[2] = {0}, probes[2] = {0};
	int rc;

	host.filter = &anybody;
	rc = find_faults(db, options->filter, faults, err);
	if (rc == 0)
		rc = ask_row(db, options,
			     "SELECT count(*), CAST(total(duration_ns) AS INTEGER) FROM mem_stalls"
			     " v WHERE ",
			     "", stalls, err);
	if (rc == 0)
		rc = ask_row(db, options,
			     "SELECT count(*) FROM (SELECT *, process AS comm FROM oom_kills) v"
			     " WHERE ",
			     "", kills, err);
	if (rc == 0)
		rc = ask_row(db, &host, "SELECT EXISTS (SELECT 1 FROM rss v WHERE ", ")", sizes,
			     err);
	if (rc == 0)
		rc = ask_row(db, &host,
			     "SELECT count(*) FROM probe_status v WHERE v.class = 'mem' AND ", "",
			     probes, err);
	if (rc == 0)
		*ret_totals = (struct kymo_mem_totals){.minor_faults = faults[0],
						       .major_faults = faults[1],
						       .stalls = stalls[0],
						       .stall_ns = stalls[1],
						       .oom_kills = kills[0],
						       .has_sizes = sizes[0] > 0,
						       .recorded = probes[0] > 0};
	return rc;
}

/* The sums are those of the views of the same names, here under a choice, which they cannot have.
 */
#include "analyzer/reports/block_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/reports/heat_text.h"
#include "analyzer/reports/histogram_text.h"
#include "analyzer/reports/report_columns.h"
#include "formats/base/cleanup.h"

#define WHERE_BYTES (KYMO_FILTER_SQL_BYTES + 128)

/* Of block_parts v: all of what was counted together can have ended before --to. */
#define BEFORE_END " AND v.last_ns < :to"

/* Percentiles by nearest rank, of rows that stand for ios requests each. */
#define RANKED(keys)                                                       \
	"WITH ranked AS (SELECT *, total(ios) OVER (PARTITION BY " keys    \
	" ORDER BY latency_ns, time_ns ROWS UNBOUNDED PRECEDING) AS upto," \
	" total(ios) OVER (PARTITION BY " keys ") AS all_ios FROM block_parts v WHERE "
#define SUMS                                                                                    \
	"CAST(total(ios) AS INTEGER) AS ios, CAST(total(bytes) AS INTEGER) AS total_bytes,"     \
	" min(CASE WHEN ios > 0 AND 2 * upto >= all_ios THEN latency_ns END) AS p50_ns,"        \
	" min(CASE WHEN ios > 0 AND 100 * upto >= 99 * all_ios THEN latency_ns END) AS p99_ns," \
	" max(latency_ns) AS max_ns,"                                                           \
	" CAST(total(queue_ns * ios) / NULLIF(total(ios), 0) AS INTEGER) AS mean_queue_ns,"     \
	" sum(error <> 0) AS failed, max(counted) AS estimated"
#define COLUMNS_OF_SUMS                                                                       \
	{"ios", "requests", KYMO_SHOW_COUNT}, {"total_bytes", "bytes", KYMO_SHOW_BYTES},      \
		{"p50_ns", "p50", KYMO_SHOW_SHORT_NS}, {"p99_ns", "p99", KYMO_SHOW_SHORT_NS}, \
		{"max_ns", "max", KYMO_SHOW_SHORT_NS},                                        \
		{"mean_queue_ns", "queued", KYMO_SHOW_SHORT_NS},                              \
		{"failed", NULL, KYMO_SHOW_COUNT}, {"estimated", NULL, KYMO_SHOW_HIDDEN},     \
	{                                                                                     \
		"capture_id", NULL, KYMO_SHOW_HIDDEN                                          \
	}

/* "head choice tail" */
static int ask(struct kymo_db *db, const struct kymo_block_options *options, const char *head,
	       const char *tail, struct kymo_query **ret_query, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	char filter[KYMO_FILTER_SQL_BYTES];
	int rc;

	kymo_filter_sql(options->filter, "v", "v", filter);
	if (asprintf(&sql, "%s%s%s%s%s%s", head, filter, options->disk ? " AND v.disk = :disk" : "",
		     options->op ? " AND v.op = :op" : "",
		     options->failed ? " AND v.error <> 0" : "", tail) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "disk requests");
	}
	rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(options->filter, query);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":disk", options->disk);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":op", options->op);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":limit", options->limit);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":by_process", options->by_process);
	if (rc == 0)
		*ret_query = TAKE(query);
	return rc;
}

/* -------- tables -------- */

struct table {
	const char *name, *head, *tail;
	const struct kymo_column *columns;
};

/* Some of them were counted: their latencies are means. */
static void mark_estimated(const struct kymo_column *columns, size_t count,
			   struct kymo_value *values)
{
	bool estimated = false;

	for (size_t i = 0; i < count; i++)
		if (strcmp(columns[i].name, "estimated") == 0)
			estimated = values[i].integer;
	for (size_t i = 0; estimated && i < count; i++)
		if (strcmp(columns[i].name, "p50_ns") == 0 ||
		    strcmp(columns[i].name, "p99_ns") == 0 ||
		    strcmp(columns[i].name, "max_ns") == 0)
			values[i].mark = '~';
}

static s64 write_table(struct kymo_db *db, const struct kymo_block_options *options,
		       const struct table *table, struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	int rc = ask(db, options, table->head, table->tail, &query, err);

	if (rc < 0)
		return rc;
	kymo_report_columns(options->filter, table->columns, (size_t)kymo_query_column_count(query),
			    shown);
	return kymo_query_to_sink_marked(query, writer, table->name, shown, mark_estimated, err);
}

#define DISK_KEYS "capture_id, disk, op"

s64 kymo_block_disks(struct kymo_db *db, const struct kymo_block_options *options,
		     struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"disk", NULL, KYMO_SHOW_PLAIN}, {"op", NULL, KYMO_SHOW_PLAIN}, COLUMNS_OF_SUMS};
	static const struct table table = {
		.name = "block_by_disk",
		.head = RANKED(DISK_KEYS),
		.tail = BEFORE_END ") SELECT disk, op, " SUMS
				   ", capture_id FROM ranked GROUP BY " DISK_KEYS
				   " ORDER BY total(total(ios)) OVER (PARTITION BY capture_id,"
				   " disk) DESC, disk, ios DESC, op, capture_id LIMIT :limit",
		.columns = columns,
	};

	return write_table(db, options, &table, writer, err);
}

#define PROCESS_KEYS "capture_id, process, CASE WHEN :by_process THEN tgid END, disk, op"

s64 kymo_block_processes(struct kymo_db *db, const struct kymo_block_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {{"process", NULL, KYMO_SHOW_PLAIN},
						     {"tgid", "pid", KYMO_SHOW_PLAIN},
						     {"disk", NULL, KYMO_SHOW_PLAIN},
						     {"op", NULL, KYMO_SHOW_PLAIN},
						     COLUMNS_OF_SUMS};
	static const struct table table = {
		.name = "block_by_process",
		.head = RANKED(PROCESS_KEYS),
		.tail = BEFORE_END
		") SELECT process, CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END"
		" AS tgid, disk, op, " SUMS ", capture_id FROM ranked GROUP BY " PROCESS_KEYS
		" ORDER BY total_bytes DESC, ios DESC, process, disk, op, 2, capture_id"
		" LIMIT :limit",
		.columns = columns,
	};

	return write_table(db, options, &table, writer, err);
}

s64 kymo_block_requests(struct kymo_db *db, const struct kymo_block_options *options,
			struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"latency_ns", "time", KYMO_SHOW_SHORT_NS},
		{"at_s", "at", KYMO_SHOW_SECONDS},
		{"process", NULL, KYMO_SHOW_PLAIN},
		{"tid", NULL, KYMO_SHOW_PLAIN},
		{"disk", NULL, KYMO_SHOW_PLAIN},
		{"op", NULL, KYMO_SHOW_PLAIN},
		{"bytes", NULL, KYMO_SHOW_BYTES},
		{"queue_ns", "queued", KYMO_SHOW_SHORT_NS},
		{"error_name", "error", KYMO_SHOW_PLAIN},
		{"flags", NULL, KYMO_SHOW_PLAIN},
		{"sector", NULL, KYMO_SHOW_PLAIN},
		{"service_ns", NULL, KYMO_SHOW_HIDDEN},
		{"comm", NULL, KYMO_SHOW_HIDDEN},
		{"tgid", NULL, KYMO_SHOW_HIDDEN},
		{"error", NULL, KYMO_SHOW_HIDDEN},
		{"time_ns", NULL, KYMO_SHOW_HIDDEN},
		{"capture_id", NULL, KYMO_SHOW_HIDDEN},
	};
	static const struct table table = {
		.name = "block_requests",
		.head = "SELECT latency_ns, at_s, process, tid, disk, op, bytes, queue_ns,"
			" error_name, flags, sector, service_ns, comm, tgid, error, time_ns,"
			" capture_id FROM block_requests v WHERE ",
		.tail = " ORDER BY latency_ns DESC, time_ns, sector, capture_id LIMIT :limit",
		.columns = columns,
	};

	return write_table(db, options, &table, writer, err);
}

#define HISTOGRAM_HEAD                                                                   \
	"SELECT disk, op, CASE bucket WHEN 0 THEN 0 ELSE 1 << bucket END AS low_ns,"     \
	" CASE WHEN bucket >= 62 THEN 9223372036854775807 ELSE (2 << bucket) - 1 END AS" \
	" high_ns, CAST(total(ios) AS INTEGER) AS ios, capture_id FROM block_parts v WHERE "
#define HISTOGRAM_TAIL \
	BEFORE_END " AND v.ios > 0 GROUP BY " DISK_KEYS ", bucket ORDER BY " DISK_KEYS ", bucket"

s64 kymo_block_histogram(struct kymo_db *db, const struct kymo_block_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"disk", NULL, KYMO_SHOW_PLAIN},      {"op", NULL, KYMO_SHOW_PLAIN},
		{"low_ns", NULL, KYMO_SHOW_PLAIN},    {"high_ns", NULL, KYMO_SHOW_PLAIN},
		{"ios", "requests", KYMO_SHOW_COUNT}, {"capture_id", NULL, KYMO_SHOW_HIDDEN}};
	static const struct table table = {.name = "block_histogram",
					   .head = HISTOGRAM_HEAD,
					   .tail = HISTOGRAM_TAIL,
					   .columns = columns};

	return write_table(db, options, &table, writer, err);
}

#define SIZES_HEAD                                                                \
	"SELECT process, op, bytes, count(*) AS ios, capture_id FROM block_parts" \
	" v WHERE "
#define SIZES_TAIL                                                                          \
	" AND v.ios > 0 AND NOT v.counted GROUP BY capture_id, process, op, bytes ORDER BY" \
	" capture_id, total(count(*)) OVER (PARTITION BY capture_id, process, op) DESC,"    \
	" process, op, bytes"

s64 kymo_block_sizes(struct kymo_db *db, const struct kymo_block_options *options,
		     struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {{"process", NULL, KYMO_SHOW_PLAIN},
						     {"op", NULL, KYMO_SHOW_PLAIN},
						     {"bytes", NULL, KYMO_SHOW_PLAIN},
						     {"ios", "requests", KYMO_SHOW_COUNT},
						     {"capture_id", NULL, KYMO_SHOW_HIDDEN}};
	static const struct table table = {
		.name = "block_sizes", .head = SIZES_HEAD, .tail = SIZES_TAIL, .columns = columns};

	return write_table(db, options, &table, writer, err);
}

/* -------- pictures -------- */

/* One histogram per group of rows: all that share two names. */
struct drawing {
	FILE *out;
	const char *unit;
	char title[128];
	struct kymo_histogram histogram;
	s64 groups, limit;
};

static void drawing_end(struct drawing *drawing)
{
	if (drawing->groups > 0 && (drawing->limit < 0 || drawing->groups <= drawing->limit))
		kymo_histogram_draw(drawing->out, drawing->title, drawing->unit,
				    &drawing->histogram);
}

static void drawing_add(struct drawing *drawing, struct kymo_query *row, s64 low, s64 count)
{
	const char *first = kymo_query_text(row, 0, NULL), *second = kymo_query_text(row, 1, NULL);
	char title[sizeof(drawing->title)];

	(void)snprintf(title, sizeof(title), "%.40s %.16s", first ? first : "-",
		       second ? second : "-");
	if (drawing->groups == 0 || strcmp(title, drawing->title) != 0) {
		drawing_end(drawing);
		memcpy(drawing->title, title, sizeof(title));
		drawing->histogram = (struct kymo_histogram){0};
		drawing->groups++;
	}
	kymo_histogram_add(&drawing->histogram, low, (u64)count);
}

/* Buckets are powers of two of ns: 1,024 of them stand for 1 us, which moves no bound by more than
 * 2.4 %. */
s64 kymo_block_histogram_text(struct kymo_db *db, const struct kymo_block_options *options,
			      FILE *out, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct drawing drawing = {.out = out, .unit = "usecs", .limit = options->limit};
	int rc = ask(db, options, HISTOGRAM_HEAD, HISTOGRAM_TAIL, &query, err);

	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0)
		drawing_add(&drawing, query, kymo_query_int(query, 2) >> 10,
			    kymo_query_int(query, 4));
	if (rc < 0)
		return rc;
	drawing_end(&drawing);
	return drawing.groups;
}

s64 kymo_block_sizes_text(struct kymo_db *db, const struct kymo_block_options *options, FILE *out,
			  struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct drawing drawing = {.out = out, .unit = "bytes", .limit = options->limit};
	int rc = ask(db, options, SIZES_HEAD, SIZES_TAIL, &query, err);

	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0)
		drawing_add(&drawing, query, kymo_query_int(query, 2), kymo_query_int(query, 3));
	if (rc < 0)
		return rc;
	drawing_end(&drawing);
	return drawing.groups;
}

/* -------- heat map -------- */

/* What was counted together is put where the first of it can have been. */
#define HEAT_HEAD "SELECT v.time_ns, v.bucket, v.ios, v.capture_id FROM block_parts v WHERE "
#define HEAT_TAIL BEFORE_END " AND v.ios > 0 ORDER BY v.time_ns"

/* The time that is shown: the recording's, as far as it was asked for. */
static int heat_begin(struct kymo_db *db, const struct kymo_filter *filter, struct kymo_heat *heat,
		      struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT min(start_ns), max(end_ns) FROM capture WHERE :capture = 0"
				" OR id = :capture",
				&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	heat->start_ns = kymo_query_int(query, 0);
	heat->from_ns = filter->from_ns > heat->start_ns ? filter->from_ns : heat->start_ns;
	heat->to_ns = kymo_query_int(query, 1);
	if (filter->to_ns < heat->to_ns)
		heat->to_ns = filter->to_ns;
	if (heat->to_ns <= heat->from_ns)
		heat->to_ns = heat->from_ns + 1;
	return 0;
}

static s64 heat_load(struct kymo_db *db, const struct kymo_block_options *options,
		     struct kymo_heat *heat, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = heat_begin(db, options->filter, heat, err);
	s64 rows = 0;

	if (rc == 0)
		rc = ask(db, options, HEAT_HEAD, HEAT_TAIL, &query, err);
	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0) {
		unsigned column = kymo_heat_column(heat, kymo_query_int(query, 0));
		s64 bucket = kymo_query_int(query, 1);

		if (bucket >= 0 && bucket < KYMO_HEAT_BUCKETS)
			heat->counts[bucket][column] += (u64)kymo_query_int(query, 2);
		rows++;
	}
	return rc < 0 ? rc : rows;
}

s64 kymo_block_heat_text(struct kymo_db *db, const struct kymo_block_options *options, FILE *out,
			 struct cap_err *err)
{
	CLEANUP(cap_freep) struct kymo_heat *heat = calloc(1, sizeof(*heat));
	s64 rows;

	if (!heat)
		return cap_fail(err, -ENOMEM, "heat map");
	rows = heat_load(db, options, heat, err);
	if (rows > 0)
		kymo_heat_draw(out, "latency of disk requests by when they were queued", "requests",
			       heat);
	return rows;
}

s64 kymo_block_heat(struct kymo_db *db, const struct kymo_block_options *options,
		    struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {{"from_s", NULL, KYMO_SHOW_SECONDS},
						     {"to_s", NULL, KYMO_SHOW_SECONDS},
						     {"low_ns", NULL, KYMO_SHOW_PLAIN},
						     {"high_ns", NULL, KYMO_SHOW_PLAIN},
						     {"ios", "requests", KYMO_SHOW_COUNT}};
	CLEANUP(cap_freep) struct kymo_heat *heat = calloc(1, sizeof(*heat));
	double begin, step;
	s64 rows;

	if (!heat)
		return cap_fail(err, -ENOMEM, "heat map");
	rows = heat_load(db, options, heat, err);
	if (rows < 0)
		return rows;
	begin = ((double)heat->from_ns - (double)heat->start_ns) / 1e9;
	step = ((double)heat->to_ns - (double)heat->from_ns) / 1e9 / KYMO_HEAT_COLUMNS;
	kymo_writer_table_begin(writer, "block_heat", columns,
				sizeof(columns) / sizeof(columns[0]));
	for (unsigned i = 0; i < KYMO_HEAT_COLUMNS; i++) {
		for (unsigned b = 0; b < KYMO_HEAT_BUCKETS; b++) {
			const struct kymo_value values[] = {
				kymo_real(begin + i * step), kymo_real(begin + (i + 1) * step),
				kymo_int(b ? (s64)(1ull << b) : 0),
				kymo_int(b >= 62 ? INT64_MAX : (s64)((2ull << b) - 1)),
				kymo_int((s64)heat->counts[b][i])};

			if (heat->counts[b][i])
				kymo_writer_row(writer, values);
		}
	}
	kymo_writer_table_end(writer);
	return rows;
}

/* -------- sums -------- */

#define TOTALS_HEAD                                                                         \
	"SELECT CAST(total(v.ios) AS INTEGER), CAST(total(CASE v.op WHEN 'read' THEN"       \
	" v.bytes END) AS INTEGER), CAST(total(CASE v.op WHEN 'write' THEN v.bytes END) AS" \
	" INTEGER), max(v.latency_ns), CAST(total(v.error <> 0) AS INTEGER),"               \
	" CAST(total(CASE WHEN v.tgid IS NULL THEN v.ios END) AS INTEGER),"                 \
	" CAST(total(CASE WHEN v.counted THEN v.ios END) AS INTEGER)"                       \
	" FROM block_parts v WHERE "
enum {
	TOTAL_IOS,
	TOTAL_READ,
	TOTAL_WRITTEN,
	TOTAL_MAX,
	TOTAL_FAILED,
	TOTAL_UNKNOWN,
	TOTAL_COUNTED
};

/* Counted ones of which only a part lies in the time that was asked for. */
static int find_partly(struct kymo_db *db, const struct kymo_block_options *options,
		       s64 *ret_partly, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_filter any_time = *options->filter;
	struct kymo_block_options wide = *options;
	int rc;

	any_time.has_from = any_time.has_to = false;
	wide.filter = &any_time;
	rc = ask(db, &wide, "SELECT CAST(total(v.ios) AS INTEGER) FROM block_parts v WHERE ",
		 " AND v.counted AND v.last_ns >= :from AND v.time_ns < :to"
		 " AND NOT (v.time_ns >= :from AND v.last_ns < :to)",
		 &query, err);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc > 0)
		*ret_partly = kymo_query_int(query, 0);
	return rc < 0 ? rc : 0;
}

static int find_recorded(struct kymo_db *db, const struct kymo_filter *filter, bool *ret_recorded,
			 struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT count(*) FROM probe_status WHERE (:capture = 0 OR"
				" capture_id = :capture) AND class = 'block'",
				&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc > 0)
		*ret_recorded = kymo_query_int(query, 0) > 0;
	return rc < 0 ? rc : 0;
}

int kymo_block_totals(struct kymo_db *db, const struct kymo_block_options *options,
		      struct kymo_block_totals *ret_totals, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_block_totals totals = {0};
	int rc = ask(db, options, TOTALS_HEAD, BEFORE_END, &query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc > 0) {
		totals.ios = kymo_query_int(query, TOTAL_IOS);
		totals.read_bytes = kymo_query_int(query, TOTAL_READ);
		totals.written_bytes = kymo_query_int(query, TOTAL_WRITTEN);
		totals.max_ns = kymo_query_int(query, TOTAL_MAX);
		totals.failed = kymo_query_int(query, TOTAL_FAILED);
		totals.unknown_ios = kymo_query_int(query, TOTAL_UNKNOWN);
		totals.counted_ios = kymo_query_int(query, TOTAL_COUNTED);
		rc = find_partly(db, options, &totals.partly, err);
	}
	if (rc == 0)
		rc = find_recorded(db, options->filter, &totals.recorded, err);
	if (rc == 0)
		*ret_totals = totals;
	return rc;
}

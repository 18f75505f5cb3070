/* The sums are those of the views of the same names, here under a filter, which they cannot have.
 */
#include "analyzer/reports/net_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/value_format.h"
#include "analyzer/reports/histogram_text.h"
#include "analyzer/reports/report_columns.h"
#include "formats/base/cleanup.h"

/* "head WHERE filter tail", over what is called v. */
static int ask(struct kymo_db *db, const struct kymo_filter *filter, const char *head,
	       const char *tail, struct kymo_query **ret_query, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];
	int rc;

	kymo_filter_sql(filter, "v", "v", where);
	if (asprintf(&sql, "%s WHERE %s%s", head, where, tail) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "connections");
	}
	rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		*ret_query = TAKE(query);
	return rc;
}

struct table {
	const char *name, *select, *from, *tail, *order;
	const struct kymo_column *columns;
	kymo_mark_fn mark;
};

static s64 count_rows(struct kymo_db *db, const struct kymo_filter *filter,
		      const struct table *table, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	char head[128], tail[256];
	int rc;

	(void)snprintf(head, sizeof(head), "SELECT count(*) FROM (SELECT 1 FROM %s", table->from);
	(void)snprintf(tail, sizeof(tail), "%s)", table->tail);
	rc = ask(db, filter, head, tail, &query, err);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	return rc == 1 ? kymo_query_int(query, 0) : rc;
}

static s64 write_table(struct kymo_db *db, const struct kymo_filter *filter, s64 limit,
		       const struct table *table, struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown[KYMO_REPORT_MAX_COLUMNS];
	char head[1200], tail[512];
	s64 rows;
	int rc;

	(void)snprintf(head, sizeof(head), "%s FROM %s", table->select, table->from);
	(void)snprintf(tail, sizeof(tail), "%s%s LIMIT :limit", table->tail, table->order);
	rc = ask(db, filter, head, tail, &query, err);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":limit", limit);
	if (rc < 0)
		return rc;
	kymo_report_columns(filter, table->columns, (size_t)kymo_query_column_count(query), shown);
	rows = kymo_query_to_sink_marked(query, writer, table->name, shown, table->mark, err);
	return rows == limit ? count_rows(db, filter, table, err) : rows;
}

int kymo_net_recorded(struct kymo_db *db, const struct kymo_filter *filter, bool *ret_recorded,
		      struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT count(*) FROM probe_status WHERE (:capture = 0 OR "
				"capture_id = :capture) AND class = 'net'",
				&query, err);

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":capture", filter->capture_id);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc == 1)
		*ret_recorded = kymo_query_int(query, 0) > 0;
	return rc < 0 ? rc : 0;
}

/* -------- totals -------- */

enum {
	TOTAL_CONNECTIONS,
	TOTAL_OPENED,
	TOTAL_ACCEPTED,
	TOTAL_OPEN,
	TOTAL_FAILED,
	TOTAL_REFUSED,
	TOTAL_TIMED_OUT,
	TOTAL_RESET_BY_PEER,
	TOTAL_RESET_HERE,
	TOTAL_SENT,
	TOTAL_RECEIVED,
	TOTAL_RETRANS,
	TOTAL_UNSEEN,
	TOTALS
};

struct totals {
	s64 values[TOTALS];
	s64 connect_ns[2], rtt_ns[2]; /* median, p99; -1: none */
	s64 resets_sent, dropped;
};

static const char totals_sql[] =
	"SELECT count(*) AS connections, CAST(total(role = 'connect') AS INTEGER) AS opened,"
	" CAST(total(role = 'accept') AS INTEGER) AS accepted,"
	" CAST(total(open) AS INTEGER) AS open, CAST(total(failed) AS INTEGER) AS failed,"
	" CAST(total(ended = 'refused') AS INTEGER) AS refused,"
	" CAST(total(ended = 'timed out') AS INTEGER) AS timed_out,"
	" CAST(total(ended = 'peer reset') AS INTEGER) AS reset_by_peer,"
	" CAST(total(ended = 'reset here') AS INTEGER) AS reset_here,"
	" CAST(total(sent_bytes) AS INTEGER) AS sent_bytes,"
	" CAST(total(received_bytes) AS INTEGER) AS received_bytes,"
	" CAST(total(retrans_count) AS INTEGER) AS retrans_count,"
	" CAST(total(begin_unseen) AS INTEGER) AS begin_unseen FROM tcp_connections v";

/* Nearest rank, over the rows that have it. */
static int find_rank(struct kymo_db *db, const struct kymo_filter *filter, const char *column,
		     int percent, s64 *ret_ns, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	char head[160], tail[200];
	int rc;

	(void)snprintf(head, sizeof(head),
		       "SELECT ns FROM (SELECT %s AS ns, row_number() OVER (ORDER BY %s) AS place,"
		       " count(*) OVER () AS rows FROM tcp_connections v",
		       column, column);
	(void)snprintf(tail, sizeof(tail),
		       " AND %s > 0) WHERE place = max(1, (rows * %d + 99) / 100)", column,
		       percent);
	rc = ask(db, filter, head, tail, &query, err);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	*ret_ns = rc == 1 ? kymo_query_int(query, 0) : -1;
	return rc < 0 ? rc : 0;
}

/* The one number that it gives. */
static int find_number(struct kymo_db *db, const struct kymo_filter *filter, const char *head,
		       const char *tail, s64 *ret_number, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = ask(db, filter, head, tail, &query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	*ret_number = rc == 1 ? kymo_query_int(query, 0) : 0;
	return rc < 0 ? rc : 0;
}

/* Of packets: they have no task, and their rows are spans. */
static struct kymo_filter without_task(const struct kymo_filter *filter)
{
	struct kymo_filter wide = *filter;

	wide.pid = -1;
	wide.comm = NULL;
	return wide;
}

static int find_totals(struct kymo_db *db, const struct kymo_filter *filter, struct totals *totals,
		       struct cap_err *err)
{
	static const int percents[] = {50, 99};
	const struct kymo_filter packets = without_task(filter);
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = ask(db, filter, totals_sql, "", &query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	for (int i = 0; rc == 1 && i < TOTALS; i++)
		totals->values[i] = kymo_query_int(query, i);
	for (int i = 0; rc >= 0 && i < 2; i++) {
		rc = find_rank(db, filter, "connect_ns", percents[i], &totals->connect_ns[i], err);
		if (rc == 0)
			rc = find_rank(db, filter, "srtt_ns", percents[i], &totals->rtt_ns[i], err);
	}
	if (rc == 0)
		rc = find_number(db, filter, "SELECT count(*) FROM tcp_events v",
				 " AND what = 'reset sent'", &totals->resets_sent, err);
	if (rc == 0 && filter->pid < 0 && !filter->comm)
		rc = find_number(
			db, &packets,
			"SELECT CAST(total(packet_count) AS INTEGER) FROM net_drop_count v",
			" AND COALESCE(reason, 'NOT_SPECIFIED') <> 'NOT_SPECIFIED' AND "
			"reason NOT IN (SELECT reason FROM harmless_drops)",
			&totals->dropped, err);
	return rc;
}

static const char *shown(s64 number, enum kymo_show show, char ret_text[KYMO_NUMBER_BYTES])
{
	const struct kymo_value value = kymo_int(number);

	kymo_format_shown(&value, show, ret_text);
	return ret_text;
}

#define LINE_BYTES 320

/* " 3 refused," for what there is. */
static void add_count(char line[LINE_BYTES], s64 count, const char *what)
{
	char number[KYMO_NUMBER_BYTES];
	size_t len = strlen(line);

	if (count > 0)
		(void)snprintf(line + len, LINE_BYTES - len, "%s%s %s", len ? ", " : "",
			       shown(count, KYMO_SHOW_COUNT, number), what);
}

static void write_times(const struct totals *totals, struct kymo_writer *writer)
{
	char a[KYMO_NUMBER_BYTES], b[KYMO_NUMBER_BYTES], line[LINE_BYTES] = "";
	size_t len;

	if (totals->connect_ns[0] >= 0)
		(void)snprintf(line, sizeof(line), "connect: %s median, %s p99",
			       shown(totals->connect_ns[0], KYMO_SHOW_SHORT_NS, a),
			       shown(totals->connect_ns[1], KYMO_SHOW_SHORT_NS, b));
	len = strlen(line);
	if (totals->rtt_ns[0] >= 0)
		(void)snprintf(line + len, sizeof(line) - len, "%sround trip: %s median, %s p99",
			       len ? "; " : "", shown(totals->rtt_ns[0], KYMO_SHOW_SHORT_NS, a),
			       shown(totals->rtt_ns[1], KYMO_SHOW_SHORT_NS, b));
	if (line[0])
		kymo_writer_line(writer, line);
}

static void write_lines(const struct totals *totals, struct kymo_writer *writer)
{
	const s64 *values = totals->values;
	char a[KYMO_NUMBER_BYTES], b[KYMO_NUMBER_BYTES], c[KYMO_NUMBER_BYTES], d[KYMO_NUMBER_BYTES],
		line[LINE_BYTES];

	if (values[TOTAL_CONNECTIONS] == 0 && totals->dropped == 0 && totals->resets_sent == 0)
		return;
	(void)snprintf(line, sizeof(line), "TCP: %s opened, %s accepted; %s sent, %s received",
		       shown(values[TOTAL_OPENED], KYMO_SHOW_COUNT, a),
		       shown(values[TOTAL_ACCEPTED], KYMO_SHOW_COUNT, b),
		       shown(values[TOTAL_SENT], KYMO_SHOW_BYTES, c),
		       shown(values[TOTAL_RECEIVED], KYMO_SHOW_BYTES, d));
	kymo_writer_line(writer, line);
	line[0] = '\0';
	add_count(line, values[TOTAL_REFUSED], "refused");
	add_count(line, values[TOTAL_TIMED_OUT], "timed out");
	add_count(line, values[TOTAL_RESET_BY_PEER], "reset by peers");
	add_count(line, values[TOTAL_RESET_HERE], "reset here");
	add_count(line,
		  values[TOTAL_FAILED] - values[TOTAL_REFUSED] - values[TOTAL_TIMED_OUT] -
			  values[TOTAL_RESET_BY_PEER],
		  "failed otherwise");
	add_count(line, values[TOTAL_RETRANS], "segments resent");
	add_count(line, totals->dropped, "packets dropped (--drops)");
	add_count(line, values[TOTAL_OPEN], "still open");
	kymo_writer_line(writer, line[0] ? line : "no errors, nothing resent or dropped");
	write_times(totals, writer);
}

static void write_fields(const struct totals *totals, struct kymo_writer *writer)
{
	static const char *const names[TOTALS] = {
		"connections",	  "opened",	   "accepted",	    "open",	  "failed",
		"refused",	  "timed_out",	   "reset_by_peer", "reset_here", "sent_bytes",
		"received_bytes", "retrans_count", "begin_unseen"};
	static const char *const times[] = {"connect_p50_ns", "connect_p99_ns", "srtt_p50_ns",
					    "srtt_p99_ns"};
	const s64 values[] = {totals->connect_ns[0], totals->connect_ns[1], totals->rtt_ns[0],
			      totals->rtt_ns[1]};

	kymo_writer_object_begin(writer, "net_totals");
	for (int i = 0; i < TOTALS; i++)
		kymo_writer_field_int(writer, names[i], KYMO_SHOW_PLAIN, totals->values[i]);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct kymo_value value =
			values[i] < 0 ? (struct kymo_value){0} : kymo_int(values[i]);

		kymo_writer_field(writer, times[i], KYMO_SHOW_PLAIN, &value);
	}
	kymo_writer_field_int(writer, "resets_sent", KYMO_SHOW_PLAIN, totals->resets_sent);
	kymo_writer_field_int(writer, "packets_dropped", KYMO_SHOW_PLAIN, totals->dropped);
	kymo_writer_object_end(writer);
}

/* -------- tables -------- */

static const struct kymo_column talker_columns[] = {
	{"comm", "process", KYMO_SHOW_PLAIN},
	{"role", NULL, KYMO_SHOW_PLAIN},
	{"remote_address", "peer", KYMO_SHOW_PLAIN},
	{"port", NULL, KYMO_SHOW_PLAIN},
	{"connections", "conns", KYMO_SHOW_COUNT},
	{"failed", NULL, KYMO_SHOW_COUNT},
	{"sent_bytes", "sent", KYMO_SHOW_BYTES},
	{"received_bytes", "received", KYMO_SHOW_BYTES},
	{"retrans_count", "resent", KYMO_SHOW_COUNT},
	{"connect_avg_ns", "connect", KYMO_SHOW_SHORT_NS},
	{"srtt_avg_ns", "rtt", KYMO_SHOW_SHORT_NS},
	{"open", NULL, KYMO_SHOW_HIDDEN},
	{"connect_max_ns", NULL, KYMO_SHOW_HIDDEN},
	{"processes", NULL, KYMO_SHOW_HIDDEN},
	{"tgid", NULL, KYMO_SHOW_HIDDEN},
	{"capture_id", NULL, KYMO_SHOW_HIDDEN},
};

#define TALKER_SUMS                                                                    \
	" count(*) AS connections, sum(failed) AS failed,"                             \
	" CAST(total(sent_bytes) AS INTEGER) AS sent_bytes,"                           \
	" CAST(total(received_bytes) AS INTEGER) AS received_bytes,"                   \
	" CAST(total(retrans_count) AS INTEGER) AS retrans_count,"                     \
	" CAST(avg(connect_ns) AS INTEGER) AS connect_avg_ns,"                         \
	" CAST(avg(srtt_ns) AS INTEGER) AS srtt_avg_ns, sum(open) AS open,"            \
	" max(connect_ns) AS connect_max_ns, count(DISTINCT process_id) AS processes," \
	" CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid, capture_id"

static s64 write_talkers(struct kymo_db *db, const struct kymo_net_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	static const struct table table = {
		.name = "net_talkers",
		.select = "SELECT process AS comm, role, remote_address, port," TALKER_SUMS,
		.from = "tcp_connections v",
		.tail = " GROUP BY capture_id, process, role, remote_address, port",
		.order = " ORDER BY total(v.sent_bytes) + total(v.received_bytes) DESC,"
			 " connections DESC, comm, role, remote_address, port, capture_id",
		.columns = talker_columns,
	};

	return write_table(db, options->filter, options->limit, &table, writer, err);
}

s64 kymo_net_peers(struct kymo_db *db, const struct kymo_net_options *options,
		   struct kymo_writer *writer, struct cap_err *err)
{
	const struct table table = {
		.name = "net_peers",
		.select = "SELECT remote_address, role, port," TALKER_SUMS,
		.from = "tcp_connections v",
		.tail = " GROUP BY capture_id, remote_address, role, port",
		.order = " ORDER BY total(v.sent_bytes) + total(v.received_bytes) DESC,"
			 " connections DESC, remote_address, role, port, capture_id",
		.columns =
			(const struct kymo_column[]){
				{"remote_address", "peer", KYMO_SHOW_PLAIN},
				{"role", NULL, KYMO_SHOW_PLAIN},
				{"port", NULL, KYMO_SHOW_PLAIN},
				{"connections", "conns", KYMO_SHOW_COUNT},
				{"failed", NULL, KYMO_SHOW_COUNT},
				{"sent_bytes", "sent", KYMO_SHOW_BYTES},
				{"received_bytes", "received", KYMO_SHOW_BYTES},
				{"retrans_count", "resent", KYMO_SHOW_COUNT},
				{"connect_avg_ns", "connect", KYMO_SHOW_SHORT_NS},
				{"srtt_avg_ns", "rtt", KYMO_SHOW_SHORT_NS},
				{"open", NULL, KYMO_SHOW_HIDDEN},
				{"connect_max_ns", NULL, KYMO_SHOW_HIDDEN},
				{"processes", NULL, KYMO_SHOW_COUNT},
				{"tgid", NULL, KYMO_SHOW_HIDDEN},
				{"capture_id", NULL, KYMO_SHOW_HIDDEN},
			},
	};

	return write_table(db, options->filter, options->limit, &table, writer, err);
}

static s64 write_errors(struct kymo_db *db, const struct kymo_net_options *options,
			struct kymo_writer *writer, struct cap_err *err)
{
	const struct table table = {
		.name = "net_errors",
		.select = "SELECT ended, process AS comm, role, remote_address, port,"
			  " count(*) AS connections, max(at_s) AS last_s,"
			  " CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid,"
			  " capture_id",
		.from = "tcp_connections v",
		.tail = " AND (failed OR ended = 'reset here') GROUP BY capture_id, process, role,"
			" remote_address, port, ended",
		.order = " ORDER BY connections DESC, ended, comm, role, remote_address, port,"
			 " capture_id",
		.columns =
			(const struct kymo_column[]){
				{"ended", "error", KYMO_SHOW_PLAIN},
				{"comm", "process", KYMO_SHOW_PLAIN},
				{"role", NULL, KYMO_SHOW_PLAIN},
				{"remote_address", "peer", KYMO_SHOW_PLAIN},
				{"port", NULL, KYMO_SHOW_PLAIN},
				{"connections", "conns", KYMO_SHOW_COUNT},
				{"last_s", "last at", KYMO_SHOW_SECONDS},
				{"tgid", NULL, KYMO_SHOW_HIDDEN},
				{"capture_id", NULL, KYMO_SHOW_HIDDEN},
			},
	};

	return write_table(db, options->filter, options->errors_limit, &table, writer, err);
}

/* Its begin was not seen, or it had not ended: it was longer. */
static void mark_cut(const struct kymo_column *columns, size_t count, struct kymo_value *values)
{
	struct kymo_value *duration = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(columns[i].name, "duration_ns") == 0)
			duration = &values[i];
		else if (duration && values[i].integer &&
			 (strcmp(columns[i].name, "open") == 0 ||
			  strcmp(columns[i].name, "since_before") == 0 ||
			  strcmp(columns[i].name, "begin_unseen") == 0))
			duration->mark = '>';
	}
}

s64 kymo_net_connections(struct kymo_db *db, const struct kymo_net_options *options,
			 struct kymo_writer *writer, struct cap_err *err)
{
	const struct table table = {
		.name = "tcp_connections",
		.select = "SELECT at_s, tgid, process AS comm, role, local_address, local_port,"
			  " remote_address, remote_port, port, sent_bytes, received_bytes,"
			  " duration_ns,"
			  " ended, connect_ns, srtt_ns, min_rtt_ns, retrans_count, retrans_bytes,"
			  " failed, error, open, since_before, begin_unseen, by_listener, tid,"
			  " start_ns, time_ns, family, capture_id",
		.from = "tcp_connections v",
		.tail = "",
		.order = " ORDER BY v.sent_bytes + v.received_bytes DESC, v.time_ns, v.local_port,"
			 " v.remote_port, capture_id",
		.columns =
			(const struct kymo_column[]){
				{"at_s", "ended at", KYMO_SHOW_SECONDS},
				{"tgid", "pid", KYMO_SHOW_PLAIN},
				{"comm", "process", KYMO_SHOW_PLAIN},
				{"role", NULL, KYMO_SHOW_PLAIN},
				{"local_address", "local", KYMO_SHOW_PLAIN},
				{"local_port", "lport", KYMO_SHOW_PLAIN},
				{"remote_address", "peer", KYMO_SHOW_PLAIN},
				{"remote_port", "pport", KYMO_SHOW_PLAIN},
				{"port", NULL, KYMO_SHOW_PLAIN},
				{"sent_bytes", "sent", KYMO_SHOW_BYTES},
				{"received_bytes", "received", KYMO_SHOW_BYTES},
				{"duration_ns", "lasted", KYMO_SHOW_SHORT_NS},
				{"ended", NULL, KYMO_SHOW_PLAIN},
				{"connect_ns", "connect", KYMO_SHOW_SHORT_NS},
				{"srtt_ns", "rtt", KYMO_SHOW_SHORT_NS},
				{"min_rtt_ns", "least rtt", KYMO_SHOW_SHORT_NS},
				{"retrans_count", "resent", KYMO_SHOW_COUNT},
				{"retrans_bytes", NULL, KYMO_SHOW_HIDDEN},
				{"failed", NULL, KYMO_SHOW_HIDDEN},
				{"error", NULL, KYMO_SHOW_HIDDEN},
				{"open", NULL, KYMO_SHOW_HIDDEN},
				{"since_before", NULL, KYMO_SHOW_HIDDEN},
				{"begin_unseen", NULL, KYMO_SHOW_HIDDEN},
				{"by_listener", NULL, KYMO_SHOW_HIDDEN},
				{"tid", NULL, KYMO_SHOW_HIDDEN},
				{"start_ns", NULL, KYMO_SHOW_HIDDEN},
				{"time_ns", NULL, KYMO_SHOW_HIDDEN},
				{"family", NULL, KYMO_SHOW_HIDDEN},
				{"capture_id", NULL, KYMO_SHOW_HIDDEN},
			},
		.mark = mark_cut,
	};

	return write_table(db, options->filter, options->limit, &table, writer, err);
}

s64 kymo_net_events(struct kymo_db *db, const struct kymo_net_options *options,
		    struct kymo_writer *writer, struct cap_err *err)
{
	const struct table table = {
		.name = "tcp_events",
		.select = "SELECT at_s, what, process AS comm, tgid, local_address, local_port,"
			  " remote_address, remote_port, state, time_ns, tid, by_listener, family, "
			  "capture_id",
		.from = "tcp_events v",
		.tail = "",
		.order = " ORDER BY v.time_ns, v.local_port, v.remote_port, what, capture_id",
		.columns =
			(const struct kymo_column[]){
				{"at_s", "at", KYMO_SHOW_SECONDS},
				{"what", NULL, KYMO_SHOW_PLAIN},
				{"comm", "process", KYMO_SHOW_PLAIN},
				{"tgid", "pid", KYMO_SHOW_PLAIN},
				{"local_address", "local", KYMO_SHOW_PLAIN},
				{"local_port", "lport", KYMO_SHOW_PLAIN},
				{"remote_address", "peer", KYMO_SHOW_PLAIN},
				{"remote_port", "port", KYMO_SHOW_PLAIN},
				{"state", NULL, KYMO_SHOW_PLAIN},
				{"time_ns", NULL, KYMO_SHOW_HIDDEN},
				{"tid", NULL, KYMO_SHOW_HIDDEN},
				{"by_listener", NULL, KYMO_SHOW_HIDDEN},
				{"family", NULL, KYMO_SHOW_HIDDEN},
				{"capture_id", NULL, KYMO_SHOW_HIDDEN},
			},
	};

	return write_table(db, options->filter, options->limit, &table, writer, err);
}

s64 kymo_net_drops(struct kymo_db *db, const struct kymo_net_options *options,
		   struct kymo_writer *writer, struct cap_err *err)
{
	const struct table table = {
		.name = "net_drops",
		.select = "SELECT COALESCE(v.reason, CASE v.reason_number WHEN 0 THEN 'not told'"
			  " ELSE 'reason_' || v.reason_number END) AS reason, CASE v.protocol"
			  " WHEN 2048 THEN 'ipv4' WHEN 34525 THEN 'ipv6' WHEN 2054 THEN 'arp'"
			  " WHEN 0 THEN '-' ELSE printf('0x%04x', v.protocol) END AS protocol,"
			  " CAST(total(v.packet_count) AS INTEGER) AS packets,"
			  " CASE WHEN v.reason IN (SELECT reason FROM harmless_drops) THEN"
			  " 'harmless' WHEN COALESCE(v.reason, 'NOT_SPECIFIED') = 'NOT_SPECIFIED'"
			  " THEN 'no reason' END AS note, capture_id",
		.from = "net_drop_count v",
		.tail = " GROUP BY capture_id, v.reason, v.protocol,"
			" CASE WHEN v.reason IS NULL THEN v.reason_number END",
		.order = " ORDER BY note IS NOT NULL, note DESC, packets DESC, 1, 2, capture_id",
		.columns =
			(const struct kymo_column[]){
				{"reason", NULL, KYMO_SHOW_PLAIN},
				{"protocol", NULL, KYMO_SHOW_PLAIN},
				{"packets", NULL, KYMO_SHOW_COUNT},
				{"note", NULL, KYMO_SHOW_PLAIN},
				{"capture_id", NULL, KYMO_SHOW_HIDDEN},
			},
	};
	const struct kymo_filter packets = without_task(options->filter);

	return write_table(db, &packets, options->limit, &table, writer, err);
}

/* -------- histograms -------- */

enum { LATENCY_WHAT, LATENCY_LOW, LATENCY_HIGH, LATENCY_CONNECTIONS };

#define LOG2_OF(ns)                                                                            \
	"4 * (length(printf('%x', " ns ")) - 1) + (substr(printf('%x', " ns "), 1, 1) >= '2')" \
	" + (substr(printf('%x', " ns "), 1, 1) >= '4') + (substr(printf('%x', " ns            \
	"), 1, 1) >= '8')"

static int ask_latency(struct kymo_db *db, const struct kymo_filter *filter,
		       struct kymo_query **ret_query, struct cap_err *err)
{
	return ask(
		db, filter,
		"SELECT what, 1 << bucket AS low_ns, CASE WHEN bucket >= 62 THEN"
		" 9223372036854775807 ELSE (2 << bucket) - 1 END AS high_ns, count(*) AS"
		" connections, capture_id FROM (SELECT v.capture_id, k.what, " LOG2_OF(
			"CASE k.what WHEN 'connect' THEN connect_ns ELSE srtt_ns END") " AS"
										       " bucket "
										       "FROM "
										       "tcp_"
										       "connections"
										       " v JOIN "
										       "(SELECT "
										       "'connect' "
										       "AS what "
										       "UNION ALL "
										       "SELECT"
										       " 'rtt') k",
		" AND CASE k.what WHEN 'connect' THEN connect_ns ELSE srtt_ns END > 0)"
		" GROUP BY capture_id, what, bucket ORDER BY what, capture_id, bucket",
		ret_query, err);
}

s64 kymo_net_latency(struct kymo_db *db, const struct kymo_net_options *options,
		     struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {{"what", NULL, KYMO_SHOW_PLAIN},
						     {"low_ns", "from", KYMO_SHOW_NS},
						     {"high_ns", "to", KYMO_SHOW_NS},
						     {"connections", NULL, KYMO_SHOW_COUNT},
						     {"capture_id", NULL, KYMO_SHOW_HIDDEN}};
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_column shown_columns[KYMO_REPORT_MAX_COLUMNS];
	int rc = ask_latency(db, options->filter, &query, err);

	if (rc < 0)
		return rc;
	kymo_report_columns(options->filter, columns, sizeof(columns) / sizeof(columns[0]),
			    shown_columns);
	return kymo_query_to_writer(query, writer, "net_histogram", shown_columns, err);
}

/* Buckets are powers of two of ns: 1,024 of them stand for 1 us. */
s64 kymo_net_latency_text(struct kymo_db *db, const struct kymo_net_options *options, FILE *out,
			  struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_histogram connect = {0}, rtt = {0};
	s64 connections = 0;
	int rc = ask_latency(db, options->filter, &query, err);

	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0) {
		const char *what = kymo_query_text(query, LATENCY_WHAT, NULL);
		s64 count = kymo_query_int(query, LATENCY_CONNECTIONS);

		kymo_histogram_add(what && strcmp(what, "connect") == 0 ? &connect : &rtt,
				   kymo_query_int(query, LATENCY_LOW) >> 10, (u64)count);
		connections += count;
	}
	if (rc < 0)
		return rc;
	kymo_histogram_draw(out, "from connect() until the connection was established", "usecs",
			    &connect);
	kymo_histogram_draw(out, "round-trip time of connections, smoothed, as it was last",
			    "usecs", &rtt);
	return connections;
}

s64 kymo_net_overview(struct kymo_db *db, const struct kymo_net_options *options,
		      struct kymo_writer *writer, struct cap_err *err)
{
	struct totals totals = {0};
	bool text = kymo_writer_format(writer) == KYMO_FORMAT_TEXT;
	char more[KYMO_MORE_BYTES];
	int rc = find_totals(db, options->filter, &totals, err);
	s64 rows;

	if (rc < 0)
		return rc;
	if (text)
		write_lines(&totals, writer);
	else
		write_fields(&totals, writer);
	if (text && totals.values[TOTAL_CONNECTIONS] == 0)
		return totals.resets_sent + totals.dropped;
	rows = write_talkers(db, options, writer, err);
	if (rows > 0 && text && options->limit > 0 && rows > options->limit)
		kymo_writer_line(writer, kymo_more_text(rows - options->limit, more));
	if (rows >= 0 &&
	    (!text || totals.values[TOTAL_FAILED] || totals.values[TOTAL_RESET_HERE])) {
		rows = write_errors(db, options, writer, err);
		if (rows > 0 && text && options->errors_limit > 0 && rows > options->errors_limit)
			kymo_writer_line(writer,
					 kymo_more_text(rows - options->errors_limit, more));
	}
	if (rows >= 0 && !text)
		rows = kymo_net_latency(db, options, writer, err);
	return rows < 0 ? rows : totals.values[TOTAL_CONNECTIONS];
}

/* One row per capture; the text for people is made here, so that all commands use the same words.
 * What was lost while recording is in the line of coverage_line.h. */
#include "analyzer/reports/loss_note.h"

#include <stdio.h>
#include <string.h>

#include "formats/base/cleanup.h"

static const char capture_sql[] =
	"SELECT id, path, events_dropped, events_damaged, complete, "
	"end_reason, blocks_damaged + blocks_lost, bytes_skipped,"
	" blocks_unknown, rows_unknown_type, columns_rejected, "
	"blocks_schema_unknown,"
	" (SELECT count(*) FROM loss l JOIN enum_name n ON n.capture_id = l.capture_id"
	" AND n.kind = 'reason' AND n.value = l.reason AND n.name = 'damaged'"
	" WHERE l.capture_id = capture.id) FROM capture WHERE :capture = 0 OR id = :capture"
	" ORDER BY id";
enum {
	ID,
	PATH,
	DROPPED,
	DAMAGED,
	COMPLETE,
	END_REASON,
	BLOCKS,
	SKIPPED,
	UNKNOWN_BLOCKS,
	UNKNOWN_ROWS,
	REJECTED,
	NO_SCHEMA,
	RECOVERED_GAPS
};

static const char spans_sql[] =
	"SELECT capture_id, class, reason, CAST(total(lost_count) AS INTEGER) AS lost_count, "
	"min(from_s) AS from_s,"
	" max(to_s) AS to_s FROM loss_spans WHERE (:capture = 0 OR capture_id = :capture)"
	" AND lost_count > 0 AND to_ns > :from AND from_ns < :to"
	" GROUP BY capture_id, class, reason ORDER BY capture_id, class, reason";

static const char cpus_sql[] =
	"SELECT u.cpu, u.from_s, u.to_s, c.path, u.capture_id FROM unsampled_cpus u JOIN capture c"
	" ON c.id = u.capture_id WHERE (:capture = 0 OR u.capture_id = :capture)"
	" AND u.to_ns > :from AND u.from_ns < :to ORDER BY u.capture_id, u.from_ns, u.cpu";
enum { CPU, CPU_FROM_S, CPU_TO_S, CPU_PATH };

struct sums {
	s64 dropped, damaged, unknown;
	s64 unsampled; /* spans of CPUs */
	bool complete;
};

static void note_damage(const struct kymo_run *run, const char *path, long long blocks,
			long long skipped, long long damaged)
{
	char events[64] = "";

	if (damaged > 0)
		(void)snprintf(events, sizeof(events), ", and with them at least %lld event%s",
			       damaged, damaged == 1 ? "" : "s");
	run->note(run,
		  "'%s' is damaged: %lld block%s and %lld byte%s could not be read%s; `kymo "
		  "verify` says where",
		  path, blocks, blocks == 1 ? "" : "s", skipped, skipped == 1 ? "" : "s", events);
}

/* What `kymo recover` could not read is told by the capture that it wrote. */
static void note_recovered(const struct kymo_run *run, const char *path, long long damaged,
			   bool end_lost)
{
	char events[64] = "not all of it could be read";

	if (damaged > 0)
		(void)snprintf(events, sizeof(events), "at least %lld event%s %s missing", damaged,
			       damaged == 1 ? "" : "s", damaged == 1 ? "is" : "are");
	else if (end_lost)
		(void)snprintf(events, sizeof(events), "it had no end; what came after is unknown");
	run->note(run, "'%s' was recovered from a damaged capture: %s", path, events);
}

static void note_capture(const struct kymo_run *run, const char *stopped, struct kymo_query *row)
{
	const char *path = kymo_query_text(row, PATH, NULL);
	const char *end_reason = kymo_query_text(row, END_REASON, NULL);
	long long damaged = kymo_query_int(row, DAMAGED), blocks = kymo_query_int(row, BLOCKS);
	long long skipped = kymo_query_int(row, SKIPPED), rejected = kymo_query_int(row, REJECTED);
	long long unknown_blocks = kymo_query_int(row, UNKNOWN_BLOCKS);
	long long unknown_rows = kymo_query_int(row, UNKNOWN_ROWS);
	bool is_cut = end_reason && strcmp(end_reason, "cut") == 0;
	bool is_stopped = end_reason && strcmp(end_reason, "stopped") == 0;
	bool end_lost = end_reason && strcmp(end_reason, "recovered") == 0;
	bool recovered = end_lost || kymo_query_int(row, RECOVERED_GAPS) > 0;

	if (recovered)
		note_recovered(run, path, damaged, end_lost);
	/* half a block at the end is a sign of a cut, not of damage besides */
	if (stopped)
		run->note(run, "stopped at the first damage: %s", stopped);
	else if (is_stopped)
		run->note(run,
			  "'%s' was imported with --stop: %lld bytes from the first damage on were "
			  "not used",
			  path, skipped);
	else if ((damaged > 0 && !recovered) || blocks > (is_cut ? 1 : 0) ||
		 (skipped > 0 && !is_cut))
		note_damage(run, path, blocks, skipped, damaged);
	if (is_cut && !stopped)
		run->note(run, "'%s' was cut off before its end: what came after is unknown", path);
	else if (kymo_query_int(row, COMPLETE) == 0 && !blocks && !skipped && !rejected &&
		 !recovered && !stopped)
		run->note(run, "'%s' holds blocks of another capture; they were left out", path);
	if (rejected > 0)
		run->note(run, "'%s': %lld columns could not be decoded and read as NULL", path,
			  rejected);
	if (kymo_query_int(row, NO_SCHEMA) > 0)
		run->note(run,
			  "the schema of %lld blocks in '%s' is missing, and not that of a known "
			  "release: new fields in them were left out",
			  (long long)kymo_query_int(row, NO_SCHEMA), path);
	if (unknown_blocks > 0 || unknown_rows > 0)
		run->note(run,
			  "'%s' was written by a newer version: %lld blocks and %lld rows of "
			  "unknown type were left out",
			  path, unknown_blocks, unknown_rows);
}

/* run NULL: says nothing */
static int sum_captures(const struct kymo_run *run, struct kymo_db *db,
			const struct kymo_filter *filter, struct sums *ret_sums,
			struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct sums sums = {.complete = true};
	int rc = kymo_query_new(kymo_db_handle(db), capture_sql, &query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	while (rc == 0 && (rc = kymo_query_step(query, err)) == 1) {
		rc = 0;
		sums.dropped += kymo_query_int(query, DROPPED);
		sums.damaged += kymo_query_int(query, DAMAGED);
		sums.unknown += kymo_query_int(query, UNKNOWN_BLOCKS) +
				kymo_query_int(query, UNKNOWN_ROWS) +
				kymo_query_int(query, NO_SCHEMA);
		sums.complete = sums.complete && kymo_query_int(query, COMPLETE) != 0;
		if (run)
			note_capture(run, kymo_db_stopped(db), query);
	}
	if (rc == 0)
		*ret_sums = sums;
	return rc;
}

/* run NULL: only counts */
static int sum_cpus(const struct kymo_run *run, struct kymo_db *db,
		    const struct kymo_filter *filter, struct sums *sums, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), cpus_sql, &query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	while (rc == 0 && (rc = kymo_query_step(query, err)) == 1) {
		const char *path = kymo_query_text(query, CPU_PATH, NULL);

		rc = 0;
		sums->unsampled++;
		if (run)
			run->note(
				run,
				"'%s': CPU %lld was not sampled from second %.2f to %.2f: it came "
				"online while recording",
				path ? path : "?", (long long)kymo_query_int(query, CPU),
				kymo_query_real(query, CPU_FROM_S),
				kymo_query_real(query, CPU_TO_S));
	}
	return rc;
}

static int write_cpus(struct kymo_db *db, const struct kymo_filter *filter,
		      struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT capture_id, cpu, from_s, to_s FROM unsampled_cpus WHERE"
				" (:capture = 0 OR capture_id = :capture) AND to_ns > :from"
				" AND from_ns < :to ORDER BY capture_id, from_s, cpu",
				&query, err);
	s64 rows;

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "unsampled_cpus", NULL, err);
	return rows < 0 ? (int)rows : 0;
}

static int write_spans(struct kymo_db *db, const struct kymo_filter *filter,
		       struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), spans_sql, &query, err);
	s64 rows;

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "spans", NULL, err);
	return rows < 0 ? (int)rows : 0;
}

int kymo_damage_note(const struct kymo_run *run, struct kymo_db *db,
		     const struct kymo_filter *filter, struct cap_err *err)
{
	struct sums sums;
	int rc = sum_captures(run, db, filter, &sums, err);

	if (rc == 0)
		rc = sum_cpus(run, db, filter, &sums, err);
	return rc < 0 ? cap_context(err, rc, "ask what was lost") : 0;
}

int kymo_loss_status(struct kymo_db *db, const struct kymo_filter *filter,
		     struct kymo_writer *writer, struct cap_err *err)
{
	struct sums sums = {0};
	int rc = sum_captures(NULL, db, filter, &sums, err);

	if (rc == 0)
		rc = sum_cpus(NULL, db, filter, &sums, err);
	if (rc < 0)
		return cap_context(err, rc, "ask what was lost");
	if (writer && kymo_writer_format(writer) == KYMO_FORMAT_JSON) {
		kymo_writer_object_begin(writer, "loss");
		kymo_writer_field_int(writer, "events_dropped", KYMO_SHOW_COUNT, sums.dropped);
		kymo_writer_field_int(writer, "events_damaged", KYMO_SHOW_COUNT, sums.damaged);
		kymo_writer_field_int(writer, "unknown", KYMO_SHOW_COUNT, sums.unknown);
		kymo_writer_field_bool(writer, "complete", sums.complete);
		rc = write_spans(db, filter, writer, err);
		if (rc == 0 && sums.unsampled > 0)
			rc = write_cpus(db, filter, writer, err);
		kymo_writer_object_end(writer);
		if (rc < 0)
			return cap_context(err, rc, "ask what was lost");
	}
	return sums.dropped > 0 || sums.damaged > 0 || sums.unknown > 0 || sums.unsampled > 0 ||
			       !sums.complete
		       ? KYMO_EXIT_LOSS
		       : 0;
}

/* One query per capture; the words for people are made here, so that all commands say it alike. */
#include "analyzer/reports/loss_note.h"

#include <inttypes.h>
#include <stdio.h>

#include "formats/cleanup.h"

static const char capture_sql[] = "SELECT id, path, events_dropped, events_damaged, complete, "
				  "end_reason, blocks_damaged + blocks_lost, bytes_skipped,"
				  " blocks_unknown, rows_unknown_type, columns_rejected, "
				  "events_stored FROM capture WHERE :capture = 0 OR id = :capture"
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
	STORED
};

static const char spans_sql[] =
	"SELECT capture_id, class, reason, sum(lost_count) AS lost_count, min(from_s) AS from_s,"
	" max(to_s) AS to_s FROM loss_spans WHERE (:capture = 0 OR capture_id = :capture)"
	" AND lost_count > 0 AND to_ns > :from AND from_ns < :to"
	" GROUP BY capture_id, class, reason ORDER BY capture_id, class, reason";

struct sums {
	s64 dropped, damaged, unknown;
	bool complete;
};

static void note_capture(const struct kymo_run *run, struct kymo_query *row)
{
	const char *path = kymo_query_text(row, PATH, NULL);
	s64 dropped = kymo_query_int(row, DROPPED), stored = kymo_query_int(row, STORED);

	if (dropped > 0)
		run->note(run,
			  "'%s': %" PRId64 " events were dropped while recording (%.2f %%): counts "
					   "are too low by as many",
			  path, dropped, 100.0 * (double)dropped / (double)(dropped + stored));
	if (kymo_query_int(row, DAMAGED) > 0 || kymo_query_int(row, BLOCKS) > 0 ||
	    kymo_query_int(row, SKIPPED) > 0)
		run->note(run,
			  "'%s' is damaged: %" PRId64 " blocks and %" PRId64
			  " bytes could not be read, with them %" PRId64
			  " events or more; `kymo verify` tells where",
			  path, kymo_query_int(row, BLOCKS), kymo_query_int(row, SKIPPED),
			  kymo_query_int(row, DAMAGED));
	else if (kymo_query_text(row, END_REASON, NULL) && kymo_query_int(row, COMPLETE) == 0 &&
		 kymo_query_int(row, REJECTED) == 0)
		run->note(run, "'%s' is cut: it was not closed, so what came after is not known",
			  path);
	if (kymo_query_int(row, REJECTED) > 0)
		run->note(run, "'%s': %" PRId64 " columns could not be decoded and read as NULL",
			  path, kymo_query_int(row, REJECTED));
	if (kymo_query_int(row, UNKNOWN_BLOCKS) > 0 || kymo_query_int(row, UNKNOWN_ROWS) > 0)
		run->note(run,
			  "'%s' was written by a newer version: %" PRId64 " blocks and %" PRId64
			  " rows of unknown type were left out",
			  path, kymo_query_int(row, UNKNOWN_BLOCKS),
			  kymo_query_int(row, UNKNOWN_ROWS));
}

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
		sums.unknown +=
			kymo_query_int(query, UNKNOWN_BLOCKS) + kymo_query_int(query, UNKNOWN_ROWS);
		sums.complete = sums.complete && kymo_query_int(query, COMPLETE) != 0;
		note_capture(run, query);
	}
	if (rc == 0)
		*ret_sums = sums;
	return rc;
}

static int write_spans(struct kymo_db *db, const struct kymo_filter *filter, struct kymo_sink *sink,
		       struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), spans_sql, &query, err);
	s64 rows;

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_sink(query, sink, "spans", NULL, err);
	return rows < 0 ? (int)rows : 0;
}

int kymo_loss_note(const struct kymo_run *run, struct kymo_db *db, const struct kymo_filter *filter,
		   struct kymo_sink *sink, struct cap_err *err)
{
	struct sums sums = {0};
	int rc = sum_captures(run, db, filter, &sums, err);

	if (rc < 0)
		return cap_context(err, rc, "ask what was lost");
	if (sink && kymo_sink_format(sink) == KYMO_FORMAT_JSON) {
		kymo_sink_object_begin(sink, "loss");
		kymo_sink_field_int(sink, "events_dropped", KYMO_SHOW_COUNT, sums.dropped);
		kymo_sink_field_int(sink, "events_damaged", KYMO_SHOW_COUNT, sums.damaged);
		kymo_sink_field_int(sink, "unknown", KYMO_SHOW_COUNT, sums.unknown);
		kymo_sink_field_bool(sink, "complete", sums.complete);
		rc = write_spans(db, filter, sink, err);
		kymo_sink_object_end(sink);
		if (rc < 0)
			return cap_context(err, rc, "ask what was lost");
	}
	return sums.dropped > 0 || sums.damaged > 0 || sums.unknown > 0 || !sums.complete
		       ? KYMO_EXIT_LOSS
		       : 0;
}

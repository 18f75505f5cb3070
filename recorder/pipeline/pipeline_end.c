/* The end of a capture: last counts, replicas, INDEX and END, with what the disk said about them.
 */
#include <errno.h>

#include "recorder/pipeline/event_counts.h"
#include "recorder/pipeline/output_file.h"
#include "recorder/pipeline/queued_chunk.h"
#include "recorder/pipeline/pipeline_state.h"

struct end_state {
	enum cap_end_reason reason;
	int rc; /* the first error, or 0 */
	struct cap_totals totals;
	struct cap_err err;
};

/* What the output says from now on: why it ends, and whether it failed. The first error counts. */
static void note_error(struct rec_sink *sink, struct end_state *state, int rc,
		       const struct cap_err *err)
{
	if (rc >= 0)
		return;
	if (rec_output_error_is_full(rc)) {
		if (state->reason != CAP_END_IO_ERROR)
			state->reason = CAP_END_NO_SPACE;
	} else {
		state->reason = CAP_END_IO_ERROR;
		cap_writer_after_error(sink->writer);
	}
	if (state->rc < 0)
		return;
	state->rc = rc;
	state->err = *err;
}

/* Later than every STATS before it: readers take the last one for the truth. */
static void write_last_stats(struct rec_sink *sink, struct end_state *state)
{
	u64 now_ns = sink->now_ns > sink->stats_ns ? sink->now_ns : sink->stats_ns + 1;
	struct cap_chunk *chunk = sink->open->chunk;
	struct cap_err err = {0};
	int rc;

	cap_chunk_reset(chunk);
	rc = rec_sink_fill_stats(sink, chunk, now_ns, true);
	if (rc < 0)
		(void)cap_fail_errno(&err, rc == -ENOMEM ? ENOMEM : EOVERFLOW, "count events");
	for (int tries = 0; tries < 2 && cap_chunk_rows(chunk) > 0; tries++) {
		note_error(sink, state, rc, &err);
		rc = cap_writer_rows(sink->writer, CAP_BLOCK_STATS, chunk, &state->totals, &err);
		if (rc == 0)
			break;
	}
	note_error(sink, state, rc, &err);
	cap_chunk_reset(chunk);
}

/* A second one where the first failed, or could not be synced: it says so. */
static void write_last_block(struct rec_sink *sink, struct end_state *state)
{
	struct cap_err err = {0};

	for (int tries = 0; tries < 2; tries++) {
		int rc = cap_writer_end(sink->writer, state->reason, &state->totals, &err);

		if (rc == 0 && sink->output)
			rc = rec_output_sync(sink->output, &err);
		note_error(sink, state, rc, &err);
		if (rc == 0)
			break;
	}
}

/*
 * The end, by this thread: the writer's has stopped. Each step is taken though one before it
 * failed, since it may fit where that did not: after an error all of it goes into the room held
 * back. What stands before END is synced first, so END vouches for it.
 */
static void write_end(struct rec_sink *sink, struct end_state *state)
{
	struct cap_err err = {0};

	if (sink->output)
		rec_output_use_room(sink->output, REC_ROOM_END);
	rec_event_counts_totals(sink->counts, &state->totals);
	write_last_stats(sink, state);
	note_error(sink, state, cap_writer_tail(sink->writer, &err), &err);
	if (sink->output)
		note_error(sink, state, rec_output_sync(sink->output, &err), &err);
	write_last_block(sink, state);
}

int rec_sink_finish(struct rec_sink *sink, enum cap_end_reason reason, struct cap_err *err)
{
	struct end_state state = {.reason = reason};
	struct cap_err thread_err = {0};
	int rc;

	rec_sink_close_open(
		sink,
		REC_WAIT); /* the source has stopped: now there is time to wait for the disk */
	rec_writer_thread_stop(sink->thread);
	sink->finished = true;
	rec_sink_reclaim(sink);
	rc = rec_writer_thread_error(sink->thread, &thread_err);
	note_error(sink, &state, rc, &thread_err);
	if (rc != -EPIPE) /* nobody reads: nothing to end */
		write_end(sink, &state);
	if (state.rc < 0 && err)
		*err = state.err;
	return state.rc;
}

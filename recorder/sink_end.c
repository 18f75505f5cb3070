/* The end of a capture: last counts, replicas, INDEX and END, with what the disk said about them.
 */
#include <errno.h>

#include "event_counts.h"
#include "output_file.h"
#include "package.h"
#include "sink_state.h"

struct end_state {
	enum cap_end_reason reason;
	int rc; /* the first error, or 0 */
	struct cap_err err;
};

/* Later than every STATS before it: readers take the last one for the truth. */
static int write_last_stats(struct rec_sink *sink, const struct cap_totals *totals,
			    struct cap_err *err)
{
	u64 now_ns = sink->now_ns > sink->stats_ns ? sink->now_ns : sink->stats_ns + 1;
	int rc;

	cap_chunk_reset(sink->open->chunk);
	rc = rec_sink_fill_stats(sink, sink->open->chunk, now_ns, true);
	if (rc < 0)
		(void)cap_fail_errno(err, rc == -ENOMEM ? ENOMEM : EOVERFLOW, "count events");
	else
		rc = cap_writer_rows(sink->writer, CAP_BLOCK_STATS, sink->open->chunk, totals, err);
	cap_chunk_reset(sink->open->chunk);
	return rc;
}

/* What the output says from now on: why it ends, and whether it failed. The first error counts. */
static void note_error(struct rec_sink *sink, struct end_state *state, int rc,
		       const struct cap_err *err)
{
	if (rc >= 0)
		return;
	if (rec_output_error_is_full(rc)) {
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

static int sync_output(struct rec_sink *sink, struct cap_err *err)
{
	return sink->output ? rec_output_sync(sink->output, err) : 0;
}

/*
 * The end, by this thread: the writer's has stopped. Each step is taken though one before it
 * failed, since it may fit where that did not: after an error all of it goes into the room held
 * back. What stands before END is synced first, so END vouches for it.
 */
static void write_end(struct rec_sink *sink, struct end_state *state)
{
	struct cap_totals totals;
	struct cap_err err = {0};

	if (sink->output)
		rec_output_use_room(sink->output, REC_ROOM_END);
	rec_event_counts_totals(sink->counts, &totals);
	note_error(sink, state, write_last_stats(sink, &totals, &err), &err);
	note_error(sink, state, cap_writer_tail(sink->writer, &err), &err);
	note_error(sink, state, sync_output(sink, &err), &err);
	note_error(sink, state, cap_writer_end(sink->writer, state->reason, &totals, &err), &err);
	if (sync_output(sink, &err) == 0)
		return;
	note_error(sink, state, err.code, &err);
	(void)cap_writer_end(sink->writer, state->reason, &totals, NULL); /* the error stands */
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

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
static void note_error(struct rec_pipeline *pipeline, struct end_state *state, int rc,
		       const struct cap_err *err)
{
	if (rc >= 0)
		return;
	if (rec_output_error_is_full(rc)) {
		if (state->reason != CAP_END_IO_ERROR)
			state->reason = CAP_END_NO_SPACE;
	} else {
		state->reason = CAP_END_IO_ERROR;
		cap_writer_after_error(pipeline->writer);
	}
	if (state->rc < 0)
		return;
	state->rc = rc;
	state->err = *err;
}

/* Later than every STATS before it: readers take the last one for the truth. */
static void write_last_stats(struct rec_pipeline *pipeline, struct end_state *state)
{
	u64 now_ns =
		pipeline->now_ns > pipeline->stats_ns ? pipeline->now_ns : pipeline->stats_ns + 1;
	struct cap_chunk *chunk = pipeline->open->chunk;
	struct cap_err err = {0};
	int rc;

	cap_chunk_reset(chunk);
	rc = rec_pipeline_fill_stats(pipeline, chunk, now_ns, true);
	if (rc < 0)
		(void)cap_fail_errno(&err, rc == -ENOMEM ? ENOMEM : EOVERFLOW, "count events");
	for (int tries = 0; tries < 2 && cap_chunk_rows(chunk) > 0; tries++) {
		note_error(pipeline, state, rc, &err);
		rc = cap_writer_rows(pipeline->writer, CAP_BLOCK_STATS, chunk, &state->totals,
				     &err);
		if (rc == 0)
			break;
	}
	note_error(pipeline, state, rc, &err);
	cap_chunk_reset(chunk);
}

/* A second one where the first failed, or could not be synced: it says so. */
static void write_last_block(struct rec_pipeline *pipeline, struct end_state *state)
{
	struct cap_err err = {0};

	for (int tries = 0; tries < 2; tries++) {
		int rc = cap_writer_end(pipeline->writer, state->reason, &state->totals, &err);

		if (rc == 0 && pipeline->output)
			rc = rec_output_sync(pipeline->output, &err);
		note_error(pipeline, state, rc, &err);
		if (rc == 0)
			break;
	}
}

/*
 * The end, by this thread: the writer's has stopped. Each step is taken though one before it
 * failed, since it may fit where that did not: after an error all of it goes into the room held
 * back. What stands before END is synced first, so END vouches for it.
 */
static void write_end(struct rec_pipeline *pipeline, struct end_state *state)
{
	struct cap_err err = {0};

	if (pipeline->output)
		rec_output_use_room(pipeline->output, REC_ROOM_END);
	rec_event_counts_totals(pipeline->counts, &state->totals);
	write_last_stats(pipeline, state);
	note_error(pipeline, state, cap_writer_tail(pipeline->writer, &err), &err);
	if (pipeline->output)
		note_error(pipeline, state, rec_output_sync(pipeline->output, &err), &err);
	write_last_block(pipeline, state);
}

int rec_pipeline_finish(struct rec_pipeline *pipeline, enum cap_end_reason reason,
			struct cap_err *err)
{
	struct end_state state = {.reason = reason};
	struct cap_err thread_err = {0};
	int rc;

	rec_pipeline_close_open(
		pipeline,
		REC_WAIT); /* the source has stopped: now there is time to wait for the disk */
	rec_writer_thread_stop(pipeline->thread);
	pipeline->finished = true;
	rec_pipeline_reclaim(pipeline);
	rc = rec_writer_thread_error(pipeline->thread, &thread_err);
	note_error(pipeline, &state, rc, &thread_err);
	if (rc != -EPIPE) /* nobody reads: nothing to end */
		write_end(pipeline, &state);
	if (state.rc < 0 && err)
		*err = state.err;
	return state.rc;
}

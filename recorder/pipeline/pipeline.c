/*
 * The pipeline: open chunk, pool of queued chunks, counts, STATS blocks. Only the writer thread
 * touches the file; a chunk belongs to one side at a time, so no row is ever looked at by two
 * threads.
 */
#include "recorder/pipeline/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/pipeline/encode.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"
#include "recorder/base/monotonic.h"
#include "recorder/host/own_cost.h"
#include "recorder/pipeline/event_counts.h"
#include "recorder/pipeline/output_file.h"
#include "recorder/pipeline/queued_chunk.h"
#include "recorder/pipeline/writer_thread.h"

#define DEFAULT_QUEUE_BYTES (8ull << 20)
#define QUEUE_MIN_BYTES (2ull * CAP_WRITER_CHUNK_BYTES)
#define ROOM_BYTES                                                                                \
	(2ull * CAP_WRITER_CHUNK_BYTES) /* what one drain of a source that can wait may hand over \
					 */
#define STATS_NS 10000000000ull
#define STATS_SOON_NS 1000000000ull /* on a pipe, and when something was lost or counted */
#define STREAM_CHUNK_NS 1000000000ull
#define CHECK_EVERY 64u /* events between looks at the chunk's size */

struct rec_pipeline {
	struct cap_writer *writer;
	struct rec_writer_thread *thread;
	struct rec_encoder *encoder;
	struct rec_event_counts *counts;
	struct rec_output *output; /* the caller's; may be NULL */
	struct rec_code_hits *code_hits;
	u64 queue_bytes;
	bool wait_when_full, replay, is_stream;
	bool finished; /* the writer thread has ended: its results may be read */

	struct rec_queued_chunk *open;	/* never NULL once opened */
	struct rec_queued_chunk *spare; /* empty ones */
	struct rec_queued_chunk *lent;	/* handed out by rec_pipeline_info_chunk */
	u64 opened_ns; /* time of the first tick that saw rows in the open chunk; 0: none yet */
	u32 until_check;
	u64 open_count; /* events in the open chunk */
	u64 open_by_class[EV_CLASS_COUNT];
	u64 encoded_bytes, chunk_raw_bytes, chunk_file_bytes;

	u64 now_ns, polled_ns, stats_ns;
	u64 last_tick_ns, delay_max_ns; /* real time */
	u64 ring_used_max_bytes;
};

static void each_count(struct rec_pipeline *pipeline, const struct rec_queued_chunk *queued,
		       void (*apply)(struct rec_event_counts *, u32, u32, u64))
{
	for (u32 cpu = 0; cpu < queued->class_counts_cpus; cpu++) {
		for (u32 event_class = 0; event_class < EV_CLASS_COUNT; event_class++) {
			u64 count = queued->class_counts[cpu * EV_CLASS_COUNT + event_class];

			if (count > 0)
				apply(pipeline->counts, event_class, cpu, count);
		}
	}
}

/* Counts all events of a queued chunk, so far stored or counted, as lost: exactly per class and
 * CPU, with their time span. */
static void lose_queued_chunk(struct rec_pipeline *pipeline, const struct rec_queued_chunk *queued,
			      u32 reason)
{
	each_count(pipeline, queued,
		   queued->block == CAP_BLOCK_CHUNK ? rec_event_counts_unstored
						    : rec_event_counts_uncounted);
	for (u32 cpu = 0; cpu < queued->class_counts_cpus; cpu++) {
		for (u32 event_class = 0; event_class < EV_CLASS_COUNT; event_class++) {
			struct rec_loss loss = {
				.event_class = event_class,
				.cpu = cpu,
				.reason = reason,
				.count = queued->class_counts[cpu * EV_CLASS_COUNT + event_class],
				.from_ns = cap_chunk_first_ns(queued->chunk),
				.to_ns = cap_chunk_last_ns(queued->chunk),
			};

			if (loss.from_ns > 0)
				loss.from_ns--; /* the span leaves its start out */
			rec_event_counts_lost(pipeline->counts, &loss);
		}
	}
}

static void reclaim(struct rec_pipeline *pipeline)
{
	struct rec_queued_chunk *queued = rec_writer_thread_take_done(pipeline->thread);

	while (queued) {
		struct rec_queued_chunk *next = queued->next;

		if (!queued->written) {
			lose_queued_chunk(pipeline, queued, REASON_WRITE_ERROR);
		} else if (queued->block == CAP_BLOCK_CHUNK) {
			pipeline->chunk_raw_bytes += queued->size_bytes;
			pipeline->chunk_file_bytes += queued->file_bytes;
		}
		rec_queued_chunk_reset(queued);
		queued->next = pipeline->spare;
		pipeline->spare = queued;
		queued = next;
	}
}

static struct rec_queued_chunk *take_spare(struct rec_pipeline *pipeline)
{
	struct rec_queued_chunk *queued = pipeline->spare;

	if (!queued) {
		reclaim(pipeline);
		queued = pipeline->spare;
	}
	if (!queued)
		return rec_queued_chunk_new();
	pipeline->spare = queued->next;
	queued->next = NULL;
	return queued;
}

static void reset_open(struct rec_pipeline *pipeline)
{
	rec_encoder_new_chunk(pipeline->encoder);
	pipeline->opened_ns = 0;
	pipeline->open_count = 0;
	pipeline->until_check = CHECK_EVERY;
	memset(pipeline->open_by_class, 0, sizeof(pipeline->open_by_class));
}

static void close_open(struct rec_pipeline *pipeline, enum rec_when_full when_full)
{
	struct rec_queued_chunk *full = pipeline->open;
	struct rec_queued_chunk *fresh;

	if (cap_chunk_rows(full->chunk) == 0)
		return;
	full->block = CAP_BLOCK_CHUNK;
	full->size_bytes = cap_chunk_raw_bytes(full->chunk);
	each_count(pipeline, full, rec_event_counts_stored);
	fresh = take_spare(pipeline);
	rec_event_counts_totals(pipeline->counts, &full->totals);
	if (fresh && rec_writer_thread_put(pipeline->thread, full, when_full)) {
		pipeline->encoded_bytes += full->size_bytes;
		pipeline->open = fresh;
	} else {
		lose_queued_chunk(pipeline, full, fresh ? REASON_BACKPRESSURE : REASON_RECORDER);
		rec_queued_chunk_reset(full);
		if (fresh) {
			fresh->next = pipeline->spare;
			pipeline->spare = fresh;
		}
	}
	reset_open(pipeline);
}

static void close_if_full(struct rec_pipeline *pipeline)
{
	pipeline->until_check = CHECK_EVERY;
	if (cap_chunk_raw_bytes(pipeline->open->chunk) >= CAP_WRITER_CHUNK_BYTES ||
	    cap_chunk_failed(pipeline->open->chunk) < 0)
		close_open(pipeline, pipeline->wait_when_full ? REC_WAIT : REC_REFUSE);
}

static void count_open(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u64 count)
{
	u64 *cell = rec_queued_chunk_count(pipeline->open, event_class, cpu);

	if (!cell) /* no memory for this CPU's counts: the sum at least stays exact */
		cell = rec_queued_chunk_count(pipeline->open, event_class, 0);
	if (cell)
		*cell += count;
	pipeline->open_count += count;
	pipeline->open_by_class[event_class] += count;
}

/* -------- life -------- */

static void sink_freep(struct rec_pipeline **pipeline)
{
	*pipeline = rec_pipeline_free(*pipeline);
}

static int open_writer(struct rec_pipeline *pipeline, const struct rec_pipeline_options *options,
		       struct cap_err *err)
{
	struct cap_writer_options writer_options = {
		.fd = options->fd,
		.write = options->output ? rec_output_write : NULL,
		.write_context = options->output,
	};
	struct rec_writer_thread_options thread_options = {
		.output = options->output,
		.queue_bytes = pipeline->queue_bytes,
	};
	int rc = cap_writer_new(&writer_options, options->info, &pipeline->writer, err);

	if (rc == 0)
		rc = cap_writer_begin(pipeline->writer, err);
	if (rc == 0 && options->output)
		rc = rec_output_sync_head(options->output, err);
	if (rc < 0)
		return rc;
	thread_options.writer = pipeline->writer;
	return rec_writer_thread_open(&thread_options, &pipeline->thread, err);
}

int rec_pipeline_open(const struct rec_pipeline_options *options, struct rec_pipeline **ret_sink,
		      struct cap_err *err)
{
	CLEANUP(sink_freep) struct rec_pipeline *pipeline = calloc(1, sizeof(*pipeline));
	int rc;

	if (!pipeline)
		return cap_fail_errno(err, ENOMEM, "open the pipeline");
	pipeline->queue_bytes = options->queue_bytes ? options->queue_bytes : DEFAULT_QUEUE_BYTES;
	pipeline->output = options->output;
	pipeline->is_stream = options->output && rec_output_is_stream(options->output);
	pipeline->wait_when_full = options->wait_when_full;
	pipeline->replay = options->replay;
	pipeline->encoder = rec_encoder_new(options->kernel_map, options->code_map);
	pipeline->counts = rec_event_counts_new(options->info->cpu_count);
	pipeline->open = rec_queued_chunk_new();
	if (!pipeline->encoder || !pipeline->counts || !pipeline->open)
		return cap_fail_errno(err, ENOMEM, "open the pipeline");
	pipeline->code_hits = options->code_hits;
	rec_encoder_collect(pipeline->encoder, options->code_hits);
	rc = open_writer(pipeline, options, err);
	if (rc < 0)
		return rc;
	reset_open(pipeline);
	*ret_sink = TAKE(pipeline);
	return 0;
}

struct rec_pipeline *rec_pipeline_free(struct rec_pipeline *pipeline)
{
	if (!pipeline)
		return NULL;
	if (pipeline->thread) {
		rec_writer_thread_stop(pipeline->thread);
		rec_queued_chunks_free(rec_writer_thread_take_done(pipeline->thread));
		rec_writer_thread_free(pipeline->thread);
	}
	cap_writer_free(pipeline->writer);
	rec_queued_chunk_free(pipeline->open);
	rec_queued_chunks_free(pipeline->spare);
	rec_queued_chunks_free(pipeline->lent);
	rec_event_counts_free(pipeline->counts);
	rec_encoder_free(pipeline->encoder);
	free(pipeline);
	return NULL;
}

struct rec_code_hits *rec_pipeline_code_hits(const struct rec_pipeline *pipeline)
{
	return pipeline->code_hits;
}

/* -------- events -------- */

static void lose_one(struct rec_pipeline *pipeline, u32 event_class, u32 cpu)
{
	struct rec_loss loss = {
		.event_class = event_class,
		.cpu = cpu,
		.reason = REASON_RECORDER,
		.count = 1,
		.from_ns = pipeline->polled_ns,
	};

	rec_event_counts_lost(pipeline->counts, &loss);
}

/* The slow path: a full chunk makes way for another, anything else is a loss. */
static void record_again(struct rec_pipeline *pipeline, const void *record, size_t len, int rc)
{
	const struct ring_head *head = record;
	u32 event_class;

	if (len < sizeof(*head)) {
		lose_one(pipeline, CLASS_TASKS, 0); /* nobody can tell what it was */
		return;
	}
	event_class = cap_class_of_type(head->type);
	if (rc == CAP_ELIMIT) {
		close_open(pipeline, pipeline->wait_when_full ? REC_WAIT : REC_REFUSE);
		rc = rec_encoder_record(pipeline->encoder, pipeline->open->chunk, record, len);
	}
	if (rc == 0)
		count_open(pipeline, event_class, head->cpu, 1);
	else
		lose_one(pipeline, event_class < EV_CLASS_COUNT ? event_class : CLASS_TASKS,
			 head->cpu);
}

void rec_pipeline_record(struct rec_pipeline *pipeline, const void *record, size_t len)
{
	const struct ring_head *head = record;
	int rc = rec_encoder_record(pipeline->encoder, pipeline->open->chunk, record, len);

	if (__builtin_expect(rc != 0, 0))
		record_again(pipeline, record, len, rc);
	else
		count_open(pipeline, cap_class_of_type(head->type), head->cpu, 1);
	if (--pipeline->until_check == 0)
		close_if_full(pipeline);
}

struct cap_chunk *rec_pipeline_open_chunk(struct rec_pipeline *pipeline)
{
	close_if_full(pipeline);
	return pipeline->open->chunk;
}

void rec_pipeline_stored(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u64 count)
{
	if (event_class < EV_CLASS_COUNT)
		count_open(pipeline, event_class, cpu, count);
}

struct cap_chunk *rec_pipeline_info_chunk(struct rec_pipeline *pipeline)
{
	struct rec_queued_chunk *queued = take_spare(pipeline);

	if (!queued)
		return NULL;
	queued->next = pipeline->lent;
	pipeline->lent = queued;
	return queued->chunk;
}

static bool has_counted(const struct rec_queued_chunk *queued)
{
	return queued->class_counts_cpus > 0;
}

/* While the disk stalls, blocks that are repeated later anyway do not pile up. Counted calls are
 * written once only; their source asks rec_pipeline_admits() first. */
static bool is_too_many(const struct rec_pipeline *pipeline, const struct rec_queued_chunk *queued)
{
	return (queued->block == CAP_BLOCK_STATS || queued->block == CAP_BLOCK_CLOCK ||
		queued->block == CAP_BLOCK_MARK) &&
	       !has_counted(queued) && !rec_pipeline_admits(pipeline);
}

static struct rec_queued_chunk *lent_chunk(const struct rec_pipeline *pipeline,
					   const struct cap_chunk *chunk)
{
	struct rec_queued_chunk *queued = pipeline->lent;

	while (queued && queued->chunk != chunk)
		queued = queued->next;
	return queued;
}

int rec_pipeline_add_counted(struct rec_pipeline *pipeline, struct cap_chunk *chunk,
			     const struct rec_counted *counted)
{
	struct rec_queued_chunk *queued = lent_chunk(pipeline, chunk);
	u32 event_class = cap_class_counted_in(counted->type);
	u64 *count = queued && event_class < EV_CLASS_COUNT
			     ? rec_queued_chunk_count(queued, event_class, counted->cpu)
			     : NULL;
	int rc = queued && event_class < EV_CLASS_COUNT ? 0 : -EINVAL;

	if (rc == 0)
		rc = count ? cap_chunk_add(chunk, counted->type, counted->row) : -ENOMEM;
	if (rc == 0)
		*count += counted->row->count;
	return rc;
}

int rec_pipeline_put_info(struct rec_pipeline *pipeline, enum cap_block_type block,
			  struct cap_chunk *chunk)
{
	struct rec_queued_chunk **link = &pipeline->lent;
	struct rec_queued_chunk *queued;
	int failed;

	while (*link && (*link)->chunk != chunk)
		link = &(*link)->next;
	queued = *link;
	if (!queued)
		return -EINVAL;
	*link = queued->next;
	queued->next = NULL;
	queued->block = block;
	each_count(pipeline, queued, rec_event_counts_counted);
	failed = cap_chunk_failed(chunk) == -ENOMEM ? -ENOMEM : 0; /* names may lack in its rows */
	if (failed || cap_chunk_rows(chunk) == 0 || is_too_many(pipeline, queued)) {
		lose_queued_chunk(pipeline, queued, REASON_RECORDER);
		rec_queued_chunk_reset(queued);
		queued->next = pipeline->spare;
		pipeline->spare = queued;
		return failed;
	}
	queued->size_bytes = cap_chunk_raw_bytes(chunk);
	rec_event_counts_totals(pipeline->counts, &queued->totals);
	pipeline->encoded_bytes += queued->size_bytes;
	/* Facts that are needed to read events, or that report loss: small, and never dropped. */
	(void)rec_writer_thread_put(pipeline->thread, queued,
				    pipeline->wait_when_full ? REC_WAIT : REC_ADMIT);
	return 0;
}

/* -------- losses and totals -------- */

void rec_pipeline_lost(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u32 reason,
		       u64 count)
{
	rec_pipeline_lost_between(pipeline, event_class, cpu, reason, count, pipeline->polled_ns,
				  0);
}

void rec_pipeline_lost_between(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u32 reason,
			       u64 count, u64 from_ns, u64 to_ns)
{
	struct rec_loss loss = {
		.event_class = event_class,
		.cpu = cpu,
		.reason = reason,
		.count = count,
		.from_ns = from_ns,
		.to_ns = to_ns,
	};

	rec_event_counts_lost(pipeline->counts, &loss);
}

void rec_pipeline_attempted(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u64 attempted,
			    u64 unmatched)
{
	rec_event_counts_attempted(pipeline->counts, event_class, cpu, attempted, unmatched);
}

void rec_pipeline_polled(struct rec_pipeline *pipeline, u64 now_ns)
{
	pipeline->polled_ns = now_ns;
}

void rec_pipeline_ring_used(struct rec_pipeline *pipeline, u64 bytes)
{
	if (bytes > pipeline->ring_used_max_bytes)
		pipeline->ring_used_max_bytes = bytes;
}

static u64 written_bytes(const struct rec_pipeline *pipeline)
{
	return pipeline->finished ? cap_writer_bytes(pipeline->writer)
				  : rec_writer_thread_written_bytes(pipeline->thread);
}

static int add_recorder_row(struct rec_pipeline *pipeline, struct cap_chunk *chunk, u64 now_ns)
{
	struct rec_own_cost cost;
	struct ev_recorder row = {.time_ns = now_ns};
	struct cap_totals totals;

	if (pipeline->replay)
		return 0;
	rec_own_cost_read(&cost);
	rec_event_counts_totals(pipeline->counts, &totals);
	row.cpu_user_ns = cost.cpu_user_ns;
	row.cpu_system_ns = cost.cpu_system_ns;
	row.rss_bytes = cost.rss_bytes;
	row.peak_rss_bytes = cost.peak_rss_bytes;
	row.written_bytes = written_bytes(pipeline);
	row.stored_count = totals.stored_count;
	row.drain_delay_max_ns = pipeline->delay_max_ns;
	row.ring_used_max_bytes = pipeline->ring_used_max_bytes;
	row.queue_max_bytes = rec_writer_thread_queue_max_bytes(pipeline->thread, true);
	return cap_chunk_add(chunk, EV_RECORDER, &row);
}

static int fill_stats(struct rec_pipeline *pipeline, struct cap_chunk *chunk, u64 now_ns,
		      bool final)
{
	int rc = rec_event_counts_rows(pipeline->counts, chunk, now_ns, final);

	if (rc == 0)
		rc = add_recorder_row(pipeline, chunk, now_ns);
	pipeline->stats_ns = now_ns;
	pipeline->delay_max_ns = 0;
	pipeline->ring_used_max_bytes = 0;
	return rc;
}

static int put_stats(struct rec_pipeline *pipeline, u64 now_ns)
{
	struct cap_chunk *chunk = rec_pipeline_info_chunk(pipeline);
	int rc, put_rc;

	if (!chunk)
		return -ENOMEM;
	rc = fill_stats(pipeline, chunk, now_ns, false);
	if (rc < 0)
		cap_chunk_reset(chunk); /* the empty chunk is only given back */
	put_rc = rec_pipeline_put_info(pipeline, CAP_BLOCK_STATS, chunk);
	return rc < 0 ? rc : put_rc;
}

static bool stats_due(const struct rec_pipeline *pipeline, u64 now_ns)
{
	u64 age_ns = now_ns - pipeline->stats_ns;

	if (!rec_writer_thread_admits(pipeline->thread))
		return false; /* counts go on, and into the next one */
	if (pipeline->stats_ns == 0 || age_ns >= STATS_NS)
		return true;
	return age_ns >= STATS_SOON_NS &&
	       (pipeline->is_stream || rec_event_counts_has_news(pipeline->counts));
}

static void note_pause(struct rec_pipeline *pipeline)
{
	u64 now_ns = rec_monotonic_ns();

	if (pipeline->last_tick_ns != 0 && now_ns - pipeline->last_tick_ns > pipeline->delay_max_ns)
		pipeline->delay_max_ns = now_ns - pipeline->last_tick_ns;
	pipeline->last_tick_ns = now_ns;
}

int rec_pipeline_tick(struct rec_pipeline *pipeline, u64 now_ns, struct cap_err *err)
{
	u64 chunk_ns = pipeline->is_stream ? STREAM_CHUNK_NS : CAP_WRITER_CHUNK_NS;
	int rc;

	note_pause(pipeline);
	pipeline->now_ns = now_ns;
	reclaim(pipeline);
	close_if_full(pipeline);
	if (pipeline->opened_ns == 0 && cap_chunk_rows(pipeline->open->chunk) > 0)
		pipeline->opened_ns = now_ns;
	else if (pipeline->opened_ns != 0 && now_ns - pipeline->opened_ns >= chunk_ns)
		close_open(pipeline, pipeline->wait_when_full ? REC_WAIT : REC_REFUSE);
	if (stats_due(pipeline, now_ns)) {
		rc = put_stats(pipeline, now_ns);
		if (rc < 0)
			return cap_fail_errno(err, rc == -ENOMEM ? ENOMEM : EOVERFLOW,
					      "count events");
	}
	return rec_writer_thread_error(pipeline->thread, err);
}

bool rec_pipeline_has_room(const struct rec_pipeline *pipeline)
{
	u64 waiting = rec_writer_thread_queue_bytes(pipeline->thread);

	return waiting == 0 || waiting + ROOM_BYTES <= pipeline->queue_bytes;
}

int rec_pipeline_flush(struct rec_pipeline *pipeline)
{
	close_open(pipeline, pipeline->wait_when_full ? REC_WAIT : REC_REFUSE);
	return rec_writer_thread_error(pipeline->thread, NULL);
}

u64 rec_pipeline_use_less(struct rec_pipeline *pipeline)
{
	close_open(pipeline, pipeline->wait_when_full ? REC_WAIT : REC_REFUSE);
	rec_queued_chunks_free(pipeline->spare);
	pipeline->spare = NULL;
	if (pipeline->queue_bytes / 2 >= QUEUE_MIN_BYTES) {
		pipeline->queue_bytes /= 2;
		rec_writer_thread_bound(pipeline->thread, pipeline->queue_bytes);
	}
	return pipeline->queue_bytes;
}

bool rec_pipeline_admits(const struct rec_pipeline *pipeline)
{
	return pipeline->wait_when_full || rec_writer_thread_admits(pipeline->thread);
}

void rec_pipeline_counts(const struct rec_pipeline *pipeline,
			 struct rec_pipeline_counts *ret_counts)
{
	rec_event_counts_sum(pipeline->counts, ret_counts);
	/* Events of the open chunk count as stored already, though it may still be dropped.
	 */
	ret_counts->stored_count += pipeline->open_count;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		ret_counts->stored_by_class[i] += pipeline->open_by_class[i];
	ret_counts->open_bytes = cap_chunk_raw_bytes(pipeline->open->chunk);
	ret_counts->encoded_bytes = pipeline->encoded_bytes;
	ret_counts->chunk_raw_bytes = pipeline->chunk_raw_bytes;
	ret_counts->chunk_file_bytes = pipeline->chunk_file_bytes;
	ret_counts->written_bytes = written_bytes(pipeline);
	ret_counts->queue_bytes = rec_writer_thread_queue_bytes(pipeline->thread);
	ret_counts->queue_max_bytes = rec_writer_thread_queue_max_bytes(pipeline->thread, false);
}

/* -------- the end of a capture: last counts, replicas, INDEX and END, with what the disk said
 * about them -------- */

struct end_state {
	enum cap_end_reason reason;
	int rc; /* the first error, or 0 */
	struct cap_totals totals;
	struct cap_err err;
};

/* Notes why the output ends and whether it failed. The first error counts. */
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

/* Later than every STATS before it: readers believe the last one. */
static void write_last_stats(struct rec_pipeline *pipeline, struct end_state *state)
{
	u64 now_ns =
		pipeline->now_ns > pipeline->stats_ns ? pipeline->now_ns : pipeline->stats_ns + 1;
	struct cap_chunk *chunk = pipeline->open->chunk;
	struct cap_err err = {0};
	int rc;

	cap_chunk_reset(chunk);
	rc = fill_stats(pipeline, chunk, now_ns, true);
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
 * Writes the end in this thread: the writer thread has stopped. Each step is tried even if one
 * before it failed, since it may fit where that did not: after an error everything goes into the
 * reserved room. Everything before END is synced first, so END vouches for it.
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

	close_open(pipeline, REC_WAIT); /* the source has stopped: now we may wait for the disk */
	rec_writer_thread_stop(pipeline->thread);
	pipeline->finished = true;
	reclaim(pipeline);
	rc = rec_writer_thread_error(pipeline->thread, &thread_err);
	note_error(pipeline, &state, rc, &thread_err);
	if (rc != -EPIPE) /* nobody reads: nothing to end */
		write_end(pipeline, &state);
	if (state.rc < 0 && err)
		*err = state.err;
	return state.rc;
}

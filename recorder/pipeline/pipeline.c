/*
 * The sink: open chunk, pool of packages, counts, STATS blocks. Only the writer thread touches the
 * file; a package belongs to one side at a time, so no row is ever looked at by two threads.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/pipeline/encode.h"
#include "recorder/pipeline/event_counts.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"
#include "recorder/base/monotonic.h"
#include "recorder/pipeline/output_file.h"
#include "recorder/host/own_cost.h"
#include "recorder/pipeline/queued_chunk.h"
#include "recorder/pipeline/pipeline.h"
#include "recorder/pipeline/pipeline_state.h"
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

static void each_count(struct rec_sink *sink, const struct rec_package *package,
		       void (*apply)(struct rec_event_counts *, u32, u32, u64))
{
	for (u32 cpu = 0; cpu < package->class_counts_cpus; cpu++) {
		for (u32 event_class = 0; event_class < EV_CLASS_COUNT; event_class++) {
			u64 count = package->class_counts[cpu * EV_CLASS_COUNT + event_class];

			if (count > 0)
				apply(sink->counts, event_class, cpu, count);
		}
	}
}

/* All events of a package that were taken for stored or counted are lost: exact per class and CPU,
 * and when. */
static void lose_package(struct rec_sink *sink, const struct rec_package *package, u32 reason)
{
	each_count(sink, package,
		   package->block == CAP_BLOCK_CHUNK ? rec_event_counts_unstored
						     : rec_event_counts_uncounted);
	for (u32 cpu = 0; cpu < package->class_counts_cpus; cpu++) {
		for (u32 event_class = 0; event_class < EV_CLASS_COUNT; event_class++) {
			struct rec_loss loss = {
				.event_class = event_class,
				.cpu = cpu,
				.reason = reason,
				.count = package->class_counts[cpu * EV_CLASS_COUNT + event_class],
				.from_ns = cap_chunk_first_ns(package->chunk),
				.to_ns = cap_chunk_last_ns(package->chunk),
			};

			if (loss.from_ns > 0)
				loss.from_ns--; /* the span leaves its start out */
			rec_event_counts_lost(sink->counts, &loss);
		}
	}
}

void rec_sink_reclaim(struct rec_sink *sink)
{
	struct rec_package *package = rec_writer_thread_take_done(sink->thread);

	while (package) {
		struct rec_package *next = package->next;

		if (!package->written) {
			lose_package(sink, package, REASON_WRITE_ERROR);
		} else if (package->block == CAP_BLOCK_CHUNK) {
			sink->chunk_raw_bytes += package->size_bytes;
			sink->chunk_file_bytes += package->file_bytes;
		}
		rec_package_reset(package);
		package->next = sink->spare;
		sink->spare = package;
		package = next;
	}
}

static struct rec_package *take_spare(struct rec_sink *sink)
{
	struct rec_package *package = sink->spare;

	if (!package) {
		rec_sink_reclaim(sink);
		package = sink->spare;
	}
	if (!package)
		return rec_package_new();
	sink->spare = package->next;
	package->next = NULL;
	return package;
}

static void reset_open(struct rec_sink *sink)
{
	rec_encoder_new_chunk(sink->encoder);
	sink->opened_ns = 0;
	sink->open_count = 0;
	sink->until_check = CHECK_EVERY;
	memset(sink->open_by_class, 0, sizeof(sink->open_by_class));
}

void rec_sink_close_open(struct rec_sink *sink, enum rec_when_full when_full)
{
	struct rec_package *full = sink->open;
	struct rec_package *fresh;

	if (cap_chunk_rows(full->chunk) == 0)
		return;
	full->block = CAP_BLOCK_CHUNK;
	full->size_bytes = cap_chunk_raw_bytes(full->chunk);
	each_count(sink, full, rec_event_counts_stored);
	fresh = take_spare(sink);
	rec_event_counts_totals(sink->counts, &full->totals);
	if (fresh && rec_writer_thread_put(sink->thread, full, when_full)) {
		sink->encoded_bytes += full->size_bytes;
		sink->open = fresh;
	} else {
		lose_package(sink, full, fresh ? REASON_BACKPRESSURE : REASON_RECORDER);
		rec_package_reset(full);
		if (fresh) {
			fresh->next = sink->spare;
			sink->spare = fresh;
		}
	}
	reset_open(sink);
}

static void close_if_full(struct rec_sink *sink)
{
	sink->until_check = CHECK_EVERY;
	if (cap_chunk_raw_bytes(sink->open->chunk) >= CAP_WRITER_CHUNK_BYTES ||
	    cap_chunk_failed(sink->open->chunk) < 0)
		rec_sink_close_open(sink, sink->wait_when_full ? REC_WAIT : REC_REFUSE);
}

static void count_open(struct rec_sink *sink, u32 event_class, u32 cpu, u64 count)
{
	u64 *cell = rec_package_count(sink->open, event_class, cpu);

	if (!cell) /* no memory for this CPU's counts: the sum at least stays exact */
		cell = rec_package_count(sink->open, event_class, 0);
	if (cell)
		*cell += count;
	sink->open_count += count;
	sink->open_by_class[event_class] += count;
}

/* -------- life -------- */

static void sink_freep(struct rec_sink **sink)
{
	*sink = rec_sink_free(*sink);
}

static int open_writer(struct rec_sink *sink, const struct rec_sink_options *options,
		       struct cap_err *err)
{
	struct cap_writer_options writer_options = {
		.fd = options->fd,
		.write = options->output ? rec_output_write : NULL,
		.write_context = options->output,
	};
	struct rec_writer_thread_options thread_options = {
		.output = options->output,
		.queue_bytes = sink->queue_bytes,
	};
	int rc = cap_writer_new(&writer_options, options->info, &sink->writer, err);

	if (rc == 0)
		rc = cap_writer_begin(sink->writer, err);
	if (rc == 0 && options->output)
		rc = rec_output_sync_head(options->output, err);
	if (rc < 0)
		return rc;
	thread_options.writer = sink->writer;
	return rec_writer_thread_open(&thread_options, &sink->thread, err);
}

int rec_sink_open(const struct rec_sink_options *options, struct rec_sink **ret_sink,
		  struct cap_err *err)
{
	CLEANUP(sink_freep) struct rec_sink *sink = calloc(1, sizeof(*sink));
	int rc;

	if (!sink)
		return cap_fail_errno(err, ENOMEM, "open the sink");
	sink->queue_bytes = options->queue_bytes ? options->queue_bytes : DEFAULT_QUEUE_BYTES;
	sink->output = options->output;
	sink->is_stream = options->output && rec_output_is_stream(options->output);
	sink->wait_when_full = options->wait_when_full;
	sink->replay = options->replay;
	sink->encoder = rec_encoder_new(options->kernel_map);
	sink->counts = rec_event_counts_new(options->info->cpu_count);
	sink->open = rec_package_new();
	if (!sink->encoder || !sink->counts || !sink->open)
		return cap_fail_errno(err, ENOMEM, "open the sink");
	rc = open_writer(sink, options, err);
	if (rc < 0)
		return rc;
	reset_open(sink);
	*ret_sink = TAKE(sink);
	return 0;
}

struct rec_sink *rec_sink_free(struct rec_sink *sink)
{
	if (!sink)
		return NULL;
	if (sink->thread) {
		rec_writer_thread_stop(sink->thread);
		rec_package_list_free(rec_writer_thread_take_done(sink->thread));
		rec_writer_thread_free(sink->thread);
	}
	cap_writer_free(sink->writer);
	rec_package_free(sink->open);
	rec_package_list_free(sink->spare);
	rec_package_list_free(sink->lent);
	rec_event_counts_free(sink->counts);
	rec_encoder_free(sink->encoder);
	free(sink);
	return NULL;
}

/* -------- events -------- */

static void lose_one(struct rec_sink *sink, u32 event_class, u32 cpu)
{
	struct rec_loss loss = {
		.event_class = event_class,
		.cpu = cpu,
		.reason = REASON_RECORDER,
		.count = 1,
		.from_ns = sink->polled_ns,
	};

	rec_event_counts_lost(sink->counts, &loss);
}

/* The slow path: a full chunk makes way for another, anything else is a loss. */
static void record_again(struct rec_sink *sink, const void *record, size_t len, int rc)
{
	const struct ring_head *head = record;
	u32 event_class;

	if (len < sizeof(*head)) {
		lose_one(sink, CLASS_TASKS, 0); /* nobody can tell what it was */
		return;
	}
	event_class = cap_class_of_type(head->type);
	if (rc == CAP_ELIMIT) {
		rec_sink_close_open(sink, sink->wait_when_full ? REC_WAIT : REC_REFUSE);
		rc = rec_encoder_record(sink->encoder, sink->open->chunk, record, len);
	}
	if (rc == 0)
		count_open(sink, event_class, head->cpu, 1);
	else
		lose_one(sink, event_class < EV_CLASS_COUNT ? event_class : CLASS_TASKS, head->cpu);
}

void rec_sink_record(struct rec_sink *sink, const void *record, size_t len)
{
	const struct ring_head *head = record;
	int rc = rec_encoder_record(sink->encoder, sink->open->chunk, record, len);

	if (__builtin_expect(rc != 0, 0))
		record_again(sink, record, len, rc);
	else
		count_open(sink, cap_class_of_type(head->type), head->cpu, 1);
	if (--sink->until_check == 0)
		close_if_full(sink);
}

struct cap_chunk *rec_sink_open_chunk(struct rec_sink *sink)
{
	close_if_full(sink);
	return sink->open->chunk;
}

void rec_sink_stored(struct rec_sink *sink, u32 event_class, u32 cpu, u64 count)
{
	if (event_class < EV_CLASS_COUNT)
		count_open(sink, event_class, cpu, count);
}

struct cap_chunk *rec_sink_side_chunk(struct rec_sink *sink)
{
	struct rec_package *package = take_spare(sink);

	if (!package)
		return NULL;
	package->next = sink->lent;
	sink->lent = package;
	return package->chunk;
}

static bool has_counted(const struct rec_package *package)
{
	return cap_chunk_rows_of(package->chunk, EV_SYSCALL_COUNT) > 0;
}

/* While the disk stalls, what is told again later anyway does not pile up. Counted calls are told
 * once only; their source asks rec_sink_admits() before. */
static bool is_too_many(const struct rec_sink *sink, const struct rec_package *package)
{
	return (package->block == CAP_BLOCK_STATS || package->block == CAP_BLOCK_CLOCK ||
		package->block == CAP_BLOCK_MARK) &&
	       !has_counted(package) && !rec_sink_admits(sink);
}

static struct rec_package *lent_package(const struct rec_sink *sink, const struct cap_chunk *chunk)
{
	struct rec_package *package = sink->lent;

	while (package && package->chunk != chunk)
		package = package->next;
	return package;
}

int rec_sink_add_counted(struct rec_sink *sink, struct cap_chunk *chunk,
			 const struct ev_syscall_count *row)
{
	struct rec_package *package = lent_package(sink, chunk);
	u64 *count = package ? rec_package_count(package, CLASS_SYSCALLS, row->cpu) : NULL;
	int rc = package ? 0 : -EINVAL;

	if (rc == 0)
		rc = count ? cap_chunk_add(chunk, EV_SYSCALL_COUNT, row) : -ENOMEM;
	if (rc == 0)
		*count += row->call_count;
	return rc;
}

int rec_sink_put_side(struct rec_sink *sink, enum cap_block_type block, struct cap_chunk *chunk)
{
	struct rec_package **link = &sink->lent;
	struct rec_package *package;
	int failed;

	while (*link && (*link)->chunk != chunk)
		link = &(*link)->next;
	package = *link;
	if (!package)
		return -EINVAL;
	*link = package->next;
	package->next = NULL;
	package->block = block;
	each_count(sink, package, rec_event_counts_counted);
	failed = cap_chunk_failed(chunk) == -ENOMEM ? -ENOMEM : 0; /* names may lack in its rows */
	if (failed || cap_chunk_rows(chunk) == 0 || is_too_many(sink, package)) {
		lose_package(sink, package, REASON_RECORDER);
		rec_package_reset(package);
		package->next = sink->spare;
		sink->spare = package;
		return failed;
	}
	package->size_bytes = cap_chunk_raw_bytes(chunk);
	rec_event_counts_totals(sink->counts, &package->totals);
	sink->encoded_bytes += package->size_bytes;
	/* Facts without which events cannot be read, or which tell of loss: never dropped, and
	 * small. */
	(void)rec_writer_thread_put(sink->thread, package,
				    sink->wait_when_full ? REC_WAIT : REC_ADMIT);
	return 0;
}

/* -------- losses and totals -------- */

void rec_sink_lost(struct rec_sink *sink, u32 event_class, u32 cpu, u32 reason, u64 count)
{
	rec_sink_lost_between(sink, event_class, cpu, reason, count, sink->polled_ns, 0);
}

void rec_sink_lost_between(struct rec_sink *sink, u32 event_class, u32 cpu, u32 reason, u64 count,
			   u64 from_ns, u64 to_ns)
{
	struct rec_loss loss = {
		.event_class = event_class,
		.cpu = cpu,
		.reason = reason,
		.count = count,
		.from_ns = from_ns,
		.to_ns = to_ns,
	};

	rec_event_counts_lost(sink->counts, &loss);
}

void rec_sink_attempted(struct rec_sink *sink, u32 event_class, u32 cpu, u64 attempted,
			u64 unmatched)
{
	rec_event_counts_attempted(sink->counts, event_class, cpu, attempted, unmatched);
}

void rec_sink_polled(struct rec_sink *sink, u64 now_ns)
{
	sink->polled_ns = now_ns;
}

void rec_sink_ring_used(struct rec_sink *sink, u64 bytes)
{
	if (bytes > sink->ring_used_max_bytes)
		sink->ring_used_max_bytes = bytes;
}

static u64 written_bytes(const struct rec_sink *sink)
{
	return sink->finished ? cap_writer_bytes(sink->writer)
			      : rec_writer_thread_written_bytes(sink->thread);
}

static int add_recorder_row(struct rec_sink *sink, struct cap_chunk *chunk, u64 now_ns)
{
	struct rec_own_cost cost;
	struct ev_recorder row = {.time_ns = now_ns};
	struct cap_totals totals;

	if (sink->replay)
		return 0;
	rec_own_cost_read(&cost);
	rec_event_counts_totals(sink->counts, &totals);
	row.cpu_user_ns = cost.cpu_user_ns;
	row.cpu_system_ns = cost.cpu_system_ns;
	row.rss_bytes = cost.rss_bytes;
	row.peak_rss_bytes = cost.peak_rss_bytes;
	row.written_bytes = written_bytes(sink);
	row.stored_count = totals.stored_count;
	row.drain_delay_max_ns = sink->delay_max_ns;
	row.ring_used_max_bytes = sink->ring_used_max_bytes;
	row.queue_max_bytes = rec_writer_thread_queue_max_bytes(sink->thread, true);
	return cap_chunk_add(chunk, EV_RECORDER, &row);
}

int rec_sink_fill_stats(struct rec_sink *sink, struct cap_chunk *chunk, u64 now_ns, bool final)
{
	int rc = rec_event_counts_rows(sink->counts, chunk, now_ns, final);

	if (rc == 0)
		rc = add_recorder_row(sink, chunk, now_ns);
	sink->stats_ns = now_ns;
	sink->delay_max_ns = 0;
	sink->ring_used_max_bytes = 0;
	return rc;
}

static int put_stats(struct rec_sink *sink, u64 now_ns)
{
	struct cap_chunk *chunk = rec_sink_side_chunk(sink);
	int rc, put_rc;

	if (!chunk)
		return -ENOMEM;
	rc = rec_sink_fill_stats(sink, chunk, now_ns, false);
	if (rc < 0)
		cap_chunk_reset(chunk); /* the empty chunk is only given back */
	put_rc = rec_sink_put_side(sink, CAP_BLOCK_STATS, chunk);
	return rc < 0 ? rc : put_rc;
}

static bool stats_due(const struct rec_sink *sink, u64 now_ns)
{
	u64 age_ns = now_ns - sink->stats_ns;

	if (!rec_writer_thread_admits(sink->thread))
		return false; /* counts go on, and into the next one */
	if (sink->stats_ns == 0 || age_ns >= STATS_NS)
		return true;
	return age_ns >= STATS_SOON_NS &&
	       (sink->is_stream || rec_event_counts_has_news(sink->counts));
}

static void note_pause(struct rec_sink *sink)
{
	u64 now_ns = rec_monotonic_ns();

	if (sink->last_tick_ns != 0 && now_ns - sink->last_tick_ns > sink->delay_max_ns)
		sink->delay_max_ns = now_ns - sink->last_tick_ns;
	sink->last_tick_ns = now_ns;
}

int rec_sink_tick(struct rec_sink *sink, u64 now_ns, struct cap_err *err)
{
	u64 chunk_ns = sink->is_stream ? STREAM_CHUNK_NS : CAP_WRITER_CHUNK_NS;
	int rc;

	note_pause(sink);
	sink->now_ns = now_ns;
	rec_sink_reclaim(sink);
	close_if_full(sink);
	if (sink->opened_ns == 0 && cap_chunk_rows(sink->open->chunk) > 0)
		sink->opened_ns = now_ns;
	else if (sink->opened_ns != 0 && now_ns - sink->opened_ns >= chunk_ns)
		rec_sink_close_open(sink, sink->wait_when_full ? REC_WAIT : REC_REFUSE);
	if (stats_due(sink, now_ns)) {
		rc = put_stats(sink, now_ns);
		if (rc < 0)
			return cap_fail_errno(err, rc == -ENOMEM ? ENOMEM : EOVERFLOW,
					      "count events");
	}
	return rec_writer_thread_error(sink->thread, err);
}

bool rec_sink_has_room(const struct rec_sink *sink)
{
	u64 waiting = rec_writer_thread_queue_bytes(sink->thread);

	return waiting == 0 || waiting + ROOM_BYTES <= sink->queue_bytes;
}

int rec_sink_flush(struct rec_sink *sink)
{
	rec_sink_close_open(sink, sink->wait_when_full ? REC_WAIT : REC_REFUSE);
	return rec_writer_thread_error(sink->thread, NULL);
}

u64 rec_sink_use_less(struct rec_sink *sink)
{
	rec_sink_close_open(sink, sink->wait_when_full ? REC_WAIT : REC_REFUSE);
	rec_package_list_free(sink->spare);
	sink->spare = NULL;
	if (sink->queue_bytes / 2 >= QUEUE_MIN_BYTES) {
		sink->queue_bytes /= 2;
		rec_writer_thread_bound(sink->thread, sink->queue_bytes);
	}
	return sink->queue_bytes;
}

bool rec_sink_admits(const struct rec_sink *sink)
{
	return sink->wait_when_full || rec_writer_thread_admits(sink->thread);
}

void rec_sink_counts(const struct rec_sink *sink, struct rec_sink_counts *ret_counts)
{
	rec_event_counts_sum(sink->counts, ret_counts);
	/* Events of the open chunk count as stored for whoever looks, though it may yet be dropped.
	 */
	ret_counts->stored_count += sink->open_count;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		ret_counts->stored_by_class[i] += sink->open_by_class[i];
	ret_counts->open_bytes = cap_chunk_raw_bytes(sink->open->chunk);
	ret_counts->encoded_bytes = sink->encoded_bytes;
	ret_counts->chunk_raw_bytes = sink->chunk_raw_bytes;
	ret_counts->chunk_file_bytes = sink->chunk_file_bytes;
	ret_counts->written_bytes = written_bytes(sink);
	ret_counts->queue_bytes = rec_writer_thread_queue_bytes(sink->thread);
	ret_counts->queue_max_bytes = rec_writer_thread_queue_max_bytes(sink->thread, false);
}

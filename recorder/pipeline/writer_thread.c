/* Writer thread. After the first error it writes no more events: pages of a failed write may be
 * gone, so later blocks could claim events that are not there. On a full disk it still writes what
 * earlier events need. */
#include "recorder/pipeline/writer_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "formats/base/cleanup.h"
#include "recorder/base/monotonic.h"
#include "recorder/pipeline/output_file.h"
#include "recorder/guard/privileges.h"

#define IDLE_NS 1000000000l /* how often an idle writer looks whether a sync is due */
#define ADMIT_BYTES (4u << 20)
#define PACKAGE_BYTES (32u << 10) /* a queued chunk takes at least this much, for its tables */

struct rec_writer_thread {
	struct rec_writer_thread_options options;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t work; /* there is something to do, or the end */
	pthread_cond_t room; /* something was done */
	/* under lock */
	struct rec_queued_chunk *first, *last, *done;
	u64 queue_bytes, queue_max_bytes; /* including the chunk being written */
	u64 written_bytes;
	bool confined; /* it has dropped its capabilities, or error says why not */
	bool ending;
	int error;
	struct cap_err err;
};

/* The next queued chunk, or NULL after a second without one. Lock held. */
static struct rec_queued_chunk *take_next(struct rec_writer_thread *thread)
{
	struct rec_queued_chunk *queued;
	struct timespec until;

	if (!thread->first && !thread->ending) {
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += IDLE_NS / 1000000000l;
		(void)pthread_cond_timedwait(&thread->work, &thread->lock,
					     &until); /* a timeout is fine */
	}
	queued = thread->first;
	if (queued) {
		thread->first = queued->next;
		if (!thread->first)
			thread->last = NULL;
		queued->next = NULL;
	}
	return queued;
}

/* Encodes, compresses, writes; without the lock. error: what happened before. */
static int process(struct rec_writer_thread *thread, struct rec_queued_chunk *queued, int error,
		   struct cap_err *err)
{
	int rc = 0;

	if (error != 0 && (!rec_output_error_is_full(error) || !queued ||
			   queued->block == CAP_BLOCK_CHUNK || !thread->options.output))
		return 0;
	if (error != 0)
		rec_output_use_room(thread->options.output, REC_ROOM_FACTS);
	if (queued) {
		u64 before_bytes = cap_writer_bytes(thread->options.writer);

		rc = cap_writer_rows(thread->options.writer, queued->block, queued->chunk,
				     &queued->totals, err);
		queued->written = rc >= 0;
		queued->file_bytes = cap_writer_bytes(thread->options.writer) - before_bytes;
	}
	if (rc >= 0 && thread->options.output)
		rc = rec_output_keep_synced(thread->options.output, rec_monotonic_ns(), err);
	return rc;
}

static u64 waiting_bytes(const struct rec_queued_chunk *queued)
{
	return queued->size_bytes > PACKAGE_BYTES ? queued->size_bytes : PACKAGE_BYTES;
}

static void settle(struct rec_writer_thread *thread, struct rec_queued_chunk *queued, int rc,
		   const struct cap_err *err)
{
	/* Any other error is worse than a full disk, where some blocks are still tried. */
	if (rc < 0 && (thread->error == 0 || (rec_output_error_is_full(thread->error) &&
					      !rec_output_error_is_full(rc)))) {
		thread->error = rc;
		thread->err = *err;
	}
	thread->written_bytes = cap_writer_bytes(thread->options.writer);
	if (!queued)
		return;
	thread->queue_bytes -= waiting_bytes(queued);
	queued->next = thread->done;
	thread->done = queued;
	(void)pthread_cond_broadcast(&thread->room);
}

/* It has descriptors to write to and needs nothing else. Lock held on return. */
static void confine(struct rec_writer_thread *thread)
{
	struct cap_err err = {0};
	int rc = rec_privileges_drop(&err);

	(void)pthread_mutex_lock(&thread->lock);
	thread->confined = true;
	thread->error = rc;
	thread->err = err;
	(void)pthread_cond_broadcast(&thread->room);
}

static void *run(void *argument)
{
	struct rec_writer_thread *thread = argument;

	confine(thread);
	for (;;) {
		struct rec_queued_chunk *queued = take_next(thread);
		int error = thread->error;
		struct cap_err err = {0};
		int rc;

		if (!queued && thread->ending)
			break;
		(void)pthread_mutex_unlock(&thread->lock);
		rc = process(thread, queued, error, &err);
		(void)pthread_mutex_lock(&thread->lock);
		settle(thread, queued, rc, &err);
	}
	(void)pthread_mutex_unlock(&thread->lock);
	return NULL;
}

static void freep(struct rec_writer_thread **thread)
{
	*thread = rec_writer_thread_free(*thread);
}

int rec_writer_thread_open(const struct rec_writer_thread_options *options,
			   struct rec_writer_thread **ret_thread, struct cap_err *err)
{
	CLEANUP(freep) struct rec_writer_thread *thread = calloc(1, sizeof(*thread));
	pthread_condattr_t attributes;
	int rc;

	if (!thread)
		return cap_fail_errno(err, ENOMEM, "start the writer thread");
	thread->options = *options;
	thread->written_bytes = cap_writer_bytes(options->writer);
	(void)pthread_mutex_init(&thread->lock, NULL); /* these three cannot fail on Linux */
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&thread->work, &attributes);
	(void)pthread_cond_init(&thread->room, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	rc = pthread_create(&thread->thread, NULL, run, thread);
	if (rc == EAGAIN) /* it says the same where the stack could not be had */
		return cap_fail(err, -rc, "start the writer thread: out of memory or threads");
	if (rc != 0)
		return cap_fail_errno(err, rc, "start the writer thread");
	thread->started = true;
	(void)pthread_setname_np(thread->thread, "kymo-writer"); /* only a label */
	(void)pthread_mutex_lock(&thread->lock);
	while (!thread->confined)
		(void)pthread_cond_wait(&thread->room, &thread->lock);
	(void)pthread_mutex_unlock(&thread->lock);
	rc = rec_writer_thread_error(thread, err);
	if (rc < 0)
		return rc;
	*ret_thread = TAKE(thread);
	return 0;
}

void rec_writer_thread_stop(struct rec_writer_thread *thread)
{
	if (!thread->started)
		return;
	(void)pthread_mutex_lock(&thread->lock);
	thread->ending = true;
	(void)pthread_cond_broadcast(&thread->work);
	(void)pthread_mutex_unlock(&thread->lock);
	(void)pthread_join(thread->thread, NULL);
	thread->started = false;
}

struct rec_writer_thread *rec_writer_thread_free(struct rec_writer_thread *thread)
{
	if (!thread)
		return NULL;
	rec_writer_thread_stop(thread);
	(void)pthread_cond_destroy(&thread->work);
	(void)pthread_cond_destroy(&thread->room);
	(void)pthread_mutex_destroy(&thread->lock);
	free(thread);
	return NULL;
}

/* Lock held. An empty queue takes anything, so that no chunk is too large for ever. */
static bool has_room(const struct rec_writer_thread *thread, const struct rec_queued_chunk *queued)
{
	return thread->queue_bytes == 0 ||
	       thread->queue_bytes + waiting_bytes(queued) <= thread->options.queue_bytes;
}

bool rec_writer_thread_admits(struct rec_writer_thread *thread)
{
	bool yes;

	(void)pthread_mutex_lock(&thread->lock);
	yes = thread->queue_bytes < thread->options.queue_bytes + ADMIT_BYTES;
	(void)pthread_mutex_unlock(&thread->lock);
	return yes;
}

void rec_writer_thread_bound(struct rec_writer_thread *thread, u64 queue_bytes)
{
	(void)pthread_mutex_lock(&thread->lock);
	thread->options.queue_bytes = queue_bytes;
	(void)pthread_mutex_unlock(&thread->lock);
}

bool rec_writer_thread_put(struct rec_writer_thread *thread, struct rec_queued_chunk *queued,
			   enum rec_when_full when_full)
{
	bool taken;

	(void)pthread_mutex_lock(&thread->lock);
	while (when_full == REC_WAIT && !has_room(thread, queued))
		(void)pthread_cond_wait(&thread->room, &thread->lock);
	taken = when_full == REC_ADMIT || has_room(thread, queued);
	if (taken) {
		queued->next = NULL;
		queued->written = false;
		if (thread->last)
			thread->last->next = queued;
		else
			thread->first = queued;
		thread->last = queued;
		thread->queue_bytes += waiting_bytes(queued);
		if (thread->queue_bytes > thread->queue_max_bytes)
			thread->queue_max_bytes = thread->queue_bytes;
		(void)pthread_cond_signal(&thread->work);
	}
	(void)pthread_mutex_unlock(&thread->lock);
	return taken;
}

struct rec_queued_chunk *rec_writer_thread_take_done(struct rec_writer_thread *thread)
{
	struct rec_queued_chunk *done;

	(void)pthread_mutex_lock(&thread->lock);
	done = thread->done;
	thread->done = NULL;
	(void)pthread_mutex_unlock(&thread->lock);
	return done;
}

int rec_writer_thread_error(struct rec_writer_thread *thread, struct cap_err *err)
{
	int error;

	(void)pthread_mutex_lock(&thread->lock);
	error = thread->error;
	if (error < 0 && err)
		*err = thread->err;
	(void)pthread_mutex_unlock(&thread->lock);
	return error;
}

u64 rec_writer_thread_queue_bytes(struct rec_writer_thread *thread)
{
	u64 bytes;

	(void)pthread_mutex_lock(&thread->lock);
	bytes = thread->queue_bytes;
	(void)pthread_mutex_unlock(&thread->lock);
	return bytes;
}

u64 rec_writer_thread_queue_max_bytes(struct rec_writer_thread *thread, bool reset)
{
	u64 bytes;

	(void)pthread_mutex_lock(&thread->lock);
	bytes = thread->queue_max_bytes;
	if (reset)
		thread->queue_max_bytes = thread->queue_bytes;
	(void)pthread_mutex_unlock(&thread->lock);
	return bytes;
}

u64 rec_writer_thread_written_bytes(struct rec_writer_thread *thread)
{
	u64 bytes;

	(void)pthread_mutex_lock(&thread->lock);
	bytes = thread->written_bytes;
	(void)pthread_mutex_unlock(&thread->lock);
	return bytes;
}

#pragma once
/*
 * The thread that encodes, compresses and writes chunks, and its bounded queue. The drain thread
 * only hands over and never waits for the disk, unless it asks to.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "formats/write/capture_writer.h"
#include "formats/write/chunk.h"
#include "recorder/pipeline/queued_chunk.h"

struct rec_output;
struct rec_writer_thread;

struct rec_writer_thread_options {
	struct cap_writer *writer; /* begun; the thread's from now on */
	struct rec_output *output; /* may be NULL: not kept in sync */
	u64 queue_bytes;
};

int rec_writer_thread_open(const struct rec_writer_thread_options *options,
			   struct rec_writer_thread **ret_thread, struct cap_err *err);
/* Stops it if it still runs. Accepts NULL, returns NULL. Chunks that are done should have been
 * taken. */
struct rec_writer_thread *rec_writer_thread_free(struct rec_writer_thread *thread);

enum rec_when_full {
	REC_REFUSE, /* return false */
	REC_WAIT,   /* until there is room */
	REC_ADMIT,  /* small and needed: accept it beyond the limit */
};
/* Hands the chunk over. False: it still belongs to the caller. */
bool rec_writer_thread_put(struct rec_writer_thread *thread, struct rec_queued_chunk *queued,
			   enum rec_when_full when_full);

/* Whether recurring blocks should still be handed over with REC_ADMIT: up to 4 MiB beyond the
 * limit, so that a disk that stalls for hours takes no more memory than that. */
bool rec_writer_thread_admits(struct rec_writer_thread *thread);

/* Changes the limit from now on; what is queued already stays. */
void rec_writer_thread_bound(struct rec_writer_thread *thread, u64 queue_bytes);

/* Chunks that are done, as a list, which then belongs to the caller again. NULL if there are none.
 */
struct rec_queued_chunk *rec_writer_thread_take_done(struct rec_writer_thread *thread);

/* Ends the thread after what is queued is done; the cap_writer is the caller's again. */
void rec_writer_thread_stop(struct rec_writer_thread *thread);

/* 0, or the error that stopped the writer; err then says why. */
int rec_writer_thread_error(struct rec_writer_thread *thread, struct cap_err *err);

u64 rec_writer_thread_queue_bytes(struct rec_writer_thread *thread);
/* The most that waited since the last call with reset. */
u64 rec_writer_thread_queue_max_bytes(struct rec_writer_thread *thread, bool reset);
u64 rec_writer_thread_written_bytes(struct rec_writer_thread *thread);

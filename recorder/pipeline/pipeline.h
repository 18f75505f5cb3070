#pragma once
/*
 * Where a source puts what it drained: encodes records into the open chunk, hands full chunks to
 * the writer thread, counts. All functions are called from the drain thread only, except where they
 * say otherwise. No allocation per event in steady state.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/write/capture_writer.h"
#include "formats/write/chunk.h"
#include "formats/table/events.h"

struct rec_sink;
struct rec_output; /* output_file.h */

/* Kernel address -> frame. Set by a source that has kernel frames; NULL: kernel frames are stored
 * as unknown (offset 0). */
struct rec_kernel_map; /* kernel_map.h */

struct rec_sink_options {
	int fd;		 /* output; owned by the caller */
	u64 queue_bytes; /* bound of chunks waiting for the writer; 0: default 8 MiB */
	u64 sync_bytes;	 /* start write-back after this much; 0: default */
	const struct cap_file_info *info;
	const struct rec_kernel_map *kernel_map;
	struct rec_output
		*output; /* how fd is written, kept in sync and reserved; NULL: plain write(2) */
	bool wait_when_full; /* the source can pause: wait for the writer instead of dropping chunks
			      */
	bool replay;	     /* rows of the recorder's own cost come from the source */
};

int rec_sink_open(const struct rec_sink_options *options, struct rec_sink **ret_sink,
		  struct cap_err *err);
struct rec_sink *rec_sink_free(struct rec_sink *sink);

/* One ring record (struct ring_<event> and its tail), untrusted in length only. Stores it or counts
 * it as lost. */
void rec_sink_record(struct rec_sink *sink, const void *record, size_t len);

/*
 * A chunk to add rows to by hand. It may be handed over by any later rec_sink_* call, so ask again
 * for each row and keep no index into it. rec_sink_open_chunk is the open chunk of events
 * (CAP_BLOCK_CHUNK); the caller adds rows and then calls rec_sink_stored once per row class.
 * rec_sink_side_chunk is an empty chunk for another block type, handed over with rec_sink_put_side,
 * which writes it after everything handed over before it. It refuses with -ENOMEM a chunk that ran
 * out of memory: its rows may lack what they refer to.
 */
struct cap_chunk *rec_sink_open_chunk(struct rec_sink *sink);
void rec_sink_stored(struct rec_sink *sink, u32 event_class, u32 cpu, u64 count);
struct cap_chunk *rec_sink_side_chunk(struct rec_sink *sink);
int rec_sink_put_side(struct rec_sink *sink, enum cap_block_type block, struct cap_chunk *chunk);

/*
 * Adds a row of calls that were counted instead of stored one by one to a chunk from
 * rec_sink_side_chunk, for a STATS block; row->task is an index into that chunk. They count for
 * class syscalls, as counted, or as lost when the block cannot be written. 0, or the error of
 * cap_chunk_add: then nothing was added, nor counted.
 */
int rec_sink_add_counted(struct rec_sink *sink, struct cap_chunk *chunk,
			 const struct ev_syscall_count *row);
/* Whether the writer is near enough for what can as well be told later, in fewer rows. */
bool rec_sink_admits(const struct rec_sink *sink);

/* Losses seen by the source: `count` more events of a class on a CPU. They are summed and go into
 * the next STATS block. */
void rec_sink_lost(struct rec_sink *sink, u32 event_class, u32 cpu, u32 reason, u64 count);
/* What the kernel attempted so far (cumulative), and returns without entry; for the same block. */
void rec_sink_attempted(struct rec_sink *sink, u32 event_class, u32 cpu, u64 attempted,
			u64 unmatched);

/* The same with the time span (from_ns, to_ns] in which they were lost. */
void rec_sink_lost_between(struct rec_sink *sink, u32 event_class, u32 cpu, u32 reason, u64 count,
			   u64 from_ns, u64 to_ns);
/* The source's loss counters were read at now_ns: losses reported later happened after it. record.c
 * calls it after ops->stats. */
void rec_sink_polled(struct rec_sink *sink, u64 now_ns);
/* Bytes found waiting in a ring at a drain; the highest goes into the RECORDER row. */
void rec_sink_ring_used(struct rec_sink *sink, u64 bytes);

/* Called once per drain cycle: closes the open chunk if it is full or old, writes STATS when due.
 * Negative when the writer failed (err says why); the recording must then end. */
int rec_sink_tick(struct rec_sink *sink, u64 now_ns, struct cap_err *err);
/* Whether the writer keeps up: a source that can wait should not be drained while this is false. */
bool rec_sink_has_room(const struct rec_sink *sink);
/* Closes the open chunk now. */
int rec_sink_flush(struct rec_sink *sink);
/* Memory is short: hands the open chunk over, gives back what is kept for later, and lets less wait
 * for the writer from now on. Returns how much, in bytes. */
u64 rec_sink_use_less(struct rec_sink *sink);
/* Flush, final STATS, wait for the writer, INDEX and END. */
int rec_sink_finish(struct rec_sink *sink, enum cap_end_reason reason, struct cap_err *err);

struct rec_sink_counts {
	u64 stored_count, counted_count, lost_count, attempted_count;
	u64 stored_by_class[EV_CLASS_COUNT], lost_by_class[EV_CLASS_COUNT];
	u64 lost_by_reason[EV_REASON_COUNT];
	u64 open_bytes;	   /* in the open chunk, before compression */
	u64 encoded_bytes; /* handed over so far, before compression */
	u64 chunk_raw_bytes,
		chunk_file_bytes; /* of chunks known to be in the file: raw, and in it */
	u64 written_bytes;	  /* by the writer so far */
	u64 queue_bytes;	  /* waiting now */
	u64 queue_max_bytes;	  /* since the last STATS */
};
void rec_sink_counts(const struct rec_sink *sink, struct rec_sink_counts *ret_counts);

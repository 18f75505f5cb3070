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
#include "recorder/pipeline/pipeline_counts.h"

struct rec_pipeline;
struct rec_output; /* output_file.h */

/* Kernel address -> frame. Set by a source that has kernel frames; NULL: kernel frames are stored
 * as unknown (offset 0). */
struct rec_kernel_map; /* kernel_map.h */
struct rec_code_map;   /* code_map.h */
struct rec_code_hits;  /* code_hits.h */

struct rec_pipeline_options {
	int fd;		 /* output; owned by the caller */
	u64 queue_bytes; /* bound of chunks waiting for the writer; 0: default 8 MiB */
	u64 sync_bytes;	 /* start write-back after this much; 0: default */
	const struct cap_file_info *info;
	const struct rec_kernel_map *kernel_map;
	const struct rec_code_map *code_map; /* where processes have code; NULL: unknown */
	struct rec_code_hits
		*code_hits; /* collects user code that was on stacks; NULL: nobody asks */
	struct rec_output
		*output; /* how fd is written, kept in sync and reserved; NULL: plain write(2) */
	bool wait_when_full; /* the source can pause: wait for the writer instead of dropping chunks
			      */
	bool replay;	     /* rows of the recorder's own cost come from the source */
};

int rec_pipeline_open(const struct rec_pipeline_options *options, struct rec_pipeline **ret_sink,
		      struct cap_err *err);
struct rec_pipeline *rec_pipeline_free(struct rec_pipeline *pipeline);

/* The collection of the options, for whoever has mappings to tell; NULL if there is none. */
struct rec_code_hits *rec_pipeline_code_hits(const struct rec_pipeline *pipeline);

/* One ring record (struct ring_<event> and its tail), untrusted in length only. Stores it or counts
 * it as lost. */
void rec_pipeline_record(struct rec_pipeline *pipeline, const void *record, size_t len);

/*
 * A chunk to add rows to by hand. It may be handed over by any later rec_pipeline_* call, so ask
 * again for each row and keep no index into it. rec_pipeline_open_chunk is the open chunk of events
 * (CAP_BLOCK_CHUNK); the caller adds rows and then calls rec_pipeline_stored once per row class.
 * rec_pipeline_info_chunk is an empty chunk for another block type, handed over with
 * rec_pipeline_put_info, which writes it after everything handed over before it. It refuses with
 * -ENOMEM a chunk that ran out of memory: its rows may lack what they refer to.
 */
struct cap_chunk *rec_pipeline_open_chunk(struct rec_pipeline *pipeline);
void rec_pipeline_stored(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u64 count);
struct cap_chunk *rec_pipeline_info_chunk(struct rec_pipeline *pipeline);
int rec_pipeline_put_info(struct rec_pipeline *pipeline, enum cap_block_type block,
			  struct cap_chunk *chunk);

/* A row that stands for events which were counted instead of stored one by one. */
struct rec_counted {
	enum ev_type type; /* one of TAIL COUNTS */
	u32 cpu;
	struct ev_counts *row; /* the begin of struct ev_<type>; borrowed */
	u32 *task;	       /* its task */
	u32 *text_field;       /* its text, if text is not NULL */
	const char *text;
};
#define REC_COUNTED(of_type, row_)                                                \
	{                                                                         \
		.type = EV_##of_type, .cpu = (row_)->cpu,                         \
		.row = (struct ev_counts *)(void *)(row_), .task = &(row_)->task, \
	}

/*
 * Adds such a row to a chunk from rec_pipeline_info_chunk, for a STATS block; its task is an index
 * into that chunk. Its events count as counted, or as lost when the block cannot be written. 0, or
 * the error of cap_chunk_add: then nothing was added, nor counted.
 */
int rec_pipeline_add_counted(struct rec_pipeline *pipeline, struct cap_chunk *chunk,
			     const struct rec_counted *counted);
/* Whether the writer is close enough behind for data that could be written later, in fewer rows. */
bool rec_pipeline_admits(const struct rec_pipeline *pipeline);

/* Losses seen by the source: `count` more events of a class on a CPU. They are summed and go into
 * the next STATS block. */
void rec_pipeline_lost(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u32 reason,
		       u64 count);
/* What the kernel attempted so far (cumulative), and returns without entry; for the same block. */
void rec_pipeline_attempted(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u64 attempted,
			    u64 unmatched);

/* The same with the time span (from_ns, to_ns] in which they were lost. */
void rec_pipeline_lost_between(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u32 reason,
			       u64 count, u64 from_ns, u64 to_ns);
/* The source's loss counters were read at now_ns: losses reported later happened after it. record.c
 * calls it after ops->stats. */
void rec_pipeline_polled(struct rec_pipeline *pipeline, u64 now_ns);
/* Bytes found waiting in a ring at a drain; the highest goes into the RECORDER row. */
void rec_pipeline_ring_used(struct rec_pipeline *pipeline, u64 bytes);

/* Called once per drain cycle: closes the open chunk if it is full or old, writes STATS when due.
 * Negative when the writer failed (err says why); the recording must then end. */
int rec_pipeline_tick(struct rec_pipeline *pipeline, u64 now_ns, struct cap_err *err);
/* Whether the writer keeps up: a source that can wait should not be drained while this is false. */
bool rec_pipeline_has_room(const struct rec_pipeline *pipeline);
/* Closes the open chunk now. */
int rec_pipeline_flush(struct rec_pipeline *pipeline);
/* Memory is short: hands the open chunk over, frees spare memory, and lowers the queue's limit.
 * Returns the new limit in bytes. */
u64 rec_pipeline_use_less(struct rec_pipeline *pipeline);
/* Flush, final STATS, wait for the writer, INDEX and END. */
int rec_pipeline_finish(struct rec_pipeline *pipeline, enum cap_end_reason reason,
			struct cap_err *err);

void rec_pipeline_counts(const struct rec_pipeline *pipeline,
			 struct rec_pipeline_counts *ret_counts);

#pragma once
/* What pipeline.c, which fills the file, and sink_end.c, which ends it, share. Not for others. */
#include "recorder/pipeline/pipeline.h"
#include "recorder/pipeline/writer_thread.h"

struct rec_pipeline {
	struct cap_writer *writer;
	struct rec_writer_thread *thread;
	struct rec_encoder *encoder;
	struct rec_event_counts *counts;
	struct rec_output *output; /* the caller's; may be NULL */
	u64 queue_bytes;
	bool wait_when_full, replay, is_stream;
	bool finished; /* the writer's thread has ended: what it wrote is ours to ask */

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

/* Takes back what the writer is done with. */
void rec_pipeline_reclaim(struct rec_pipeline *pipeline);
/* Hands the open chunk over, or drops it where the queue or memory is full; the open chunk is empty
 * afterwards. */
void rec_pipeline_close_open(struct rec_pipeline *pipeline, enum rec_when_full when_full);
/* Rows of a STATS block. final: the last one. 0 or the error of cap_chunk_add. */
int rec_pipeline_fill_stats(struct rec_pipeline *pipeline, struct cap_chunk *chunk, u64 now_ns,
			    bool final);

#pragma once
/* A chunk on its way to the file, with the counts of its events. Belongs to one thread at a time.
 */
#include <stdbool.h>

#include "formats/write/capture_writer.h"
#include "formats/write/chunk.h"

struct rec_queued_chunk { /* a chunk on its way to the file */
	struct rec_queued_chunk *next;
	struct cap_chunk *chunk;
	enum cap_block_type block;
	struct cap_totals totals;
	u64 size_bytes; /* what it counts for in the queue */
	/* Events by [cpu * EV_CLASS_COUNT + class]: stored ones of a CAP_BLOCK_CHUNK, counted ones
	 * of another block. */
	u64 *class_counts;
	u32 class_counts_cpus;
	u64 file_bytes; /* what it took in the file; set by the writer */
	bool written;	/* set by the writer: it is in the file */
};

/* An empty one; NULL when out of memory. free accepts NULL and returns NULL; list_free follows
 * next. */
struct rec_queued_chunk *rec_queued_chunk_new(void);
struct rec_queued_chunk *rec_queued_chunk_free(struct rec_queued_chunk *queued);
void rec_queued_chunks_free(struct rec_queued_chunk *queued);

/* Empties it and keeps its memory. */
void rec_queued_chunk_reset(struct rec_queued_chunk *queued);

/* The count of a class (below EV_CLASS_COUNT) on a CPU, to be added to; NULL when there is no
 * memory for that CPU. */
u64 *rec_queued_chunk_count(struct rec_queued_chunk *queued, u32 event_class, u32 cpu);

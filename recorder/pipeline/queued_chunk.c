/* Queued chunks: chunks with the counts of their events. Memory is kept for the next use. */
#include "recorder/pipeline/queued_chunk.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/pipeline/event_counts.h"

struct rec_queued_chunk *rec_queued_chunk_free(struct rec_queued_chunk *queued)
{
	if (!queued)
		return NULL;
	cap_chunk_free(queued->chunk);
	free(queued->class_counts);
	free(queued);
	return NULL;
}

void rec_queued_chunks_free(struct rec_queued_chunk *queued)
{
	while (queued) {
		struct rec_queued_chunk *next = queued->next;

		rec_queued_chunk_free(queued);
		queued = next;
	}
}

struct rec_queued_chunk *rec_queued_chunk_new(void)
{
	struct rec_queued_chunk *queued = calloc(1, sizeof(*queued));

	if (!queued)
		return NULL;
	queued->chunk = cap_chunk_new();
	return queued->chunk ? queued : rec_queued_chunk_free(queued);
}

void rec_queued_chunk_reset(struct rec_queued_chunk *queued)
{
	cap_chunk_reset(queued->chunk);
	if (queued->class_counts)
		memset(queued->class_counts, 0,
		       (size_t)queued->class_counts_cpus * EV_CLASS_COUNT * sizeof(u64));
	queued->written = false;
	queued->next = NULL;
}

/* NULL when out of memory. */
u64 *rec_queued_chunk_count(struct rec_queued_chunk *queued, u32 event_class, u32 cpu)
{
	if (cpu >= queued->class_counts_cpus) {
		u64 *grown;

		if (cpu >= REC_MAX_CPUS)
			return NULL;
		grown = reallocarray(queued->class_counts, (size_t)(cpu + 1) * EV_CLASS_COUNT,
				     sizeof(u64));
		if (!grown)
			return NULL;
		memset(grown + (size_t)queued->class_counts_cpus * EV_CLASS_COUNT, 0,
		       (size_t)(cpu + 1 - queued->class_counts_cpus) * EV_CLASS_COUNT *
			       sizeof(u64));
		queued->class_counts = grown;
		queued->class_counts_cpus = cpu + 1;
	}
	return &queued->class_counts[(size_t)cpu * EV_CLASS_COUNT + event_class];
}

#pragma once
/*
 * How many events of each class happened, were stored, or were lost, per CPU and reason: attempted
 * = stored + counted + lost. Makes the LOSS and CLASS_TOTAL rows. Does not know about chunks in
 * flight; the pipeline updates the counts once their fate is known.
 */
#include <stdbool.h>

#include "formats/write/capture_writer.h"
#include "formats/write/chunk.h"
#include "recorder/pipeline/pipeline_counts.h"

#define REC_MAX_CPUS 65536u

struct rec_event_counts;

/* cpu_count is a first estimate; higher CPUs are added as they appear. NULL when out of memory. */
struct rec_event_counts *rec_event_counts_new(u32 cpu_count);
struct rec_event_counts *rec_event_counts_free(struct rec_event_counts *counts);

/* Classes and reasons out of range are ignored; a CPU for which there is no memory is counted as
 * CPU 0. */
void rec_event_counts_stored(struct rec_event_counts *counts, u32 event_class, u32 cpu, u64 count);
/* Events counted as stored turned out to be lost. */
void rec_event_counts_unstored(struct rec_event_counts *counts, u32 event_class, u32 cpu,
			       u64 count);

/* Kept as sums in the rows of another type (syscall_count), not as events. */
void rec_event_counts_counted(struct rec_event_counts *counts, u32 event_class, u32 cpu, u64 count);
/* Events kept as counts turned out to be lost. */
void rec_event_counts_uncounted(struct rec_event_counts *counts, u32 event_class, u32 cpu,
				u64 count);

struct rec_loss {
	u32 event_class, cpu, reason;
	u64 count;
	u64 from_ns, to_ns; /* lost in (from_ns, to_ns]; to_ns 0: still going on, ends with the next
			       row */
};
void rec_event_counts_lost(struct rec_event_counts *counts, const struct rec_loss *loss);

/* Cumulative, as the kernel reports them. */
void rec_event_counts_attempted(struct rec_event_counts *counts, u32 event_class, u32 cpu,
				u64 attempted, u64 unmatched);

/* Whether events were lost or counted since the last rows. */
bool rec_event_counts_has_news(const struct rec_event_counts *counts);

/*
 * Adds a LOSS row per (class, CPU, reason) with losses since the last call, and a CLASS_TOTAL row
 * per (class, CPU) that was seen. final: attempted is exactly what was reported; before, it is
 * never less than stored + counted + lost, as reports lag behind. 0 or the error of cap_chunk_add.
 */
int rec_event_counts_rows(struct rec_event_counts *counts, struct cap_chunk *chunk, u64 now_ns,
			  bool final);

void rec_event_counts_totals(const struct rec_event_counts *counts, struct cap_totals *ret_totals);
/* Fills the members about stored, lost and attempted events. */
void rec_event_counts_sum(const struct rec_event_counts *counts,
			  struct rec_pipeline_counts *ret_counts);

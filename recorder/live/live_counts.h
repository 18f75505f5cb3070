#pragma once
/*
 * Reads the table in which the programs count events that get no record of their own
 * (bpf/counts.bpf.c), and turns it into rows of counts. The table is mapped: no system call and no
 * capability is needed to read it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "recorder/live/drop_reasons.h"
#include "recorder/live/live_probes.h"
#include "recorder/pipeline/pipeline.h"

struct live_count_slot;

struct live_counts_totals {
	u64 counted, claims; /* as in struct live_counters */
};

struct live_counts_cpu {
	struct live_counts_totals told; /* before the current half came into use */
	struct live_counts_totals next; /* while a half is read: those of the other */
};

struct live_counts {
	bool gate_closed; /* no program counts any more: they need not be waited for */
	struct live_count_slot
		*slots; /* mapped, both halves; NULL: system calls are not recorded */
	size_t mapped_bytes;
	u32 cpu_count, cpu_slots;
	u64 from_ns;  /* when the half that the programs write now came into use */
	u64 taken_ns; /* when a half was last read */
	struct live_counts_cpu *cpus;
	struct live_drop_reasons reasons; /* of class net */
};

/* Maps the table of a loaded object. 0 or negative ("MapOperationFailed"). done undoes it, and
 * accepts what was never opened as long as it is zeroed. */
int live_counts_init(struct live_counts *fold, const struct live_probes *probes,
		     struct cap_err *err);
void live_counts_done(struct live_counts *fold);

/* The gate opens at now_ns. */
void live_counts_begin(struct live_counts *fold, u64 now_ns);

/*
 * To be called at each drain. Takes the counts once they are a second old, or half the slots of a
 * CPU are used; leaves them in place while the writer lags far behind. 0 or negative.
 */
int live_counts_step(struct live_counts *fold, const struct live_probes *probes,
		     struct rec_pipeline *pipeline, u64 now_ns, struct cap_err *err);
/* Takes the counts now. Blocks until no program writes that half of the table: some milliseconds.
 */
int live_counts_take(struct live_counts *fold, const struct live_probes *probes,
		     struct rec_pipeline *pipeline, struct cap_err *err);

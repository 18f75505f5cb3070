#pragma once
/*
 * The budgets of a recording while it runs: what is measured goes to the policy (governor.h), what
 * that decides goes to the source and, as rows, into the capture. Says nothing to anybody itself.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "formats/write/chunk.h"
#include "recorder/options/rec_options.h"
#include "recorder/pipeline/rec_source.h"

/* What became of it, for whoever ends the recording. */
struct rec_budget_result {
	u32 cpu_budget_ppm;	/* 0: none, or nothing that could be governed */
	u64 span_ns, spent_ns;	/* CPU time of recorder and programs since the start */
	u64 syscalls_counts_ns; /* system calls were only counted for so long */
	u64 syscalls_off_ns;	/* and not even that */
	u64 samples_reduced_ns, samples_off_ns;
	u32 sample_hz_min; /* while reduced */
	u32 decision_count;
	bool cannot_attach_again;
	u32 memory_count; /* times that memory was over its budget */
};

struct rec_governing;

/* sink, options and source are borrowed. -ENOMEM or 0. */
int rec_governing_open(const struct rec_options *options, const struct rec_source_ops *ops,
		       struct rec_source *source, u32 cpu_count,
		       struct rec_governing **ret_governing, struct cap_err *err);
struct rec_governing *rec_governing_free(struct rec_governing *governing);

/* Events flow from now on. floor_bytes: what stays free of the disk; 0: none. */
void rec_governing_start(struct rec_governing *governing, u64 floor_bytes);
/* After each drain, and when rec_governing_wait_ms is over. */
void rec_governing_step(struct rec_governing *governing);
/* Once a second. */
void rec_governing_watch_memory(struct rec_governing *governing, struct rec_sink *sink);
/* The recording ends because free space came near the floor. */
void rec_governing_at_floor(struct rec_governing *governing, u64 floor_bytes);
/* The last account; before the source stops. */
void rec_governing_end(struct rec_governing *governing);

/* How long until it wants to be asked again; -1: at the next drain. */
int rec_governing_wait_ms(const struct rec_governing *governing);

/* Adds what was decided since the last call as GOVERNOR rows. 0 or the error of cap_chunk_add. */
int rec_governing_rows(struct rec_governing *governing, struct cap_chunk *chunk);

void rec_governing_result(const struct rec_governing *governing,
			  struct rec_budget_result *ret_result);
/* Whether less is recorded now than was asked for, in a few words; "": all of it. */
const char *rec_governing_state_text(const struct rec_governing *governing);

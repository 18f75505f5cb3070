#pragma once
/*
 * The budgets of a recording while it runs: passes measurements to the policy (budget_policy.h),
 * and its decisions to the source and, as rows, into the capture. Prints nothing.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "formats/write/chunk.h"
#include "recorder/options/rec_options.h"
#include "recorder/pipeline/rec_source.h"

/* The result, for the end of the recording. */
struct rec_budget_result {
	bool is_measured;      /* what BPF programs cost is known: spent_ns is all of it */
	u32 cpu_budget_ppm;    /* 0: none, or nothing that could be reduced */
	u64 span_ns, spent_ns; /* CPU time of recorder and programs since the start */
	u64 reduced_ns[EV_CLASS_COUNT][EV_STATE_COUNT]; /* so long a class was in a state */
	u32 sample_hz_min;				/* while reduced */
	u32 decision_count;
	bool cannot_attach_again;
	u32 memory_count; /* how often memory was over its budget */
};

/* Measurements of the recorder itself. Functions, so that a test can replace them. */
struct rec_meter {
	u64 (*now_ns)(void *context);  /* CLOCK_MONOTONIC */
	u64 (*cpu_ns)(void *context);  /* CPU time of the recorder; only grows */
	u64 (*once_ns)(void *context); /* of struct rec_load; NULL: none */
	u64 (*rss_bytes)(void *context);
	void *context;
};

struct rec_budget_control;

/* pipeline, options and source are borrowed. -ENOMEM or 0. */
int rec_budget_control_open(const struct rec_options *options, const struct rec_source_ops *ops,
			    struct rec_source *source, u32 cpu_count,
			    struct rec_budget_control **ret_governing, struct cap_err *err);
struct rec_budget_control *rec_budget_control_free(struct rec_budget_control *control);

/* Before the start: measure with these functions instead of the process's own. Copied. */
void rec_budget_control_use_meter(struct rec_budget_control *control,
				  const struct rec_meter *meter);

/* Events flow from now on. floor_bytes: what stays free of the disk; 0: none. */
void rec_budget_control_start(struct rec_budget_control *control, u64 floor_bytes);
/* After each drain, and when rec_budget_control_wait_ms is over. */
void rec_budget_control_step(struct rec_budget_control *control);
/* Once a second. */
void rec_budget_control_watch_memory(struct rec_budget_control *control,
				     struct rec_pipeline *pipeline);
/* The recording ends because free space came near the floor. */
void rec_budget_control_at_floor(struct rec_budget_control *control, u64 floor_bytes);
/* The last account; before the source stops. */
void rec_budget_control_end(struct rec_budget_control *control);

/* How long until it must be called again; -1: at the next drain. */
int rec_budget_control_wait_ms(const struct rec_budget_control *control);

/* Adds what was decided since the last call as GOVERNOR rows. 0 or the error of cap_chunk_add. */
int rec_budget_control_rows(struct rec_budget_control *control, struct cap_chunk *chunk);

void rec_budget_control_result(const struct rec_budget_control *control,
			       struct rec_budget_result *ret_result);
/* What is reduced now, in a few words; "": nothing. */
const char *rec_budget_control_state_text(const struct rec_budget_control *control);

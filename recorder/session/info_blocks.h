#pragma once
/* Blocks that the recording itself writes beside the events: facts about the host, clocks, counts
 * of the source. */
#include <stdbool.h>

#include "recorder/budget/budget_control.h"
#include "recorder/options/rec_options.h"
#include "recorder/pipeline/pipeline.h"
#include "recorder/pipeline/rec_source.h"

struct rec_info {
	const struct rec_options *options;
	const struct rec_source_ops *ops;
	struct rec_source *source;
	struct rec_pipeline *pipeline;
	struct rec_budget_control *control; /* NULL: none */
	const struct cap_file_info *info;
	struct ev_clock clock; /* as last read */
};

/* The time of the events: CLOCK_MONOTONIC unless the source has its own. */
u64 rec_info_now(const struct rec_info *side);

/* Each returns 0, -ENOMEM or the error of cap_chunk_add. */
int rec_info_meta(struct rec_info *side);
int rec_info_begin_clocks(struct rec_info *side);
/* Looks for suspends and steps, which become MARK and CLOCK rows; due: write a CLOCK row in any
 * case. */
int rec_info_watch_clocks(struct rec_info *side, bool due);
/* A MARK row of now; a replay gets none. */
int rec_info_mark(struct rec_info *side, const char *name, const char *text);
/* Asks the source for its counters: losses and totals go to the pipeline, other rows into a STATS
 * block. */
int rec_info_stats(struct rec_info *side);

#pragma once
/* Blocks beside the events that the recording itself writes: facts of the host, clocks, counts of
 * the source. */
#include <stdbool.h>

#include "recorder/budget/budget_control.h"
#include "recorder/options/rec_options.h"
#include "recorder/pipeline/pipeline.h"
#include "recorder/pipeline/rec_source.h"

struct rec_side {
	const struct rec_options *options;
	const struct rec_source_ops *ops;
	struct rec_source *source;
	struct rec_sink *sink;
	struct rec_governing *governing; /* NULL: none */
	const struct cap_file_info *info;
	struct ev_clock clock; /* as last read */
};

/* The time of the events: CLOCK_MONOTONIC unless the source has its own. */
u64 rec_side_now(const struct rec_side *side);

/* Each returns 0, -ENOMEM or the error of cap_chunk_add. */
int rec_side_meta(struct rec_side *side);
int rec_side_begin_clocks(struct rec_side *side);
/* Looks for suspends and steps, which become MARK and CLOCK rows; due: write a CLOCK row in any
 * case. */
int rec_side_watch_clocks(struct rec_side *side, bool due);
/* A MARK row of now; a replay gets none. */
int rec_side_mark(struct rec_side *side, const char *name, const char *text);
/* Asks the source for its counters: losses and totals go to the sink, other rows into a STATS
 * block. */
int rec_side_stats(struct rec_side *side);

#pragma once
/*
 * Numbers about the recording itself: what the programs attempted and lost, per class, CPU and
 * reason, and how long they ran. The counters are read from the mapped .bss, without a system call
 * or a capability.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "recorder/budget/run_cost.h"
#include "recorder/live/live_probes.h"
#include "recorder/pipeline/pipeline.h"

struct live_stats {
	bool window_open;    /* programs time their runs */
	u64 window_start_ns; /* of the open window */
	u64 next_window_ns;  /* when the next one opens */
	u64 window_ns;	     /* sum of the windows since the last rows */
	struct rec_timed_runs at_start[LIVE_PROBE_COUNT]; /* of the window */
	struct rec_timed_runs sums[LIVE_PROBE_COUNT];	  /* in windows since the last rows */
	u64 recursion_told[LIVE_PROBE_COUNT];		  /* reported as lost */
	u64 recursion_lost[EV_CLASS_COUNT];
	size_t cpu_count;
	struct live_counters *told; /* [class][cpu]: what was reported before */
	u64 *pending;		    /* [class][cpu]: written at the stop; not among the counters */
};

/* 0 or -ENOMEM. */
int live_stats_init(struct live_stats *stats, struct cap_err *err);
void live_stats_done(struct live_stats *stats);

/* Opens and closes windows of counting; called at each drain. */
void live_stats_step(struct live_stats *stats, const struct live_probes *probes, u64 now_ns);
/* Closes the open window now, if it is useful. */
void live_stats_close_window(struct live_stats *stats, const struct live_probes *probes,
			     u64 now_ns);

/* Runs of the class's programs while they timed themselves, and events that its counters tell, with
 * returns that had no entry: since the start, on all CPUs. */
struct rec_timed_runs live_stats_timed(const struct live_stats *stats,
				       const struct live_probes *probes, u32 event_class);
u64 live_stats_events(const struct live_stats *stats, const struct live_probes *probes,
		      u32 event_class);
/* Of these, those with a record of their own. */
u64 live_stats_singles(const struct live_probes *probes, size_t cpu_count, u32 event_class);

/* Reports to the pipeline what was attempted and lost since the last call. */
void live_stats_losses(struct live_stats *stats, const struct live_probes *probes,
		       struct rec_pipeline *pipeline);

/* May a lifecycle event (a fork, say) have been missed? */
bool live_stats_tasks_lost(const struct live_stats *stats, const struct live_probes *probes);

/* Adds a BPF_PROGRAM row per program, for the windows closed since the last call; none if there was
 * none. 0 or negative. */
int live_stats_rows(struct live_stats *stats, const struct live_probes *probes, u64 now_ns,
		    struct cap_chunk *chunk);

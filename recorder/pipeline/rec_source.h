#pragma once
/*
 * Sources of events: live BPF, a synthetic generator, or an existing capture. The loop in record.c
 * drives them all alike.
 */
#include "formats/base/cap_error.h"
#include "recorder/options/rec_options.h"
#include "recorder/pipeline/load_decision.h"
#include "recorder/pipeline/pipeline.h"

struct rec_source;
struct rec_steps;

struct rec_source_ops {
	const char *name;
	/* Choose, load, attach; nothing is recorded yet. Messages end with what the user can do. */
	int (*open)(const struct rec_options *options, struct rec_source **ret_source,
		    struct cap_err *err);
	/* Side blocks of the start: PROBES, MODULES, PROCS, MAPS. Then events flow. */
	int (*start)(struct rec_source *source, struct rec_pipeline *pipeline, struct cap_err *err);
	/* Drains all that is there. Returns 1 when the source is exhausted (synthetic, capture), 0,
	 * or negative. */
	int (*drain)(struct rec_source *source, struct rec_pipeline *pipeline, struct cap_err *err);
	/* A descriptor that becomes readable when a ring passes its fill mark; -1 if there is none.
	 */
	int (*wake_fd)(const struct rec_source *source);
	/* About once a second: loss counters, BPF_PROGRAM rows into a side chunk. */
	int (*stats)(struct rec_source *source, struct rec_pipeline *pipeline,
		     struct cap_chunk *stats_chunk, u64 now_ns);
	/* Optional, both or none: a budget can be kept. What the programs cost and saw since the
	 * start, up to load->now_ns (CLOCK_MONOTONIC), which is given. */
	void (*load)(struct rec_source *source, struct rec_load *load);
	/* Brings a class into a state; -errno where it cannot be: then it stays as it is. */
	int (*reduce)(struct rec_source *source, const struct rec_decision *wanted);
	/* Gate closed, calls in flight written, last drain, detached. */
	int (*stop)(struct rec_source *source, struct rec_pipeline *pipeline, struct cap_err *err);
	struct rec_source *(*free)(struct rec_source *source);
	/* Optional. The time of the source's events, where that is not CLOCK_MONOTONIC. */
	u64 (*now)(const struct rec_source *source);
	/* Optional. Replaces facts of the file header by those of the host the events are from.
	 * Called once after open. */
	void (*describe)(const struct rec_source *source, struct cap_file_info *info);
	/* Optional. Reports, after open and again after stop, what was requested but is not
	 * recorded, one call per line; nothing is reported twice. */
	void (*missing)(const struct rec_source *source,
			void (*tell)(void *context, const char *what, const char *why),
			void *context);
	/* Optional. Whether drain may be called late without loss; absent: it may not. */
	bool (*can_wait)(const struct rec_source *source);
	/* Optional. Steps of stop that may wait in the kernel are to be run by these. */
	void (*use_steps)(struct rec_source *source, struct rec_steps *steps);
	/* Optional. What turns kernel addresses into frames, for rec_pipeline_options; the
	 * source's. */
	const struct rec_kernel_map *(*kernel_map)(const struct rec_source *source);
	/* Optional. Where processes have code, likewise. */
	const struct rec_code_map *(*code_map)(const struct rec_source *source);
	bool of_this_host; /* events of this host as they happen: programs, rings, processes to
			      watch */
	bool is_replay;	   /* clock and cost rows come from the source too */
};

extern const struct rec_source_ops rec_live_source;
extern const struct rec_source_ops rec_synthetic_source, rec_capture_source; /* KYMO_SYNTHETIC */

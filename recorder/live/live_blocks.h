#pragma once
/* The side blocks that a live recording writes besides events: PROBES, META, MODULES, SYMBOLS. */
#include "formats/base/cap_error.h"
#include "formats/write/chunk.h"
#include "recorder/host/kernel_map.h"
#include "recorder/live/live_probes.h"
#include "recorder/live/proc_access.h"
#include "recorder/pipeline/pipeline.h"

struct live_sideband_state {
	bool attached;
	const char *reason; /* why not, or what is missing; "" if there is nothing to say */
	const struct proc_access *reach;
	const char *outside_reason; /* why processes outside of our pid namespace have none; "": we
				       are in the initial one, or they are not recorded */
	const char *kernel_reason;  /* why kernel addresses are hidden; "": they are not */
};

/* Waits until no program runs that may have seen the old control words. Takes some milliseconds. */
void live_wait_for_programs(void);

/* Returns a side chunk to the pipeline: filled, or empty if filling it failed (rc < 0).
 * Returns the first failure. */
int live_hand_over(struct rec_pipeline *pipeline, enum cap_block_type block,
		   struct cap_chunk *chunk, int rc);

/* What was wanted, what is attached, what was refused and why. */
int live_put_probes(const struct live_probes *probes, const struct live_sideband_state *sideband,
		    struct rec_pipeline *pipeline, struct cap_err *err);
/* META "cpu.event": what the period of a sample counts, if samples are taken; "syscalls.durations"
 * if calls are recorded without their entries. */
int live_put_settings(const struct live_probes *probes, const struct rec_options *options,
		      struct rec_pipeline *pipeline, struct cap_err *err);
int live_put_modules(const struct rec_kernel_map *map, struct rec_pipeline *pipeline,
		     struct cap_err *err);
/* Names of the kernel functions hit since the last call; nothing if there are none. */
int live_put_names(struct rec_kernel_map *map, struct rec_pipeline *pipeline, struct cap_err *err);

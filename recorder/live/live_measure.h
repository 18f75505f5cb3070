#pragma once
/*
 * What the programs cost, and how to record less: modes, rates, detaching. Decides nothing
 * (budget_policy.h does).
 */
#include <stdbool.h>

#include "recorder/budget/budget_policy.h"
#include "recorder/budget/run_cost.h"
#include "recorder/live/live_probes.h"
#include "recorder/live/live_stats.h"

struct live_measure {
	struct rec_run_cost classes[EV_CLASS_COUNT];
	struct rec_run_price prices[EV_CLASS_COUNT];
	u64 last_ns;
	u32 paused; /* bits (1 << CLASS_*) of the classes whose probes are detached for a while */
	double idle_call_ns; /* of our own call before the probes were attached */
};

/* Called before the probes are attached, and after, with the gate closed: measures the kernel's
 * path. */
void live_measure_open(struct live_measure *measure);
void live_measure_attached(struct live_measure *measure, const struct live_probes *probes);

/* Brings the costs up to now, and opens and closes windows of timing. Called at each drain. */
void live_measure_step(struct live_measure *measure, struct live_stats *stats,
		       const struct live_probes *probes, u64 now_ns);
void live_measure_load(struct live_measure *measure, struct live_stats *stats,
		       const struct live_probes *probes, struct rec_load *load);

/* Brings a class into a state. 0 or -errno, and then it stays detached. */
int live_measure_reduce(struct live_measure *measure, struct live_stats *stats,
			struct live_probes *probes, const struct rec_decision *wanted);

#include "recorder/budget/run_cost.h"

#define TIMING_NS 30.0 /* the part of a timed run's two clock reads that they do not measure */
#define LONGER_LOG2 4  /* than the median by so many powers of two: interrupted */

u64 rec_run_limit_ns(const u64 buckets[LIVE_RUN_BUCKETS])
{
	u64 all = 0, below = 0, limit_ns;
	u32 median = 0;

	for (u32 i = 0; i < LIVE_RUN_BUCKETS; i++)
		all += buckets[i];
	if (all < REC_RUNS_MIN)
		return REC_RUN_MAX_NS;
	while (median < LIVE_RUN_BUCKETS - 1 && (below += buckets[median]) * 2 < all)
		median++;
	limit_ns = 2ull << (median + LIVE_RUN_FIRST_LOG2 + LONGER_LOG2);
	return limit_ns < REC_RUN_MAX_NS ? limit_ns : REC_RUN_MAX_NS;
}

void rec_run_cost_init(struct rec_run_cost *cost, const struct rec_run_price *price)
{
	*cost = (struct rec_run_cost){.run_ns = price->indirect * (price->run_ns + price->path_ns)};
}

void rec_run_cost_count(struct rec_run_cost *cost, const struct rec_run_price *price,
			u64 event_count, u64 span_ns, bool is_attached)
{
	double runs = price->runs_per_event * (double)(event_count - cost->event_count);

	cost->event_count = event_count;
	if (is_attached)
		runs += cost->unseen_hz * (double)span_ns / 1e9;
	cost->cost_ns += runs * cost->run_ns;
}

void rec_run_cost_timed(struct rec_run_cost *cost, u64 event_count, u64 span_ns,
			const struct rec_timed_runs *timed)
{
	u64 runs = timed->run_count - cost->seen.run_count;

	cost->window_ns += span_ns;
	cost->window_events += event_count - cost->event_count;
	cost->window_runs += runs;
	cost->timed.run_count += runs;
	cost->timed.interrupted_count += timed->interrupted_count - cost->seen.interrupted_count;
	cost->timed.run_time_ns += timed->run_time_ns - cost->seen.run_time_ns;
	cost->event_count = event_count;
	cost->seen = *timed;
	cost->cost_ns += (double)runs * (cost->run_ns + TIMING_NS);
}

void rec_run_cost_learn(struct rec_run_cost *cost, const struct rec_run_price *price)
{
	const struct rec_timed_runs *timed = &cost->timed;
	u64 kept = timed->run_count - timed->interrupted_count;
	double unseen =
		(double)cost->window_runs - price->runs_per_event * (double)cost->window_events;

	cost->unseen_hz =
		cost->window_ns > 0 && unseen > 0 ? unseen * 1e9 / (double)cost->window_ns : 0;
	cost->window_ns = cost->window_events = cost->window_runs = 0;
	if (timed->run_count < REC_RUNS_MIN || kept == 0)
		return;
	cost->run_ns =
		price->indirect * ((double)timed->run_time_ns / (double)kept + price->path_ns);
	cost->timed = (struct rec_timed_runs){};
}

void rec_run_cost_forget(struct rec_run_cost *cost)
{
	cost->timed = (struct rec_timed_runs){};
}

#pragma once
/*
 * What an event of a class costs besides the recorder's own work: runs of programs, timed now and
 * then. Pure: counts come in, costs go out.
 *
 * cost = runs x (trimmed mean of the timed ones + the kernel's path to a program). What a
 * hypervisor, an interrupt or a preemption adds to a run is not its cost: runs of more than 16
 * times the median are told apart and charged as the others.
 */
#include <stdbool.h>

#include "bpf/live_state.h"

/* No run of ours takes so long by itself: the longest, a sample with two deep stacks, takes 20 to
 * 40 us. */
#define REC_RUN_MAX_NS 64000
#define REC_RUNS_MIN 200 /* fewer timed ones say nothing */

/* The class's row of shed.def. */
struct rec_run_price {
	double run_ns;	 /* of a run, until measured */
	double path_ns;	 /* the kernel's path to the program and back; not 0 */
	double indirect; /* factor for what its runs cost the traced program besides */
	double runs_per_event;
};

struct rec_timed_runs { /* since the start, on all CPUs; each only grows */
	u64 run_count;
	u64 interrupted_count; /* of them: longer than the limit, not in run_time_ns */
	u64 run_time_ns;
};

struct rec_run_cost {		    /* of a class; zero but for run_ns at the start */
	struct rec_timed_runs seen; /* at the last look */
	u64 event_count;	    /* at the last look */
	u64 window_ns, window_events, window_runs; /* of the span that is being timed */
	struct rec_timed_runs timed; /* until they are enough to tell what a run costs */
	double run_ns;		     /* cost of a run, all included */
	double unseen_hz; /* runs that no counter counts: of tasks that the filters leave out */
	double cost_ns;	  /* since the start */
};

/* The longest run that is not taken to be interrupted, from all timed runs of a program by
 * bucket: at most REC_RUN_MAX_NS, which it is until REC_RUNS_MIN are there. */
u64 rec_run_limit_ns(const u64 buckets[LIVE_RUN_BUCKETS]);

void rec_run_cost_init(struct rec_run_cost *cost, const struct rec_run_price *price);
/* span_ns have passed in which no run was timed, with events up to event_count. is_attached: the
 * programs ran for tasks that filters leave out, too. */
void rec_run_cost_count(struct rec_run_cost *cost, const struct rec_run_price *price,
			u64 event_count, u64 span_ns, bool is_attached);
/* The same of a span in which each run was timed. */
void rec_run_cost_timed(struct rec_run_cost *cost, u64 event_count, u64 span_ns,
			const struct rec_timed_runs *timed);
/* Timing ended: takes over what a run costs if enough were timed since that was last done, and how
 * many of the runs no event tells. */
void rec_run_cost_learn(struct rec_run_cost *cost, const struct rec_run_price *price);
/* What was timed says nothing about what follows: the programs do something else from now on. */
void rec_run_cost_forget(struct rec_run_cost *cost);

#pragma once
/*
 * The policy of the CPU budget: what to reduce, or restore, given what the recording costs. Pure:
 * it measures nothing, does nothing and has no clock of its own.
 */
#include <stdbool.h>

#include "recorder/pipeline/load_decision.h"

/* CPU time spent from one load to a later one, in ns. */
u64 rec_load_spent_ns(const struct rec_load *from, const struct rec_load *to);

/* How a step of the ladder makes a class cheaper: shed.def. */
enum rec_shed_how { REC_SHED_COUNT, REC_SHED_HALVE, REC_SHED_SLICE, REC_SHED_STOP };

struct rec_shed_step {
	u32 event_class;
	enum rec_shed_how how;
	u32 state;	    /* of the class from then on */
	const char *status; /* a few words for the status line */
	const char *said;   /* "SAID for 3.0 s" */
	const char *effect; /* of REC_SHED_HALVE: printf's format of a rate, %u */
};

struct rec_governed { /* a class that the budget may reduce */
	u32 event_class;
	const char *noun;
	double event_ns;
	const char *all; /* printf's format, as effect is */
};

/* shed.def, the cheapest step first; both end with an entry of EV_CLASS_UNKNOWN. */
extern const struct rec_shed_step rec_shed_steps[];
extern const struct rec_governed rec_governed[];

struct rec_budget_policy_options {
	u32 budget_ppm;	 /* millionths of the host's CPU time; 0: no budget, so no decisions */
	u32 cpu_count;	 /* online */
	u32 classes;	 /* bit (1 << CLASS_*): those that can be recorded less */
	u32 sample_hz;	 /* asked for */
	u64 duration_ns; /* of the recording; 0: until it is stopped */
};

struct rec_budget_class {
	bool governed;
	bool refused; /* what was shed cannot be had back */
	u32 state;
	u64 fits_since_ns; /* since when there is room for the fuller state; 0: there is none */
	u64 recovered_ns;  /* when it was last tried; 0: never */
	u64 wait_ns;	   /* how long there must be room before it is tried */
	double fuller_per_event_ns; /* additional CPU time of an event in the fuller state */
	double first_guess_ns;	    /* of it */
	double stopped_cost;	    /* CPUs that it used when it was stopped */
};

struct rec_budget_policy {
	struct rec_budget_policy_options options;
	double budget;	   /* CPUs */
	double balance_ns; /* CPU time in hand; negative: overdrawn */
	double debt_max_ns;
	bool started;
	struct rec_load last, older,
		newer; /* older to last: the span over which rates are measured */
	struct rec_budget_class classes[EV_CLASS_COUNT];
	u32 sample_hz; /* current; while samples are off, the rate to resume with */
	u64 decided_ns, helpless_ns;
	u32 rated, sliced; /* the classes of REC_SHED_HALVE and REC_SHED_SLICE */
	/* The sliced class is in slices: STATE_OFF, with short spans of STATE_FULL. */
	bool slicing, slice_open;
	bool tail_charged; /* what the recorder did after the last slice is part of its cost */
	struct rec_load slice_begin, slice_end;
	u64 slice_length_ns, next_slice_ns;
	double slice_cost_ns; /* of the last one, until its end */
	u64 random;	      /* state of the sequence that pauses are drawn from */
	double attached_rate; /* CPUs that the sliced class takes while attached */
	double fixed_rate;    /* CPUs that everything else takes */
};

void rec_budget_policy_init(struct rec_budget_policy *policy,
			    const struct rec_budget_policy_options *options);

/* Charges what was spent since the last call. Returns whether there is something to do, at most one
 * thing: call again when it is done. */
bool rec_budget_policy_step(struct rec_budget_policy *policy, const struct rec_load *load,
			    struct rec_decision *ret_decision);
/* To be called after a decision was carried out: that cost something, but says nothing about the
 * new state. */
void rec_budget_policy_done(struct rec_budget_policy *policy, const struct rec_load *load);
/* The last decision for the class could not be carried out: it stays detached for good. */
void rec_budget_policy_refused(struct rec_budget_policy *policy, u32 event_class);

/* When it must be called at the latest; 0: at the next drain. */
u64 rec_budget_policy_wake_ns(const struct rec_budget_policy *policy);

u32 rec_budget_policy_state(const struct rec_budget_policy *policy, u32 event_class);

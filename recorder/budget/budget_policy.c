/*
 * A token bucket of CPU time. When it is overdrawn, the first step of the ladder that saves enough
 * is taken; once there has been room for a while, steps are undone, from the end of the ladder.
 * While system calls are detached, they are counted in slices, each once the bucket has paid for
 * the one before.
 */
#include "recorder/budget/budget_policy.h"

#include <string.h>

#include "recorder/base/units.h"

#define MS_NS 1000000ull

/* In seconds of budget. A calm host may spend this much at once; so over any 27 seconds the cost is
 * at most 10/27 above the budget. */
#define BUCKET_S 10.0
#define DEBT_S 2.0	       /* debt beyond this, from before a storm was noticed, is forgiven */
#define SPAN_NS (250 * MS_NS)  /* rates are measured over one to two of these */
#define SETTLE_NS (80 * MS_NS) /* before a step is judged */
#define FITS_PART 0.7	       /* share of the budget that a fuller state may cost */
#define FITS_NS (3 * REC_NS_PER_S)
#define FITS_MAX_NS (60 * REC_NS_PER_S)
#define FAILED_NS (30 * REC_NS_PER_S) /* a step up undone within this was a mistake */
#define HELD_NS (60 * REC_NS_PER_S)   /* and one that lasted this long was not */
#define WORTH_PART 0.1		      /* of what must be saved: a step that saves less is skipped */
#define SLICE_MIN_NS (10 * MS_NS)
#define SLICE_MAX_NS (100 * MS_NS)
#define LOOK_MIN_NS (5 * MS_NS)
#define SLICE_S 1.0 /* of budget that a slice may cost */
/* A slice is charged this many times its cost, so slices use half of what the budget leaves. The
 * other half is for costs that no account sees (caches, interrupts, attaching), so that the total
 * stays within budget.
 */
#define SLICE_CHARGE 2.0
#define SLICE_GAP_NS (250 * MS_NS)
#define SLICE_TRY_NS (60 * REC_NS_PER_S) /* at least so often */
#define SAMPLE_DIVISOR 8
#define HELPLESS_NS (60 * REC_NS_PER_S)
#define FIXED_WEIGHT_NS (4 * REC_NS_PER_S) /* reading one large file must not cause a reduction */

#define EVENT_MAX_TIMES \
	10 /* what an event is taken to cost is at most so many times its first guess */

const struct rec_shed_step rec_shed_steps[] = {
#define PRICE(...)
#define GOVERNED(...)
#define SHED(upper, how, state, status, said, effect) \
	{CLASS_##upper, REC_SHED_##how, STATE_##state, status, said, effect},
#include "recorder/budget/shed.def"
#undef PRICE
#undef GOVERNED
#undef SHED
	{.event_class = EV_CLASS_UNKNOWN},
};

const struct rec_governed rec_governed[] = {
#define GOVERNED(upper, noun, event_ns, all) {CLASS_##upper, noun, event_ns, all},
#define SHED(...)
#define PRICE(...)
#include "recorder/budget/shed.def"
#undef PRICE
#undef GOVERNED
#undef SHED
	{.event_class = EV_CLASS_UNKNOWN},
};

/* The class of the step of this kind; EV_CLASS_UNKNOWN: none. */
static u32 class_of_step(enum rec_shed_how how)
{
	const struct rec_shed_step *step = rec_shed_steps;

	while (step->event_class != EV_CLASS_UNKNOWN && step->how != how)
		step++;
	return step->event_class;
}

void rec_budget_policy_init(struct rec_budget_policy *policy,
			    const struct rec_budget_policy_options *options)
{
	*policy = (struct rec_budget_policy){
		.options = *options,
		.budget = (double)options->budget_ppm / 1e6 *
			  (options->cpu_count ? options->cpu_count : 1),
		.sample_hz = options->sample_hz,
		.slice_length_ns = SLICE_MIN_NS,
	};
	policy->balance_ns = BUCKET_S * policy->budget * 1e9;
	policy->debt_max_ns = DEBT_S * policy->budget * 1e9;
	policy->rated = class_of_step(REC_SHED_HALVE);
	policy->sliced = class_of_step(REC_SHED_SLICE);
	for (const struct rec_governed *row = rec_governed; row->event_class != EV_CLASS_UNKNOWN;
	     row++)
		policy->classes[row->event_class] = (struct rec_budget_class){
			.governed = options->classes & (1u << row->event_class),
			.wait_ns = FITS_NS,
			.fuller_per_event_ns = row->event_ns,
			.first_guess_ns = row->event_ns,
		};
}

u32 rec_budget_policy_state(const struct rec_budget_policy *policy, u32 event_class)
{
	return event_class < EV_CLASS_COUNT ? policy->classes[event_class].state : STATE_FULL;
}

/* ---- What was spent ---- */

static u64 grown(u64 now, u64 before)
{
	return now > before ? now - before : 0; /* counters of the kernel may be corrected */
}

u64 rec_load_spent_ns(const struct rec_load *from, const struct rec_load *to)
{
	u64 spent_ns = grown(to->recorder_ns, from->recorder_ns);

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		spent_ns += grown(to->program_ns[i], from->program_ns[i]);
	return spent_ns;
}

static double span_of(const struct rec_load *from, const struct rec_load *to)
{
	u64 span_ns = grown(to->now_ns, from->now_ns);

	return span_ns ? (double)span_ns : 1.0;
}

/* Restarts the measured span: earlier rates say nothing about the present. */
static void forget(struct rec_budget_policy *policy, const struct rec_load *load)
{
	policy->last = policy->older = policy->newer = *load;
}

static void charge(struct rec_budget_policy *policy, const struct rec_load *load)
{
	double span_ns = span_of(&policy->last, load);
	double spent_ns = (double)rec_load_spent_ns(&policy->last, load);
	double bucket_ns = BUCKET_S * policy->budget * 1e9;
	double weight = span_ns / (span_ns + (double)FIXED_WEIGHT_NS);

	policy->balance_ns += policy->budget * span_ns - spent_ns;
	if (policy->balance_ns > bucket_ns)
		policy->balance_ns = bucket_ns;
	if (policy->balance_ns < -policy->debt_max_ns)
		policy->balance_ns = -policy->debt_max_ns;
	if (policy->slicing && !policy->slice_open)
		policy->fixed_rate += weight * (spent_ns / span_ns - policy->fixed_rate);
	policy->last = *load;
	if (load->now_ns - policy->newer.now_ns >= SPAN_NS) {
		policy->older = policy->newer;
		policy->newer = *load;
	}
}

struct rates { /* of the measured span: CPUs, and events per ns */
	double all, recorder;
	double programs[EV_CLASS_COUNT], events[EV_CLASS_COUNT];
};

static struct rates take_rates(const struct rec_budget_policy *policy)
{
	const struct rec_load *from = &policy->older, *to = &policy->last;
	double span_ns = span_of(from, to);
	struct rates rates = {
		.all = (double)rec_load_spent_ns(from, to) / span_ns,
		.recorder = (double)grown(to->recorder_ns, from->recorder_ns) / span_ns,
	};

	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		rates.programs[i] = (double)grown(to->program_ns[i], from->program_ns[i]) / span_ns;
		rates.events[i] = (double)grown(to->event_count[i], from->event_count[i]) / span_ns;
	}
	/* Slices are paid for separately; the rest must fit. */
	if (policy->slicing)
		rates.all = policy->fixed_rate;
	return rates;
}

/* ---- Decisions ---- */

static void decide(struct rec_budget_policy *policy, enum rec_decision_kind kind, u32 event_class,
		   u32 state, struct rec_decision *ret_decision)
{
	const struct rec_load *from = kind == REC_SLICE_END ? &policy->slice_begin : &policy->older;

	*ret_decision = (struct rec_decision){
		.kind = kind,
		.event_class = event_class,
		.state = state,
		.sample_hz =
			event_class != policy->rated || state == STATE_OFF ? 0 : policy->sample_hz,
		.from_ns = from->now_ns,
		.time_ns = policy->last.now_ns,
		.limit_ns = (u64)(policy->budget * span_of(from, &policy->last)),
		.spent_ns = rec_load_spent_ns(from, &policy->last),
	};
	policy->decided_ns = policy->last.now_ns;
	if (event_class >= EV_CLASS_COUNT)
		return;
	policy->classes[event_class].state = state;
	policy->classes[event_class].fits_since_ns = 0;
}

/* A fuller state that does not last is retried less and less often. */
static void judge_last_try(struct rec_budget_policy *policy, struct rec_budget_class *class)
{
	u64 lasted_ns = policy->last.now_ns - class->recovered_ns;

	if (class->recovered_ns == 0)
		return;
	if (lasted_ns < FAILED_NS)
		class->wait_ns =
			class->wait_ns * 2 < FITS_MAX_NS ? class->wait_ns * 2 : FITS_MAX_NS;
	else if (lasted_ns >= HELD_NS)
		class->wait_ns = FITS_NS;
	class->recovered_ns = 0;
}

static u64 slice_length(const struct rec_budget_policy *policy)
{
	double length_ns = policy->attached_rate > 0
				   ? SLICE_S * 1e9 * policy->budget / policy->attached_rate
				   : (double)SLICE_MAX_NS;

	if (length_ns < (double)SLICE_MIN_NS)
		return SLICE_MIN_NS;
	return length_ns > (double)SLICE_MAX_NS ? SLICE_MAX_NS : (u64)length_ns;
}

/* How long the bucket lasts at this cost (in CPUs): when to check again. */
static u64 paid_for(const struct rec_budget_policy *policy, double cost)
{
	double more = cost - policy->budget;
	double lasts_ns = more > 0 ? policy->balance_ns / more : (double)SLICE_MAX_NS;

	if (lasts_ns < (double)LOOK_MIN_NS)
		return LOOK_MIN_NS;
	return lasts_ns > (double)SLICE_MAX_NS ? SLICE_MAX_NS : (u64)lasts_ns;
}

/* ---- Less ---- */

static double cheaper(double a, double b)
{
	return a < b ? a : b;
}

/* CPUs saved by counting a class's events instead of storing them. */
static double saved_by_counts(const struct rec_budget_policy *policy, const struct rates *rates,
			      u32 event_class)
{
	const struct rec_budget_class *class = &policy->classes[event_class];

	if (!class->governed || class->state != STATE_FULL)
		return 0;
	return cheaper(rates->recorder, class->fuller_per_event_ns * rates->events[event_class]);
}

/* CPUs that a class uses in total. */
static double cost_of(const struct rec_budget_policy *policy, const struct rates *rates,
		      u32 event_class)
{
	const struct rec_budget_class *class = &policy->classes[event_class];

	if (!class->governed || class->state == STATE_OFF)
		return 0;
	return rates->programs[event_class] +
	       cheaper(rates->recorder, class->fuller_per_event_ns * rates->events[event_class]);
}

static u32 lowest_hz(const struct rec_budget_policy *policy)
{
	u32 hz = policy->options.sample_hz / SAMPLE_DIVISOR;

	return hz ? hz : 1;
}

static bool may_halve(const struct rec_budget_policy *policy)
{
	return policy->sample_hz / 2 >= lowest_hz(policy);
}

static double saved_by_detaching(const struct rec_budget_policy *policy, const struct rates *rates)
{
	const struct rec_budget_class *class = &policy->classes[policy->sliced];

	if (!class->governed || policy->slicing)
		return 0;
	return rates->programs[policy->sliced] + saved_by_counts(policy, rates, policy->sliced);
}

static double saved_by(const struct rec_budget_policy *policy, const struct rates *rates,
		       const struct rec_shed_step *step)
{
	switch (step->how) {
	case REC_SHED_COUNT:
		return saved_by_counts(policy, rates, step->event_class);
	case REC_SHED_HALVE:
		return may_halve(policy) ? cost_of(policy, rates, step->event_class) / 2 : 0;
	case REC_SHED_SLICE:
		return saved_by_detaching(policy, rates);
	default:
		return cost_of(policy, rates, step->event_class);
	}
}

/* The probes of the sliced class are detached from now on. */
static void begin_slicing(struct rec_budget_policy *policy, const struct rates *rates)
{
	policy->slicing = true;
	policy->slice_open = false;
	policy->attached_rate = rates->programs[policy->sliced];
	policy->slice_end_ns = policy->last.now_ns;
	/* An estimate until measured: what is still in rings makes it look like more. */
	policy->fixed_rate =
		cheaper(rates->all - rates->programs[policy->sliced], policy->budget / 4);
}

static void take_step(struct rec_budget_policy *policy, const struct rates *rates,
		      const struct rec_shed_step *step, struct rec_decision *ret_decision)
{
	const u32 event_class = step->event_class;
	struct rec_budget_class *class = &policy->classes[event_class];
	const double events = rates->events[event_class];
	u32 state = step->state;

	judge_last_try(policy, class);
	/* Counting comes first even if it saves little: detaching loses more. */
	if (step->how == REC_SHED_SLICE && class->state == STATE_FULL)
		state = STATE_COUNTS;
	if (state == STATE_COUNTS && events > 0)
		class->fuller_per_event_ns =
			cheaper(rates->recorder / events, EVENT_MAX_TIMES * class->first_guess_ns);
	if ((step->how == REC_SHED_HALVE || step->how == REC_SHED_STOP) && events > 0)
		class->fuller_per_event_ns = cost_of(policy, rates, event_class) / events;
	if (step->how == REC_SHED_STOP)
		class->stopped_cost = cost_of(policy, rates, event_class);
	if (step->how == REC_SHED_HALVE)
		policy->sample_hz /= 2;
	if (step->how == REC_SHED_SLICE && state == STATE_OFF)
		begin_slicing(policy, rates);
	decide(policy, REC_SHED, event_class, state, ret_decision);
}

static bool shed(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	struct rates rates = take_rates(policy);
	double excess = rates.all - policy->budget, worth = WORTH_PART * excess;
	u64 now_ns = policy->last.now_ns;

	if (excess <= 0)
		return false; /* it is being paid off */
	for (const struct rec_shed_step *step = rec_shed_steps;
	     step->event_class != EV_CLASS_UNKNOWN; step++) {
		if (saved_by(policy, &rates, step) <= worth)
			continue;
		take_step(policy, &rates, step, ret_decision);
		return true;
	}
	if (policy->helpless_ns && now_ns - policy->helpless_ns < HELPLESS_NS)
		return false;
	policy->helpless_ns = now_ns;
	decide(policy, REC_HELPLESS, EV_CLASS_UNKNOWN, STATE_FULL, ret_decision);
	return true;
}

/* ---- Slices ---- */

static bool open_slice(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	u64 rest_ns = policy->last.now_ns - policy->slice_end_ns;

	if (policy->classes[policy->sliced].refused || rest_ns < SLICE_GAP_NS)
		return false;
	if (policy->balance_ns < 0 && rest_ns < SLICE_TRY_NS)
		return false;
	policy->slice_open = true;
	policy->slice_begin = policy->last;
	policy->slice_length_ns = slice_length(policy);
	decide(policy, REC_SLICE_BEGIN, policy->sliced, STATE_COUNTS, ret_decision);
	return true;
}

static void end_slice(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	double cost_ns = (double)rec_load_spent_ns(&policy->slice_begin, &policy->last);

	/* All of it is paid before the next. */
	policy->debt_max_ns = DEBT_S * policy->budget * 1e9;
	if (policy->debt_max_ns < SLICE_CHARGE * cost_ns)
		policy->debt_max_ns = SLICE_CHARGE * cost_ns;
	policy->balance_ns -= (SLICE_CHARGE - 1) * cost_ns;
	decide(policy, REC_SLICE_END, policy->sliced, STATE_OFF, ret_decision);
	policy->slice_open = false;
	policy->slice_end_ns = policy->last.now_ns;
}

/* CPUs that the programs used recently in the open slice. */
static double rate_of_slice(const struct rec_budget_policy *policy)
{
	const struct rec_load *from = policy->older.now_ns > policy->slice_begin.now_ns
					      ? &policy->older
					      : &policy->slice_begin;

	return (double)grown(policy->last.program_ns[policy->sliced],
			     from->program_ns[policy->sliced]) /
	       span_of(from, &policy->last);
}

/* A slice stays open for as long as the budget pays for it. If it costs little for a while, it
 * stays open for good. */
static bool watch_slice(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	struct rec_budget_class *class = &policy->classes[policy->sliced];
	u64 open_ns = policy->last.now_ns - policy->slice_begin.now_ns;
	double cost;

	if (open_ns < policy->slice_length_ns)
		return false;
	policy->attached_rate = rate_of_slice(policy);
	cost = policy->fixed_rate + policy->attached_rate;
	if (cost > FITS_PART * policy->budget)
		class->fits_since_ns = 0;
	else if (class->fits_since_ns == 0)
		class->fits_since_ns = policy->last.now_ns;
	if (class->fits_since_ns && policy->last.now_ns - class->fits_since_ns >= class->wait_ns) {
		policy->slicing = policy->slice_open = false;
		class->recovered_ns = policy->last.now_ns;
		decide(policy, REC_RECOVER, policy->sliced, STATE_COUNTS, ret_decision);
		ret_decision->lasting = true;
		return true;
	}
	if (policy->balance_ns >= 0 || class->fits_since_ns) {
		policy->slice_length_ns = open_ns + paid_for(policy, cost);
		return false;
	}
	end_slice(policy, ret_decision);
	return true;
}

/* ---- More ---- */

/* Has there been room for the class's next fuller state for long enough? */
static bool fits(struct rec_budget_policy *policy, u32 event_class, double cost)
{
	struct rec_budget_class *class = &policy->classes[event_class];

	if (policy->balance_ns < 0 || cost > FITS_PART * policy->budget || class->refused) {
		class->fits_since_ns = 0;
		return false;
	}
	if (class->fits_since_ns == 0)
		class->fits_since_ns = policy->last.now_ns;
	return policy->last.now_ns - class->fits_since_ns >= class->wait_ns;
}

static bool recover_rate(struct rec_budget_policy *policy, const struct rates *rates,
			 struct rec_decision *ret_decision)
{
	struct rec_budget_class *class = &policy->classes[policy->rated];
	u32 asked_hz = policy->options.sample_hz, hz = policy->sample_hz * 2;
	double cost = rates->all, per_hz;

	if (class->state == STATE_FULL)
		return false;
	if (hz + 1 >= asked_hz) /* halves were rounded down */
		hz = asked_hz;
	if (class->state == STATE_OFF) {
		hz = policy->sample_hz;
		/* As if no CPU were ever idle. */
		cost += class->fuller_per_event_ns * hz * policy->options.cpu_count / 1e9;
	} else {
		per_hz = class->fuller_per_event_ns * rates->events[policy->rated] /
			 policy->sample_hz;
		cost += per_hz * (hz - policy->sample_hz);
	}
	if (!fits(policy, policy->rated, cost))
		return false;
	policy->sample_hz = hz;
	class->recovered_ns = policy->last.now_ns;
	decide(policy, REC_RECOVER, policy->rated, hz == asked_hz ? STATE_FULL : STATE_REDUCED,
	       ret_decision);
	return true;
}

/* A class that is counted is stored again. */
static bool recover_counted(struct rec_budget_policy *policy, const struct rates *rates,
			    u32 event_class, struct rec_decision *ret_decision)
{
	struct rec_budget_class *class = &policy->classes[event_class];

	if (!class->governed || class->state != STATE_COUNTS ||
	    (event_class == policy->sliced && policy->slicing))
		return false;
	if (!fits(policy, event_class,
		  rates->all + class->fuller_per_event_ns * rates->events[event_class]))
		return false;
	class->recovered_ns = policy->last.now_ns;
	decide(policy, REC_RECOVER, event_class, STATE_FULL, ret_decision);
	return true;
}

/* A class that was stopped and has no rate to raise step by step: judged by what it cost then.
 */
static bool recover_stopped(struct rec_budget_policy *policy, const struct rates *rates,
			    u32 event_class, struct rec_decision *ret_decision)
{
	struct rec_budget_class *class = &policy->classes[event_class];

	if (!class->governed || class->state != STATE_OFF || event_class == policy->rated ||
	    event_class == policy->sliced ||
	    !fits(policy, event_class, rates->all + class->stopped_cost))
		return false;
	class->recovered_ns = policy->last.now_ns;
	decide(policy, REC_RECOVER, event_class, STATE_FULL, ret_decision);
	return true;
}

static bool recover(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	struct rates rates = take_rates(policy);

	if (recover_rate(policy, &rates, ret_decision))
		return true;
	for (const struct rec_shed_step *step = rec_shed_steps;
	     step->event_class != EV_CLASS_UNKNOWN; step++)
		if ((step->how == REC_SHED_COUNT &&
		     recover_counted(policy, &rates, step->event_class, ret_decision)) ||
		    (step->how == REC_SHED_STOP &&
		     recover_stopped(policy, &rates, step->event_class, ret_decision)))
			return true;
	return false;
}

/* ---- Whole ---- */

bool rec_budget_policy_step(struct rec_budget_policy *policy, const struct rec_load *load,
			    struct rec_decision *ret_decision)
{
	if (policy->options.budget_ppm == 0)
		return false;
	if (!policy->started || load->now_ns < policy->last.now_ns) {
		policy->started = true; /* the clock went back: the past is unknown */
		forget(policy, load);
		policy->decided_ns = load->now_ns;
		return false;
	}
	if (load->now_ns == policy->last.now_ns)
		return false;
	charge(policy, load);
	if (policy->slicing && policy->slice_open && watch_slice(policy, ret_decision))
		return true;
	if (load->now_ns - policy->decided_ns < SETTLE_NS)
		return false;
	if (policy->balance_ns < 0 && shed(policy, ret_decision))
		return true;
	if (policy->slicing && !policy->slice_open && open_slice(policy, ret_decision))
		return true;
	return recover(policy, ret_decision);
}

void rec_budget_policy_done(struct rec_budget_policy *policy, const struct rec_load *load)
{
	if (!policy->started || load->now_ns < policy->last.now_ns)
		return;
	charge(policy, load);
	forget(policy, load);
	if (policy->slice_open)
		policy->slice_begin = *load;
}

void rec_budget_policy_refused(struct rec_budget_policy *policy, u32 event_class)
{
	if (event_class >= EV_CLASS_COUNT)
		return;
	policy->classes[event_class].refused = true;
	policy->classes[event_class].state = STATE_OFF;
	if (event_class == policy->sliced) {
		policy->slicing = true;
		policy->slice_open = false;
	}
}

u64 rec_budget_policy_wake_ns(const struct rec_budget_policy *policy)
{
	return policy->slicing && policy->slice_open
		       ? policy->slice_begin.now_ns + policy->slice_length_ns
		       : 0;
}

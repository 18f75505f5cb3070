/*
 * A token bucket of CPU time. When it is overdrawn, the first step of the ladder that saves enough
 * is taken; once there has been room for a while, steps are undone, from the end of the ladder.
 * While system calls are detached, they are recorded in slices: equally long spans, spread over the
 * whole recording at the rate that the budget pays for. The pause before each is drawn at random,
 * so that no rhythm of the host's can hide from them or be met each time.
 */
#include "recorder/budget/budget_policy.h"

#include <string.h>

#include "recorder/base/units.h"

#define MS_NS 1000000ull

/* In seconds of budget. A host that was calm may spend this much at once; so over any 27 seconds
 * the cost is at most 10/27 above the budget. A recording begins with little, so that a short one
 * does not spend all of it in its first second: what it spends of that by its end is above its
 * budget, a tenth if its length is known. */
#define BUCKET_S 10.0
#define START_S 2.0
#define START_PART 0.1
#define DEBT_S 2.0	       /* debt beyond this, from before a storm was noticed, is forgiven */
#define SPAN_NS (250 * MS_NS)  /* rates are measured over one to two of these */
#define SETTLE_NS (80 * MS_NS) /* before a step is judged */
#define FITS_PART 0.7	       /* share of the budget that a fuller state may cost */
#define FITS_NS (3 * REC_NS_PER_S)
#define FITS_MAX_NS (60 * REC_NS_PER_S)
#define FAILED_NS (30 * REC_NS_PER_S) /* a step up undone within this was a mistake */
#define HELD_NS (60 * REC_NS_PER_S)   /* and one that lasted this long was not */
#define WORTH_PART 0.25		      /* of what must be saved: a step that saves less is skipped */
/* For less than this share of the budget, no class is made blind: that would save the whole class,
 * far more than is missing. */
#define BLIND_PART 0.2
#define SLICE_MIN_NS (20 * MS_NS)
#define SLICE_MAX_NS (250 * MS_NS)
#define SLICE_S 1.0 /* of budget that a slice may cost */
/* A slice is charged this many times its cost. The rest of what the budget leaves is for costs that
 * no account sees (interrupts, attaching), so that the total stays within budget. */
#define SLICE_CHARGE 1.25
/* So long after a slice the recorder still encodes and writes what it holds: part of its cost. */
#define SLICE_TAIL_NS (200 * MS_NS)
/* The shortest pause: behind the tail, time in which all the rest can be measured. */
#define SLICE_PAUSE_MIN_NS (500 * MS_NS)
#define SLICE_TRY_NS (60 * REC_NS_PER_S) /* at least so often */
#define SAMPLE_DIVISOR 8
/* While something can be saved on system calls, no fewer samples are taken than this. */
#define SAMPLE_KEPT_HZ 49
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

static double start_s(const struct rec_budget_policy_options *options)
{
	double part_s = START_PART * (double)options->duration_ns / REC_NS_PER_S;

	return options->duration_ns && part_s < START_S ? part_s : START_S;
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
	policy->balance_ns = start_s(options) * policy->budget * 1e9;
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
	u64 spent_ns =
		grown(to->recorder_ns, from->recorder_ns) + grown(to->once_ns, from->once_ns);

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		spent_ns += grown(to->program_ns[i], from->program_ns[i]);
	return spent_ns;
}

/* The same without what is done once and is paid like a debt: recording less would not have saved
 * it. */
static u64 running_ns(const struct rec_load *from, const struct rec_load *to)
{
	return rec_load_spent_ns(from, to) - grown(to->once_ns, from->once_ns);
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
	/* What a slice costs is known once its tail is: charge_tail limits the debt then. */
	if (policy->balance_ns < -policy->debt_max_ns &&
	    !(policy->slicing && !policy->tail_charged))
		policy->balance_ns = -policy->debt_max_ns;
	if (policy->slicing && !policy->slice_open && policy->tail_charged)
		policy->fixed_rate += weight * ((double)running_ns(&policy->last, load) / span_ns -
						policy->fixed_rate);
	policy->last = *load;
	if (load->now_ns - policy->newer.now_ns >= SPAN_NS) {
		policy->older = policy->newer;
		policy->newer = *load;
	}
}

struct rates { /* of the measured span: CPUs, and events per ns */
	double all, recorder;
	double programs[EV_CLASS_COUNT], events[EV_CLASS_COUNT], singles[EV_CLASS_COUNT];
};

static struct rates take_rates(const struct rec_budget_policy *policy)
{
	const struct rec_load *from = &policy->older, *to = &policy->last;
	double span_ns = span_of(from, to);
	struct rates rates = {
		.all = (double)running_ns(from, to) / span_ns,
		.recorder = (double)grown(to->recorder_ns, from->recorder_ns) / span_ns,
	};

	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		rates.programs[i] = (double)grown(to->program_ns[i], from->program_ns[i]) / span_ns;
		rates.events[i] = (double)grown(to->event_count[i], from->event_count[i]) / span_ns;
		rates.singles[i] =
			(double)grown(to->single_count[i], from->single_count[i]) / span_ns;
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

/* The next number in [0, 1) of a fixed sequence (SplitMix64: Steele, Lea, Flood 2014). */
static double random_part(struct rec_budget_policy *policy)
{
	u64 bits = policy->random += 0x9e3779b97f4a7c15ull;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9ull;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebull;
	bits ^= bits >> 31;
	return (double)(bits >> 11) / (double)(1ull << 53);
}

/* How long to wait after a slice of this cost until what the budget leaves has paid for it; on
 * average, the times drawn being half to one and a half of it. */
static u64 pause_after(struct rec_budget_policy *policy, double cost_ns)
{
	double left = policy->budget - policy->fixed_rate;
	double pause_ns = left > 0 ? SLICE_CHARGE * cost_ns / left : (double)SLICE_TRY_NS;

	pause_ns *= 0.5 + random_part(policy);
	if (pause_ns < (double)SLICE_PAUSE_MIN_NS)
		return SLICE_PAUSE_MIN_NS;
	return pause_ns > (double)SLICE_TRY_NS ? SLICE_TRY_NS : (u64)pause_ns;
}

/* ---- Less ---- */

static double cheaper(double a, double b)
{
	return a < b ? a : b;
}

/* CPUs that the recorder takes for a class's events: its part of the whole, by what their events
 * cost at the first guess. Which of them is dearer than guessed is not known, only the sum. */
static double recorder_part(const struct rec_budget_policy *policy, const struct rates *rates,
			    u32 event_class)
{
	double weights = 0, weight = 0;

	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		double guess = policy->classes[i].state == STATE_OFF
				       ? 0
				       : policy->classes[i].first_guess_ns * rates->singles[i];

		weights += guess;
		if (i == event_class)
			weight = guess;
	}
	return weights > 0 ? cheaper(rates->recorder * weight / weights, EVENT_MAX_TIMES * weight)
			   : 0;
}

/* CPUs saved by counting a class's events instead of storing them. */
static double saved_by_counts(const struct rec_budget_policy *policy, const struct rates *rates,
			      u32 event_class)
{
	const struct rec_budget_class *class = &policy->classes[event_class];

	if (!class->governed || class->state != STATE_FULL)
		return 0;
	return recorder_part(policy, rates, event_class);
}

/* CPUs that a class uses in total. */
static double cost_of(const struct rec_budget_policy *policy, const struct rates *rates,
		      u32 event_class)
{
	const struct rec_budget_class *class = &policy->classes[event_class];

	if (!class->governed || class->state == STATE_OFF)
		return 0;
	return rates->programs[event_class] + recorder_part(policy, rates, event_class);
}

static u32 lowest_hz(const struct rec_budget_policy *policy)
{
	u32 hz = policy->options.sample_hz / SAMPLE_DIVISOR;

	return hz ? hz : 1;
}

static double saved_by_detaching(const struct rec_budget_policy *policy, const struct rates *rates)
{
	const struct rec_budget_class *class = &policy->classes[policy->sliced];

	if (!class->governed || policy->slicing)
		return 0;
	return rates->programs[policy->sliced] + saved_by_counts(policy, rates, policy->sliced);
}

/* Would it be enough to count the events of another class than the rated one? */
static bool counting_is_enough(const struct rec_budget_policy *policy, const struct rates *rates)
{
	const double excess = rates->all - policy->budget;

	for (const struct rec_shed_step *step = rec_shed_steps;
	     step->event_class != EV_CLASS_UNKNOWN; step++)
		if (step->how == REC_SHED_COUNT && step->event_class != policy->rated &&
		    !(policy->slicing && step->event_class == policy->sliced) &&
		    saved_by_counts(policy, rates, step->event_class) > excess)
			return true;
	return false;
}

/* May samples be taken at this rate, 0 being none? They are the last to go. */
static bool may_lower(const struct rec_budget_policy *policy, const struct rates *rates, u32 hz)
{
	return hz >= SAMPLE_KEPT_HZ ||
	       (saved_by_detaching(policy, rates) <= 0 && !counting_is_enough(policy, rates));
}

/* Counting is of use only if it is all that is needed: otherwise slices, which store, or nothing
 * follow at once. And a little too much blinds nobody. */
static bool is_useless(const struct rec_budget_policy *policy, const struct rec_shed_step *step,
		       double saved, double excess)
{
	if (step->how == REC_SHED_COUNT)
		return saved < excess;
	return step->how == REC_SHED_STOP && excess < BLIND_PART * policy->budget;
}

static double saved_by(const struct rec_budget_policy *policy, const struct rates *rates,
		       const struct rec_shed_step *step)
{
	const u32 hz = policy->sample_hz / 2;

	switch (step->how) {
	case REC_SHED_COUNT:
		return saved_by_counts(policy, rates, step->event_class);
	case REC_SHED_HALVE:
		return hz >= lowest_hz(policy) && may_lower(policy, rates, hz)
			       ? cost_of(policy, rates, step->event_class) / 2
			       : 0;
	case REC_SHED_SLICE:
		return saved_by_detaching(policy, rates);
	default:
		return step->event_class != policy->rated || may_lower(policy, rates, 0)
			       ? cost_of(policy, rates, step->event_class)
			       : 0;
	}
}

static void pause_slices(struct rec_budget_policy *policy)
{
	policy->slice_open = policy->tail_charged = false;
	policy->slice_end = policy->last;
	policy->next_slice_ns = policy->last.now_ns + SLICE_TRY_NS; /* until the tail is known */
}

/* The probes of the sliced class are detached from now on. */
static void begin_slicing(struct rec_budget_policy *policy, const struct rates *rates)
{
	policy->attached_rate = saved_by_detaching(policy, rates);
	policy->slicing = true;
	policy->slice_cost_ns = policy->attached_rate * (double)slice_length(policy);
	/* An estimate until measured: what is still in rings makes it look like more. */
	policy->fixed_rate = cheaper(rates->all - policy->attached_rate, policy->budget / 4);
	pause_slices(policy);
}

static void take_step(struct rec_budget_policy *policy, const struct rates *rates,
		      const struct rec_shed_step *step, struct rec_decision *ret_decision)
{
	const u32 event_class = step->event_class;
	struct rec_budget_class *class = &policy->classes[event_class];
	const double events = rates->events[event_class];
	const u32 state = step->state;
	const double saved = saved_by(policy, rates, step);

	judge_last_try(policy, class);
	if (state == STATE_COUNTS && events > 0)
		class->fuller_per_event_ns = saved_by_counts(policy, rates, event_class) / events;
	if ((step->how == REC_SHED_HALVE || step->how == REC_SHED_STOP) && events > 0)
		class->fuller_per_event_ns = cost_of(policy, rates, event_class) / events;
	if (step->how == REC_SHED_STOP)
		class->stopped_cost = cost_of(policy, rates, event_class);
	if (step->how == REC_SHED_HALVE)
		policy->sample_hz /= 2;
	/* What is measured over seconds must not lead to the next step at once. */
	if (policy->slicing)
		policy->fixed_rate -= cheaper(saved, policy->fixed_rate);
	if (step->how == REC_SHED_SLICE)
		begin_slicing(policy, rates);
	decide(policy, REC_SHED, event_class, state, ret_decision);
}

/* The first step that saves more than worth. NULL: none does. */
static const struct rec_shed_step *choose_step(const struct rec_budget_policy *policy,
					       const struct rates *rates, double worth)
{
	const double excess = rates->all - policy->budget;

	for (const struct rec_shed_step *step = rec_shed_steps;
	     step->event_class != EV_CLASS_UNKNOWN; step++) {
		double saved = saved_by(policy, rates, step);

		if (saved > worth && !is_useless(policy, step, saved, excess))
			return step;
	}
	return NULL;
}

static bool shed(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	struct rates rates = take_rates(policy);
	double excess = rates.all - policy->budget;
	u64 now_ns = policy->last.now_ns;
	const struct rec_shed_step *step;

	if (excess <= 0)
		return false; /* it is being paid off */
	step = choose_step(policy, &rates, WORTH_PART * excess);
	if (!step && cost_of(policy, &rates, policy->rated) / 2 > WORTH_PART * excess)
		step = choose_step(policy, &rates, 0); /* calls, so that samples may become fewer */
	if (step) {
		take_step(policy, &rates, step, ret_decision);
		return true;
	}
	if (excess < BLIND_PART * policy->budget)
		return false;
	if (policy->helpless_ns && now_ns - policy->helpless_ns < HELPLESS_NS)
		return false;
	policy->helpless_ns = now_ns;
	decide(policy, REC_HELPLESS, EV_CLASS_UNKNOWN, STATE_FULL, ret_decision);
	return true;
}

/* ---- Slices ---- */

/* What the recorder still did with the slice's events belongs to its cost. All of that is paid
 * before the next. */
static void charge_tail(struct rec_budget_policy *policy)
{
	double span_ns = span_of(&policy->slice_end, &policy->last);
	double tail_ns = (double)running_ns(&policy->slice_end, &policy->last) -
			 policy->fixed_rate * span_ns;
	double cost_ns = policy->slice_cost_ns + (tail_ns > 0 ? tail_ns : 0);

	policy->tail_charged = true;
	policy->slice_cost_ns = cost_ns;
	policy->balance_ns -= (SLICE_CHARGE - 1) * cost_ns;
	policy->debt_max_ns = DEBT_S * policy->budget * 1e9 + SLICE_CHARGE * cost_ns;
	policy->next_slice_ns = policy->slice_end.now_ns + pause_after(policy, cost_ns);
}

static bool open_slice(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	u64 rest_ns = policy->last.now_ns - policy->slice_end.now_ns;

	if (policy->classes[policy->sliced].refused || rest_ns < SLICE_TAIL_NS)
		return false;
	if (!policy->tail_charged)
		charge_tail(policy);
	if (policy->last.now_ns < policy->next_slice_ns)
		return false;
	/* The pauses pay; the balance says only whether their sum does. */
	if (policy->balance_ns < -policy->slice_cost_ns && rest_ns < SLICE_TRY_NS)
		return false;
	policy->slice_open = true;
	policy->slice_begin = policy->last;
	policy->slice_length_ns = slice_length(policy);
	decide(policy, REC_SLICE_BEGIN, policy->sliced, STATE_FULL, ret_decision);
	return true;
}

static void end_slice(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	double span_ns = span_of(&policy->slice_begin, &policy->last);
	double cost_ns = (double)running_ns(&policy->slice_begin, &policy->last) -
			 policy->fixed_rate * span_ns;

	policy->slice_cost_ns = cost_ns > 0 ? cost_ns : 0;
	decide(policy, REC_SLICE_END, policy->sliced, STATE_OFF, ret_decision);
	pause_slices(policy);
}

/* CPUs used lately in the open slice, with all that is not the sliced class. */
static double rate_of_slice(const struct rec_budget_policy *policy)
{
	const struct rec_load *from = policy->older.now_ns > policy->slice_begin.now_ns
					      ? &policy->older
					      : &policy->slice_begin;

	return (double)running_ns(from, &policy->last) / span_of(from, &policy->last);
}

/* Has the slice cost more than was planned, by a load that began in it? */
static bool is_overspent(const struct rec_budget_policy *policy)
{
	double cost_ns = (double)running_ns(&policy->slice_begin, &policy->last);

	return policy->balance_ns < 0 && cost_ns > SLICE_S * policy->budget * 1e9;
}

/* A slice that costs little stays open, for good if that lasts; any other ends when its time is
 * over. */
static bool watch_slice(struct rec_budget_policy *policy, struct rec_decision *ret_decision)
{
	struct rec_budget_class *class = &policy->classes[policy->sliced];
	u64 open_ns = policy->last.now_ns - policy->slice_begin.now_ns;
	double cost;

	if (open_ns < policy->slice_length_ns && (open_ns < SLICE_MIN_NS || !is_overspent(policy)))
		return false;
	cost = rate_of_slice(policy);
	policy->attached_rate = cost > policy->fixed_rate ? cost - policy->fixed_rate : 0;
	if (cost > FITS_PART * policy->budget) {
		end_slice(policy, ret_decision);
		return true;
	}
	if (class->fits_since_ns == 0)
		class->fits_since_ns = policy->last.now_ns;
	if (policy->last.now_ns - class->fits_since_ns >= class->wait_ns) {
		policy->slicing = policy->slice_open = false;
		class->recovered_ns = policy->last.now_ns;
		decide(policy, REC_RECOVER, policy->sliced, STATE_FULL, ret_decision);
		return true;
	}
	policy->slice_length_ns = open_ns + SLICE_MAX_NS;
	return false;
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

/* A debt that slices made is paid by waiting for the next. Only what goes beyond it, by a second of
 * budget, shows that all the rest costs too much. */
static bool is_overdrawn(const struct rec_budget_policy *policy)
{
	double slices_ns = SLICE_CHARGE * policy->slice_cost_ns + policy->budget * 1e9;

	return policy->balance_ns < (policy->slicing ? -slices_ns : 0);
}

bool rec_budget_policy_step(struct rec_budget_policy *policy, const struct rec_load *load,
			    struct rec_decision *ret_decision)
{
	if (policy->options.budget_ppm == 0)
		return false;
	if (!policy->started)
		policy->random = load->now_ns; /* another in each recording */
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
	if (is_overdrawn(policy) && shed(policy, ret_decision))
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
		policy->slicing = policy->tail_charged = true;
		policy->slice_open = false;
	}
}

u64 rec_budget_policy_wake_ns(const struct rec_budget_policy *policy)
{
	u64 end_ns = policy->slice_begin.now_ns + policy->slice_length_ns;
	u64 look_ns = policy->last.now_ns + SLICE_MIN_NS;

	if (!policy->slicing || !policy->slice_open)
		return 0;
	return look_ns < end_ns ? look_ns : end_ns;
}

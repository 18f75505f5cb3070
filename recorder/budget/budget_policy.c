/*
 * A token bucket of CPU time. Overdrawn, it sheds the first step of the ladder that saves enough;
 * what fits again for a while comes back, from the end of the ladder. While system calls are
 * detached, slices of counting keep an eye on them, each when the bucket has paid for the one
 * before.
 */
#include "recorder/budget/budget_policy.h"

#include <string.h>

#include "recorder/base/units.h"

#define MS_NS 1000000ull

/* In seconds of budget. A calm host may spend so much at once; with it, and whatever is going on,
 * 27 seconds cost at most 10/27 more than the budget. */
#define BUCKET_S 10.0
#define DEBT_S 2.0	       /* what a storm did before it was noticed is forgiven beyond that */
#define SPAN_NS (250 * MS_NS)  /* rates are taken over one to two of these */
#define SETTLE_NS (80 * MS_NS) /* before a step is judged */
#define FITS_PART 0.7	       /* of the budget: a fuller state must cost no more */
#define FITS_NS (3 * REC_NS_PER_S)
#define FITS_MAX_NS (60 * REC_NS_PER_S)
#define FAILED_NS (30 * REC_NS_PER_S) /* a try taken back within this was a mistake */
#define HELD_NS (60 * REC_NS_PER_S)   /* and one that lasted this long was none */
#define WORTH_PART 0.1 /* of what must be saved: a step that saves less is passed over */
#define SLICE_MIN_NS (10 * MS_NS)
#define SLICE_MAX_NS (100 * MS_NS)
#define LOOK_MIN_NS (5 * MS_NS)
#define SLICE_S 1.0 /* of budget that a slice may cost */
/* What a slice is charged, in its costs: slices take half of what the budget leaves. The other half
 * is for what no account sees (caches, interrupts, attaching), so that the whole stays within it.
 */
#define SLICE_CHARGE 2.0
#define SLICE_GAP_NS (250 * MS_NS)
#define SLICE_TRY_NS (60 * REC_NS_PER_S) /* at least so often */
#define SAMPLE_DIVISOR 8
#define HELPLESS_NS (60 * REC_NS_PER_S)
#define FIXED_WEIGHT_NS (4 * REC_NS_PER_S) /* one look at a large file must not shed anything */

/* Until they were measured; on the slow side. */
#define SINGLE_CALL_NS 200.0 /* drained, encoded, compressed, written */
#define SAMPLE_NS 10000.0    /* taken, with its stacks, and the same */

#define SYSCALLS CLASS_SYSCALLS
#define SAMPLES CLASS_CPU

void rec_governor_init(struct rec_governor *governor, const struct rec_governor_options *options)
{
	*governor = (struct rec_governor){
		.options = *options,
		.budget = (double)options->budget_ppm / 1e6 *
			  (options->cpu_count ? options->cpu_count : 1),
		.sample_hz = options->sample_hz,
		.slice_length_ns = SLICE_MIN_NS,
	};
	governor->balance_ns = BUCKET_S * governor->budget * 1e9;
	governor->debt_max_ns = DEBT_S * governor->budget * 1e9;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		governor->classes[i] = (struct rec_governed_class){
			.governed =
				(i == SYSCALLS || i == SAMPLES) && (options->classes & (1u << i)),
			.wait_ns = FITS_NS,
			.fuller_per_event_ns = i == SYSCALLS ? SINGLE_CALL_NS : SAMPLE_NS,
		};
}

u32 rec_governor_state(const struct rec_governor *governor, u32 event_class)
{
	return event_class < EV_CLASS_COUNT ? governor->classes[event_class].state : STATE_FULL;
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

/* The measured span begins anew: what was before says nothing of what is now. */
static void forget(struct rec_governor *governor, const struct rec_load *load)
{
	governor->last = governor->older = governor->newer = *load;
}

static void charge(struct rec_governor *governor, const struct rec_load *load)
{
	double span_ns = span_of(&governor->last, load);
	double spent_ns = (double)rec_load_spent_ns(&governor->last, load);
	double bucket_ns = BUCKET_S * governor->budget * 1e9;
	double weight = span_ns / (span_ns + (double)FIXED_WEIGHT_NS);

	governor->balance_ns += governor->budget * span_ns - spent_ns;
	if (governor->balance_ns > bucket_ns)
		governor->balance_ns = bucket_ns;
	if (governor->balance_ns < -governor->debt_max_ns)
		governor->balance_ns = -governor->debt_max_ns;
	if (governor->slicing && !governor->slice_open)
		governor->fixed_rate += weight * (spent_ns / span_ns - governor->fixed_rate);
	governor->last = *load;
	if (load->now_ns - governor->newer.now_ns >= SPAN_NS) {
		governor->older = governor->newer;
		governor->newer = *load;
	}
}

struct rates { /* of the measured span: CPUs, and events per ns */
	double all, recorder;
	double programs[EV_CLASS_COUNT], events[EV_CLASS_COUNT];
};

static struct rates take_rates(const struct rec_governor *governor)
{
	const struct rec_load *from = &governor->older, *to = &governor->last;
	double span_ns = span_of(from, to);
	struct rates rates = {
		.all = (double)rec_load_spent_ns(from, to) / span_ns,
		.recorder = (double)grown(to->recorder_ns, from->recorder_ns) / span_ns,
	};

	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		rates.programs[i] = (double)grown(to->program_ns[i], from->program_ns[i]) / span_ns;
		rates.events[i] = (double)grown(to->event_count[i], from->event_count[i]) / span_ns;
	}
	/* Slices are paid for as they come; what must fit is the rest. */
	if (governor->slicing)
		rates.all = governor->fixed_rate;
	return rates;
}

/* ---- Decisions ---- */

static void decide(struct rec_governor *governor, enum rec_decision_kind kind, u32 event_class,
		   u32 state, struct rec_decision *ret_decision)
{
	const struct rec_load *from =
		kind == REC_SLICE_END ? &governor->slice_begin : &governor->older;

	*ret_decision = (struct rec_decision){
		.kind = kind,
		.event_class = event_class,
		.state = state,
		.sample_hz = event_class != SAMPLES || state == STATE_OFF ? 0 : governor->sample_hz,
		.from_ns = from->now_ns,
		.time_ns = governor->last.now_ns,
		.limit_ns = (u64)(governor->budget * span_of(from, &governor->last)),
		.spent_ns = rec_load_spent_ns(from, &governor->last),
	};
	governor->decided_ns = governor->last.now_ns;
	if (event_class >= EV_CLASS_COUNT)
		return;
	governor->classes[event_class].state = state;
	governor->classes[event_class].fits_since_ns = 0;
}

/* A fuller state that does not last is tried less and less often. */
static void judge_last_try(struct rec_governor *governor, struct rec_governed_class *class)
{
	u64 lasted_ns = governor->last.now_ns - class->recovered_ns;

	if (class->recovered_ns == 0)
		return;
	if (lasted_ns < FAILED_NS)
		class->wait_ns =
			class->wait_ns * 2 < FITS_MAX_NS ? class->wait_ns * 2 : FITS_MAX_NS;
	else if (lasted_ns >= HELD_NS)
		class->wait_ns = FITS_NS;
	class->recovered_ns = 0;
}

static u64 slice_length(const struct rec_governor *governor)
{
	double length_ns = governor->attached_rate > 0
				   ? SLICE_S * 1e9 * governor->budget / governor->attached_rate
				   : (double)SLICE_MAX_NS;

	if (length_ns < (double)SLICE_MIN_NS)
		return SLICE_MIN_NS;
	return length_ns > (double)SLICE_MAX_NS ? SLICE_MAX_NS : (u64)length_ns;
}

/* How long what is in hand lasts at this cost (in CPUs): when to look again. */
static u64 paid_for(const struct rec_governor *governor, double cost)
{
	double more = cost - governor->budget;
	double lasts_ns = more > 0 ? governor->balance_ns / more : (double)SLICE_MAX_NS;

	if (lasts_ns < (double)LOOK_MIN_NS)
		return LOOK_MIN_NS;
	return lasts_ns > (double)SLICE_MAX_NS ? SLICE_MAX_NS : (u64)lasts_ns;
}

/* ---- Less ---- */

static double cheaper(double a, double b)
{
	return a < b ? a : b;
}

static double saved_by_counts(const struct rec_governor *governor, const struct rates *rates)
{
	const struct rec_governed_class *class = &governor->classes[SYSCALLS];

	if (!class->governed || class->state != STATE_FULL)
		return 0;
	return cheaper(rates->recorder, class->fuller_per_event_ns * rates->events[SYSCALLS]);
}

static double cost_of_samples(const struct rec_governor *governor, const struct rates *rates)
{
	const struct rec_governed_class *class = &governor->classes[SAMPLES];

	if (!class->governed || class->state == STATE_OFF)
		return 0;
	return rates->programs[SAMPLES] +
	       cheaper(rates->recorder, class->fuller_per_event_ns * rates->events[SAMPLES]);
}

static u32 lowest_hz(const struct rec_governor *governor)
{
	u32 hz = governor->options.sample_hz / SAMPLE_DIVISOR;

	return hz ? hz : 1;
}

static bool may_sample_less(const struct rec_governor *governor)
{
	return governor->sample_hz / 2 >= lowest_hz(governor);
}

static double saved_by_detaching(const struct rec_governor *governor, const struct rates *rates)
{
	const struct rec_governed_class *class = &governor->classes[SYSCALLS];

	if (!class->governed || governor->slicing)
		return 0;
	return rates->programs[SYSCALLS] + saved_by_counts(governor, rates);
}

static void shed_syscalls(struct rec_governor *governor, const struct rates *rates, u32 state,
			  struct rec_decision *ret_decision)
{
	struct rec_governed_class *class = &governor->classes[SYSCALLS];

	judge_last_try(governor, class);
	if (state == STATE_COUNTS && rates->events[SYSCALLS] > 0)
		class->fuller_per_event_ns =
			cheaper(rates->recorder / rates->events[SYSCALLS], 10 * SINGLE_CALL_NS);
	if (state == STATE_OFF) {
		governor->slicing = true;
		governor->slice_open = false;
		governor->attached_rate = rates->programs[SYSCALLS];
		governor->slice_end_ns = governor->last.now_ns;
		/* A guess until it is seen: what still waits in rings makes it look like more. */
		governor->fixed_rate =
			cheaper(rates->all - rates->programs[SYSCALLS], governor->budget / 4);
	}
	decide(governor, REC_SHED, SYSCALLS, state, ret_decision);
}

static void shed_samples(struct rec_governor *governor, const struct rates *rates, u32 state,
			 struct rec_decision *ret_decision)
{
	struct rec_governed_class *class = &governor->classes[SAMPLES];

	judge_last_try(governor, class);
	if (rates->events[SAMPLES] > 0)
		class->fuller_per_event_ns =
			cost_of_samples(governor, rates) / rates->events[SAMPLES];
	if (state == STATE_REDUCED)
		governor->sample_hz /= 2;
	decide(governor, REC_SHED, SAMPLES, state, ret_decision);
}

static bool shed(struct rec_governor *governor, struct rec_decision *ret_decision)
{
	struct rates rates = take_rates(governor);
	double excess = rates.all - governor->budget, worth = WORTH_PART * excess, samples;
	u64 now_ns = governor->last.now_ns;
	u32 state;

	if (excess <= 0)
		return false; /* it is being paid off */
	if (saved_by_counts(governor, &rates) > worth) {
		shed_syscalls(governor, &rates, STATE_COUNTS, ret_decision);
		return true;
	}
	samples = cost_of_samples(governor, &rates);
	if (may_sample_less(governor) && samples / 2 > worth) {
		shed_samples(governor, &rates, STATE_REDUCED, ret_decision);
		return true;
	}
	if (saved_by_detaching(governor, &rates) > worth) {
		/* Counts come first even where they save little: what detaching takes is more. */
		state = rec_governor_state(governor, SYSCALLS) == STATE_FULL ? STATE_COUNTS
									     : STATE_OFF;
		shed_syscalls(governor, &rates, state, ret_decision);
		return true;
	}
	if (samples > worth) {
		shed_samples(governor, &rates, STATE_OFF, ret_decision);
		return true;
	}
	if (governor->helpless_ns && now_ns - governor->helpless_ns < HELPLESS_NS)
		return false;
	governor->helpless_ns = now_ns;
	decide(governor, REC_HELPLESS, EV_CLASS_UNKNOWN, STATE_FULL, ret_decision);
	return true;
}

/* ---- Slices ---- */

static bool open_slice(struct rec_governor *governor, struct rec_decision *ret_decision)
{
	u64 rest_ns = governor->last.now_ns - governor->slice_end_ns;

	if (governor->classes[SYSCALLS].refused || rest_ns < SLICE_GAP_NS)
		return false;
	if (governor->balance_ns < 0 && rest_ns < SLICE_TRY_NS)
		return false;
	governor->slice_open = true;
	governor->slice_begin = governor->last;
	governor->slice_length_ns = slice_length(governor);
	decide(governor, REC_SLICE_BEGIN, SYSCALLS, STATE_COUNTS, ret_decision);
	return true;
}

static void end_slice(struct rec_governor *governor, struct rec_decision *ret_decision)
{
	double cost_ns = (double)rec_load_spent_ns(&governor->slice_begin, &governor->last);

	/* All of it is paid before the next. */
	governor->debt_max_ns = DEBT_S * governor->budget * 1e9;
	if (governor->debt_max_ns < SLICE_CHARGE * cost_ns)
		governor->debt_max_ns = SLICE_CHARGE * cost_ns;
	governor->balance_ns -= (SLICE_CHARGE - 1) * cost_ns;
	decide(governor, REC_SLICE_END, SYSCALLS, STATE_OFF, ret_decision);
	governor->slice_open = false;
	governor->slice_end_ns = governor->last.now_ns;
}

/* CPUs that the programs took lately in the slice that is open. */
static double rate_of_slice(const struct rec_governor *governor)
{
	const struct rec_load *from = governor->older.now_ns > governor->slice_begin.now_ns
					      ? &governor->older
					      : &governor->slice_begin;

	return (double)grown(governor->last.program_ns[SYSCALLS], from->program_ns[SYSCALLS]) /
	       span_of(from, &governor->last);
}

/* A slice stays open for as long as the budget pays for it. One that costs little for a while is no
 * slice any more. */
static bool watch_slice(struct rec_governor *governor, struct rec_decision *ret_decision)
{
	struct rec_governed_class *class = &governor->classes[SYSCALLS];
	u64 open_ns = governor->last.now_ns - governor->slice_begin.now_ns;
	double cost;

	if (open_ns < governor->slice_length_ns)
		return false;
	governor->attached_rate = rate_of_slice(governor);
	cost = governor->fixed_rate + governor->attached_rate;
	if (cost > FITS_PART * governor->budget)
		class->fits_since_ns = 0;
	else if (class->fits_since_ns == 0)
		class->fits_since_ns = governor->last.now_ns;
	if (class->fits_since_ns &&
	    governor->last.now_ns - class->fits_since_ns >= class->wait_ns) {
		governor->slicing = governor->slice_open = false;
		class->recovered_ns = governor->last.now_ns;
		decide(governor, REC_RECOVER, SYSCALLS, STATE_COUNTS, ret_decision);
		ret_decision->lasting = true;
		return true;
	}
	if (governor->balance_ns >= 0 || class->fits_since_ns) {
		governor->slice_length_ns = open_ns + paid_for(governor, cost);
		return false;
	}
	end_slice(governor, ret_decision);
	return true;
}

/* ---- More ---- */

/* Does the class's next state up fit, and for long enough? */
static bool fits(struct rec_governor *governor, u32 event_class, double cost)
{
	struct rec_governed_class *class = &governor->classes[event_class];

	if (governor->balance_ns < 0 || cost > FITS_PART * governor->budget || class->refused) {
		class->fits_since_ns = 0;
		return false;
	}
	if (class->fits_since_ns == 0)
		class->fits_since_ns = governor->last.now_ns;
	return governor->last.now_ns - class->fits_since_ns >= class->wait_ns;
}

static bool recover_samples(struct rec_governor *governor, const struct rates *rates,
			    struct rec_decision *ret_decision)
{
	struct rec_governed_class *class = &governor->classes[SAMPLES];
	u32 asked_hz = governor->options.sample_hz, hz = governor->sample_hz * 2;
	double cost = rates->all, per_hz;

	if (class->state == STATE_FULL)
		return false;
	if (hz + 1 >= asked_hz) /* halves were rounded down */
		hz = asked_hz;
	if (class->state == STATE_OFF) {
		hz = governor->sample_hz;
		/* As if no CPU were ever idle. */
		cost += class->fuller_per_event_ns * hz * governor->options.cpu_count / 1e9;
	} else {
		per_hz = class->fuller_per_event_ns * rates->events[SAMPLES] / governor->sample_hz;
		cost += per_hz * (hz - governor->sample_hz);
	}
	if (!fits(governor, SAMPLES, cost))
		return false;
	governor->sample_hz = hz;
	class->recovered_ns = governor->last.now_ns;
	decide(governor, REC_RECOVER, SAMPLES, hz == asked_hz ? STATE_FULL : STATE_REDUCED,
	       ret_decision);
	return true;
}

static bool recover(struct rec_governor *governor, struct rec_decision *ret_decision)
{
	struct rec_governed_class *class = &governor->classes[SYSCALLS];
	struct rates rates = take_rates(governor);

	if (recover_samples(governor, &rates, ret_decision))
		return true;
	if (!class->governed || governor->slicing || class->state != STATE_COUNTS)
		return false;
	if (!fits(governor, SYSCALLS,
		  rates.all + class->fuller_per_event_ns * rates.events[SYSCALLS]))
		return false;
	class->recovered_ns = governor->last.now_ns;
	decide(governor, REC_RECOVER, SYSCALLS, STATE_FULL, ret_decision);
	return true;
}

/* ---- Whole ---- */

bool rec_governor_step(struct rec_governor *governor, const struct rec_load *load,
		       struct rec_decision *ret_decision)
{
	if (governor->options.budget_ppm == 0)
		return false;
	if (!governor->started || load->now_ns < governor->last.now_ns) {
		governor->started =
			true; /* a clock that went back: nothing can be said of before */
		forget(governor, load);
		governor->decided_ns = load->now_ns;
		return false;
	}
	if (load->now_ns == governor->last.now_ns)
		return false;
	charge(governor, load);
	if (governor->slicing && governor->slice_open && watch_slice(governor, ret_decision))
		return true;
	if (load->now_ns - governor->decided_ns < SETTLE_NS)
		return false;
	if (governor->balance_ns < 0 && shed(governor, ret_decision))
		return true;
	if (governor->slicing && !governor->slice_open && open_slice(governor, ret_decision))
		return true;
	return recover(governor, ret_decision);
}

void rec_governor_done(struct rec_governor *governor, const struct rec_load *load)
{
	if (!governor->started || load->now_ns < governor->last.now_ns)
		return;
	charge(governor, load);
	forget(governor, load);
	if (governor->slice_open)
		governor->slice_begin = *load;
}

void rec_governor_refused(struct rec_governor *governor, u32 event_class)
{
	if (event_class >= EV_CLASS_COUNT)
		return;
	governor->classes[event_class].refused = true;
	governor->classes[event_class].state = STATE_OFF;
	if (event_class == SYSCALLS) {
		governor->slicing = true;
		governor->slice_open = false;
	}
}

u64 rec_governor_wake_ns(const struct rec_governor *governor)
{
	return governor->slicing && governor->slice_open
		       ? governor->slice_begin.now_ns + governor->slice_length_ns
		       : 0;
}

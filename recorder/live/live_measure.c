/*
 * Run time is exact only while the programs time themselves, in windows. In between it is the
 * number of runs (from the counters) times the cost of a run in the last window.
 */
#include "recorder/live/live_measure.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "recorder/live/live_object.h"
#include "recorder/live/live_perf_events.h"

#include "kymo_bpf.skel.h"
#include "recorder/base/monotonic.h"

#define PATH_CALLS 64
#define PATH_ROUNDS 24
#define PATH_NS 60.0 /* where it could not be measured */
#define PATH_MIN_NS 10.0
#define PATH_MAX_NS 500.0
/* PRICE rows of shed.def; a path of 0 is measured. */
static const struct rec_run_price prices[EV_CLASS_COUNT] = {
#define PRICE(upper, run_ns, path_ns, indirect, runs) \
	[CLASS_##upper] = {run_ns, path_ns, indirect, runs},
#define GOVERNED(...)
#define SHED(...)
#include "recorder/budget/shed.def"
#undef PRICE
};

/* Every class whose programs fill a ring has a price. */
enum {
#define PRICED_KERNEL(upper) | 1 << CLASS_##upper
#define PRICED_OTHER(upper)
#define CLASS(id, upper, name, when, ring, part, holds) PRICED_##ring(upper)
	CLASSES_WITH_RING = 0
#include "formats/table/classes.def"
#undef CLASS
	,
#define PRICE(upper, ...) | 1 << CLASS_##upper
	CLASSES_WITH_PRICE = 0
#include "recorder/budget/shed.def"
#undef PRICE
#undef GOVERNED
#undef SHED
};
_Static_assert(CLASSES_WITH_RING == CLASSES_WITH_PRICE,
	       "shed.def: each class with a ring has a PRICE");

/* ---- The kernel's path ---- */

/* The best time of the cheapest system call: disturbances only make it slower. */
static double own_call_ns(void)
{
	double best_ns = 1e9;

	for (int round = 0; round < PATH_ROUNDS; round++) {
		u64 begin_ns = rec_monotonic_ns();
		double call_ns;

		for (int i = 0; i < PATH_CALLS; i++)
			(void)syscall(SYS_getppid);
		call_ns = (double)(rec_monotonic_ns() - begin_ns) / PATH_CALLS;
		if (call_ns < best_ns)
			best_ns = call_ns;
	}
	return best_ns;
}

static void set_path(struct live_measure *measure, double path_ns)
{
	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		measure->prices[i] = prices[i];
		if (prices[i].path_ns <= 0)
			measure->prices[i].path_ns = path_ns;
		rec_run_cost_init(&measure->classes[i], &measure->prices[i]);
	}
}

void live_measure_open(struct live_measure *measure)
{
	*measure = (struct live_measure){.idle_call_ns = own_call_ns()};
	set_path(measure, PATH_NS);
}

void live_measure_attached(struct live_measure *measure, const struct live_probes *probes)
{
	/* One program or two per call, which return at once: the gate is closed. */
	double programs = probes->states[LIVE_PROBE_sys_enter].attached ? 2 : 1, path_ns;

	if (!live_class_attached(probes, CLASS_SYSCALLS))
		return;
	path_ns = (own_call_ns() - measure->idle_call_ns) / programs;
	if (path_ns < PATH_MIN_NS)
		path_ns = PATH_MIN_NS;
	set_path(measure, path_ns > PATH_MAX_NS ? PATH_NS : path_ns);
	measure->prices[CLASS_SYSCALLS].runs_per_event = programs;
}

/* ---- What it costs ---- */

static void account_class(struct live_measure *measure, const struct live_stats *stats,
			  const struct live_probes *probes, u32 event_class, u64 span_ns)
{
	struct rec_run_cost *class = &measure->classes[event_class];
	u64 events = live_stats_events(stats, probes, event_class);
	struct rec_timed_runs timed;

	if (!stats->window_open) {
		rec_run_cost_count(class, &measure->prices[event_class], events, span_ns,
				   !(measure->paused & 1u << event_class));
		return;
	}
	timed = live_stats_timed(stats, probes, event_class);
	rec_run_cost_timed(class, events, span_ns, &timed);
}

static void account(struct live_measure *measure, const struct live_stats *stats,
		    const struct live_probes *probes, u64 now_ns)
{
	u64 span_ns = measure->last_ns && now_ns > measure->last_ns ? now_ns - measure->last_ns : 0;

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		if (live_object_ring(probes->skeleton, i) && live_class_attached(probes, i))
			account_class(measure, stats, probes, i, span_ns);
	measure->last_ns = now_ns;
}

static void learn(struct live_measure *measure)
{
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		rec_run_cost_learn(&measure->classes[i], &measure->prices[i]);
}

void live_measure_step(struct live_measure *measure, struct live_stats *stats,
		       const struct live_probes *probes, u64 now_ns)
{
	bool was_open = stats->window_open;

	account(measure, stats, probes, now_ns);
	/* While calls are detached, a window would see none: wait for a slice. */
	if (was_open || !(measure->paused & 1u << CLASS_SYSCALLS))
		live_stats_step(stats, probes, now_ns);
	if (was_open && !stats->window_open)
		learn(measure);
}

void live_measure_load(struct live_measure *measure, struct live_stats *stats,
		       const struct live_probes *probes, struct rec_load *load)
{
	live_measure_step(measure, stats, probes, load->now_ns);
	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		load->program_ns[i] = (u64)measure->classes[i].cost_ns;
		load->event_count[i] = measure->classes[i].event_count;
		if (live_object_ring(probes->skeleton, i))
			load->single_count[i] = live_stats_singles(probes, stats->cpu_count, i);
	}
}

/* ---- Less and more ---- */

/* Measure soon what a run costs in the new mode; a window never spans a change. */
static void renew_window(struct live_measure *measure, struct live_stats *stats,
			 const struct live_probes *probes, u64 now_ns)
{
	account(measure, stats, probes, now_ns);
	if (!stats->window_open)
		return;
	live_stats_close_window(stats, probes, now_ns);
	learn(measure);
}

/*
 * On again, without any capability (kernels from 5.19 on; -errno elsewhere). By the oldest command
 * for it, which one entry of the filter of system calls lets through. The probe's name begins with
 * its tracepoint's; a tp_btf program, which is the first variant, knows its own.
 */
static int resume_probe(struct live_probes *probes, enum live_probe_id id)
{
	struct live_probe_state *state = &probes->states[id];
	struct bpf_program *program = live_probe_program(probes, id);
	char tracepoint[64];
	int fd;

	if (!program)
		return -EINVAL;
	(void)snprintf(tracepoint, sizeof(tracepoint), "%.*s",
		       (int)strcspn(live_probe_name(id), ":"), live_probe_name(id));
	fd = bpf_raw_tracepoint_open(state->variant == 0 ? NULL : tracepoint,
				     bpf_program__fd(program));
	if (fd < 0)
		return -errno;
	state->again_fd = fd;
	return 0;
}

/* Does the class have probes of this kind that were in use before? */
static bool can_pause(const struct live_probes *probes, int id, u32 event_class)
{
	return live_probe_class(id) == event_class && live_probe_kind(id) == LIVE_TRACEPOINT &&
	       probes->states[id].attached;
}

static void pause_class(struct live_measure *measure, struct live_probes *probes, u32 event_class)
{
	for (int id = LIVE_PROBE_COUNT; id-- > 0;)
		if (can_pause(probes, id, event_class))
			live_probe_pause(&probes->states[id]);
	probes->skeleton->bss->control.class_since_ns[event_class] = ~0ull;
	measure->paused |= 1u << event_class;
}

/*
 * In the order of probes.def, as they were attached at the start: the return of a call before its
 * entry, so that every entry seen has its return seen. What began before counts as none; while
 * detached everything does, so that the end of a task is not taken for that of a call whose return
 * nobody saw.
 */
static int resume_class(struct live_measure *measure, struct live_probes *probes, u32 event_class)
{
	volatile struct live_control *control = &probes->skeleton->bss->control;
	int rc = 0;

	control->class_since_ns[event_class] = rec_monotonic_ns();
	for (int id = 0; rc == 0 && id < LIVE_PROBE_COUNT; id++)
		if (can_pause(probes, id, event_class))
			rc = resume_probe(probes, id);
	if (rc < 0) {
		pause_class(measure, probes, event_class);
		return rc;
	}
	measure->paused &= ~(1u << event_class);
	return 0;
}

/* A class is counted, stored, or detached. */
static int reduce_class(struct live_measure *measure, struct live_stats *stats,
			struct live_probes *probes, u32 event_class, u32 state)
{
	volatile struct live_control *control = &probes->skeleton->bss->control;
	u32 mode = state == STATE_FULL ? LIVE_SINGLE : LIVE_COUNTS;
	bool pause = state == STATE_OFF, paused = measure->paused & 1u << event_class;
	/* Not in each slice, which are all of one mode: timing costs too. */
	bool soon = !pause && mode != control->class_mode[event_class];
	int rc = 0;

	renew_window(measure, stats, probes, rec_monotonic_ns());
	if (soon) {
		rec_run_cost_forget(&measure->classes[event_class]);
		stats->next_window_ns = rec_monotonic_ns();
	}
	if (!pause)
		control->class_mode[event_class] = mode;
	if (pause && !paused)
		pause_class(measure, probes, event_class);
	else if (!pause && paused)
		rc = resume_class(measure, probes, event_class);
	if (rc == 0 && !pause)
		live_measure_step(measure, stats, probes, rec_monotonic_ns());
	return rc;
}

/* Each sample carries the time it stands for. */
static int reduce_samples(struct live_probes *probes, u32 sample_hz)
{
	int rc = live_perf_events_set(&probes->states[LIVE_PROBE_cpu_sample], sample_hz,
				      probes->sample_cycles);

	if (rc == 0 && sample_hz && !probes->sample_cycles)
		probes->skeleton->bss->control.sample_period_ns = 1000000000ull / sample_hz;
	return rc;
}

int live_measure_reduce(struct live_measure *measure, struct live_stats *stats,
			struct live_probes *probes, const struct rec_decision *wanted)
{
	if (wanted->event_class == CLASS_CPU)
		return reduce_samples(probes, wanted->sample_hz);
	return reduce_class(measure, stats, probes, wanted->event_class, wanted->state);
}

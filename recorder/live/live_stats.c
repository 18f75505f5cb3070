/* Counters of the programs, and how long they run. */
#include "recorder/live/live_stats.h"
#include "recorder/live/live_object.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/live_state.h"
#include "recorder/host/kernel_files.h"

#include "kymo_bpf.skel.h"

/* Two clock reads per run of our programs: a window is open for a twentieth of the time. */
#define WINDOW_NS 100000000ull
#define WINDOW_EVERY_NS 2000000000ull
#define FDINFO_BYTES 1024
#define WINDOW_MIN_NS 1000000ull /* shorter ones tell nothing */

int live_stats_init(struct live_stats *stats, struct cap_err *err)
{
	int cpus = libbpf_num_possible_cpus();

	memset(stats, 0, sizeof(*stats));
	stats->cpu_count = cpus > 0 ? (size_t)cpus : 1;
	stats->told = calloc(EV_CLASS_COUNT * stats->cpu_count, sizeof(*stats->told));
	stats->pending = calloc(EV_CLASS_COUNT * stats->cpu_count, sizeof(*stats->pending));
	if (!stats->told || !stats->pending)
		return cap_fail(err, -ENOMEM, "counters of %zu CPUs", stats->cpu_count);
	return 0;
}

void live_stats_done(struct live_stats *stats)
{
	free(stats->told);
	free(stats->pending);
	stats->told = NULL;
	stats->pending = NULL;
}

/* ---- Run time ---- */

/* Index of a program's times; -1: it does not time itself. */
static int timed_of(enum live_probe_id id)
{
	switch (id) {
#define TRACEPOINT(program, name, event_class, need) \
	case LIVE_PROBE_##program:                   \
		return LIVE_TIMED_##program;
#define TYPED TRACEPOINT
#define PERF TRACEPOINT
#define COUNTER(program, name, event_class, need, event) \
	TRACEPOINT(program, name, event_class, need)
#define ITERATOR(...)
#define PREPARE(...)
#define PENDING(...)
#define LIST(...)
#define MAP(...)
#define STORAGE(...)
#include "bpf/probes.def"
	default:
		return -1;
	}
}

static u64 load(const u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* All CPUs together, since the start. */
static struct rec_timed_runs program_count(const struct live_stats *stats,
					   const struct live_probes *probes, enum live_probe_id id)
{
	struct rec_timed_runs sum = {};
	int timed = timed_of(id);

	for (size_t cpu = 0; timed >= 0 && cpu < stats->cpu_count; cpu++) {
		const struct live_run_time *time =
			&probes->skeleton->bss->run_times[cpu].programs[timed];

		for (u32 i = 0; i < LIVE_RUN_BUCKETS; i++)
			sum.run_count += load(&time->buckets[i]);
		sum.interrupted_count += load(&time->interrupted_count);
		sum.run_time_ns += load(&time->run_time_ns);
	}
	return sum;
}

struct rec_timed_runs live_stats_timed(const struct live_stats *stats,
				       const struct live_probes *probes, u32 event_class)
{
	struct rec_timed_runs sum = {};

	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct rec_timed_runs count;

		if (live_probe_class(id) != event_class)
			continue;
		count = program_count(stats, probes, id);
		sum.run_count += count.run_count;
		sum.interrupted_count += count.interrupted_count;
		sum.run_time_ns += count.run_time_ns;
	}
	return sum;
}

/* What is too long for a run is judged anew before each window. */
static void set_limits(const struct live_stats *stats, const struct live_probes *probes)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		u64 buckets[LIVE_RUN_BUCKETS] = {};
		int timed = timed_of(id);

		if (timed < 0)
			continue;
		for (size_t cpu = 0; cpu < stats->cpu_count; cpu++) {
			const struct live_run_time *time =
				&probes->skeleton->bss->run_times[cpu].programs[timed];

			for (u32 i = 0; i < LIVE_RUN_BUCKETS; i++)
				buckets[i] += load(&time->buckets[i]);
		}
		__atomic_store_n(&probes->skeleton->bss->run_limits_ns[timed],
				 rec_run_limit_ns(buckets), __ATOMIC_RELAXED);
	}
}

static void set_timing(const struct live_probes *probes, bool on)
{
	__atomic_store_n(&probes->skeleton->bss->control.runs_timed, on, __ATOMIC_RELAXED);
}

static void open_window(struct live_stats *stats, const struct live_probes *probes, u64 now_ns)
{
	stats->next_window_ns = now_ns + WINDOW_EVERY_NS;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		stats->at_start[id] = program_count(stats, probes, id);
	set_limits(stats, probes);
	set_timing(probes, true);
	stats->window_start_ns = now_ns;
	stats->window_open = true;
}

void live_stats_close_window(struct live_stats *stats, const struct live_probes *probes, u64 now_ns)
{
	if (!stats->window_open)
		return;
	set_timing(probes, false);
	stats->window_open = false;
	if (now_ns < stats->window_start_ns + WINDOW_MIN_NS)
		return;
	stats->window_ns += now_ns - stats->window_start_ns;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct rec_timed_runs now = program_count(stats, probes, id);

		stats->sums[id].run_count += now.run_count - stats->at_start[id].run_count;
		stats->sums[id].interrupted_count +=
			now.interrupted_count - stats->at_start[id].interrupted_count;
		stats->sums[id].run_time_ns += now.run_time_ns - stats->at_start[id].run_time_ns;
	}
}

void live_stats_step(struct live_stats *stats, const struct live_probes *probes, u64 now_ns)
{
	if (stats->window_open && now_ns >= stats->window_start_ns + WINDOW_NS)
		live_stats_close_window(stats, probes, now_ns);
	else if (!stats->window_open && now_ns >= stats->next_window_ns)
		open_window(stats, probes, now_ns);
}

/*
 * How often the kernel skipped the program because it was running already. From /proc and not by
 * bpf(2), which kernels before 5.19 refuse to those without a capability where unprivileged BPF is
 * off.
 */
static bool recursion_count(const struct live_probes *probes, enum live_probe_id id, u64 *ret_count)
{
	static const char key[] = "\nrecursion_misses:";
	struct bpf_program *program = live_probe_program(probes, id);
	char path[48], text[FDINFO_BYTES];
	const char *found;

	if (!program)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_program__fd(program));
	if (rec_read_text_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	found = strstr(text, key);
	if (!found)
		return false; /* before 5.12 */
	*ret_count = strtoull(found + strlen(key), NULL, 10);
	return true;
}

/* Interrupted runs taken to last as long as the others. */
static u64 whole_time_ns(const struct rec_timed_runs *timed)
{
	u64 kept = timed->run_count - timed->interrupted_count;

	return kept ? (u64)((double)timed->run_time_ns * (double)timed->run_count / (double)kept)
		    : 0;
}

int live_stats_rows(struct live_stats *stats, const struct live_probes *probes, u64 now_ns,
		    struct cap_chunk *chunk)
{
	if (stats->window_ns == 0)
		return 0;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct bpf_program *program = live_probe_program(probes, id);
		struct ev_bpf_program row;
		u64 recursions = 0;
		const char *name;
		int rc;

		if (!program || timed_of(id) < 0)
			continue;
		(void)recursion_count(probes, id, &recursions); /* 0 where it is not known */
		name = bpf_program__name(program);
		row = (struct ev_bpf_program){
			.time_ns = now_ns,
			.window_ns = stats->window_ns,
			.run_count = stats->sums[id].run_count,
			.run_time_ns = whole_time_ns(&stats->sums[id]),
			.recursion_count = recursions,
			.name = cap_chunk_string(chunk, name, strlen(name)),
			.event_class = live_probe_class(id),
		};
		rc = cap_chunk_add(chunk, EV_BPF_PROGRAM, &row);
		if (rc < 0)
			return rc;
	}
	memset(stats->sums, 0, sizeof(stats->sums));
	stats->window_ns = 0;
	return 0;
}

/* ---- Loss ---- */

static const struct live_counters *counters_of(const struct live_probes *probes, u32 event_class)
{
	return probes->skeleton->bss->class_counters[event_class];
}

u64 live_stats_events(const struct live_stats *stats, const struct live_probes *probes,
		      u32 event_class)
{
	const struct live_counters *counters = counters_of(probes, event_class);
	u64 sum = 0;

	for (size_t cpu = 0; cpu < stats->cpu_count; cpu++)
		sum += load(&counters[cpu].attempted) + load(&counters[cpu].unmatched);
	return sum;
}

u64 live_stats_singles(const struct live_probes *probes, size_t cpu_count, u32 event_class)
{
	const struct live_counters *counters = counters_of(probes, event_class);
	u64 sum = 0;

	for (size_t cpu = 0; cpu < cpu_count; cpu++) {
		u64 others = load(&counters[cpu].counted) + load(&counters[cpu].ring_full) +
			     load(&counters[cpu].ring_busy) + load(&counters[cpu].no_storage);
		u64 attempted = load(&counters[cpu].attempted);

		sum += attempted > others ? attempted - others : 0; /* it is read while they grow */
	}
	return sum;
}

static void report_lost(struct rec_pipeline *pipeline, u32 event_class, u32 cpu, u32 reason,
			u64 now, u64 *told)
{
	if (now != *told)
		rec_pipeline_lost(pipeline, event_class, cpu, reason, now - *told);
	*told = now;
}

/*
 * A program that the kernel skipped because it was running already missed one event. The kernel
 * does not say on which CPU: CPU 0 stands for all. A call that lost both its entry and its return
 * counts twice; the sum is an upper bound.
 */
static void report_recursion(struct live_stats *stats, const struct live_probes *probes,
			     struct rec_pipeline *pipeline)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		u64 count;

		if (!recursion_count(probes, id, &count))
			continue;
		stats->recursion_lost[live_probe_class(id)] += count - stats->recursion_told[id];
		report_lost(pipeline, live_probe_class(id), 0, REASON_RECURSION, count,
			    &stats->recursion_told[id]);
	}
}

static void report_cpu(struct live_stats *stats, const struct live_counters *counters,
		       struct live_counters *told, struct rec_pipeline *pipeline, u32 event_class,
		       u32 cpu)
{
	u64 attempted = load(&counters->attempted);

	report_lost(pipeline, event_class, cpu, REASON_RING_FULL, load(&counters->ring_full),
		    &told->ring_full);
	report_lost(pipeline, event_class, cpu, REASON_RING_BUSY, load(&counters->ring_busy),
		    &told->ring_busy);
	report_lost(pipeline, event_class, cpu, REASON_NO_STORAGE, load(&counters->no_storage),
		    &told->no_storage);
	attempted += stats->pending[event_class * stats->cpu_count + cpu];
	if (cpu == 0)
		attempted += stats->recursion_lost[event_class];
	rec_pipeline_attempted(pipeline, event_class, cpu, attempted, load(&counters->unmatched));
}

void live_stats_losses(struct live_stats *stats, const struct live_probes *probes,
		       struct rec_pipeline *pipeline)
{
	report_recursion(stats, probes, pipeline);
	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		const struct live_counters *counters = counters_of(probes, i);

		if (!live_object_ring(probes->skeleton, i) || !live_class_attached(probes, i))
			continue;
		for (size_t cpu = 0; cpu < stats->cpu_count; cpu++)
			report_cpu(stats, &counters[cpu], &stats->told[i * stats->cpu_count + cpu],
				   pipeline, i, (u32)cpu);
	}
}

bool live_stats_tasks_lost(const struct live_stats *stats, const struct live_probes *probes)
{
	for (size_t cpu = 0; cpu < stats->cpu_count; cpu++) {
		const struct live_counters *counters = &counters_of(probes, CLASS_TASKS)[cpu];

		if (load(&counters->ring_full) || load(&counters->ring_busy))
			return true;
	}
	return stats->recursion_lost[CLASS_TASKS] > 0;
}

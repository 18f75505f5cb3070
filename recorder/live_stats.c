/* Counters of the programs, and how long they run. */
#include "live_stats.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/live_state.h"

#include "kymo_bpf.skel.h"

/* Counting run time costs two clock reads per run of every BPF program of the host, so it is on for
 * a twentieth of the time. */
#define WINDOW_NS 100000000ull
#define WINDOW_EVERY_NS 2000000000ull
#define WINDOW_MIN_NS 1000000ull /* shorter ones tell nothing */

static const u32 counted_classes[] = {CLASS_CPU, CLASS_SYSCALLS, CLASS_TASKS};
#define COUNTED_CLASSES (sizeof(counted_classes) / sizeof(counted_classes[0]))

/* May the run time be counted? Asked while privileged, so that the answer can be written down
 * first. */
static void probe_counting(struct live_stats *stats)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	stats->enable_error = fd < 0 ? errno : 0;
	if (fd >= 0)
		(void)close(fd); /* nothing is written through it */
}

int live_stats_init(struct live_stats *stats, struct cap_err *err)
{
	int cpus = libbpf_num_possible_cpus();

	memset(stats, 0, sizeof(*stats));
	stats->enable_fd = -1;
	stats->cpu_count = cpus > 0 ? (size_t)cpus : 1;
	stats->told = calloc(COUNTED_CLASSES * stats->cpu_count, sizeof(*stats->told));
	stats->inflight_by_cpu = calloc(stats->cpu_count, sizeof(*stats->inflight_by_cpu));
	if (!stats->told || !stats->inflight_by_cpu)
		return cap_fail(err, -ENOMEM, "counters of %zu CPUs", stats->cpu_count);
	probe_counting(stats);
	return 0;
}

void live_stats_done(struct live_stats *stats)
{
	if (stats->enable_fd >= 0)
		(void)close(stats->enable_fd); /* nothing is written through it */
	stats->enable_fd = -1;
	free(stats->told);
	free(stats->inflight_by_cpu);
	stats->told = NULL;
	stats->inflight_by_cpu = NULL;
}

/* ---- Run time ---- */

static bool program_count(const struct live_probes *probes, enum live_probe_id id,
			  struct live_program_count *ret_count)
{
	struct bpf_program *program = live_probe_program(probes, id);
	struct bpf_prog_info info = {};
	u32 len = sizeof(info);

	if (!program || bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) < 0)
		return false;
	ret_count->run_count = info.run_cnt;
	ret_count->run_time_ns = info.run_time_ns;
	ret_count->recursion_count = info.recursion_misses;
	return true;
}

static void open_window(struct live_stats *stats, const struct live_probes *probes, u64 now_ns)
{
	stats->next_window_ns = now_ns + WINDOW_EVERY_NS;
	stats->enable_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats->enable_fd < 0) {
		stats->enable_error = errno;
		return;
	}
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		(void)program_count(probes, id,
				    &stats->at_start[id]); /* stays at 0 where it is not in use */
	stats->window_start_ns = now_ns;
}

void live_stats_close_window(struct live_stats *stats, const struct live_probes *probes, u64 now_ns)
{
	if (stats->enable_fd < 0)
		return;
	(void)close(stats->enable_fd); /* nothing is written through it */
	stats->enable_fd = -1;
	if (now_ns < stats->window_start_ns + WINDOW_MIN_NS)
		return;
	stats->window_ns += now_ns - stats->window_start_ns;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct live_program_count now;

		if (!program_count(probes, id, &now))
			continue;
		stats->sums[id].run_count += now.run_count - stats->at_start[id].run_count;
		stats->sums[id].run_time_ns += now.run_time_ns - stats->at_start[id].run_time_ns;
	}
}

void live_stats_step(struct live_stats *stats, const struct live_probes *probes, u64 now_ns)
{
	if (stats->enable_fd >= 0 && now_ns >= stats->window_start_ns + WINDOW_NS)
		live_stats_close_window(stats, probes, now_ns);
	else if (stats->enable_fd < 0 && now_ns >= stats->next_window_ns)
		open_window(stats, probes, now_ns);
}

int live_stats_rows(struct live_stats *stats, const struct live_probes *probes, u64 now_ns,
		    struct cap_chunk *chunk)
{
	if (stats->window_ns == 0)
		return 0;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct bpf_program *program = live_probe_program(probes, id);
		struct live_program_count now;
		struct ev_bpf_program row;
		const char *name;
		int rc;

		if (!program || !program_count(probes, id, &now))
			continue;
		name = bpf_program__name(program);
		row = (struct ev_bpf_program){
			.time_ns = now_ns,
			.window_ns = stats->window_ns,
			.run_count = stats->sums[id].run_count,
			.run_time_ns = stats->sums[id].run_time_ns,
			.recursion_count = now.recursion_count,
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
	switch (event_class) {
	case CLASS_CPU:
		return probes->skeleton->bss->cpu_counters;
	case CLASS_SYSCALLS:
		return probes->skeleton->bss->syscalls_counters;
	default:
		return probes->skeleton->bss->tasks_counters;
	}
}

static u64 load(const u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void report_lost(struct rec_sink *sink, u32 event_class, u32 cpu, u32 reason, u64 now,
			u64 *told)
{
	if (now != *told)
		rec_sink_lost(sink, event_class, cpu, reason, now - *told);
	*told = now;
}

/*
 * A program that the kernel skipped because it was running already missed one event. The kernel
 * does not say on which CPU: CPU 0 stands for all. A call that lost both its entry and its return
 * counts twice; the sum is an upper bound.
 */
static void report_recursion(struct live_stats *stats, const struct live_probes *probes,
			     struct rec_sink *sink)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct live_program_count now;
		u64 before;

		if (!program_count(probes, id, &now))
			continue;
		before = stats->recursion_told[id];
		stats->recursion_lost[live_probe_class(id)] += now.recursion_count - before;
		report_lost(sink, live_probe_class(id), 0, REASON_RECURSION, now.recursion_count,
			    &stats->recursion_told[id]);
	}
}

static void report_cpu(struct live_stats *stats, const struct live_counters *counters,
		       struct live_counters *told, struct rec_sink *sink, u32 event_class, u32 cpu)
{
	u64 attempted = load(&counters->attempted);

	report_lost(sink, event_class, cpu, REASON_RING_FULL, load(&counters->ring_full),
		    &told->ring_full);
	report_lost(sink, event_class, cpu, REASON_RING_BUSY, load(&counters->ring_busy),
		    &told->ring_busy);
	report_lost(sink, event_class, cpu, REASON_NO_STORAGE, load(&counters->no_storage),
		    &told->no_storage);
	if (event_class == CLASS_SYSCALLS)
		attempted += stats->inflight_by_cpu[cpu];
	if (cpu == 0)
		attempted += stats->recursion_lost[event_class];
	rec_sink_attempted(sink, event_class, cpu, attempted, load(&counters->unmatched));
}

void live_stats_losses(struct live_stats *stats, const struct live_probes *probes,
		       struct rec_sink *sink)
{
	report_recursion(stats, probes, sink);
	for (size_t i = 0; i < COUNTED_CLASSES; i++) {
		const struct live_counters *counters = counters_of(probes, counted_classes[i]);

		if (!live_class_attached(probes, counted_classes[i]))
			continue;
		for (size_t cpu = 0; cpu < stats->cpu_count; cpu++)
			report_cpu(stats, &counters[cpu], &stats->told[i * stats->cpu_count + cpu],
				   sink, counted_classes[i], (u32)cpu);
	}
}

/* Side blocks of a live recording. */
#include "recorder/live/live_blocks.h"
#include "recorder/base/monotonic.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* They all run inside RCU read sections. */
void live_wait_for_programs(void)
{
	/* Not built into this kernel, or one CPU, where it does nothing though a program may have
	 * been preempted: longer than any program runs. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0 ||
	    sysconf(_SC_NPROCESSORS_ONLN) == 1)
		(void)usleep(50000);
}

int live_hand_over(struct rec_pipeline *pipeline, enum cap_block_type block,
		   struct cap_chunk *chunk, int rc)
{
	int put_rc;

	if (!chunk)
		return -ENOMEM;
	if (rc < 0)
		cap_chunk_reset(chunk);
	put_rc = rec_pipeline_put_info(pipeline, block, chunk);
	return rc < 0 ? rc : put_rc;
}

static int add_row(struct cap_chunk *chunk, struct ev_probe row, const char *name, const char *how,
		   const char *reason)
{
	row.name = cap_chunk_string(chunk, name, strlen(name));
	row.how = cap_chunk_string(chunk, how, strlen(how));
	row.reason = reason[0] ? cap_chunk_string(chunk, reason, strlen(reason)) : 0;
	return cap_chunk_add(chunk, EV_PROBE, &row);
}

/* What is recorded without a probe of the table. */
static int add_other_rows(const struct live_sideband_state *sideband, u64 now_ns,
			  struct cap_chunk *chunk)
{
	const struct ev_probe mappings = {
		.time_ns = now_ns, .event_class = CLASS_MAPPINGS, .attached = sideband->attached};

	const struct ev_probe before = {.time_ns = now_ns,
					.event_class = CLASS_MAPPINGS,
					.attached = sideband->reach->maps_reason[0] == 0};
	const struct ev_probe outside = {.time_ns = now_ns, .event_class = CLASS_MAPPINGS};
	const struct ev_probe programs = {.time_ns = now_ns,
					  .event_class = CLASS_TASKS,
					  .attached = sideband->reach->exe_reason[0] == 0};
	const struct ev_probe kernel = {.time_ns = now_ns,
					.event_class = CLASS_CPU,
					.attached = sideband->kernel_reason[0] == 0};
	int rc =
		add_row(chunk, mappings, "executable mappings", "perf side-band", sideband->reason);

	if (rc == 0)
		rc = add_row(chunk, before, "mappings of processes that ran before",
			     "/proc/PID/maps", sideband->reach->maps_reason);
	if (rc == 0 && sideband->outside_reason[0])
		rc = add_row(chunk, outside, "mappings of processes outside this pid namespace",
			     "perf side-band", sideband->outside_reason);
	if (rc == 0)
		rc = add_row(chunk, programs, "programs of processes that ran before",
			     "/proc/PID/exe", sideband->reach->exe_reason);
	if (rc == 0)
		rc = add_row(chunk, kernel, "kernel addresses", "/proc/kallsyms",
			     sideband->kernel_reason);
	return rc;
}

int live_put_probes(const struct live_probes *probes, const struct live_sideband_state *sideband,
		    struct rec_pipeline *pipeline, struct cap_err *err)
{
	struct cap_chunk *chunk = rec_pipeline_info_chunk(pipeline);
	u64 now_ns = rec_monotonic_ns();
	int rc = chunk ? live_probes_rows(probes, now_ns, chunk) : -ENOMEM;

	if (rc == 0)
		rc = add_other_rows(sideband, now_ns, chunk);
	rc = live_hand_over(pipeline, CAP_BLOCK_PROBES, chunk, rc);
	return rc < 0 ? cap_fail(err, rc, "write the list of probes") : 0;
}

static int add_setting(struct cap_chunk *chunk, const char *key, const char *value)
{
	const struct ev_meta row = {.key = cap_chunk_string(chunk, key, strlen(key)),
				    .value = cap_chunk_string(chunk, value, strlen(value))};

	return cap_chunk_add(chunk, EV_META, &row);
}

int live_put_settings(const struct live_probes *probes, const struct rec_options *options,
		      struct rec_pipeline *pipeline, struct cap_err *err)
{
	bool samples = live_class_attached(probes, CLASS_CPU);
	bool blocked = options->blocked_durations && live_class_attached(probes, CLASS_SYSCALLS);
	struct cap_chunk *chunk;
	int rc = 0;

	if (!samples && !blocked)
		return 0;
	chunk = rec_pipeline_info_chunk(pipeline);
	if (!chunk)
		return cap_fail(err, -ENOMEM, "write what was measured how");
	if (samples)
		rc = add_setting(chunk, "cpu.event",
				 probes->sample_cycles ? "cycles" : "cpu-clock");
	if (rc == 0 && blocked)
		rc = add_setting(chunk, "syscalls.durations", "blocked");
	rc = live_hand_over(pipeline, CAP_BLOCK_META, chunk, rc);
	return rc < 0 ? cap_fail(err, rc, "write what was measured how") : 0;
}

int live_put_modules(const struct rec_kernel_map *map, struct rec_pipeline *pipeline,
		     struct cap_err *err)
{
	struct cap_chunk *chunk = rec_pipeline_info_chunk(pipeline);
	int rc = chunk ? rec_kernel_map_modules(map, chunk) : -ENOMEM;

	rc = live_hand_over(pipeline, CAP_BLOCK_MODULES, chunk, rc);
	return rc < 0 ? cap_fail(err, rc, "write the list of kernel modules") : 0;
}

int live_put_names(struct rec_kernel_map *map, struct rec_pipeline *pipeline, struct cap_err *err)
{
	struct cap_chunk *chunk;
	int rc;

	if (!rec_kernel_map_has_unnamed(map))
		return 0;
	chunk = rec_pipeline_info_chunk(pipeline);
	rc = chunk ? rec_kernel_map_symbols(map, chunk, err) : -ENOMEM;
	rc = live_hand_over(pipeline, CAP_BLOCK_SYMBOLS, chunk, rc);
	return rc < 0 ? cap_context(err, rc, "names of kernel functions") : 0;
}

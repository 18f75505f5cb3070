/*
 * Live BPF as a source of events: the phases of a recording, each a function. Drains rings and
 * side-band into the pipeline; decides nothing about files and encodes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/live_state.h"
#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"
#include "recorder/host/kernel_map.h"
#include "recorder/host/own_cost.h"
#include "recorder/base/error_names.h"
#include "recorder/live/cpu_watch.h"
#include "recorder/live/live_blocks.h"
#include "recorder/live/live_errors.h"
#include "recorder/live/live_files.h"
#include "recorder/live/live_counts.h"
#include "recorder/live/live_measure.h"
#include "recorder/live/iterators.h"
#include "recorder/live/live_memory.h"
#include "recorder/live/live_names.h"
#include "recorder/live/live_probes.h"
#include "recorder/live/proc_access.h"
#include "recorder/live/live_rings.h"
#include "recorder/live/live_settings.h"
#include "recorder/live/live_stats.h"
#include "recorder/base/monotonic.h"
#include "recorder/base/units.h"
#include "recorder/host/process_scan.h"
#include "recorder/pipeline/code_hits.h"
#include "recorder/pipeline/code_map.h"
#include "recorder/pipeline/rec_source.h"
#include "recorder/live/sideband.h"
#include "recorder/guard/stop_steps.h"

#include "kymo_bpf.skel.h"

/* Kernel functions are named after 2 s, then every 5 s. If each time reads all of kallsyms: after 2
 * s, 10 s, then every 30 s, since new names become rare. */
#define FIRST_NAMES_NS 2000000000ull
#define NAMES_NS 5000000000ull
#define SECOND_DEAR_NAMES_NS 10000000000ull
#define LATER_DEAR_NAMES_NS 30000000000ull

/* What shutdown reads from the kernel, in a helper, which alone touches it while it works. */
struct live_stop_work {
	char *pending;
	size_t pending_bytes;
	struct cap_chunk *names;
	int pending_rc, names_rc;
	struct cap_err pending_err;
};

struct live_source {
	const struct rec_options *options;
	struct live_probes probes;
	struct live_rings *rings;
	struct live_stats stats;
	struct live_measure measure;
	struct live_counts fold;
	struct rec_sideband
		*sideband; /* NULL: the kernel refused; mappings are then only key-frames */
	struct cap_err sideband_error;
	struct proc_access reach;
	struct live_names names;
	struct live_memory memory;
	struct rec_kernel_map *kernel_map;
	struct rec_code_map *code_map;
	struct live_files files;
	struct live_cpu_watch cpus;    /* only where class cpu is recorded */
	struct cap_word_map wanted;    /* with -p: processes seen to be in the kernel's set */
	struct cap_word_map numbers;   /* in a pid namespace: number there -> in the initial one */
	bool wanted_unsure;	       /* one of them did not fit into memory */
	struct rec_pipeline *pipeline; /* of the call that runs */
	/* Iterators, opened while privileged; -1: unavailable. The others are those of PREPARE
	 * and PENDING. */
	int processes_fd, iterator_fds[LIVE_PROBE_COUNT];
	u64 start_ns, next_names_ns;
	bool started, stopped;
	struct rec_steps *steps;    /* of the end; NULL: none */
	struct live_stop_work last; /* what they work on */
};

static volatile struct live_control *control_of(const struct live_source *live)
{
	return &live->probes.skeleton->bss->control;
}

/* ---- open ---- */

static struct rec_source *live_free(struct rec_source *source)
{
	struct live_source *live = (struct live_source *)source;

	if (!live)
		return NULL;
	(void)live_rings_free(live->rings);
	(void)rec_sideband_free(live->sideband);
	if (live->processes_fd >= 0)
		(void)close(live->processes_fd); /* only read */
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		if (live->iterator_fds[id] >= 0)
			(void)close(live->iterator_fds[id]); /* only read */
	live_stats_done(&live->stats);
	live_counts_done(&live->fold);
	live_probes_close(&live->probes);
	(void)rec_kernel_map_free(live->kernel_map);
	(void)rec_code_map_free(live->code_map);
	live_names_done(&live->names);
	live_memory_done(&live->memory);
	live_files_done(&live->files);
	live_cpu_watch_close(&live->cpus);
	cap_word_map_done(&live->wanted);
	cap_word_map_done(&live->numbers);
	free(live->last.pending);
	free(live);
	return NULL;
}

static void live_freep(struct live_source **live)
{
	(void)live_free((struct rec_source *)*live);
}

static u64 boottime_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail: as old as 2.6.39 */
	return (u64)now.tv_sec * REC_NS_PER_S + (u64)now.tv_nsec;
}

/* What a clock of ours may differ from the kernel's: programs read a variant of it that is not
 * corrected in the same moment. */
#define CLOCK_SLACK_NS 100000000ull

/* Did the kernel's clock stand at kernel_ns between two readings of ours? In a time namespace it
 * does not, and nothing that we compare with times of events would be right. */
static int check_clock(u64 kernel_ns, u64 before_ns, u64 after_ns, struct cap_err *err)
{
	if (kernel_ns + CLOCK_SLACK_NS >= before_ns && kernel_ns <= after_ns + CLOCK_SLACK_NS)
		return 0;
	return rec_fail(
		err, CAP_EPRIVILEGE, REC_ERROR_ForeignClocks,
		"this time namespace has other clocks than the kernel (%lld s apart); record "
		"from the host's: nsenter --time=/proc/1/ns/time kymo-record ...",
		(long long)((s64)(before_ns - kernel_ns) / (s64)REC_NS_PER_S));
}

/* The process that the programs must leave out, numbered by the kernel: not getpid() in a pid
 * namespace. */
static int learn_self(struct live_source *live, struct cap_err *err)
{
	CLEANUP(cap_closep) int fd = live_probe_iterator(&live->probes, LIVE_PROBE_find_self);
	u64 time_ns = rec_monotonic_ns(), boottime_ns = boottime_now();
	int rc = fd < 0 ? 0 : live_iterator_run(fd, err);

	if (rc == 0 && control_of(live)->self_time_ns)
		rc = check_clock(control_of(live)->self_time_ns, time_ns, rec_monotonic_ns(), err);
	if (rc == 0 && control_of(live)->self_boottime_ns)
		rc = check_clock(control_of(live)->self_boottime_ns, boottime_ns, boottime_now(),
				 err);
	if (rc < 0)
		return rc;
	if (control_of(live)->self_tgid == 0)
		control_of(live)->self_tgid = (u32)getpid();
	return 0;
}

/* What a lifecycle event says about a process's memory. */
static void follow_memory(struct rec_code_map *map, const struct ring_head *head)
{
	const struct ring_task_fork *fork = (const struct ring_task_fork *)head;

	if (head->type == EV_TASK_FORK && fork->child_tid == fork->child_tgid)
		rec_code_map_fork(map, head->tgid, fork->child_tgid, fork->child_start_ns);
	else if (head->type == EV_TASK_EXEC)
		rec_code_map_exec(map, head->tgid, head->leader_start_ns);
	else if (head->type == EV_TASK_EXIT &&
		 ((const struct ring_task_exit *)head)->flags & EV_EXIT_PROCESS)
		rec_code_map_exit(map, head->tgid);
}

static void on_listed(void *context, u32 tgid, u64 start_ns)
{
	rec_code_map_listed(((struct live_source *)context)->code_map, tgid, start_ns);
}

static void on_mapping(void *context, u32 tgid, u64 start_address, u64 size_bytes)
{
	rec_code_map_add(((struct live_source *)context)->code_map, tgid, start_address,
			 size_bytes);
}

static void on_task(void *context, const struct ring_head *head)
{
	const struct ring_task_fork *fork = (const struct ring_task_fork *)head;
	struct live_source *live = context;

	follow_memory(live->code_map, head);
	if (head->type != EV_TASK_FORK)
		return;
	if (live->options->pid_count && cap_word_map_put(&live->wanted, fork->child_tgid, 0, 1) < 0)
		live->wanted_unsure = true;
	if (fork->child_own_pid && fork->child_tid == fork->child_tgid) /* else told as lost */
		(void)cap_word_map_put(&live->numbers, fork->child_own_pid, 0, fork->child_tgid);
}

static u32 translate_tgid(void *context, u32 tgid)
{
	struct live_source *live = context;
	u32 number = (u32)cap_word_map_get(&live->numbers, tgid, 0);

	if (number)
		return number;
	(void)live_rings_drain_tasks(live->rings, live->pipeline,
				     NULL); /* its fork may be waiting there */
	return (u32)cap_word_map_get(&live->numbers, tgid, 0);
}

/* With -p: are the mappings of this process wanted? If a fork may have been missed, any are: a
 * mapping too many does less harm than a missing one. */
static bool mapping_wanted(void *context, u32 tgid)
{
	struct live_source *live = context;

	if (cap_word_map_get(&live->wanted, tgid, 0))
		return true;
	(void)live_rings_drain_tasks(live->rings, live->pipeline,
				     NULL); /* its fork may be waiting there */
	if (cap_word_map_get(&live->wanted, tgid, 0))
		return true;
	/* The kernel's own set is not asked: that would be a bpf(2) call after the drop. */
	return live->wanted_unsure || live_stats_tasks_lost(&live->stats, &live->probes);
}

static int open_iterators(struct live_source *live, struct cap_err *err)
{
	live->processes_fd = live_probe_iterator(&live->probes, LIVE_PROBE_list_processes);
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		if (live_probe_run(id) != LIVE_RUN_NAMED)
			live->iterator_fds[id] = live_probe_iterator(&live->probes, id);
	if (live->options->pid_count && live->processes_fd < 0)
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_AttachFailed,
				"a filter by pid needs the task iterator, which this "
				"kernel refuses "
				"(%s); record the whole system, or by --comm or --cgroup",
				live->probes.states[LIVE_PROBE_list_processes].reason);
	return 0;
}

/* Three descriptors per CPU: more than the usual soft limit on large hosts. */
static void allow_many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* an open that fails will tell */
}

static int live_open(const struct rec_options *options, struct rec_source **ret_source,
		     struct cap_err *err)
{
	CLEANUP(live_freep) struct live_source *live = calloc(1, sizeof(*live));
	int rc;

	if (!live)
		return cap_fail(err, -ENOMEM, "live source");
	live->options = options;
	proc_access_ask(options, &live->reach);
	live->processes_fd = live->cpus.fd = -1;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		live->iterator_fds[id] = -1;
	live->names.fd = live->names.place_fd = live->memory.fd = -1;
	live->code_map = rec_code_map_new();
	if (!live->code_map)
		return cap_fail(err, -ENOMEM, "live source");
	allow_many_descriptors();
	live_measure_open(&live->measure);
	rc = live_check_host(err);
	if (rc == 0)
		live_cpu_watch_open(&live->cpus);
	if (rc == 0)
		rc = live_stats_init(&live->stats, err);
	if (rc == 0)
		rc = live_probes_open(&live->probes, options, err);
	if (rc == 0)
		live_measure_attached(&live->measure, &live->probes);
	if (rc == 0)
		rc = learn_self(live, err);
	if (rc == 0)
		rc = live_settings_pids(live->probes.skeleton, options, err);
	if (rc == 0)
		rc = open_iterators(live, err);
	if (rc == 0)
		rc = live_rings_open(&live->probes, on_task, live, &live->rings, err);
	if (rc == 0)
		rc = live_counts_init(&live->fold, &live->probes, err);
	if (rc < 0)
		return rc;
	live_names_open(&live->names, &live->probes);
	live_memory_open(&live->memory, &live->probes, options);
	rc = rec_kernel_map_open(&live->names.asker, &live->kernel_map, err);
	if (rc < 0)
		return rc;
	if (rec_sideband_open(&(struct rec_sideband_target){.pids = options->pids,
							    .count = options->pid_count},
			      &live->sideband, &live->sideband_error) < 0)
		live->sideband = NULL; /* reported in PROBES: stacks of programs started later have
					  no names */
	else if (options->pid_count && !rec_sideband_is_limited(live->sideband))
		rec_sideband_set_filter(live->sideband, mapping_wanted, live);
	if (live->sideband)
		rec_sideband_set_taker(live->sideband, on_mapping, live);
	if (live->sideband && control_of(live)->self_pid_level > 0)
		rec_sideband_set_translation(live->sideband, translate_tgid, live);
	*ret_source = (struct rec_source *)TAKE(live);
	return 0;
}

/* Why kernel addresses of samples stay unknown; "": they do not. */
static const char *kernel_reason(const struct live_source *live)
{
	const char *why = live_class_attached(&live->probes, CLASS_CPU)
				  ? rec_kernel_map_why_unknown(live->kernel_map)
				  : NULL;

	return why ? why : "";
}

/* Why processes outside of our pid namespace have no mappings; "": they are not recorded. */
static const char *outside_reason(const struct live_source *live)
{
	return control_of(live)->self_pid_level == 0 || live->options->pid_count
		       ? ""
		       : "the kernel does not tell them here: record on the host, or in a "
			 "container with --pid=host";
}

/* Why calls recorded without their entries have no time off the CPU; "": they have, or have their
 * entries. */
static const char *blocked_reason(const struct live_source *live)
{
	if (!live->options->blocked_durations ||
	    !live_class_attached(&live->probes, CLASS_SYSCALLS))
		return "";
	if (!live_class_attached(&live->probes, CLASS_SCHED))
		return "--durations blocked takes them from class sched, which is not recorded";
	return live->probes.has_task_regs
		       ? ""
		       : "--durations blocked needs the saved registers of tasks (Linux 5.15)";
}

/* What turned out to be missing while recording. */
static void missed(const struct live_source *live,
		   void (*tell)(void *context, const char *what, const char *why), void *context)
{
	for (size_t i = 0; i < live->cpus.span_count; i++) {
		const struct live_cpu_span *span = &live->cpus.spans[i];
		char what[96];

		(void)snprintf(what, sizeof(what), "samples of CPU %u from second %.1f to %.1f",
			       span->cpu,
			       (double)(s64)(span->from_ns - live->start_ns) / REC_NS_PER_S,
			       (double)(s64)(span->to_ns - live->start_ns) / REC_NS_PER_S);
		tell(context, what, "it came online while recording; record again");
	}
}

static void live_missing(const struct rec_source *source,
			 void (*tell)(void *context, const char *what, const char *why),
			 void *context)
{
	const struct live_source *live = (const struct live_source *)source;

	if (live->started) { /* all else was told before */
		missed(live, tell, context);
		return;
	}
	live_probes_missing(&live->probes, tell, context);
	if (!live->sideband)
		tell(context, "executable mappings", live->sideband_error.text);
	if (live->reach.maps_reason[0])
		tell(context, "executable mappings of processes that ran before",
		     live->reach.maps_reason);
	if (outside_reason(live)[0])
		tell(context, "executable mappings of processes outside this pid namespace",
		     outside_reason(live));
	if (live->reach.exe_reason[0])
		tell(context, "program paths of processes that ran before", live->reach.exe_reason);
	if (kernel_reason(live)[0])
		tell(context, "kernel functions of samples", kernel_reason(live));
	if (blocked_reason(live)[0])
		tell(context, "durations of system calls", blocked_reason(live));
}

static const struct rec_kernel_map *live_kernel_map(const struct rec_source *source)
{
	return ((const struct live_source *)source)->kernel_map;
}

static const struct rec_code_map *live_code_map(const struct rec_source *source)
{
	return ((const struct live_source *)source)->code_map;
}

/* ---- start ---- */

/* One round of the scan: as many processes as fit two chunks. Returns how many are done. */
static int scan_some(struct live_source *live, struct rec_pipeline *pipeline,
		     const struct ring_process *processes, size_t count, struct cap_err *err)
{
	const struct rec_mapping_taker taker = {
		.listed = on_listed,
		.mapping = on_mapping,
		.context = live,
		.files = rec_code_hits_files(rec_pipeline_code_hits(pipeline)),
	};
	bool own_numbers = control_of(live)->self_pid_level > 0 &&
			   rec_proc_has_own_numbers(control_of(live)->self_tgid);
	struct cap_chunk *procs = rec_pipeline_info_chunk(pipeline),
			 *maps = rec_pipeline_info_chunk(pipeline);
	int done = procs && maps ? rec_process_scan(processes, count, own_numbers, &taker, procs,
						    maps, err)
				 : -ENOMEM;
	int rc = done < 0 ? done : 0;

	rc = live_hand_over(pipeline, CAP_BLOCK_PROCS, procs, rc);
	rc = live_hand_over(pipeline, CAP_BLOCK_MAPS, maps, rc);
	return rc < 0 ? cap_fail(err, rc, "write the list of running processes") : done;
}

static int check_pids_found(const struct live_source *live, size_t process_count,
			    struct cap_err *err)
{
	if (live->options->pid_count == 0 || process_count > 0)
		return 0;
	return cap_fail(err, CAP_EUSAGE, "no process with pid %d%s; it may have ended",
			(int)live->options->pids[0],
			live->options->pid_count > 1 ? " or one of the others asked for" : "");
}

/* Lifecycle events and side-band are on already: what starts during the scan is seen there. */
static int put_processes(struct live_source *live, struct rec_pipeline *pipeline,
			 struct cap_err *err)
{
	CLEANUP(cap_freep) struct ring_process *processes = NULL;
	size_t count = 0;
	int rc;

	if (live->processes_fd < 0)
		return 0;
	rc = live_processes_read(live->processes_fd, &processes, &count, err);
	if (rc == 0)
		rc = check_pids_found(live, count, err);
	for (size_t i = 0; rc == 0 && live->options->pid_count && i < count; i++)
		rc = cap_word_map_put(&live->wanted, processes[i].head.tgid, 0, 1);
	for (size_t i = 0; rc == 0 && control_of(live)->self_pid_level > 0 && i < count; i++)
		if (processes[i].own_pid)
			rc = cap_word_map_put(&live->numbers, processes[i].own_pid, 0,
					      processes[i].head.tgid);
	for (size_t at = 0; rc >= 0 && at < count;) {
		rc = scan_some(live, pipeline, processes + at, count - at, err);
		if (rc <= 0)
			break;
		at += (size_t)rc;
		rc = live_rings_drain_tasks(live->rings, pipeline, err);
	}
	return rc < 0 ? cap_context(err, rc, "processes that already run") : 0;
}

/* Prepares the tasks that already run, class by class, right before the gate opens. */
static int prepare(struct live_source *live, struct cap_err *err)
{
	int rc = 0;

	for (int id = 0; rc == 0 && id < LIVE_PROBE_COUNT; id++)
		if (live_probe_run(id) == LIVE_RUN_PREPARE && live->iterator_fds[id] >= 0)
			rc = live_iterator_run(live->iterator_fds[id], err);
	return rc;
}

/* What there is already, as records. */
static int put_lists(struct live_source *live, struct rec_pipeline *pipeline, struct cap_err *err)
{
	int rc = 0;

	for (int id = 0; rc == 0 && id < LIVE_PROBE_COUNT; id++) {
		CLEANUP(cap_freep) char *bytes = NULL;
		size_t len = 0;

		if (live_probe_run(id) != LIVE_RUN_LIST || live->iterator_fds[id] < 0)
			continue;
		rc = live_pending_read(live->iterator_fds[id], &bytes, &len, err);
		live_pending_put(bytes, len, pipeline, live->stats.pending, live->stats.cpu_count);
	}
	return rc;
}

static int live_start(struct rec_source *source, struct rec_pipeline *pipeline, struct cap_err *err)
{
	struct live_source *live = (struct live_source *)source;
	const struct live_sideband_state sideband = {
		.attached = live->sideband != NULL,
		.reason = !live->sideband ? live->sideband_error.text
			  : rec_sideband_has_build_ids(live->sideband)
				  ? ""
				  : "build-ids are read from the files (the kernel tells them from "
				    "5.12 on)",
		.reach = &live->reach,
		.outside_reason = outside_reason(live),
		.kernel_reason = kernel_reason(live),
	};
	int rc;

	live->pipeline = pipeline;
	if (live->sideband) {
		rc = live_files_open(&live->files, err);
		if (rc < 0)
			return rc;
		rec_sideband_set_files(live->sideband, live_files_identify, &live->files);
	}
	rc = live_put_probes(&live->probes, &sideband, pipeline, err);
	if (rc == 0)
		rc = live_put_settings(&live->probes, live->options, pipeline, err);
	if (rc == 0)
		rc = live_put_modules(live->kernel_map, pipeline, err);
	if (rc < 0)
		return rc;
	control_of(live)->tasks_open = 1;
	rc = put_processes(live, pipeline, err);
	if (rc < 0)
		return rc;
	live->start_ns = rec_monotonic_ns();
	live->next_names_ns = live->start_ns + FIRST_NAMES_NS;
	live_measure_step(&live->measure, &live->stats, &live->probes, live->start_ns);
	live_counts_begin(&live->fold, live->start_ns);
	live_memory_begin(&live->memory, &live->probes, live->start_ns);
	control_of(live)->start_ns = live->start_ns;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		control_of(live)->class_since_ns[i] = live->start_ns;
	rc = prepare(live, err);
	if (rc == 0)
		rc = put_lists(live, pipeline, err);
	if (rc < 0)
		return rc;
	control_of(live)->events_open = 1;
	live->started = true;
	return 0;
}

/* ---- run ---- */

/* Names are optional: a recording does not end because they are unavailable. */
static void name_when_due(struct live_source *live, struct rec_pipeline *pipeline, u64 now_ns)
{
	u64 once_begin;

	if (now_ns < live->next_names_ns)
		return;
	if (live->names.fd >= 0)
		live->next_names_ns = now_ns + NAMES_NS;
	else if (now_ns < live->start_ns + SECOND_DEAR_NAMES_NS)
		live->next_names_ns = live->start_ns + SECOND_DEAR_NAMES_NS;
	else
		live->next_names_ns = now_ns + LATER_DEAR_NAMES_NS;
	once_begin = rec_own_once_begin(); /* reading all of kallsyms takes 50 ms */
	(void)live_put_names(live->kernel_map, pipeline, NULL);
	rec_own_once_end(once_begin);
}

static int drain_all(struct live_source *live, struct rec_pipeline *pipeline, struct cap_err *err)
{
	u64 once_begin;
	int rc;

	/* Whether a word of a stack points into code is asked when the sample is stored: what was
	 * mapped before it was taken must be known by then. */
	live_rings_note(live->rings);
	once_begin = rec_own_once_begin(); /* programs and their files, whatever is recorded */
	rc = live_rings_drain_tasks(live->rings, pipeline, err);
	if (rc == 0 && live->sideband)
		rc = rec_sideband_drain(live->sideband, pipeline);
	rec_own_once_end(once_begin);
	if (rc >= 0)
		rc = live_rings_drain(live->rings, pipeline, err);
	rec_code_map_settle(live->code_map);
	return rc < 0 ? rc : 0;
}

/* How large processes are, now and then. */
static int size_when_due(struct live_source *live, struct rec_pipeline *pipeline, u64 now_ns,
			 struct cap_err *err)
{
	CLEANUP(cap_freep) char *bytes = NULL;
	size_t len = 0;
	int rc;

	live_memory_adapt(&live->memory, &live->probes,
			  live_stats_events(&live->stats, &live->probes, CLASS_MEM), now_ns);
	if (live->measure.paused & 1u << CLASS_MEM || !live_memory_is_due(&live->memory, now_ns))
		return 0;
	rc = live_memory_sizes(&live->memory, &bytes, &len);
	if (rc < 0)
		return cap_fail(err, rc, "sizes of processes");
	live_pending_put(bytes, len, pipeline, live->stats.pending, live->stats.cpu_count);
	return 0;
}

static void watch_cpus(struct live_source *live, u64 now_ns)
{
	if (live_class_attached(&live->probes, CLASS_CPU))
		live_cpu_watch_step(&live->cpus, now_ns);
}

static int live_drain(struct rec_source *source, struct rec_pipeline *pipeline, struct cap_err *err)
{
	struct live_source *live = (struct live_source *)source;
	u64 now_ns = rec_monotonic_ns();
	int rc;

	live->pipeline = pipeline;
	watch_cpus(live, now_ns);
	live_measure_step(&live->measure, &live->stats, &live->probes, now_ns);
	rc = drain_all(live, pipeline, err);
	if (rc == 0)
		rc = live_counts_step(&live->fold, &live->probes, pipeline, now_ns, err);
	if (rc == 0)
		rc = size_when_due(live, pipeline, now_ns, err);
	if (rc < 0)
		return rc;
	name_when_due(live, pipeline, now_ns);
	return 0;
}

static int live_wake_fd(const struct rec_source *source)
{
	return live_rings_wake_fd(((const struct live_source *)source)->rings);
}

static int live_stats(struct rec_source *source, struct rec_pipeline *pipeline,
		      struct cap_chunk *stats_chunk, u64 now_ns)
{
	struct live_source *live = (struct live_source *)source;

	int rc;

	live_stats_losses(&live->stats, &live->probes, pipeline);
	rc = live_stats_rows(&live->stats, &live->probes, now_ns, stats_chunk);
	return rc < 0 ? rc : live_memory_totals(&live->memory, &live->probes, now_ns, stats_chunk);
}

static void live_load(struct rec_source *source, struct rec_load *load)
{
	struct live_source *live = (struct live_source *)source;

	live_measure_load(&live->measure, &live->stats, &live->probes, load);
}

static int live_reduce(struct rec_source *source, const struct rec_decision *wanted)
{
	struct live_source *live = (struct live_source *)source;

	return live_measure_reduce(&live->measure, &live->stats, &live->probes, wanted);
}

/* ---- stop ---- */

static int put_last_rows(struct live_source *live, struct rec_pipeline *pipeline,
			 struct cap_err *err)
{
	struct cap_chunk *chunk = rec_pipeline_info_chunk(pipeline);
	int rc = chunk ? live_stats((struct rec_source *)live, pipeline, chunk, rec_monotonic_ns())
		       : -ENOMEM;

	rc = live_hand_over(pipeline, CAP_BLOCK_STATS, chunk, rc);
	return rc < 0 ? cap_fail(err, rc, "write the last counters") : 0;
}

static int put_unsampled_cpus(struct live_source *live, struct rec_pipeline *pipeline,
			      struct cap_err *err)
{
	struct cap_chunk *chunk;
	int rc;

	watch_cpus(live, rec_monotonic_ns());
	if (live->cpus.span_count == 0)
		return 0;
	chunk = rec_pipeline_info_chunk(pipeline);
	rc = chunk ? live_cpu_watch_rows(&live->cpus, chunk) : -ENOMEM;
	rc = live_hand_over(pipeline, CAP_BLOCK_MARK, chunk, rc);
	return rc < 0 ? cap_fail(err, rc, "write which CPUs were not sampled") : 0;
}

static void step_wait(void *context)
{
	(void)context;
	live_wait_for_programs();
}

static void step_pending(void *context)
{
	struct live_source *live = context;

	for (int id = 0; id < LIVE_PROBE_COUNT && live->last.pending_rc == 0; id++) {
		/* While the probes of a class are detached, the ends of its events are not seen. */
		if (live_probe_run(id) != LIVE_RUN_PENDING || live->iterator_fds[id] < 0 ||
		    live->measure.paused & 1u << live_probe_class(id))
			continue;
		live->last.pending_rc =
			live_pending_read(live->iterator_fds[id], &live->last.pending,
					  &live->last.pending_bytes, &live->last.pending_err);
	}
	if (live->last.pending_rc == 0)
		live->last.pending_rc = live_memory_sizes(&live->memory, &live->last.pending,
							  &live->last.pending_bytes);
}

static void step_names(void *context)
{
	struct live_source *live = context;

	live->last.names_rc = rec_kernel_map_symbols(live->kernel_map, live->last.names, NULL);
}

static void step_detach(void *context)
{
	live_probes_detach(&((struct live_source *)context)->probes);
}

static void step_stop_sideband(void *context)
{
	rec_sideband_stop(((struct live_source *)context)->sideband);
}

/* Mappings until now, and what the kernel lost of them. */
static int finish_sideband(struct live_source *live, struct rec_pipeline *pipeline)
{
	int rc;

	if (!live->sideband ||
	    !rec_steps_run(live->steps, "side-band stopped", step_stop_sideband, live))
		return 0; /* given up is told with the steps */
	rc = rec_sideband_finish(live->sideband, pipeline);
	return rc < 0 ? rc : 0;
}

static void step_sideband(void *context)
{
	struct live_source *live = context;

	live->sideband = rec_sideband_free(live->sideband);
}

static int put_pending(struct live_source *live, struct rec_pipeline *pipeline, struct cap_err *err)
{
	if (!rec_steps_run(live->steps, "what is in flight read", step_pending, live))
		return 0; /* given up is told with the steps */
	if (live->last.pending_rc < 0) {
		*err = live->last.pending_err;
		return live->last.pending_rc;
	}
	live_pending_put(live->last.pending, live->last.pending_bytes, pipeline,
			 live->stats.pending, live->stats.cpu_count);
	free(live->last.pending);
	live->last.pending = NULL;
	return 0;
}

/* Names are optional: no message if they are unavailable. */
static void put_last_names(struct live_source *live, struct rec_pipeline *pipeline)
{
	if (!rec_kernel_map_has_unnamed(live->kernel_map))
		return;
	live->last.names = rec_pipeline_info_chunk(pipeline);
	if (live->last.names &&
	    rec_steps_run(live->steps, "kernel functions named", step_names, live))
		(void)live_hand_over(pipeline, CAP_BLOCK_SYMBOLS, live->last.names,
				     live->last.names_rc < 0 ? live->last.names_rc : 0);
}

/*
 * Calls in flight are those at the moment the gate closed: a call that returned before has its
 * record, and one that returns later finds the gate closed. Lifecycle events continue a little
 * longer, so that their processes are known.
 */
static int live_stop(struct rec_source *source, struct rec_pipeline *pipeline, struct cap_err *err)
{
	struct live_source *live = (struct live_source *)source;
	int rc;

	if (!live->started || live->stopped)
		return 0;
	live->stopped = true;
	live->pipeline = pipeline;
	control_of(live)->stop_ns = rec_monotonic_ns();
	control_of(live)->events_open = 0;
	rec_steps_note(live->steps, "gate closed");
	(void)rec_steps_run(live->steps, "running programs ended", step_wait, live);
	rc = drain_all(live, pipeline, err);
	rec_steps_note(live->steps, "rings drained");
	if (rc == 0)
		rc = put_pending(live, pipeline, err);
	control_of(live)->tasks_open = 0;
	(void)rec_steps_run(live->steps, "lifecycle programs ended", step_wait, live);
	if (rc == 0)
		rc = live_rings_drain(live->rings, pipeline, err);
	if (rc == 0)
		rc = finish_sideband(live, pipeline);
	live_stats_close_window(&live->stats, &live->probes, rec_monotonic_ns());
	live->fold.gate_closed = true; /* and waited for, as far as that could be done */
	if (rc == 0)
		rc = live_counts_take(&live->fold, &live->probes, pipeline, err);
	if (rc == 0)
		rc = put_last_rows(live, pipeline, err);
	if (rc == 0)
		rc = put_unsampled_cpus(live, pipeline, err);
	rec_steps_note(live->steps, "last events and counts taken");
	if (rc == 0)
		put_last_names(live, pipeline);
	(void)rec_steps_run(live->steps, "programs detached", step_detach, live);
	(void)rec_steps_run(live->steps, "side-band closed", step_sideband, live);
	return rc;
}

static void live_use_steps(struct rec_source *source, struct rec_steps *steps)
{
	((struct live_source *)source)->steps = steps;
}

const struct rec_source_ops rec_live_source = {
	.name = "live",
	.open = live_open,
	.start = live_start,
	.drain = live_drain,
	.wake_fd = live_wake_fd,
	.stats = live_stats,
	.load = live_load,
	.reduce = live_reduce,
	.stop = live_stop,
	.free = live_free,
	.missing = live_missing,
	.use_steps = live_use_steps,
	.kernel_map = live_kernel_map,
	.code_map = live_code_map,
	.of_this_host = true,
};

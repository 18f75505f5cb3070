/*
 * Synthetic events: what a live source would deliver, from a seed. Event times start at
 * SYN_BEGIN_NS and advance by the rate, so the same seed gives the same events and times on any
 * machine; the rate also paces real time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/pipeline/rec_source.h"
#include "recorder/base/monotonic.h"
#include "recorder/synthetic/synthetic_counts.h"
#include "recorder/synthetic/synthetic_world.h"

#define BATCH_EVENTS 32768u	    /* per drain: less than half a chunk */
#define SIZE_DIVISOR 256u	    /* of --max-size, in events: the loop looks often enough */
#define DEFAULT_EVENT_HZ 1000000ull /* spacing of events where no rate is given */
#define WALL_BEGIN_NS 1767225600000000000ull /* 2026-01-01 UTC */
#define LIFE_EVENTS 1024u /* mix "all": a child lives this long; places in its life: */
enum {
	LIFE_FORK = 0,
	LIFE_EXEC = 160,
	LIFE_MAP_PROGRAM = 320,
	LIFE_MAP_LIBRARY = 321,
	LIFE_NAME = 480,
	LIFE_EXIT = 992
};
#define SAMPLE_EVERY 16u
#define SAMPLE_PLACE 5u /* of 16: none of the places above */

struct rec_source {
	struct syn_world world;
	bool mix_all;
	u64 batch_count;    /* per drain */
	u64 event_count;    /* to generate; UINT64_MAX: no end */
	u64 rate_hz;	    /* 0: as fast as possible */
	u64 spacing_256ths; /* of a ns, between events on average */
	u64 done_count;
	u64 now_ns, now_256ths;
	u64 begin_real_ns;
	u32 child_number;
	int wake_fd; /* always readable: more can be had at once; -1 when paced */
	u64 attempted[EV_CLASS_COUNT][SYN_CPUS];
	u32 counted_percent;	 /* of the system calls */
	struct syn_counts *fold; /* of those; NULL: none are */
	int counts_rc;		 /* its first failure */
};

static struct rec_source *synthetic_free(struct rec_source *source)
{
	if (source) {
		cap_closep(&source->wake_fd);
		(void)syn_counts_free(source->fold);
	}
	free(source);
	return NULL;
}

static int synthetic_open(const struct rec_options *options, struct rec_source **ret_source,
			  struct cap_err *err)
{
	const struct rec_synthetic *wanted = &options->synthetic;
	bool all = strcmp(wanted->mix, "all") == 0;
	struct rec_source *source;

	if (!all && wanted->mix[0] != '\0' && strcmp(wanted->mix, "syscalls") != 0)
		return cap_fail(err, CAP_EUSAGE, "synthetic mix '%s' is unknown: syscalls, all",
				wanted->mix);
	if (wanted->rate_hz > 1000000000ull)
		return cap_fail(err, CAP_EUSAGE,
				"synthetic rate is above 1000000000 events per second");
	source = calloc(1, sizeof(*source));
	if (!source)
		return cap_fail_errno(err, ENOMEM, "open the synthetic source");
	source->mix_all = all;
	source->event_count = wanted->events ? wanted->events : UINT64_MAX;
	if (options->max_samples && options->max_samples < source->event_count)
		source->event_count = options->max_samples;
	source->batch_count = BATCH_EVENTS;
	if (options->max_size_bytes && options->max_size_bytes / SIZE_DIVISOR < BATCH_EVENTS)
		source->batch_count = options->max_size_bytes / SIZE_DIVISOR + 1;
	source->rate_hz = wanted->rate_hz;
	source->spacing_256ths =
		256ull * 1000000000ull / (wanted->rate_hz ? wanted->rate_hz : DEFAULT_EVENT_HZ);
	source->now_ns = SYN_BEGIN_NS;
	source->wake_fd = wanted->rate_hz ? -1 : eventfd(1, EFD_CLOEXEC);
	if (source->wake_fd < 0 && !wanted->rate_hz) {
		(void)synthetic_free(source);
		return cap_fail_errno(err, errno, "open the synthetic source: eventfd");
	}
	source->counted_percent = (u32)wanted->counted_percent;
	source->fold = source->counted_percent ? syn_counts_new(SYN_BEGIN_NS) : NULL;
	if (source->counted_percent && !source->fold) {
		(void)synthetic_free(source);
		return cap_fail_errno(err, ENOMEM, "open the synthetic source");
	}
	syn_world_init(&source->world, wanted->seed);
	*ret_source = source;
	return 0;
}

static void synthetic_describe(const struct rec_source *source, struct cap_file_info *info)
{
	(void)source;
	info->realtime_ns = WALL_BEGIN_NS;
	info->monotonic_ns = SYN_BEGIN_NS;
	info->boottime_ns = SYN_BEGIN_NS + SYN_BOOT_AHEAD_NS;
	info->cpu_count = SYN_CPUS;
	info->hostname = "synthetic";
	info->kernel_release = "synthetic";
	memcpy(info->boot_id, "synthetic-boot-1", sizeof(info->boot_id));
}

/* -------- key-frames -------- */

static int put_info(struct rec_pipeline *pipeline, enum cap_block_type block,
		    struct cap_chunk *chunk, int rc)
{
	int put_rc;

	if (rc < 0)
		cap_chunk_reset(chunk);
	put_rc = rec_pipeline_put_info(pipeline, block, chunk);
	return rc < 0 ? rc : put_rc;
}

static int put_processes(struct rec_source *source, struct rec_pipeline *pipeline)
{
	struct cap_chunk *procs = rec_pipeline_info_chunk(pipeline);
	struct cap_chunk *maps = rec_pipeline_info_chunk(pipeline);
	int rc = procs && maps ? 0 : -ENOMEM;

	for (u32 i = 0; i < source->world.thread_count && rc == 0; i++) {
		struct syn_thread *thread = &source->world.threads[i];

		if (thread->head.tid != thread->head.tgid)
			continue;
		thread->head.time_ns = SYN_BEGIN_NS;
		rc = syn_add_process(procs, thread);
		for (int library = 0; library < 2 && rc == 0; library++)
			rc = syn_add_mapping(maps, &thread->head, thread->process, library,
					     EV_MAPPING_KEYFRAME);
	}
	if (procs)
		rc = put_info(pipeline, CAP_BLOCK_PROCS, procs, rc);
	if (maps)
		rc = put_info(pipeline, CAP_BLOCK_MAPS, maps, rc);
	return rc;
}

static int synthetic_start(struct rec_source *source, struct rec_pipeline *pipeline,
			   struct cap_err *err)
{
	struct cap_chunk *modules, *symbols;
	int rc;

	source->begin_real_ns = rec_monotonic_ns();
	if (!source->mix_all)
		return 0;
	rc = put_processes(source, pipeline);
	modules = rec_pipeline_info_chunk(pipeline);
	symbols = rec_pipeline_info_chunk(pipeline);
	if (modules)
		rc = put_info(pipeline, CAP_BLOCK_MODULES, modules,
			      rc < 0 ? rc : syn_add_modules(modules));
	if (symbols)
		rc = put_info(pipeline, CAP_BLOCK_SYMBOLS, symbols,
			      rc < 0 ? rc : syn_add_symbols(symbols));
	if (rc < 0 || !modules || !symbols)
		return cap_fail_errno(err, ENOMEM, "start the synthetic source");
	return 0;
}

/* -------- events -------- */

static void advance(struct rec_source *source, u64 bits)
{
	u64 step = source->now_256ths + (source->spacing_256ths * (128 + (bits & 0xff)) >> 8);

	source->now_ns += step >> 8;
	source->now_256ths = step & 0xff;
}

/* Threads move to the next CPU every 16 ms or so. */
static u16 cpu_of(const struct rec_source *source, const struct syn_thread *thread)
{
	return (u16)((thread->head.tid + (source->now_ns >> 24)) % SYN_CPUS);
}

static struct syn_thread *pick_thread(struct rec_source *source, u64 bits)
{
	u32 slot = bits & 0xff;

	if (slot == 255 && source->world.child_alive)
		return &source->world.child;
	return &source->world.threads[source->world.thread_pick[slot]];
}

static s64 return_value(const struct syn_call *call, u64 bits)
{
	switch (call->returns) {
	case SYN_RETURNS_BYTES:
		return (s64)(1 + (bits & 0xfff));
	case SYN_RETURNS_SMALL:
		return (s64)(3 + (bits & 0xf));
	case SYN_RETURNS_ADDRESS:
		return (s64)(0x7f4000000000ull + ((bits & 0xffff) << 12));
	default:
		return 0;
	}
}

/* Spread over all events, and the same events are counted whatever machine makes them. */
static bool is_counted(const struct rec_source *source)
{
	return source->fold && source->done_count * 0x9e3779b97f4a7c15ull >> 32 <
				       0xffffffffull * source->counted_percent / 100;
}

/* Threads of this host have the name of their process. */
static void count_syscall(struct rec_source *source, struct rec_pipeline *pipeline,
			  const struct ring_syscall *call)
{
	int rc = syn_counts_add(source->fold, pipeline, call, &call->head, source->now_ns);

	if (source->counts_rc == 0)
		source->counts_rc = rc;
}

static void generate_syscall(struct rec_source *source, struct rec_pipeline *pipeline, u64 bits)
{
	struct syn_thread *thread = pick_thread(source, bits >> 8);
	const struct syn_call *call = syn_call(source->world.call_pick[(bits >> 16) & 1023]);
	/* The sum of twelve coin flips as exponent: a distribution with the long tail that
	 * latencies have. */
	u64 duration_ns =
		(u64)call->base_duration_ns << __builtin_popcount((bits >> 26) & 0xfff) >> 6;
	struct ring_syscall record = {.head = thread->head, .sysno = call->sysno};

	duration_ns = duration_ns * (192 + ((bits >> 38) & 0x7f)) >> 8;
	if (duration_ns + thread->free_ns > source->now_ns)
		duration_ns =
			source->now_ns > thread->free_ns ? source->now_ns - thread->free_ns : 0;
	record.duration_ns = duration_ns;
	record.head.time_ns = source->now_ns - duration_ns;
	record.head.type = EV_SYSCALL;
	record.head.cpu = cpu_of(source, thread);
	if (((bits >> 45) & 1023) < call->error_per_1024)
		record.ret = -(s64)call->error;
	else
		record.ret = return_value(call, bits >> 50 ^ bits >> 13);
	thread->free_ns = source->now_ns;
	source->attempted[CLASS_SYSCALLS][record.head.cpu]++;
	if (is_counted(source))
		count_syscall(source, pipeline, &record);
	else
		rec_pipeline_record(pipeline, &record, sizeof(record));
}

static void generate_sample(struct rec_source *source, struct rec_pipeline *pipeline, u64 bits)
{
	struct cap_chunk *chunk = rec_pipeline_open_chunk(pipeline);
	const struct syn_thread *thread = pick_thread(source, bits >> 8);
	/* min of two: some stacks are much hotter than others */
	u32 one = (bits >> 16) & (SYN_STACKS - 1), other = (bits >> 22) & (SYN_STACKS - 1);
	u32 which = one < other ? one : other;
	const struct syn_stack *stack = &source->world.stacks[which];
	struct cap_task task = syn_task(&thread->head);
	struct ev_cpu_sample row = {
		.time_ns = source->now_ns,
		.period = 10101010, /* ns: 99 Hz */
		.task = cap_chunk_task(chunk, &task),
		.stack = syn_world_stack(&source->world, chunk, which, thread->head.tgid),
		.flags = stack->kernel_from < stack->depth ? EV_SAMPLE_IN_KERNEL : 0,
		.sysno = EV_NO_SYSCALL,
		.cpu = cpu_of(source, thread),
	};

	source->attempted[CLASS_CPU][row.cpu]++;
	if (cap_chunk_failed(chunk) == 0 && cap_chunk_add(chunk, EV_CPU_SAMPLE, &row) == 0)
		rec_pipeline_stored(pipeline, CLASS_CPU, row.cpu, 1);
	else
		rec_pipeline_lost(pipeline, CLASS_CPU, row.cpu, REASON_RECORDER, 1);
}

static void generate_mapping(struct rec_source *source, struct rec_pipeline *pipeline, bool library)
{
	struct syn_thread *child = &source->world.child;

	child->head.time_ns = source->now_ns;
	source->attempted[CLASS_MAPPINGS][0]++;
	if (syn_add_mapping(rec_pipeline_open_chunk(pipeline), &child->head, SYN_PROCESSES, library,
			    0) == 0)
		rec_pipeline_stored(pipeline, CLASS_MAPPINGS, 0, 1);
	else
		rec_pipeline_lost(pipeline, CLASS_MAPPINGS, 0, REASON_RECORDER, 1);
}

static void put_task_record(struct rec_source *source, struct rec_pipeline *pipeline,
			    struct ring_head *head, size_t len)
{
	head->time_ns = source->now_ns;
	head->cpu = cpu_of(source, &source->world.child);
	source->attempted[CLASS_TASKS][head->cpu]++;
	rec_pipeline_record(pipeline, head, len);
}

static void generate_fork(struct rec_source *source, struct rec_pipeline *pipeline)
{
	struct syn_world *world = &source->world;
	const struct syn_thread *parent = &world->threads[0];
	struct ring_task_fork record;

	for (u32 i = 0; i < world->thread_count; i++)
		if (world->threads[i].process == 5) /* make */
			parent = &world->threads[i];
	world->child = *parent;
	world->child.process = SYN_PROCESSES;
	world->child.head.tgid = world->child.head.tid = 10000 + source->child_number++ % 20000;
	world->child.head.leader_start_ns = source->now_ns + SYN_BOOT_AHEAD_NS;
	record = (struct ring_task_fork){
		.head = parent->head,
		.child_start_ns = world->child.head.leader_start_ns,
		.child_tgid = world->child.head.tgid,
		.child_tid = world->child.head.tid,
		.child_exec_id = world->child.head.exec_id,
	};
	record.head.type = EV_TASK_FORK;
	put_task_record(source, pipeline, &record.head, sizeof(record));
}

static void generate_exec(struct rec_source *source, struct rec_pipeline *pipeline)
{
	struct {
		struct ring_task_exec record;
		char path[EV_MAX_PATH_BYTES];
	} exec = {0};
	struct syn_thread *child = &source->world.child;
	size_t len;

	child->head.exec_id++;
	memset(child->head.comm, 0, sizeof(child->head.comm));
	memcpy(child->head.comm, "cc1", 3);
	child->free_ns = source->now_ns;
	source->world.child_alive = true;
	strncpy(exec.path, syn_program_path(SYN_PROCESSES), sizeof(exec.path) - 1);
	len = strlen(exec.path) + 1;
	exec.record.head = child->head;
	exec.record.head.type = EV_TASK_EXEC;
	exec.record.old_tid = child->head.tid;
	exec.record.path_bytes = (u16)len;
	put_task_record(source, pipeline, &exec.record.head, sizeof(exec.record) + len);
}

static void generate_name(struct rec_source *source, struct rec_pipeline *pipeline)
{
	struct syn_thread *child = &source->world.child;
	struct ring_task_name record = {.head = child->head, .target_tid = child->head.tid};
	char name[EV_COMM_BYTES] = "cc1-optimize";

	record.head.type = EV_TASK_NAME;
	memcpy(&record.name_lo, name, 8);
	memcpy(&record.name_hi, name + 8, 8);
	put_task_record(source, pipeline, &record.head, sizeof(record));
	memcpy(child->head.comm, name, sizeof(name));
}

static void generate_exit(struct rec_source *source, struct rec_pipeline *pipeline, u64 bits)
{
	struct ring_task_exit record = {
		.head = source->world.child.head,
		.exit_code = (bits & 0xf) == 0 ? 0x100 : 0,
		.flags = EV_EXIT_PROCESS,
	};

	record.head.type = EV_TASK_EXIT;
	put_task_record(source, pipeline, &record.head, sizeof(record));
	source->world.child_alive = false;
}

static void generate_one(struct rec_source *source, struct rec_pipeline *pipeline)
{
	u64 bits = syn_random(&source->world);
	u32 place = (u32)(source->done_count % LIFE_EVENTS);

	advance(source, bits);
	source->done_count++;
	if (!source->mix_all) {
		generate_syscall(source, pipeline, bits);
		return;
	}
	if (place % SAMPLE_EVERY == SAMPLE_PLACE)
		generate_sample(source, pipeline, bits);
	else if (place == LIFE_FORK)
		generate_fork(source, pipeline);
	else if (place == LIFE_EXEC)
		generate_exec(source, pipeline);
	else if (place == LIFE_MAP_PROGRAM || place == LIFE_MAP_LIBRARY)
		generate_mapping(source, pipeline, place == LIFE_MAP_LIBRARY);
	else if (place == LIFE_NAME)
		generate_name(source, pipeline);
	else if (place == LIFE_EXIT)
		generate_exit(source, pipeline, bits);
	else
		generate_syscall(source, pipeline, bits);
}

static int synthetic_drain(struct rec_source *source, struct rec_pipeline *pipeline,
			   struct cap_err *err)
{
	u64 until = source->done_count + source->batch_count;

	if (source->rate_hz)
		until = (u64)((double)(rec_monotonic_ns() - source->begin_real_ns) * 1e-9 *
			      (double)source->rate_hz);
	if (until > source->event_count)
		until = source->event_count;
	while (source->done_count < until)
		generate_one(source, pipeline);
	if (source->counts_rc < 0)
		return cap_fail(err, source->counts_rc, "write counted system calls");
	return source->done_count >= source->event_count;
}

static int synthetic_wake_fd(const struct rec_source *source)
{
	return source->wake_fd;
}

static int synthetic_stats(struct rec_source *source, struct rec_pipeline *pipeline,
			   struct cap_chunk *stats_chunk, u64 now_ns)
{
	(void)stats_chunk; /* no BPF programs here */
	(void)now_ns;
	for (u32 event_class = 0; event_class < EV_CLASS_COUNT; event_class++)
		for (u32 cpu = 0; cpu < SYN_CPUS; cpu++)
			if (source->attempted[event_class][cpu])
				rec_pipeline_attempted(pipeline, event_class, cpu,
						       source->attempted[event_class][cpu], 0);
	return 0;
}

static int synthetic_stop(struct rec_source *source, struct rec_pipeline *pipeline,
			  struct cap_err *err)
{
	int rc = source->fold ? syn_counts_take(source->fold, pipeline, source->now_ns) : 0;

	return rc < 0 ? cap_fail(err, rc, "write counted system calls") : 0;
}

static u64 synthetic_now(const struct rec_source *source)
{
	return source->now_ns;
}

static bool synthetic_can_wait(const struct rec_source *source)
{
	return source->rate_hz == 0;
}

const struct rec_source_ops rec_synthetic_source = {
	.name = "synthetic",
	.open = synthetic_open,
	.start = synthetic_start,
	.drain = synthetic_drain,
	.wake_fd = synthetic_wake_fd,
	.stats = synthetic_stats,
	.stop = synthetic_stop,
	.free = synthetic_free,
	.now = synthetic_now,
	.describe = synthetic_describe,
	.can_wait = synthetic_can_wait,
};

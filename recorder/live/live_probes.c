/* The probe table at work: load, and when a program is refused, take its fallback or give up its
 * class, and load again. */
#include "recorder/live/kernel_btf.h"
#include "recorder/live/live_probes.h"
#include "recorder/base/error_names.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/base/cleanup.h"
#include "recorder/live/live_object.h"
#include "recorder/live/live_perf_events.h"
#include "recorder/live/live_settings.h"
#include "recorder/options/event_classes.h"

#include "kymo_bpf.skel.h"

#define VARIANTS 2

struct live_variant {
	const char *how;
	size_t program_offset; /* of the program's pointer in struct kymo_bpf; 0: no such variant */
};

struct live_probe {
	const char *name;
	u32 event_class;
	enum live_kind kind;
	enum live_run run;
	bool needed;
	u64 event;    /* LIVE_COUNTER: PERF_COUNT_SW_... */
	bool cheaper; /* works without it, at a higher cost */
	struct live_variant variants[VARIANTS];
};

#define NEED_NEEDED .needed = true
#define NEED_OPTIONAL .needed = false
#define NEED_CHEAPER .cheaper = true
#define PROGRAM_AT(program) offsetof(struct kymo_bpf, progs.program)

static const struct live_probe probe_table[LIVE_PROBE_COUNT] = {
#define TRACEPOINT(program, probe_name, in_class, need)                               \
	[LIVE_PROBE_##program] = {.name = probe_name,                                 \
				  .event_class = CLASS_##in_class,                    \
				  .kind = LIVE_TRACEPOINT,                            \
				  NEED_##need,                                        \
				  .variants = {{"tp_btf", PROGRAM_AT(program##_btf)}, \
					       {"raw_tp", PROGRAM_AT(program##_raw)}}},
#define TYPED(program, probe_name, in_class, need)                 \
	[LIVE_PROBE_##program] = {.name = probe_name,              \
				  .event_class = CLASS_##in_class, \
				  .kind = LIVE_TRACEPOINT,         \
				  NEED_##need,                     \
				  .variants = {{"tp_btf", PROGRAM_AT(program##_btf)}}},
#define PERF(program, probe_name, in_class, need)                        \
	[LIVE_PROBE_##program] = {                                       \
		.name = probe_name,                                      \
		.event_class = CLASS_##in_class,                         \
		.kind = LIVE_PERF,                                       \
		NEED_##need,                                             \
		.variants = {{"perf_event", PROGRAM_AT(program##_perf)}, \
			     {"perf_event, stacks by frame pointers", PROGRAM_AT(program##_fp)}}},
#define COUNTER(program, probe_name, in_class, need, sw_event)       \
	[LIVE_PROBE_##program] = {.name = probe_name,                \
				  .event_class = CLASS_##in_class,   \
				  .kind = LIVE_COUNTER,              \
				  .event = PERF_COUNT_SW_##sw_event, \
				  NEED_##need,                       \
				  .variants = {{"perf_event", PROGRAM_AT(program##_perf)}}},
#define ITERATOR(program, probe_name, in_class, need)              \
	[LIVE_PROBE_##program] = {.name = probe_name,              \
				  .event_class = CLASS_##in_class, \
				  .kind = LIVE_ITERATOR,           \
				  NEED_##need,                     \
				  .variants = {{"iter", PROGRAM_AT(program##_iter)}}},
#define PREPARE(program, probe_name, in_class, need)               \
	[LIVE_PROBE_##program] = {.name = probe_name,              \
				  .event_class = CLASS_##in_class, \
				  .kind = LIVE_ITERATOR,           \
				  .run = LIVE_RUN_PREPARE,         \
				  NEED_##need,                     \
				  .variants = {{"iter", PROGRAM_AT(program##_iter)}}},
#define PENDING(program, probe_name, in_class, need)               \
	[LIVE_PROBE_##program] = {.name = probe_name,              \
				  .event_class = CLASS_##in_class, \
				  .kind = LIVE_ITERATOR,           \
				  .run = LIVE_RUN_PENDING,         \
				  NEED_##need,                     \
				  .variants = {{"iter", PROGRAM_AT(program##_iter)}}},
#define LIST(program, probe_name, in_class, need)                  \
	[LIVE_PROBE_##program] = {.name = probe_name,              \
				  .event_class = CLASS_##in_class, \
				  .kind = LIVE_ITERATOR,           \
				  .run = LIVE_RUN_LIST,            \
				  NEED_##need,                     \
				  .variants = {{"iter", PROGRAM_AT(program##_iter)}}},
#define MAP(...)
#define STORAGE(...)
#include "bpf/probes.def"
};

const char *live_probe_name(enum live_probe_id id)
{
	return probe_table[id].name;
}

enum live_kind live_probe_kind(enum live_probe_id id)
{
	return probe_table[id].kind;
}

enum live_run live_probe_run(enum live_probe_id id)
{
	return probe_table[id].run;
}

u32 live_probe_class(enum live_probe_id id)
{
	return probe_table[id].event_class;
}

bool live_probe_only_saves(enum live_probe_id id)
{
	return probe_table[id].cheaper;
}

static struct bpf_program *variant_program(const struct live_probes *probes, enum live_probe_id id,
					   int variant)
{
	size_t offset = probe_table[id].variants[variant].program_offset;

	if (offset == 0 || !probes->skeleton)
		return NULL;
	return *(struct bpf_program **)((char *)probes->skeleton + offset);
}

struct bpf_program *live_probe_program(const struct live_probes *probes, enum live_probe_id id)
{
	const struct live_probe_state *state = &probes->states[id];

	return state->attached ? variant_program(probes, id, state->variant) : NULL;
}

/* Records of such a class are made by programs of other classes. */
static bool has_iterators_only(u32 event_class)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		if (probe_table[id].event_class == event_class &&
		    probe_table[id].kind != LIVE_ITERATOR)
			return false;
	return true;
}

bool live_class_attached(const struct live_probes *probes, u32 event_class)
{
	bool any = false, by_iterators = has_iterators_only(event_class);

	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		if (probe_table[id].event_class != event_class ||
		    (probe_table[id].kind == LIVE_ITERATOR && !by_iterators))
			continue;
		if (probe_table[id].needed && !probes->states[id].attached &&
		    !probes->states[id].left_out)
			return false;
		any = any || probes->states[id].attached;
	}
	return any;
}

/* ---- Refusals ---- */

void live_probe_pause(struct live_probe_state *state)
{
	for (size_t i = 0; i < state->link_count; i++)
		(void)bpf_link__destroy(state->links[i]); /* nothing can be done about a failure */
	state->link_count = 0;
	if (state->again_fd > 0)
		(void)close(state->again_fd); /* the kernel detaches */
	state->again_fd = 0;
}

static void detach_probe(struct live_probe_state *state)
{
	live_probe_pause(state);
	free(state->links);
	free(state->event_fds);
	state->links = NULL;
	state->event_fds = NULL;
}

static void drop_probe(struct live_probe_state *state, int error, const char *reason)
{
	detach_probe(state);
	state->wanted = false;
	state->attached = false;
	state->error = error;
	(void)snprintf(state->reason, sizeof(state->reason), "%s", reason);
}

/* A class without a probe that it needs is not recorded at all: partial data would be misleading.
 */
static void drop_class(struct live_probes *probes, u32 event_class, const char *missing)
{
	char reason[160];

	(void)snprintf(reason, sizeof(reason), "not used: %s is missing", missing);
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		if (probe_table[id].event_class == event_class && probes->states[id].wanted)
			drop_probe(&probes->states[id], 0, reason);
}

/* Takes the next variant, or drops the probe (and its class with it). True if a new load is worth
 * it. */
static bool refuse_variant(struct live_probes *probes, enum live_probe_id id, int error,
			   const char *reason)
{
	struct live_probe_state *state = &probes->states[id];
	const struct live_probe *probe = &probe_table[id];
	int next = state->variant + 1;

	if (next < VARIANTS && probe->variants[next].program_offset) {
		(void)snprintf(state->reason, sizeof(state->reason),
			       "fallback, because %s was refused: %s",
			       probe->variants[state->variant].how, reason);
		state->error = error;
		state->variant = next;
		return true;
	}
	drop_probe(state, error, reason);
	if (probe->needed)
		drop_class(probes, probe->event_class, probe->name);
	return false;
}

/* ---- Load ---- */

static void choose_programs(struct live_probes *probes)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		for (int variant = 0; variant < VARIANTS; variant++) {
			struct bpf_program *program = variant_program(probes, id, variant);
			bool use =
				probes->states[id].wanted && probes->states[id].variant == variant;

			if (program)
				(void)bpf_program__set_autoload(program, use);
		}
}

static int find_refused(const struct live_probes *probes)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct bpf_program *program =
			variant_program(probes, id, probes->states[id].variant);

		if (probes->states[id].wanted && program &&
		    strcmp(bpf_program__name(program), probes->log.program) == 0)
			return id;
	}
	return -1;
}

static bool anything_wanted(const struct live_probes *probes)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		if (probes->states[id].wanted && probe_table[id].needed)
			return true;
	return false;
}

/* Was it a ring that did not fit into memory? Then half of it is tried. */
static bool shrink_rings(struct live_probes *probes, int error)
{
	struct rlimit limit;
	bool locked = error == EPERM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
		      limit.rlim_cur != RLIM_INFINITY; /* how kernels before 5.11 say it */

	if ((error != ENOMEM && !locked) || probes->ring_halvings >= LIVE_MAX_HALVINGS ||
	    !strstr(probes->log.text, "_ring': failed to create"))
		return false;
	probes->ring_halvings++;
	return true;
}

/* The number of the kernel's bpf_rdonly_cast; 0: it has none, or shows no types. */
static u32 cast_function(void)
{
	CLEANUP(live_kernel_btf_done) struct live_kernel_btf btf = {0};
	u32 id = 0;

	if (live_kernel_btf_read(&btf) < 0 ||
	    !live_kernel_btf_find(&btf, BTF_KIND_FUNC, "bpf_rdonly_cast", &id))
		return 0;
	return id;
}

/* One object, loaded with the programs chosen now. 0: loaded. 1: something was refused and the
 * choice changed. */
static int load_once(struct live_probes *probes, const struct rec_options *options,
		     struct cap_err *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_options);
	char tail[160];
	int rc, refused;

	rc = live_object_unpack(err);
	if (rc < 0)
		return rc;
	if (probes->btf.path[0])
		open_options.btf_custom_path = probes->btf.path;
	if (options->classes & 1u << CLASS_FILES && !probes->cast_known) {
		probes->cast_function = cast_function();
		probes->cast_known = true;
	}
	if (probes->cast_function)
		live_object_set_cast(probes->cast_function);
	probes->skeleton = kymo_bpf__open_opts(&open_options);
	live_object_release();
	if (!probes->skeleton)
		return live_fail_load(&probes->log, errno, err);
	probes->skeleton->rodata->can_cast = probes->cast_function != 0;
	rc = live_settings_apply(probes->skeleton, probes, options, err);
	if (rc < 0)
		return rc;
	choose_programs(probes);
	rc = kymo_bpf__load(probes->skeleton);
	if (rc == 0)
		return 0;

	if (shrink_rings(probes, -rc))
		return 1;
	refused = find_refused(probes);
	if (refused < 0)
		return live_fail_load(&probes->log, -rc, err);
	live_log_tail(&probes->log, tail, sizeof(tail));
	if (!tail[0])
		(void)snprintf(tail, sizeof(tail), "load: %s", strerror(-rc));
	if (!refuse_variant(probes, refused, -rc, tail) && !anything_wanted(probes))
		return live_fail_load(&probes->log, -rc, err);
	return 1;
}

/* ---- Attach ---- */

static int keep_link(struct live_probe_state *state, struct bpf_link *link)
{
	state->links = calloc(1, sizeof(struct bpf_link *));
	if (!state->links) {
		(void)bpf_link__destroy(link);
		return -ENOMEM;
	}
	state->links[0] = link;
	state->link_count = 1;
	state->attached = true;
	return 0;
}

static struct bpf_link *attach_iterator(const struct live_probes *probes, enum live_probe_id id,
					const struct bpf_program *program)
{
	const struct bpf_map *map =
		id == LIVE_PROBE_name_addresses	   ? probes->skeleton->maps.asked_addresses
		: id == LIVE_PROBE_list_more_conns ? probes->skeleton->maps.net_conns
						   : NULL;
	union bpf_iter_link_info info = {.map.map_fd = map ? (u32)bpf_map__fd(map) : 0};
	LIBBPF_OPTS(bpf_iter_attach_opts, over_map, .link_info = &info,
		    .link_info_len = sizeof(info));

	return bpf_program__attach_iter(program, map ? &over_map : NULL);
}

static int attach_probe(struct live_probes *probes, enum live_probe_id id,
			const struct rec_options *options, char *reason, size_t reason_size)
{
	struct live_probe_state *state = &probes->states[id];
	struct bpf_program *program = variant_program(probes, id, state->variant);
	struct bpf_link *link;
	int rc;

	if (probe_table[id].kind == LIVE_PERF || probe_table[id].kind == LIVE_COUNTER) {
		rc = probe_table[id].kind == LIVE_PERF
			     ? live_perf_events_attach(program, options->sample_hz, state,
						       &probes->sample_cycles)
			     : live_counters_attach(program, probe_table[id].event,
						    options->fault_period, state);
		if (rc < 0)
			(void)snprintf(
				reason, reason_size, "perf_event_open: %s%s", strerror(-rc),
				rc == -EINVAL
					? " (is kernel.perf_event_max_sample_rate below the rate?)"
				: rc == -EACCES || rc == -EPERM
					? " (CAP_PERFMON is enough where "
					  "kernel.perf_event_paranoid is 2 or less)"
					: "");
		return rc;
	}
	link = probe_table[id].kind == LIVE_ITERATOR ? attach_iterator(probes, id, program)
						     : bpf_program__attach(program);
	if (!link) {
		rc = -errno;
		(void)snprintf(reason, reason_size, "attach: %s", strerror(-rc));
		return rc;
	}
	return keep_link(state, link);
}

/* 0, or 1 if a fallback wants a new load. */
static int attach_all(struct live_probes *probes, const struct rec_options *options)
{
	char reason[160];

	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		int rc;

		if (!probes->states[id].wanted || probes->states[id].attached)
			continue;
		rc = attach_probe(probes, id, options, reason, sizeof(reason));
		if (rc < 0 && refuse_variant(probes, id, -rc, reason))
			return 1;
	}
	return 0;
}

void live_probes_detach(struct live_probes *probes)
{
	for (int id = LIVE_PROBE_COUNT - 1; id >= 0; id--)
		detach_probe(&probes->states[id]);
}

static void unload(struct live_probes *probes)
{
	live_probes_detach(probes);
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		probes->states[id].attached = false;
	kymo_bpf__destroy(probes->skeleton);
	probes->skeleton = NULL;
}

void live_probes_close(struct live_probes *probes)
{
	unload(probes);
	live_btf_done(&probes->btf);
	live_log_capture(NULL);
}

/* ---- Probing the kernel ---- */

static bool task_storage_works(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1 &&
	       libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_task_storage_get,
				       NULL) == 1;
}

/* Programs that look types up in the kernel itself need the kernel's BTF. */
static void do_without_kernel_btf(struct live_probes *probes)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		struct live_probe_state *state = &probes->states[id];

		if (!state->wanted || probe_table[id].kind == LIVE_PERF ||
		    probe_table[id].kind == LIVE_COUNTER)
			continue;
		if (probe_table[id].kind == LIVE_TRACEPOINT)
			(void)refuse_variant(
				probes, id, ENOENT,
				"the kernel has no BTF of its own; --btf does not help here");
		else
			drop_probe(state, ENOENT, "needs the kernel's own BTF");
	}
}

static void probe_kernel(struct live_probes *probes)
{
	probes->use_task_storage = task_storage_works();
	probes->has_task_regs = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT,
							BPF_FUNC_task_pt_regs, NULL) == 1;
#ifdef KYMO_LIVE_FORCE_FALLBACKS /* a test build: take every fallback there is */
	probes->force_fallbacks = true;
	probes->use_task_storage = false;
	drop_probe(&probes->states[LIVE_PROBE_name_addresses], 0, "every fallback is taken");
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		if (probe_table[id].variants[1].program_offset)
			probes->states[id].variant = 1;
#endif
}

/* ---- Whole ---- */

/* Rings smaller than wanted lose events sooner: mentioned in each class's PROBES row. */
static void note_small_rings(struct live_probes *probes)
{
	const enum live_probe_id ids[] = {probes->states[LIVE_PROBE_sys_enter].left_out
						  ? LIVE_PROBE_sys_exit
						  : LIVE_PROBE_sys_enter,
					  LIVE_PROBE_cpu_sample};

	for (size_t i = 0; probes->ring_halvings > 0 && i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct live_probe_state *state = &probes->states[ids[i]];

		if (state->attached && !state->reason[0])
			(void)snprintf(state->reason, sizeof(state->reason),
				       "fallback: rings of 1/%u of their size, because memory "
				       "for larger ones was refused",
				       1u << probes->ring_halvings);
	}
}

/* The one fallback that is not another program. Mentioned unless there is something more important.
 */
static void note_hash_map(struct live_probe_state *sys_enter, bool use_task_storage)
{
	if (sys_enter->attached && !use_task_storage && !sys_enter->reason[0])
		(void)snprintf(sys_enter->reason, sizeof(sys_enter->reason),
			       "fallback: entries wait in a hash map, because the kernel has no "
			       "task storage");
}

static bool nothing_recorded(const struct live_probes *probes, u32 classes)
{
	for (u32 event_class = 0; event_class < EV_CLASS_COUNT; event_class++)
		if ((classes & (1u << event_class)) && live_class_attached(probes, event_class))
			return false;
	return true;
}

static int fail_attach(const struct live_probes *probes, struct cap_err *err)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		const struct live_probe_state *state = &probes->states[id];

		if (!probe_table[id].needed || state->error == 0)
			continue;
		if (state->error == EPERM || state->error == EACCES)
			return live_fail_permissions(err, state->reason);
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_AttachFailed,
				"%s: %s; leave its class out (-e), or record on "
				"another kernel",
				probe_table[id].name, state->reason);
	}
	return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_AttachFailed,
			"none of the requested events can be recorded on this kernel; `kymo-record "
			"list` shows the classes");
}

int live_probes_open(struct live_probes *probes, const struct rec_options *options,
		     struct cap_err *err)
{
	const u32 classes = options->classes | rec_classes_when(REC_CLASS_ALWAYS);
	int rc;

	if (libbpf_num_possible_cpus() > LIVE_MAX_CPUS)
		return rec_fail(err, CAP_ELIMIT, REC_ERROR_IncompatibleKernel,
				"%d possible CPUs; this build supports %d at most",
				libbpf_num_possible_cpus(), LIVE_MAX_CPUS);
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		probes->states[id].wanted = classes & (1u << probe_table[id].event_class);
	if (options->blocked_durations) {
		probes->states[LIVE_PROBE_sys_enter].wanted = false;
		probes->states[LIVE_PROBE_sys_enter].left_out = true;
	}
	live_log_capture(&probes->log);
	rc = live_btf_open(options->btf_path, &probes->btf, err);
	if (rc < 0) {
		live_log_capture(NULL);
		return rc;
	}
	probe_kernel(probes);
	if (!probes->btf.in_kernel)
		do_without_kernel_btf(probes);

	/* This terminates: each turn removes a program for good. */
	do {
		unload(probes);
		live_log_capture(&probes->log);
		rc = load_once(probes, options, err);
		if (rc == 0)
			rc = attach_all(probes, options);
	} while (rc == 1);
	live_btf_done(&probes->btf);
	live_log_capture(NULL);
	if (rc < 0)
		return rc;
	note_small_rings(probes);
	note_hash_map(&probes->states[LIVE_PROBE_sys_enter], probes->use_task_storage);
	return nothing_recorded(probes, options->classes) ? fail_attach(probes, err) : 0;
}

int live_probe_iterator(struct live_probes *probes, enum live_probe_id id)
{
	struct live_probe_state *state = &probes->states[id];
	char reason[160];
	int fd;

	if (!state->attached)
		return -1;
	fd = bpf_iter_create(bpf_link__fd(state->links[0]));
	if (fd < 0) {
		int error = errno;

		(void)snprintf(reason, sizeof(reason), "open: %s", strerror(error));
		drop_probe(state, error, reason);
	}
	return fd;
}

int live_probes_rows(const struct live_probes *probes, u64 now_ns, struct cap_chunk *chunk)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		const struct live_probe_state *state = &probes->states[id];
		const struct live_probe *probe = &probe_table[id];
		const char *how = probe->variants[state->variant].how;
		struct ev_probe row = {.time_ns = now_ns};
		int rc;

		if (!state->wanted && !state->reason[0])
			continue;
		if (probe->kind == LIVE_PERF && state->attached)
			how = probes->sample_cycles ? "perf_event: cycles"
						    : "perf_event: cpu-clock";
		row.name = cap_chunk_string(chunk, probe->name, strlen(probe->name));
		row.how = cap_chunk_string(chunk, how, strlen(how));
		row.reason = state->reason[0]
				     ? cap_chunk_string(chunk, state->reason, strlen(state->reason))
				     : 0;
		row.event_class = probe->event_class;
		row.attached = state->attached;
		row.error = (u32)state->error;
		rc = cap_chunk_add(chunk, EV_PROBE, &row);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void live_probes_missing(const struct live_probes *probes,
			 void (*tell)(void *context, const char *what, const char *why),
			 void *context)
{
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		const struct live_probe_state *state = &probes->states[id];

		if ((state->wanted || state->reason[0]) && !state->attached &&
		    !probe_table[id].cheaper)
			tell(context, probe_table[id].name, state->reason);
	}
}

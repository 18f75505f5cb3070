/* The probe table at work: load, and when a program is refused, take its fallback or give up its
 * class, and load again. */
#include "live_probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/cleanup.h"
#include "live_object.h"
#include "live_perf_events.h"
#include "live_settings.h"

#include "kymo_bpf.skel.h"

#define VARIANTS 2

struct live_variant {
	const char *how;
	size_t program_offset; /* of the program's pointer in struct kymo_bpf; 0: no such variant */
};

enum live_kind { KIND_TRACEPOINT, KIND_PERF, KIND_ITERATOR };

struct live_probe {
	const char *name;
	u32 event_class;
	enum live_kind kind;
	bool needed;
	struct live_variant variants[VARIANTS];
};

#define NEED_NEEDED true
#define NEED_OPTIONAL false
#define PROGRAM_AT(program) offsetof(struct kymo_bpf, progs.program)

static const struct live_probe probe_table[LIVE_PROBE_COUNT] = {
#define TRACEPOINT(program, probe_name, in_class, need)                               \
	[LIVE_PROBE_##program] = {.name = probe_name,                                 \
				  .event_class = CLASS_##in_class,                    \
				  .kind = KIND_TRACEPOINT,                            \
				  .needed = NEED_##need,                              \
				  .variants = {{"tp_btf", PROGRAM_AT(program##_btf)}, \
					       {"raw_tp", PROGRAM_AT(program##_raw)}}},
#define PERF(program, probe_name, in_class, need)                  \
	[LIVE_PROBE_##program] = {.name = probe_name,              \
				  .event_class = CLASS_##in_class, \
				  .kind = KIND_PERF,               \
				  .needed = NEED_##need,           \
				  .variants = {{"perf_event", PROGRAM_AT(program##_perf)}}},
#define ITERATOR(program, probe_name, in_class, need)              \
	[LIVE_PROBE_##program] = {.name = probe_name,              \
				  .event_class = CLASS_##in_class, \
				  .kind = KIND_ITERATOR,           \
				  .needed = NEED_##need,           \
				  .variants = {{"iter", PROGRAM_AT(program##_iter)}}},
#include "probes.def"
#undef TRACEPOINT
#undef PERF
#undef ITERATOR
};

const char *live_probe_name(enum live_probe_id id)
{
	return probe_table[id].name;
}

u32 live_probe_class(enum live_probe_id id)
{
	return probe_table[id].event_class;
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

bool live_class_attached(const struct live_probes *probes, u32 event_class)
{
	bool any = false;

	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		if (probe_table[id].event_class != event_class ||
		    probe_table[id].kind == KIND_ITERATOR)
			continue;
		if (probe_table[id].needed && !probes->states[id].attached)
			return false;
		any = any || probes->states[id].attached;
	}
	return any;
}

/* ---- Refusals ---- */

static void detach_probe(struct live_probe_state *state)
{
	for (size_t i = 0; i < state->link_count; i++)
		(void)bpf_link__destroy(state->links[i]); /* nothing can be done about a failure */
	free(state->links);
	free(state->event_fds);
	state->links = NULL;
	state->event_fds = NULL;
	state->link_count = 0;
	if (state->again_fd > 0)
		(void)close(state->again_fd); /* the kernel detaches */
	state->again_fd = 0;
}

void live_probe_pause(struct live_probes *probes, enum live_probe_id id)
{
	detach_probe(&probes->states[id]);
}

/* By the oldest command for it, which one entry of the filter of system calls lets through. The
 * probe's name is its tracepoint's; a tp_btf program knows its own. */
int live_probe_resume(struct live_probes *probes, enum live_probe_id id)
{
	struct live_probe_state *state = &probes->states[id];
	struct bpf_program *program = live_probe_program(probes, id);
	int fd;

	if (!program || probe_table[id].kind != KIND_TRACEPOINT)
		return -EINVAL;
	if (state->again_fd > 0 || state->link_count > 0)
		return 0;
	fd = bpf_raw_tracepoint_open(state->variant == 0 ? NULL : probe_table[id].name,
				     bpf_program__fd(program));
	if (fd < 0)
		return -errno;
	state->again_fd = fd;
	return 0;
}

static void drop_probe(struct live_probe_state *state, int error, const char *reason)
{
	detach_probe(state);
	state->wanted = false;
	state->attached = false;
	state->error = error;
	(void)snprintf(state->reason, sizeof(state->reason), "%s", reason);
}

/* A class without a probe it needs is not recorded at all: half of it would tell lies. */
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

static int fail_verifier(const struct live_probes *probes, int error, struct cap_err *err)
{
	char lines[640], reason[64];

	live_log_lines(&probes->log, lines, sizeof(lines));
	if (!probes->log.program[0])
		return cap_fail(err, CAP_EPRIVILEGE,
				"LoadFailed: %s; report it with: kymo-record doctor --report%s",
				strerror_r(error, reason, sizeof(reason)), lines);
	return cap_fail(err, CAP_EPRIVILEGE,
			"LoadFailed: program %s, the last fallback: %s; record other classes (-e), "
			"or report it with: kymo-record doctor --report%s%s",
			probes->log.program, strerror_r(error, reason, sizeof(reason)),
			lines[0] ? "\nthe end of the kernel verifier's log:" : "", lines);
}

static int fail_load(const struct live_probes *probes, int error, struct cap_err *err)
{
	char tail[512];

	if (error == EPERM)
		return live_fail_permissions(err,
					     "the kernel refused to load BPF programs (EPERM)");
	if (error == ENOSYS)
		return cap_fail(
			err, CAP_EPRIVILEGE,
			"UnsupportedPlatform: this kernel, or the sandbox around us, has no "
			"bpf(2); record on a host whose kernel was built with "
			"CONFIG_BPF_SYSCALL=y");
	if (strstr(probes->log.text,
		   "vmlinux BTF")) /* libbpf's words, and an errno that says nothing */
		return live_fail_btf(err, "it cannot be read as such");
	if (error == EMFILE || error == ENFILE)
		return cap_fail(err, CAP_EPRIVILEGE, "LoadFailed: %s; raise the limit (ulimit -n)",
				strerror(error));
	live_log_tail(&probes->log, tail, sizeof(tail));
	if (strstr(tail, "failed to create"))
		return cap_fail(err, CAP_EPRIVILEGE,
				"MapOperationFailed: %s: %s; try smaller rings (--buffer 64K), or "
				"raise the memory limit",
				strerror(error), tail);
	if (error == ENOMEM)
		return cap_fail_errno(err, ENOMEM, "LoadFailed");
	return fail_verifier(probes, error, err);
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

/* One object, loaded with the programs chosen now. 0: loaded. 1: something was refused and the
 * choice changed. */
static int load_once(struct live_probes *probes, const struct rec_options *options,
		     struct cap_err *err)
{
	char tail[160];
	int rc, refused;

	rc = live_object_unpack(err);
	if (rc < 0)
		return rc;
	probes->skeleton = kymo_bpf__open();
	live_object_release();
	if (!probes->skeleton)
		return fail_load(probes, errno, err);
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
		return fail_load(probes, -rc, err);
	live_log_tail(&probes->log, tail, sizeof(tail));
	if (!tail[0])
		(void)snprintf(tail, sizeof(tail), "load: %s", strerror(-rc));
	if (!refuse_variant(probes, refused, -rc, tail) && !anything_wanted(probes))
		return fail_load(probes, -rc, err);
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

static int attach_probe(struct live_probes *probes, enum live_probe_id id,
			const struct rec_options *options, char *reason, size_t reason_size)
{
	struct live_probe_state *state = &probes->states[id];
	struct bpf_program *program = variant_program(probes, id, state->variant);
	struct bpf_link *link;
	int rc;

	if (probe_table[id].kind == KIND_PERF) {
		rc = live_perf_events_attach(program, options->sample_hz, state,
					     &probes->sample_cycles);
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
	link = probe_table[id].kind == KIND_ITERATOR ? bpf_program__attach_iter(program, NULL)
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

/* They all run inside RCU read sections. */
void live_wait_for_programs(void)
{
	/* Not built into this kernel, or one CPU, where it does nothing though a program may have
	 * been preempted: longer than any program runs. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0 ||
	    sysconf(_SC_NPROCESSORS_ONLN) == 1)
		(void)usleep(50000);
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
	live_log_capture(NULL);
}

/* ---- Probing the kernel ---- */

/* Does the exit tracepoint say whether the last thread ends? Its BTF prototype has the context, the
 * task, and then that. */
static bool exit_tracepoint_tells_last(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type;
	bool tells = false;
	s32 id;

	if (!btf)
		return false;
	id = btf__find_by_name_kind(btf, "btf_trace_sched_process_exit", BTF_KIND_TYPEDEF);
	if (id > 0) {
		type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type); /* the pointer */
		type = type ? btf__type_by_id(btf, type->type) : NULL;
		tells = type && btf_is_func_proto(type) && btf_vlen(type) >= 3;
	}
	btf__free(btf);
	return tells;
}

static bool task_storage_works(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) == 1 &&
	       libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_task_storage_get,
				       NULL) == 1;
}

static void probe_kernel(struct live_probes *probes)
{
	probes->exit_tells_last = exit_tracepoint_tells_last();
	probes->use_task_storage = task_storage_works();
#ifdef KYMO_LIVE_FORCE_FALLBACKS /* a test build: take every fallback there is */
	probes->exit_tells_last = false;
	probes->use_task_storage = false;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		if (probe_table[id].kind == KIND_TRACEPOINT)
			probes->states[id].variant = 1;
#endif
}

/* ---- Whole ---- */

/* Rings smaller than wanted lose events sooner: said where each class is told. */
static void note_small_rings(struct live_probes *probes)
{
	static const enum live_probe_id ids[] = {LIVE_PROBE_sys_enter, LIVE_PROBE_cpu_sample};

	for (size_t i = 0; probes->ring_halvings > 0 && i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct live_probe_state *state = &probes->states[ids[i]];

		if (state->attached && !state->reason[0])
			(void)snprintf(state->reason, sizeof(state->reason),
				       "fallback: rings of 1/%u of their size, because memory "
				       "for larger ones was refused",
				       1u << probes->ring_halvings);
	}
}

/* The one fallback that is not another program. Said unless there is more to say. */
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
		return cap_fail(err, CAP_EPRIVILEGE,
				"AttachFailed: %s: %s; leave its class out (-e), or record on "
				"another kernel",
				probe_table[id].name, state->reason);
	}
	return cap_fail(err, CAP_EPRIVILEGE,
			"AttachFailed: none of the wanted events can be recorded on this kernel; "
			"`kymo-record list` names the classes");
}

int live_probes_open(struct live_probes *probes, const struct rec_options *options,
		     struct cap_err *err)
{
	const u32 classes = options->classes | 1u << CLASS_TASKS;
	int rc;

	if (libbpf_num_possible_cpus() > LIVE_MAX_CPUS)
		return cap_fail(
			err, CAP_ELIMIT,
			"IncompatibleKernel: %d possible CPUs; this build counts for %d at most",
			libbpf_num_possible_cpus(), LIVE_MAX_CPUS);
	for (int id = 0; id < LIVE_PROBE_COUNT; id++)
		probes->states[id].wanted = classes & (1u << probe_table[id].event_class);
	live_log_capture(&probes->log);
	probe_kernel(probes);

	/* Ends: each turn takes a program away from the choice for good. */
	do {
		unload(probes);
		live_log_capture(&probes->log);
		rc = load_once(probes, options, err);
		if (rc == 0)
			rc = attach_all(probes, options);
	} while (rc == 1);
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
		if (probe->kind == KIND_PERF && state->attached)
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

		if ((state->wanted || state->reason[0]) && !state->attached)
			tell(context, probe_table[id].name, state->reason);
	}
}

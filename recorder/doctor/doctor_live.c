/* Loads event classes as a recording would, and checks whether its rings suffice for what this host
 * does now.
 */
#include "recorder/doctor/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "bpf/live_state.h"
#include "formats/base/cleanup.h"
#include "recorder/host/kernel_map.h"
#include "recorder/base/error_names.h"
#include "recorder/live/live_errors.h"
#include "recorder/live/live_object.h"
#include "recorder/live/live_probes.h"
#include "recorder/live/live_rings.h"
#include "formats/base/size_text.h"
#include "recorder/base/quantity_text.h"
#include "recorder/live/sideband.h"

#include "kymo_bpf.skel.h"

#define TRIAL_HZ 99
#define SLICES 10 /* of the second that is measured: one is what a drain must take */
#define SLICE_NS 100000000l

static void class_options(const struct doctor_check *check, u32 classes,
			  struct rec_options *ret_options)
{
	*ret_options = (struct rec_options){
		.classes = classes,
		.sample_hz = TRIAL_HZ,
		.copy_bytes = REC_COPY_DEFAULT_BYTES,
		.btf_path = (char *)check->btf_path, /* only read */
	};
}

/* The first thing that a class lacks, as in live_probes_missing and PROBES. */
static void first_lack(const struct live_probes *probes, u32 event_class, char *ret_text,
		       size_t size)
{
	ret_text[0] = 0;
	for (int id = 0; id < LIVE_PROBE_COUNT; id++) {
		const struct live_probe_state *state = &probes->states[id];

		if (live_probe_class((enum live_probe_id)id) != event_class || !state->reason[0] ||
		    live_probe_only_saves((enum live_probe_id)id))
			continue;
		(void)snprintf(ret_text, size, "%s: %s", live_probe_name((enum live_probe_id)id),
			       state->reason);
		return;
	}
}

/* A host counts as recordable if it gives CPU samples and system calls. Any other class that its
 * kernel lacks is left out of a recording, which goes on without it. */
static enum doctor_severity severity_without(u32 event_class, const struct cap_err *err)
{
	bool needed = event_class == CLASS_CPU || event_class == CLASS_SYSCALLS;

	return needed || err->kind == REC_ERROR_InsufficientPermissions ? DOCTOR_ERROR
									: DOCTOR_WARNING;
}

static void check_class(struct doctor_check *check, u32 event_class,
			const char *how_of(const struct live_probes *))
{
	CLEANUP(cap_freep) struct live_probes *probes = calloc(1, sizeof(*probes));
	struct rec_options options;
	struct cap_err err = {0};
	char text[REC_ERROR_TEXT_BYTES];
	char lack[sizeof(check->found) - 64];

	class_options(check, 1u << event_class, &options);
	if (!probes || live_check_host(&err) < 0 || live_probes_open(probes, &options, &err) < 0) {
		doctor_found(check, severity_without(event_class, &err), "%s",
			     probes ? rec_error_text(&err, text) : "out of memory");
	} else {
		first_lack(probes, event_class, lack, sizeof(lack));
		if (lack[0])
			doctor_found(check, DOCTOR_WARNING, "recorded, but %s", lack);
		else
			doctor_found(check, DOCTOR_OK, "loads and attaches%s",
				     how_of ? how_of(probes) : "");
	}
	if (probes)
		live_probes_close(probes);
}

static const char *how_cpu(const struct live_probes *probes)
{
	return probes->sample_cycles ? ", on hardware cycles" : ", on the CPU clock";
}

static const char *how_syscalls(const struct live_probes *probes)
{
	return probes->use_task_storage ? ", with task storage" : ", with a hash map";
}

/* A remark about a class that works; optional. */
static const char *(*const how_by_class[EV_CLASS_COUNT])(const struct live_probes *) = {
	[CLASS_CPU] = how_cpu,
	[CLASS_SYSCALLS] = how_syscalls,
};

static void check_kernel_names(struct doctor_check *check)
{
	struct rec_kernel_map *map = NULL;

	if (check->severity == DOCTOR_OK && rec_kernel_map_open(NULL, &map, NULL) == 0 &&
	    rec_kernel_map_why_unknown(map))
		doctor_found(check, DOCTOR_WARNING, "kernel functions have no names: %s",
			     rec_kernel_map_why_unknown(map));
	(void)rec_kernel_map_free(map);
}

/* One function for each class that -e takes. */
#define CHECK_DEFAULT(name, upper)                                              \
	void doctor_class_##name(struct doctor_check *check)                    \
	{                                                                       \
		check_class(check, CLASS_##upper, how_by_class[CLASS_##upper]); \
		if (CLASS_##upper == CLASS_CPU)                                 \
			check_kernel_names(check);                              \
	}
#define CHECK_ASKED CHECK_DEFAULT
#define CHECK_ALWAYS(...)
#define CHECK_LATER(...)
#define CLASS(id, upper, name, when, ring, part, holds) CHECK_##when(name, upper)
#include "formats/table/classes.def"
#undef CLASS

void doctor_class_mappings(struct doctor_check *check)
{
	struct rec_sideband *sideband = NULL;
	struct cap_err err = {0};

	if (rec_sideband_open(NULL, &sideband, &err) < 0)
		doctor_found(check, DOCTOR_WARNING,
			     "programs that start during a recording have no names: %s", err.text);
	else if (!rec_sideband_has_build_ids(sideband))
		doctor_found(
			check, DOCTOR_NOTE,
			"recorded; build-ids are read from the files (5.12 tells them itself)");
	else
		doctor_found(check, DOCTOR_OK, "recorded as they happen, with build-ids");
	(void)rec_sideband_free(sideband);
}

/* ---- rings ---- */

static u64 attempted_syscalls(const struct live_probes *probes)
{
	u64 sum = 0;
	int cpus = libbpf_num_possible_cpus();

	for (int cpu = 0; cpu < cpus; cpu++)
		sum += __atomic_load_n(
			&probes->skeleton->bss->class_counters[CLASS_SYSCALLS][cpu].attempted,
			__ATOMIC_RELAXED);
	return sum;
}

/* Calls per second of the busiest tenth of a second. Nobody drains: what does not fit is only
 * counted, which is all that is asked here. */
static u64 busiest_rate(const struct live_probes *probes, u64 *ret_total)
{
	volatile struct live_control *control = &probes->skeleton->bss->control;
	const struct timespec slice = {.tv_nsec = SLICE_NS};
	u64 before, first, most = 0;

	control->self_tgid = (u32)getpid();
	control->start_ns = 0;
	control->class_since_ns[CLASS_SYSCALLS] = 1; /* any entry counts */
	control->events_open = 1;
	first = before = attempted_syscalls(probes);
	for (int i = 0; i < SLICES; i++) {
		u64 now;

		(void)nanosleep(&slice, NULL); /* a signal ends the doctor */
		now = attempted_syscalls(probes);
		most = now - before > most ? now - before : most;
		before = now;
	}
	control->events_open = 0;
	*ret_total = before - first;
	return most * SLICES;
}

void doctor_rings(struct doctor_check *check)
{
	CLEANUP(cap_freep) struct live_probes *probes = calloc(1, sizeof(*probes));
	struct rec_options options;
	struct cap_err err = {0};
	char total_text[32], rate_text[32], ring_text[32];

	class_options(check, 1u << CLASS_SYSCALLS, &options);
	if (!probes || live_check_host(&err) < 0 || live_probes_open(probes, &options, &err) < 0) {
		doctor_found(check, DOCTOR_NOTE, "not measured: system calls are not recorded");
	} else {
		u64 total, rate = busiest_rate(probes, &total);
		u64 ring = bpf_map__max_entries(live_object_ring(probes->skeleton, CLASS_SYSCALLS));
		double seconds = (double)ring / sizeof(struct ring_syscall) / (double)(rate + 1);

		(void)rec_count_text(total, total_text, sizeof(total_text));
		(void)rec_count_text(rate, rate_text, sizeof(rate_text));
		(void)cap_size_text((double)ring, ring_text);
		if (seconds < 0.2) { /* twice the drain's interval */
			doctor_found(check, DOCTOR_WARNING,
				     "%s system calls in one second, at most %s/s: a ring of %s "
				     "holds %.0f ms of that, so calls may be lost",
				     total_text, rate_text, ring_text, seconds * 1e3);
			doctor_remedy(check, "use a larger --buffer, or --pid, --comm or --cgroup");
		} else {
			doctor_found(check, DOCTOR_OK,
				     "%s system calls in one second; the ring of %s holds %.1f s "
				     "at the busiest rate",
				     total_text, ring_text, seconds < 9999 ? seconds : 9999);
		}
	}
	if (probes)
		live_probes_close(probes);
}

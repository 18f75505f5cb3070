/* Options -> read-only data and map sizes of the BPF object. */
#include "recorder/live/live_settings.h"
#include "recorder/base/error_names.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/table/copy_flags.h"
#include "formats/table/schema.h"
#include "recorder/host/host_facts.h"
#include "recorder/host/kernel_files.h"
#include "recorder/live/live_object.h"
#include "recorder/live/live_probe_state.h"
#include "recorder/budget/memory_plan.h"
#include "recorder/options/event_classes.h"

#include "kymo_bpf.skel.h"

#define ASK_EVERY 64 /* events per CPU between checks how full a ring is */

/* A map of the fold table in memory, both halves: small next to the rings. Hosts with more possible
 * CPUs than fit get the smallest tables that work. */
#define FOLD_TABLE_BYTES (4u << 20)
#define FOLD_MIN_CPU_SLOTS 256u
#define FOLD_MAX_CPU_SLOTS 8192u

static int check_ring_bytes(const struct rec_options *options, struct cap_err *err)
{
	u64 bytes = options->ring_bytes;
	long page_bytes = sysconf(_SC_PAGESIZE);

	if (bytes == 0)
		return 0;
	if (bytes < (u64)page_bytes || bytes > (1ull << 30) || (bytes & (bytes - 1)) != 0)
		return cap_fail(err, CAP_EUSAGE,
				"ring of %llu bytes: must be a power of two from %ld to 1073741824",
				(unsigned long long)bytes, page_bytes);
	return 0;
}

/* Small rings fill within few events: check often enough not to miss the second half. */
static u64 ask_mask(u64 ring_bytes, u64 record_bytes)
{
	u64 every = ASK_EVERY;

	while (every > 1 && every * record_bytes * 8 > ring_bytes)
		every /= 2;
	return every - 1;
}

/* The largest record of a class, but for what follows it. */
static u64 record_bytes(u32 event_class)
{
	u64 largest = 1;

#define EVENT_BEGIN(id, upper, name, block, in_class, tail)                                       \
	if (cap_class_of_type(EV_##upper) == event_class && sizeof(struct ring_##name) > largest) \
		largest = sizeof(struct ring_##name);
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
	return largest;
}

static int cgroup_id_of(const char *path, u64 *ret_id, struct cap_err *err)
{
	struct statfs fs;
	struct stat st;

	if (statfs(path, &fs) < 0 || stat(path, &st) < 0)
		return cap_fail(err, CAP_EUSAGE, "cgroup '%s': %s", path, strerror(errno));
	if (fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode))
		return cap_fail(
			err, CAP_EUSAGE,
			"cgroup '%s': not a directory of the cgroup v2 file system; name one below "
			"its mount point, such as /sys/fs/cgroup/system.slice/ssh.service",
			path);
	*ret_id = st.st_ino; /* the kernel's id of the cgroup on 64-bit hosts */
	return 0;
}

/* Because memory was refused. */
static void halve(u64 *ring_bytes, u32 times)
{
	u64 page_bytes = (u64)sysconf(_SC_PAGESIZE);

	*ring_bytes >>= times;
	if (*ring_bytes < page_bytes)
		*ring_bytes = page_bytes;
}

static void apply_rings(struct kymo_bpf *skeleton, const struct live_probes *probes,
			const struct rec_options *options)
{
	struct rec_memory_plan plan;

	rec_memory_plan(options, rec_possible_cpus(), &plan);
	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		struct bpf_map *ring = live_object_ring(skeleton, i);

		if (!ring)
			continue;
		(void)bpf_map__set_autocreate(ring, plan.ring_bytes[i] > 0);
		if (plan.ring_bytes[i] == 0)
			continue;
		halve(&plan.ring_bytes[i], probes->ring_halvings);
		(void)bpf_map__set_max_entries(ring, (u32)plan.ring_bytes[i]);
		skeleton->rodata->ring_mark_bytes[i] = plan.ring_bytes[i] / 2;
		skeleton->rodata->ring_ask_mask[i] = ask_mask(plan.ring_bytes[i], record_bytes(i));
	}
}

/* A connection that is open takes some 170 bytes of the kernel's memory: 11 MB at most where rings
 * have their usual size. */
#define CONN_RING_BYTES 4u

static void apply_conns(struct kymo_bpf *skeleton)
{
	u32 ring_bytes = bpf_map__max_entries(skeleton->maps.net_ring);

	(void)bpf_map__set_max_entries(skeleton->maps.net_conns, ring_bytes / CONN_RING_BYTES);
}

static void apply_counts_table(struct kymo_bpf *skeleton)
{
	int cpus = libbpf_num_possible_cpus();
	u32 cpu_count = cpus > 0 ? (u32)cpus : 1, cpu_slots = FOLD_MAX_CPU_SLOTS;

	while (cpu_slots > FOLD_MIN_CPU_SLOTS &&
	       2ull * cpu_count * cpu_slots * sizeof(struct live_count_slot) > FOLD_TABLE_BYTES)
		cpu_slots /= 2;
	skeleton->rodata->counts_cpu_slots = cpu_slots;
	skeleton->rodata->counts_half_slots = cpu_count * cpu_slots;
	(void)bpf_map__set_max_entries(skeleton->maps.counts_table, 2 * cpu_count * cpu_slots);
}

/* Machines whose registers the programs do not copy follow frame pointers whatever was asked for.
 */
static void apply_stacks(struct kymo_bpf *skeleton, const struct rec_options *options)
{
	const bool copies = options->stacks == REC_STACKS_COPY;
	const u32 slot_bytes =
		(u32)LIVE_STACK_SLOT_BYTES(copies ? options->copy_bytes + CAP_HOLE_PAGE_BYTES : 0);

	skeleton->rodata->stacks_mode = copies				   ? LIVE_STACKS_COPY
					: options->stacks == REC_STACKS_FP ? LIVE_STACKS_FP
									   : LIVE_STACKS_NONE;
	skeleton->rodata->copy_limit_bytes = options->copy_bytes;
	skeleton->rodata->stack_slot_bytes = slot_bytes;
	(void)bpf_map__set_value_size(skeleton->maps.stack_slots, slot_bytes);
	(void)bpf_map__set_max_entries(skeleton->maps.stack_slots,
				       LIVE_STACK_SLOTS * rec_possible_cpus());
}

/* As many slots of calls as there are thread ids, or so many that few share one. */
#define CALL_MIN_SLOTS 1024u
#define CALL_MAX_SLOTS 16384u

static void apply_call_slots(struct kymo_bpf *skeleton, bool wanted)
{
	char text[32];
	u64 pid_max = CALL_MAX_SLOTS;
	u32 slots = CALL_MIN_SLOTS;

	if (rec_read_line("/proc/sys/kernel/pid_max", text, sizeof(text)) > 0)
		pid_max = strtoull(text, NULL, 10);
	while (slots < CALL_MAX_SLOTS && slots < pid_max)
		slots *= 2;
	skeleton->rodata->call_slot_mask = slots - 1;
	(void)bpf_map__set_max_entries(skeleton->maps.call_slots, slots);
	(void)bpf_map__set_autocreate(skeleton->maps.call_slots, wanted);
}

/* file_calls.def, by the numbers of this machine. */
static void apply_files(struct kymo_bpf *skeleton, bool wanted)
{
	static const struct {
		const char *name;
		u8 does;
	} calls[] = {
#define DOES_FIRST LIVE_FILE_FIRST
#define DOES_RESULT LIVE_FILE_RESULT
#define DOES_BOTH (LIVE_FILE_FIRST | LIVE_FILE_RESULT)
#define DOES_NONE 0
#define PATH_NONE 0
#define PATH_FIRST LIVE_FILE_PATH_FIRST
#define PATH_SECOND LIVE_FILE_PATH_SECOND
#define FILE_CALL(name, fd, does, path) {name, DOES_##fd | PATH_##path},
#include "formats/table/file_calls.def"
#undef FILE_CALL
	};
	const struct cap_schema *schema = cap_schema_builtin();

	skeleton->rodata->tells_files = wanted;
	for (size_t i = 0; wanted && i < sizeof(calls) / sizeof(calls[0]); i++)
		for (size_t k = 0; k < schema->enum_count; k++) {
			const struct cap_enum_value *number = &schema->enums[k];

			if (number->kind == CAP_KIND_SYSNO && number->value < LIVE_FILE_CALLS &&
			    strcmp(number->name, calls[i].name) == 0)
				skeleton->rodata->file_calls[number->value] = calls[i].does;
		}
}

static int apply_filters(struct kymo_bpf *skeleton, const struct rec_options *options,
			 struct cap_err *err)
{
	u64 comm[2], mask[2] = {0, 0}, cgroup_id = 0;
	size_t comm_len = strnlen(options->comm, EV_COMM_BYTES);
	int rc;

	skeleton->rodata->filter_pids = options->pid_count > 0;
	if (options->pid_count == 0)
		(void)bpf_map__set_max_entries(skeleton->maps.pid_set, 1);
	skeleton->rodata->filter_comm = options->comm[0] != 0;
	_Static_assert(sizeof(comm) == sizeof(options->comm), "a name is two words");
	memset(mask, 0xff, comm_len < EV_COMM_BYTES ? comm_len + 1 : EV_COMM_BYTES);
	memcpy(comm, options->comm, sizeof(comm));
	skeleton->rodata->filter_comm_lo = comm[0] & mask[0];
	skeleton->rodata->filter_comm_hi = comm[1] & mask[1];
	skeleton->rodata->filter_comm_mask_lo = mask[0];
	skeleton->rodata->filter_comm_mask_hi = mask[1];
	if (options->cgroup_path) {
		rc = cgroup_id_of(options->cgroup_path, &cgroup_id, err);
		if (rc < 0)
			return rc;
		skeleton->rodata->filter_cgroup = true;
		skeleton->rodata->filter_cgroup_id = cgroup_id;
	}
	return 0;
}

int live_settings_apply(struct kymo_bpf *skeleton, const struct live_probes *probes,
			const struct rec_options *options, struct cap_err *err)
{
	const u32 classes = options->classes | rec_classes_when(REC_CLASS_ALWAYS);
	bool syscalls = classes & 1u << CLASS_SYSCALLS;
	bool entries = syscalls && !options->blocked_durations;
	int rc = check_ring_bytes(options, err);

	if (rc < 0)
		return rc;
	apply_rings(skeleton, probes, options);
	apply_conns(skeleton);
	apply_counts_table(skeleton);
	apply_stacks(skeleton, options);
	skeleton->rodata->record_args = options->syscall_args;
	skeleton->rodata->record_exec_args = !options->no_exec_args;
	skeleton->rodata->durations_blocked = syscalls && options->blocked_durations;
	skeleton->rodata->has_waits = classes & 1u << CLASS_SCHED && probes->use_task_storage;
	skeleton->rodata->page_shift = (u32)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	skeleton->rodata->use_task_storage = probes->use_task_storage;
	skeleton->rodata->ask_exit_last = !probes->force_fallbacks;

	/* Maps of classes that are not recorded take no memory. */
	(void)bpf_map__set_autocreate(skeleton->maps.call_storage,
				      entries && probes->use_task_storage);
	(void)bpf_map__set_autocreate(skeleton->maps.call_hash,
				      entries && !probes->use_task_storage);
	apply_call_slots(skeleton, entries && !options->syscall_args);
#define TRACEPOINT(...)
#define TYPED(...)
#define PERF(...)
#define COUNTER(...)
#define ITERATOR(...)
#define PREPARE(...)
#define PENDING(...)
#define LIST(...)
#define MAP(map, event_class) (void)bpf_map__set_autocreate(skeleton->maps.map, false);
#define STORAGE MAP
#include "bpf/probes.def"
#define TRACEPOINT(...)
#define TYPED(...)
#define PERF(...)
#define COUNTER(...)
#define ITERATOR(...)
#define PREPARE(...)
#define PENDING(...)
#define LIST(...)
#define MAP(map, event_class)                    \
	if (classes & 1u << CLASS_##event_class) \
		(void)bpf_map__set_autocreate(skeleton->maps.map, true);
#define STORAGE(map, event_class)                                            \
	if (classes & 1u << CLASS_##event_class && probes->use_task_storage) \
		(void)bpf_map__set_autocreate(skeleton->maps.map, true);
#include "bpf/probes.def"
	apply_files(skeleton, probes->states[LIVE_PROBE_list_files].wanted);
	(void)bpf_map__set_autocreate(skeleton->maps.asked_addresses,
				      probes->states[LIVE_PROBE_name_addresses].wanted);
	return apply_filters(skeleton, options, err);
}

int live_settings_pids(struct kymo_bpf *skeleton, const struct rec_options *options,
		       struct cap_err *err)
{
	int map_fd = bpf_map__fd(skeleton->maps.asked_pids);
	u32 one = 1;

	for (size_t i = 0; i < options->pid_count; i++) {
		u32 pid = (u32)options->pids[i];

		if (bpf_map_update_elem(map_fd, &pid, &one, BPF_ANY) < 0)
			return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_MapOperationFailed,
					"filter for pid %u: %s; give fewer -p, "
					"or record by "
					"--cgroup",
					pid, strerror(errno));
	}
	return 0;
}

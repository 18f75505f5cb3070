/* One small function per row type about tasks, mappings or names. Rows of other
 * types are only counted. */
#include "analyzer/capture/capture_take.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Column of a field by its name in events.def. */
#define COLUMN(event, field) kymo_section_column_or_zero(columns, ROW_##event##_##field)

static const struct cap_task *task_of(const struct kymo_section_columns *columns, const u64 *tasks,
				      u32 row)
{
	return &columns->rows->tasks[tasks[row] < columns->rows->task_count ? tasks[row] : 0];
}

static const struct cap_string *string_of(const struct kymo_section_columns *columns,
					  const u64 *strings, u32 row)
{
	return &columns->rows
			->strings[strings[row] < columns->rows->string_count ? strings[row] : 0];
}

static s64 process_of(struct kymo_capture *capture, const struct cap_task *task)
{
	s64 number = task->tid == 0 && task->tgid == 0 ? 0 : kymo_tasks_add(&capture->tasks, task);

	return number <= 0 ? number : capture->tasks.tasks[number].process;
}

static int set_name(struct kymo_capture *capture, const struct cap_string *string, u32 *ret_name)
{
	s64 name = kymo_blob_add(&capture->tasks.names, string->bytes, string->len, NULL);

	if (name < 0)
		return -ENOMEM;
	if (name > 0)
		*ret_name = (u32)name;
	return 0;
}

static void note_offset(struct kymo_module *module, s64 offset)
{
	if (!module->has_offset || offset < module->first_offset)
		module->first_offset = offset;
	module->has_offset = true;
}

static void note_time(struct kymo_module *module, u64 time_ns)
{
	if (!module->has_seen || time_ns < module->seen_ns)
		module->seen_ns = time_ns;
	module->has_seen = true;
}

/* Below 4 GiB programs of 32 bits have their vDSO, which is another. */
static bool is_compat_vdso(const struct cap_string *path, u64 start)
{
	return start >> 32 == 0 && path->len == strlen("[vdso]") &&
	       memcmp(path->bytes, "[vdso]", path->len) == 0;
}

static int take_mapping(struct kymo_capture *capture, struct kymo_section_columns *columns,
			u32 count)
{
	const u64 *time = COLUMN(mapping, time_ns), *start = COLUMN(mapping, start_address);
	const u64 *size = COLUMN(mapping, size_bytes), *offset = COLUMN(mapping, file_offset);
	bool has_offset = kymo_section_column(columns, ROW_mapping_file_offset) != NULL;
	const u64 *tasks = COLUMN(mapping, task), *build_ids = COLUMN(mapping, build_id);
	const u64 *paths = COLUMN(mapping, path), *flags = COLUMN(mapping, flags);
	const u64 *majors = COLUMN(mapping, dev_major), *minors = COLUMN(mapping, dev_minor);
	const u64 *inodes = COLUMN(mapping, inode), *bytes = COLUMN(mapping, file_bytes);
	const u64 *mtimes = COLUMN(mapping, file_mtime_ns);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		struct kymo_mapping mapping = {
			.start = start[i], .end = start[i] + size[i], .file_offset = offset[i]};
		const struct kymo_mapped_file file = {
			.path = string_of(columns, paths, i),
			.build_id = string_of(columns, build_ids, i),
			.presumed = flags[i] & EV_MAPPING_PRESUMED,
			.compat = is_compat_vdso(string_of(columns, paths, i), start[i]),
			.dev_major = (u32)majors[i],
			.dev_minor = (u32)minors[i],
			.inode = inodes[i],
			.file_bytes = bytes[i],
			.mtime_ns = (s64)mtimes[i],
		};
		s64 module = kymo_stacks_user_module(&capture->stacks, &file);

		if (module < 0)
			return -ENOMEM;
		mapping.module = (u32)module;
		mapping.anonymous = capture->stacks.modules[module].is_anon;
		note_time(&capture->stacks.modules[module], time[i]);
		if (has_offset)
			note_offset(&capture->stacks.modules[module], (s64)offset[i]);
		if (kymo_mappings_add(capture->mappings, task_of(columns, tasks, i)->tgid, time[i],
				      flags[i] & EV_MAPPING_KEYFRAME, &mapping) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int take_fork(struct kymo_capture *capture, struct kymo_section_columns *columns, u32 count)
{
	const u64 *time = COLUMN(task_fork, time_ns), *start = COLUMN(task_fork, child_start_ns);
	const u64 *tasks = COLUMN(task_fork, task), *tgid = COLUMN(task_fork, child_tgid);
	const u64 *tid = COLUMN(task_fork, child_tid);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct cap_task *parent = task_of(columns, tasks, i);
		struct kymo_process *process;
		s64 from, number;

		if (tid[i] != tgid[i])
			continue; /* a thread: same address space */
		from = process_of(capture, parent);
		number = kymo_tasks_process(&capture->tasks, (u32)tgid[i], start[i],
					    parent->exec_id);
		if (from < 0 || number < 0 ||
		    kymo_mappings_add_fork(capture->mappings, (u32)tgid[i], parent->tgid, time[i]) <
			    0)
			return -ENOMEM;
		process = &capture->tasks.processes[number];
		process->begin_ns = time[i];
		process->parent_process = (u32)from != (u32)number ? (u32)from : 0;
		process->parent_tgid = parent->tgid;
		process->parent_known = true;
	}
	return 0;
}

/* Since 1.4 an exec has the time at which its address space began. Row type unwind is as old. */
static bool execs_tell_begin(const struct kymo_capture *capture)
{
	return cap_schema_type(cap_reader_schema(capture->reader), EV_UNWIND) != NULL;
}

static int take_exec(struct kymo_capture *capture, struct kymo_section_columns *columns, u32 count)
{
	const u64 *time = COLUMN(task_exec, time_ns), *tasks = COLUMN(task_exec, task);
	const u64 *paths = COLUMN(task_exec, path);
	bool at_begin = execs_tell_begin(capture);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct cap_task *task = task_of(columns, tasks, i);
		s64 number = process_of(capture, task);
		s64 before = kymo_tasks_process(&capture->tasks, task->tgid, task->leader_start_ns,
						task->exec_id - 1);
		struct kymo_process *process, *old;

		if (number < 0 || before < 0 ||
		    kymo_mappings_add_exec(capture->mappings, task->tgid, time[i], at_begin) < 0)
			return -ENOMEM;
		if (number == 0)
			continue;
		process = &capture->tasks.processes[number];
		old = &capture->tasks.processes[before];
		process->begin_ns = time[i];
		process->parent_tgid = old->parent_tgid;
		process->parent_known = old->parent_known;
		old->end_ns = time[i];
		old->ended_by_exec = true;
		if (set_name(capture, string_of(columns, paths, i), &process->exe) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int take_exit(struct kymo_capture *capture, struct kymo_section_columns *columns, u32 count)
{
	const u64 *time = COLUMN(task_exit, time_ns), *tasks = COLUMN(task_exit, task);
	const u64 *flags = COLUMN(task_exit, flags);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		s64 number = flags[i] & EV_EXIT_PROCESS
				     ? process_of(capture, task_of(columns, tasks, i))
				     : 0;

		if (number < 0)
			return -ENOMEM;
		if (number > 0)
			capture->tasks.processes[number].end_ns = time[i];
	}
	return 0;
}

static int take_name(struct kymo_capture *capture, struct kymo_section_columns *columns, u32 count)
{
	const u64 *time = COLUMN(task_name, time_ns), *tasks = COLUMN(task_name, task);
	const u64 *names = COLUMN(task_name, name), *targets = COLUMN(task_name, target_tid);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct cap_task *task = task_of(columns, tasks, i);
		s64 number = task->tgid == targets[i] ? process_of(capture, task) : 0;
		struct kymo_process *process;

		if (number < 0)
			return -ENOMEM;
		if (number == 0)
			continue;
		process = &capture->tasks.processes[number];
		process->comm_before = process->comm;
		process->renamed_ns = time[i];
		if (set_name(capture, string_of(columns, names, i), &process->comm) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int take_process(struct kymo_capture *capture, struct kymo_section_columns *columns,
			u32 count)
{
	const u64 *tasks = COLUMN(process, task), *parents = COLUMN(process, parent_tgid);
	const u64 *flags = COLUMN(process, flags), *exes = COLUMN(process, exe);
	const u64 *cgroups = COLUMN(process, cgroup);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		s64 number = process_of(capture, task_of(columns, tasks, i));
		struct kymo_process *process;

		if (number < 0)
			return -ENOMEM;
		if (number == 0)
			continue;
		process = &capture->tasks.processes[number];
		process->parent_tgid = (u32)parents[i];
		process->parent_known = true;
		process->kernel_thread = flags[i] & EV_PROCESS_KERNEL_THREAD;
		if (set_name(capture, string_of(columns, exes, i), &process->exe) < 0 ||
		    set_name(capture, string_of(columns, cgroups, i), &process->cgroup) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int take_module(struct kymo_capture *capture, struct kymo_section_columns *columns,
		       u32 count)
{
	const u64 *names = COLUMN(module, name), *build_ids = COLUMN(module, build_id);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct cap_string *name = string_of(columns, names, i);

		if (name->len > 0 &&
		    kymo_stacks_kernel_module(&capture->stacks, name,
					      string_of(columns, build_ids, i)) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct user_symbol {
	u64 offset, size_bytes, flags;
	u32 tgid;
};

static s64 add_file_key(struct kymo_blob_table *names, char kind, const struct cap_string *of)
{
	char *key = malloc(1 + (size_t)of->len);
	s64 id;

	if (!key)
		return -ENOMEM;
	key[0] = kind;
	memcpy(key + 1, of->bytes, of->len);
	id = kymo_blob_add(names, key, 1 + (size_t)of->len, NULL);
	free(key);
	return id;
}

/* A file's name for a range of it; or of code that is in no file, which its process knows. */
static int take_user_symbol(struct kymo_capture *capture, const struct cap_string *object,
			    const struct cap_string *build_id, const struct cap_string *name,
			    const struct user_symbol *symbol)
{
	struct kymo_blob_table *names = &capture->stacks.names;
	s64 name_id = kymo_blob_add(names, name->bytes, name->len, NULL);
	s64 key_id;

	if (name_id < 0)
		return -ENOMEM;
	if (symbol->flags & EV_SYMBOL_PROCESS)
		return kymo_kernel_names_add(&capture->stacks.process_names, symbol->tgid,
					     symbol->offset, symbol->size_bytes, (u32)name_id);
	key_id = build_id->len > 0 ? add_file_key(names, KYMO_BY_BUILD_ID, build_id)
				   : add_file_key(names, KYMO_BY_PATH, object);
	if (key_id < 0)
		return -ENOMEM;
	return kymo_kernel_names_add(&capture->file_names, (u32)key_id, symbol->offset,
				     symbol->size_bytes, (u32)name_id);
}

/* Of files there are paths, and of what the kernel maps into processes only the vDSO has names. */
static bool is_of_kernel(const struct cap_string *object, u64 flags)
{
	return !(flags & EV_SYMBOL_PROCESS) && object->bytes[0] != '/' &&
	       !(object->len == 6 && !memcmp(object->bytes, "[vdso]", 6));
}

static int take_symbol(struct kymo_capture *capture, struct kymo_section_columns *columns,
		       u32 count)
{
	const u64 *offset = COLUMN(symbol, offset_bytes), *size = COLUMN(symbol, size_bytes);
	const u64 *objects = COLUMN(symbol, object), *names = COLUMN(symbol, name);
	const u64 *build_ids = COLUMN(symbol, build_id), *flags = COLUMN(symbol, flags);
	const u64 *tasks = COLUMN(symbol, task);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct cap_string *object = string_of(columns, objects, i);
		const struct cap_string *build_id = string_of(columns, build_ids, i);
		const struct cap_string *name = string_of(columns, names, i);
		s64 module, name_id;

		if (name->len == 0 || (object->len == 0 && !(flags[i] & EV_SYMBOL_PROCESS)))
			continue;
		if (!is_of_kernel(object, flags[i])) {
			const struct user_symbol symbol = {
				.offset = offset[i],
				.size_bytes = size[i],
				.flags = flags[i],
				.tgid = task_of(columns, tasks, i)->tgid,
			};

			if (memchr(name->bytes, '\0', name->len))
				continue; /* no compiler makes such a name */
			if (take_user_symbol(capture, object, build_id, name, &symbol) < 0)
				return -ENOMEM;
			continue;
		}
		module = kymo_stacks_kernel_module(&capture->stacks, object, build_id);
		name_id = kymo_blob_add(&capture->stacks.names, name->bytes, name->len, NULL);
		if (module < 0 || name_id < 0 ||
		    kymo_kernel_names_add(&capture->kernel_names, (u32)module, offset[i], size[i],
					  (u32)name_id) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* How functions of files are unwound. */
static int take_unwind(struct kymo_capture *capture, struct kymo_section_columns *columns,
		       u32 count)
{
	const u64 *start = COLUMN(unwind, start_address), *size = COLUMN(unwind, size_bytes);
	const u64 *objects = COLUMN(unwind, object), *build_ids = COLUMN(unwind, build_id);
	const u64 *cies = COLUMN(unwind, cie), *fdes = COLUMN(unwind, fde);
	const u64 *flags = COLUMN(unwind, flags);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct cap_string *build_id = string_of(columns, build_ids, i);
		const struct cap_string *file =
			build_id->len ? build_id : string_of(columns, objects, i);
		const struct cap_string *cie = string_of(columns, cies, i);
		const struct cap_string *fde = string_of(columns, fdes, i);
		const struct kymo_cfi_entry entry = {
			.cie = cie->bytes,
			.cie_bytes = flags[i] & EV_UNWIND_NONE ? 0 : cie->len,
			.fde = fde->bytes,
			.fde_bytes = flags[i] & EV_UNWIND_NONE ? 0 : fde->len,
			.start = start[i],
			.size_bytes = size[i],
			.is_debug_frame = flags[i] & EV_UNWIND_DEBUG_FRAME};
		s64 number = kymo_blob_add(&capture->stacks.names, file->bytes, file->len, NULL);

		if (number < 0 ||
		    kymo_captured_rules_add(&capture->captured_rules, (u32)number, &entry) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* What was lost by damage before this capture was recovered; what the recorder lost is in the
 * totals. */
static int take_loss(struct kymo_capture *capture, struct kymo_section_columns *columns, u32 count)
{
	const u64 *lost = COLUMN(loss, lost_count), *reasons = COLUMN(loss, reason);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		if (reasons[i] != REASON_DAMAGED)
			continue;
		capture->recovered_gaps++;
		if (__builtin_add_overflow(capture->recovered_lost, lost[i],
					   &capture->recovered_lost))
			capture->recovered_lost = UINT64_MAX;
	}
	return 0;
}

static struct kymo_counted_total *total_of(struct kymo_counted_totals *totals, u64 event_class,
					   u64 cpu)
{
	u32 number = cap_word_map_get(&totals->map, event_class, cpu);

	if (number)
		return &totals->list[number - 1];
	if (totals->count == totals->capacity) {
		u32 capacity = totals->capacity ? totals->capacity * 2 : 16;
		struct kymo_counted_total *list = realloc(totals->list, capacity * sizeof(*list));

		if (!list)
			return NULL;
		totals->list = list;
		totals->capacity = capacity;
	}
	if (cap_word_map_put(&totals->map, event_class, cpu, totals->count + 1) < 0)
		return NULL;
	totals->list[totals->count] = (struct kymo_counted_total){0};
	return &totals->list[totals->count++];
}

static int take_class_total(struct kymo_capture *capture, struct kymo_section_columns *columns,
			    u32 count)
{
	const u64 *counted = kymo_section_column(columns, ROW_class_total_counted_count);
	const u64 *time, *classes, *cpus;

	if (!counted) /* of 1.0, or damaged */
		return columns->out_of_memory ? -ENOMEM : 0;
	time = COLUMN(class_total, time_ns);
	classes = COLUMN(class_total, event_class);
	cpus = COLUMN(class_total, cpu);
	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		struct kymo_counted_total *total;

		if (counted[i] == 0 && capture->counted_totals.count == 0)
			continue; /* as in most captures, to the end */
		total = total_of(&capture->counted_totals, classes[i], cpus[i]);
		if (!total)
			return -ENOMEM;
		if (time[i] >= total->time_ns)
			*total = (struct kymo_counted_total){.time_ns = time[i],
							     .counted = counted[i]};
	}
	return 0;
}

/* How many frames the kernel walks on the recorded host. */
static int take_meta(struct kymo_capture *capture, struct kymo_section_columns *columns, u32 count)
{
	static const char wanted[] = "sysctl.perf_event_max_stack";
	const u64 *keys = COLUMN(meta, key), *values = COLUMN(meta, value);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const struct cap_string *key = string_of(columns, keys, i);
		const struct cap_string *value = string_of(columns, values, i);
		u32 frames = 0;

		if (key->len != strlen(wanted) || memcmp(key->bytes, wanted, key->len) != 0)
			continue;
		for (u32 k = 0; k < value->len && frames < EV_MAX_FRAMES; k++) {
			if (value->bytes[k] < '0' || value->bytes[k] > '9')
				break;
			frames = frames * 10 + (u32)(value->bytes[k] - '0');
		}
		capture->stacks.max_frames = frames;
	}
	return 0;
}

static int take_counts(struct kymo_capture *capture, struct kymo_section_columns *columns,
		       u32 count)
{
	const u64 *calls = COLUMN(syscall_count, call_count);

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		if (__builtin_add_overflow(capture->counted, calls[i], &capture->counted))
			capture->counted = UINT64_MAX;
	}
	return 0;
}

int kymo_capture_take(struct kymo_capture *capture, struct kymo_section_columns *columns)
{
	u32 count = columns->section->row_count;

	switch (columns->type->id) {
	case EV_MAPPING:
		return take_mapping(capture, columns, count);
	case EV_TASK_FORK:
		return take_fork(capture, columns, count);
	case EV_TASK_EXEC:
		return take_exec(capture, columns, count);
	case EV_TASK_EXIT:
		return take_exit(capture, columns, count);
	case EV_TASK_NAME:
		return take_name(capture, columns, count);
	case EV_PROCESS:
		return take_process(capture, columns, count);
	case EV_MODULE:
		return take_module(capture, columns, count);
	case EV_LOSS:
		return take_loss(capture, columns, count);
	case EV_SYMBOL:
		return take_symbol(capture, columns, count);
	case EV_UNWIND:
		return take_unwind(capture, columns, count);
	case EV_META:
		return take_meta(capture, columns, count);
	case EV_CLASS_TOTAL:
		return take_class_total(capture, columns, count);
	case EV_SYSCALL_COUNT:
		return take_counts(capture, columns, count);
	default:
		return 0;
	}
}

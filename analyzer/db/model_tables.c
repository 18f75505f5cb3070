/*
 * The dictionaries of an opened capture, column by column, with the columns of the tables of
 * schema.sql. A column list here that does not fit there fails at the first import, since rows are
 * copied by column name.
 */
#include "analyzer/db/model_tables.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/db/result_text.h"
#include "objects/unwind/unwind_walk.h"

#define AS_NAME(name) "," #name
#define AS_ENUM(prefix, name) prefix##_##name
#define LIST_TEXT(LIST) (&(LIST(AS_NAME))[1]) /* without the first comma */

static void result_u64(sqlite3_context *context, u64 value)
{
	sqlite3_result_int64(context, (s64)value);
}

static void result_id(sqlite3_context *context, u64 number, u64 base)
{
	sqlite3_result_int64(context, number ? (s64)(number + base) : 0);
}

static void result_string(sqlite3_context *context, const char *text)
{
	if (text)
		kymo_result_text(context, text, strlen(text));
}

static void result_blob_text(sqlite3_context *context, const struct kymo_blob_table *names,
			     u32 name)
{
	size_t len;
	const char *text = kymo_blob_get(names, name, &len);

	kymo_result_text(context, text, len);
}

/* -------- capture -------- */

/* clang-format off */
#define CAPTURE_COLUMNS(C) \
	C(id) C(path) C(session_uuid) C(file_uuid) C(boot_id) C(file_index) C(format_version) \
	C(file_bytes) C(host) C(kernel) C(tool_version) C(machine) C(cpu_count) C(page_bytes) \
	C(start_realtime_ns) C(start_ns) C(end_ns) C(duration_ns) C(complete) C(end_reason) \
	C(events_stored) C(events_dropped) C(events_damaged) C(events_counted) C(blocks_read) C(blocks_damaged) \
	C(blocks_lost) C(blocks_unknown) C(bytes_skipped) C(columns_rejected) \
	C(rows_unknown_type) C(blocks_schema_unknown)
/* clang-format on */
#define C(name) CAPTURE_##name,
enum { CAPTURE_COLUMNS(C) };
#undef C

static u64 one(const struct kymo_capture *capture)
{
	(void)capture;
	return 1;
}

static void result_uuid(sqlite3_context *context, const u8 uuid[16])
{
	char text[37];
	int at = 0;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		(void)sqlite3_snprintf(3, text + at, "%02x", uuid[i]);
		at += 2;
	}
	sqlite3_result_text(context, text, at, SQLITE_TRANSIENT);
}

static void capture_fact(const struct kymo_capture *capture, sqlite3_context *context, int column)
{
	const struct cap_file_facts *facts = cap_reader_facts(capture->reader);
	const struct cap_file_info *info = &facts->info;
	char text[32];

	switch (column) {
	case CAPTURE_session_uuid:
		result_uuid(context, info->session_uuid);
		break;
	case CAPTURE_file_uuid:
		result_uuid(context, info->file_uuid);
		break;
	case CAPTURE_boot_id:
		result_uuid(context, info->boot_id);
		break;
	case CAPTURE_file_index:
		result_u64(context, info->file_index);
		break;
	case CAPTURE_format_version:
		(void)sqlite3_snprintf(sizeof(text), text, "%d.%d", facts->version_major,
				       facts->version_minor);
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
		break;
	case CAPTURE_host:
		result_string(context, info->hostname);
		break;
	case CAPTURE_kernel:
		result_string(context, info->kernel_release);
		break;
	case CAPTURE_tool_version:
		result_string(context, info->tool_version);
		break;
	case CAPTURE_machine:
		result_u64(context, info->machine);
		break;
	case CAPTURE_cpu_count:
		result_u64(context, info->cpu_count ? info->cpu_count : 1);
		break;
	case CAPTURE_page_bytes:
		result_u64(context, info->page_shift < 32 ? 1ull << info->page_shift : 0);
		break;
	case CAPTURE_start_realtime_ns:
		result_u64(context, info->realtime_ns);
		break;
	default:
		break;
	}
}

static void capture_column(const struct kymo_vtab_source *source, sqlite3_context *context, u64 row,
			   int column)
{
	const struct kymo_capture *capture = source->capture;
	const struct cap_damage *damage = &capture->damage;
	u64 start_ns = kymo_capture_start_ns(capture), end_ns = kymo_capture_end_ns(capture);

	(void)row;
	switch (column) {
	case CAPTURE_id:
		result_u64(context, capture->base.capture);
		break;
	case CAPTURE_path:
		result_string(context, capture->path);
		break;
	case CAPTURE_file_bytes:
		result_u64(context, cap_reader_file_bytes(capture->reader));
		break;
	case CAPTURE_start_ns:
		result_u64(context, start_ns);
		break;
	case CAPTURE_end_ns:
		result_u64(context, end_ns);
		break;
	case CAPTURE_duration_ns:
		result_u64(context, end_ns - start_ns);
		break;
	case CAPTURE_complete:
		result_u64(context, kymo_capture_complete(capture) && source->rejected == 0);
		break;
	case CAPTURE_end_reason:
		result_string(context, kymo_capture_end_reason(capture));
		break;
	case CAPTURE_events_stored:
		result_u64(context, capture->events);
		break;
	case CAPTURE_events_dropped:
		result_u64(context, kymo_capture_dropped(capture));
		break;
	case CAPTURE_events_damaged:
		result_u64(context, kymo_capture_damaged(capture));
		break;
	case CAPTURE_events_counted:
		result_u64(context, capture->counted);
		break;
	case CAPTURE_blocks_read:
		result_u64(context, damage->blocks_read);
		break;
	case CAPTURE_blocks_damaged:
		result_u64(context, damage->blocks_damaged);
		break;
	case CAPTURE_blocks_lost:
		result_u64(context, damage->blocks_lost);
		break;
	case CAPTURE_blocks_unknown:
		result_u64(context, damage->blocks_unknown);
		break;
	case CAPTURE_bytes_skipped:
		result_u64(context, damage->bytes_skipped);
		break;
	case CAPTURE_columns_rejected:
		result_u64(context, damage->columns_rejected + source->rejected);
		break;
	case CAPTURE_rows_unknown_type:
		result_u64(context, damage->rows_unknown_type);
		break;
	case CAPTURE_blocks_schema_unknown:
		result_u64(context, damage->blocks_schema_unknown);
		break;
	default:
		capture_fact(capture, context, column);
	}
}

/* -------- event_count, enum_name -------- */

/* clang-format off */
#define EVENT_COUNT_COLUMNS(C) \
	C(capture_id) C(type) C(row_count)
/* clang-format on */

static u64 type_count(const struct kymo_capture *capture)
{
	(void)capture;
	return cap_schema_builtin()->type_count;
}

static void event_count_column(const struct kymo_vtab_source *source, sqlite3_context *context,
			       u64 row, int column)
{
	const struct cap_type *type = &cap_schema_builtin()->types[row];

	if (column == 0)
		result_u64(context, source->capture->base.capture);
	else if (column == 1)
		result_string(context, type->name);
	else
		result_u64(context, source->capture->rows[type->id]);
}

/* clang-format off */
#define ENUM_NAME_COLUMNS(C) \
	C(capture_id) C(kind) C(value) C(name)
/* clang-format on */

static u64 enum_count(const struct kymo_capture *capture)
{
	return cap_reader_schema(capture->reader)->enum_count;
}

static void enum_name_column(const struct kymo_vtab_source *source, sqlite3_context *context,
			     u64 row, int column)
{
	const struct cap_enum_value *value =
		&cap_reader_schema(source->capture->reader)->enums[row];

	if (column == 0)
		result_u64(context, source->capture->base.capture);
	else if (column == 1)
		result_string(context, cap_kind_name(value->kind));
	else if (column == 2)
		result_u64(context, value->value);
	else if (value->name && *value->name)
		result_string(context, value->name);
	else
		sqlite3_result_text(context, "", 0, SQLITE_STATIC);
}

/* -------- processes and tasks -------- */

/* clang-format off */
#define PROCESS_COLUMNS(C) \
	C(id) C(capture_id) C(tgid) C(leader_start_ns) C(exec_id) C(comm) C(exe) C(cgroup) \
	C(parent_tgid) C(kernel_thread) C(begin_ns) C(end_ns)
/* clang-format on */
#define C(name) PROCESS_##name,
enum { PROCESS_COLUMNS(C) };
#undef C

static u64 process_count(const struct kymo_capture *capture)
{
	return capture->tasks.process_count ? capture->tasks.process_count - 1 : 0;
}

static void process_times(const struct kymo_process *process, sqlite3_context *context, int column)
{
	if (column == PROCESS_begin_ns && process->begin_ns)
		result_u64(context, process->begin_ns);
	else if (column == PROCESS_end_ns && process->end_ns)
		result_u64(context, process->end_ns);
	else if (column == PROCESS_parent_tgid && process->parent_known)
		result_u64(context, process->parent_tgid);
}

static void process_column(const struct kymo_vtab_source *source, sqlite3_context *context, u64 row,
			   int column)
{
	const struct kymo_capture *capture = source->capture;
	const struct kymo_process *process = &capture->tasks.processes[row + 1];

	switch (column) {
	case PROCESS_id:
		result_id(context, row + 1, capture->base.process);
		break;
	case PROCESS_capture_id:
		result_u64(context, capture->base.capture);
		break;
	case PROCESS_tgid:
		result_u64(context, process->tgid);
		break;
	case PROCESS_leader_start_ns:
		result_u64(context, process->leader_start_ns);
		break;
	case PROCESS_exec_id:
		result_u64(context, process->exec_id);
		break;
	case PROCESS_comm:
		if (process->comm)
			result_blob_text(context, &capture->tasks.names, process->comm);
		else
			sqlite3_result_text(context, "", 0, SQLITE_STATIC);
		break;
	case PROCESS_exe:
		result_blob_text(context, &capture->tasks.names, process->exe);
		break;
	case PROCESS_cgroup:
		result_blob_text(context, &capture->tasks.names, process->cgroup);
		break;
	case PROCESS_kernel_thread:
		result_u64(context, process->kernel_thread);
		break;
	default:
		process_times(process, context, column);
	}
}

/* clang-format off */
#define TASK_COLUMNS(C) \
	C(id) C(capture_id) C(process_id) C(tgid) C(tid) C(comm)
/* clang-format on */
#define C(name) TASK_##name,
enum { TASK_COLUMNS(C) };
#undef C

static u64 task_count(const struct kymo_capture *capture)
{
	return capture->tasks.task_count ? capture->tasks.task_count - 1 : 0;
}

static void task_column(const struct kymo_vtab_source *source, sqlite3_context *context, u64 row,
			int column)
{
	const struct kymo_capture *capture = source->capture;
	const struct kymo_task *task = &capture->tasks.tasks[row + 1];

	switch (column) {
	case TASK_id:
		result_id(context, row + 1, capture->base.task);
		break;
	case TASK_capture_id:
		result_u64(context, capture->base.capture);
		break;
	case TASK_process_id:
		result_id(context, task->process, capture->base.process);
		break;
	case TASK_tgid:
		result_u64(context, task->tgid);
		break;
	case TASK_tid:
		result_u64(context, task->tid);
		break;
	default:
		if (task->comm)
			result_blob_text(context, &capture->tasks.names, task->comm);
		else
			sqlite3_result_text(context, "", 0, SQLITE_STATIC);
	}
}

/* -------- modules, frames, stacks -------- */

static const char *space_name(u8 space)
{
	return space == KYMO_SPACE_USER	    ? "user"
	       : space == KYMO_SPACE_KERNEL ? "kernel"
	       : space == KYMO_SPACE_CUT    ? "cut"
					    : "unknown";
}

/* clang-format off */
#define MODULE_COLUMNS(C) \
	C(id) C(capture_id) C(space) C(name) C(path) C(build_id) C(presumed) C(compat) \
	C(dev_major) C(dev_minor) C(inode) C(file_bytes) C(file_mtime_ns) C(seen_ns) \
	C(text_offset_bytes)
/* clang-format on */
#define C(name) MODULE_##name,
enum { MODULE_COLUMNS(C) };
#undef C

static u64 module_count(const struct kymo_capture *capture)
{
	return capture->stacks.module_count ? capture->stacks.module_count - 1 : 0;
}

/* What is known of a module's file; NULL where nothing is. */
static void module_file_column(const struct kymo_module *module, sqlite3_context *context,
			       int column)
{
	bool has_device = module->inode != 0;

	switch (column) {
	case MODULE_dev_major:
		if (has_device)
			result_u64(context, module->dev_major);
		break;
	case MODULE_dev_minor:
		if (has_device)
			result_u64(context, module->dev_minor);
		break;
	case MODULE_inode:
		if (has_device)
			result_u64(context, module->inode);
		break;
	case MODULE_file_bytes:
		if (module->file_bytes)
			result_u64(context, module->file_bytes);
		break;
	case MODULE_file_mtime_ns:
		if (module->mtime_ns)
			sqlite3_result_int64(context, module->mtime_ns);
		break;
	case MODULE_seen_ns:
		if (module->has_seen)
			result_u64(context, module->seen_ns);
		break;
	default:
		if (module->has_offset)
			sqlite3_result_int64(context, module->first_offset);
	}
}

static void module_column(const struct kymo_vtab_source *source, sqlite3_context *context, u64 row,
			  int column)
{
	const struct kymo_capture *capture = source->capture;
	const struct kymo_module *module = &capture->stacks.modules[row + 1];
	const char *build_id;
	size_t len;

	switch (column) {
	case MODULE_id:
		result_id(context, row + 1, capture->base.module);
		break;
	case MODULE_capture_id:
		result_u64(context, capture->base.capture);
		break;
	case MODULE_space:
		result_string(context, space_name(module->space));
		break;
	case MODULE_name:
		result_blob_text(context, &capture->stacks.names, module->name);
		break;
	case MODULE_path:
		result_blob_text(context, &capture->stacks.names, module->path);
		break;
	case MODULE_build_id:
		build_id = kymo_blob_get(&capture->stacks.names, module->build_id, &len);
		kymo_result_hex(context, build_id, len);
		break;
	case MODULE_presumed:
		result_u64(context, module->presumed);
		break;
	case MODULE_compat:
		result_u64(context, module->compat);
		break;
	default:
		module_file_column(module, context, column);
	}
}

/* clang-format off */
#define MODULE_UNWINDING_COLUMNS(C) \
	C(module_id) C(state)
/* clang-format on */

static void module_unwinding_column(const struct kymo_vtab_source *source, sqlite3_context *context,
				    u64 row, int column)
{
	static const char *const states[] = {
		[KYMO_UNWINDING_NOT_ASKED] = "not_asked",
		[KYMO_UNWINDING_FOUND] = "found",
		[KYMO_UNWINDING_NO_FILE] = "no_file",
		[KYMO_UNWINDING_NO_RULES] = "no_rules",
		[KYMO_UNWINDING_NO_CODE_FILE] = "no_code_file",
	};
	const struct kymo_capture *capture = source->capture;

	if (column == 0)
		result_id(context, row + 1, capture->base.module);
	else
		result_string(context,
			      states[kymo_unwinder_state(capture->unwinder, (u32)row + 1)]);
}

/* clang-format off */
#define FILE_NAMES_COLUMNS(C) \
	C(identity) C(start_bytes) C(end_bytes) C(name)
/* clang-format on */
#define C(name) FILE_NAMES_##name,
enum { FILE_NAMES_COLUMNS(C) };
#undef C

static u64 file_name_count(const struct kymo_capture *capture)
{
	return capture->file_names.count;
}

/* Names of files that the capture itself has: for who names frames. identity: a build-id in hex, or
 * a path. No table of the schema. */
static void file_names_column(const struct kymo_vtab_source *source, sqlite3_context *context,
			      u64 row, int column)
{
	const struct kymo_capture *capture = source->capture;
	const struct kymo_kernel_range *range = &capture->file_names.ranges[row];
	const char *key;
	size_t len;

	switch (column) {
	case FILE_NAMES_identity:
		key = kymo_blob_get(&capture->stacks.names, range->module, &len);
		if (key[0] == KYMO_BY_PATH)
			kymo_result_text(context, key + 1, len - 1);
		else
			kymo_result_hex(context, key + 1, len - 1);
		break;
	case FILE_NAMES_start_bytes:
		result_u64(context, range->start);
		break;
	case FILE_NAMES_end_bytes:
		result_u64(context, range->end);
		break;
	default:
		result_blob_text(context, &capture->stacks.names, range->name);
	}
}

/* clang-format off */
#define FRAME_COLUMNS(C) \
	C(id) C(capture_id) C(space) C(module_id) C(offset_bytes) C(symbol) \
	C(symbol_offset_bytes) C(name)
/* clang-format on */
#define C(name) FRAME_##name,
enum { FRAME_COLUMNS(C) };
#undef C

static u64 frame_count(const struct kymo_capture *capture)
{
	return capture->stacks.frame_count ? capture->stacks.frame_count - 1 : 0;
}

/* Name of a kernel frame, in stacks.names; 0: none. */
static u32 kernel_symbol(struct kymo_capture *capture, const struct kymo_frame *frame,
			 u64 *ret_offset)
{
	u64 start = 0;
	u32 name = 0;

	if (frame->space != KYMO_SPACE_KERNEL || frame->module == 0)
		return 0;
	name = kymo_kernel_names_find(&capture->kernel_names, frame->module, frame->offset, &start);
	*ret_offset = frame->offset - start;
	if (name)
		return name;
	/* The recorder named the return address; we count from the byte before it. They differ
	 * where a call ends a function. */
	name = kymo_kernel_names_find(&capture->kernel_names, frame->module, frame->offset + 1,
				      &start);
	*ret_offset = 0;
	return name;
}

static void result_frame_name(const struct kymo_capture *capture, sqlite3_context *context,
			      const struct kymo_frame *frame, u32 symbol)
{
	const struct kymo_blob_table *names = &capture->stacks.names;
	const char *module;
	char offset[24], *text;
	size_t len, offset_len;

	if (symbol) {
		result_blob_text(context, names, symbol);
		return;
	}
	if (frame->module == 0) {
		result_string(context,
			      frame->space == KYMO_SPACE_CUT ? KYMO_CUT_NAME : "[unknown]");
		return;
	}
	module = kymo_blob_get(names, capture->stacks.modules[frame->module].name, &len);
	sqlite3_snprintf(sizeof(offset), offset, "+0x%llx", frame->offset);
	offset_len = strlen(offset);
	text = sqlite3_malloc64(len + offset_len);
	if (!text) {
		sqlite3_result_error_nomem(context);
		return;
	}
	memcpy(text, module, len);
	memcpy(text + len, offset, offset_len);
	kymo_result_text(context, text, len + offset_len);
	sqlite3_free(text);
}

static void frame_column(const struct kymo_vtab_source *source, sqlite3_context *context, u64 row,
			 int column)
{
	struct kymo_capture *capture = source->capture;
	const struct kymo_frame *frame = &capture->stacks.frames[row + 1];
	u64 symbol_offset = 0;
	u32 symbol = frame->symbol;

	if (symbol)
		symbol_offset = frame->offset;
	else if (column >= FRAME_symbol)
		symbol = kernel_symbol(capture, frame, &symbol_offset);

	switch (column) {
	case FRAME_id:
		result_id(context, row + 1, capture->base.frame);
		break;
	case FRAME_capture_id:
		result_u64(context, capture->base.capture);
		break;
	case FRAME_space:
		result_string(context, space_name(frame->space));
		break;
	case FRAME_module_id:
		if (frame->module)
			result_id(context, frame->module, capture->base.module);
		break;
	case FRAME_offset_bytes:
		if (frame->module)
			result_u64(context, frame->offset);
		break;
	case FRAME_symbol:
		if (symbol)
			result_blob_text(context, &capture->stacks.names, symbol);
		break;
	case FRAME_symbol_offset_bytes:
		if (symbol)
			result_u64(context, symbol_offset);
		break;
	default:
		result_frame_name(capture, context, frame, symbol);
	}
}

/* clang-format off */
#define STACK_COLUMNS(C) \
	C(id) C(capture_id) C(parent_id) C(frame_id) C(depth) C(root_id) C(stack_how) C(stack_end)
/* clang-format on */
#define C(name) STACK_##name,
enum { STACK_COLUMNS(C) };
#undef C

static u64 stack_count(const struct kymo_capture *capture)
{
	return capture->stacks.stack_count ? capture->stacks.stack_count - 1 : 0;
}

/* NULL: it has no user frames */
static const char *how_name(u8 how)
{
	static const char *const names[] = {
		[KYMO_STACK_FP] = "fp", [KYMO_STACK_COPY] = "copy", [KYMO_STACK_BOTH] = "both"};

	return how < sizeof(names) / sizeof(names[0]) ? names[how] : NULL;
}

/* NULL: not known */
static const char *end_name(u8 end)
{
	static const char *const names[] = {[KYMO_UNWIND_ROOT] = "root",
					    [KYMO_UNWIND_CUT] = "cut",
					    [KYMO_UNWIND_NO_RULE] = "no_rule",
					    [KYMO_UNWIND_HOLE] = "hole",
					    [KYMO_UNWIND_NO_MAPPING] = "no_mapping",
					    [KYMO_UNWIND_DEPTH] = "depth",
					    [KYMO_UNWIND_OTHER_STACK] = "other_stack"};

	return end < sizeof(names) / sizeof(names[0]) ? names[end] : NULL;
}

static void stack_column(const struct kymo_vtab_source *source, sqlite3_context *context, u64 row,
			 int column)
{
	const struct kymo_capture *capture = source->capture;
	const struct kymo_stack *stack = &capture->stacks.stacks[row + 1];

	switch (column) {
	case STACK_id:
		result_id(context, row + 1, capture->base.stack);
		break;
	case STACK_capture_id:
		result_u64(context, capture->base.capture);
		break;
	case STACK_parent_id:
		result_id(context, stack->parent, capture->base.stack);
		break;
	case STACK_frame_id:
		result_id(context, stack->frame, capture->base.frame);
		break;
	case STACK_root_id:
		result_id(context, stack->root, capture->base.stack);
		break;
	case STACK_stack_how:
		result_string(context, how_name(stack->how));
		break;
	case STACK_stack_end:
		result_string(context, end_name(stack->end));
		break;
	default:
		result_u64(context, stack->depth);
	}
}

/* -------- all of them -------- */

#define T(name, LIST, count, column)                  \
	{                                             \
#name, LIST_TEXT(LIST), count, column \
	}
static const struct kymo_model_table tables[] = {
	T(capture, CAPTURE_COLUMNS, one, capture_column),
	T(event_count, EVENT_COUNT_COLUMNS, type_count, event_count_column),
	T(enum_name, ENUM_NAME_COLUMNS, enum_count, enum_name_column),
	T(process, PROCESS_COLUMNS, process_count, process_column),
	T(task, TASK_COLUMNS, task_count, task_column),
	T(module, MODULE_COLUMNS, module_count, module_column),
	T(module_unwinding, MODULE_UNWINDING_COLUMNS, module_count, module_unwinding_column),
	T(file_names, FILE_NAMES_COLUMNS, file_name_count, file_names_column),
	T(frame, FRAME_COLUMNS, frame_count, frame_column),
	T(stack, STACK_COLUMNS, stack_count, stack_column),
};
#undef T

const struct kymo_model_table *kymo_model_table_find(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	}
	return NULL;
}

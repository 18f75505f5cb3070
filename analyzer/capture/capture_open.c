/* One pass over everything, then, where stacks are wanted, one over the chunks with samples, since
 * mappings that explain a sample may stand after it. */
#include "analyzer/capture/capture_open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/capture_take.h"
#include "analyzer/capture/chunk_cursor.h"
#include "analyzer/symbols/own_boot.h"
#include "formats/base/cleanup.h"

_Static_assert(EV_TYPE_MAX < 64, "kymo_block_place.types has a bit per type");

struct first_pass {
	struct kymo_capture *capture;
	const struct kymo_capture_options *options;
	struct kymo_section_columns columns;
	struct kymo_blob_table
		weak_tasks; /* tasks without a start: related to others when all are known */
};

static void first_pass_done(struct first_pass *pass)
{
	kymo_section_columns_done(&pass->columns);
	kymo_blob_table_done(&pass->weak_tasks);
}

/* -------- first pass -------- */

static int take_tasks(struct first_pass *pass, const struct cap_rows *rows)
{
	for (u32 i = 1; i < rows->task_count; i++) {
		const struct cap_task *task = &rows->tasks[i];
		s64 rc;

		if (kymo_task_is_weak(task))
			rc = kymo_blob_add(&pass->weak_tasks, task, sizeof(*task), NULL);
		else
			rc = kymo_tasks_add(&pass->capture->tasks, task);
		if (rc < 0)
			return (int)rc;
	}
	return 0;
}

static int settle_tasks(struct first_pass *pass)
{
	for (u32 i = 1; i < pass->weak_tasks.count; i++) {
		struct cap_task task;
		s64 rc;

		memcpy(&task, kymo_blob_get(&pass->weak_tasks, i, NULL), sizeof(task));
		rc = kymo_tasks_add(&pass->capture->tasks, &task);
		if (rc < 0)
			return (int)rc;
	}
	kymo_tasks_settle(&pass->capture->tasks);
	return 0;
}

static struct kymo_block_place *add_place(struct kymo_capture *capture,
					  const struct cap_block *block)
{
	struct kymo_block_place *place;

	if (capture->block_count == capture->block_capacity) {
		size_t capacity = capture->block_capacity ? capture->block_capacity * 2 : 64;
		struct kymo_block_place *blocks =
			realloc(capture->blocks, capacity * sizeof(*blocks));

		if (!blocks)
			return NULL;
		capture->blocks = blocks;
		capture->block_capacity = capacity;
	}
	place = &capture->blocks[capture->block_count++];
	*place = (struct kymo_block_place){.offset = block->offset,
					   .first_ns = block->first_ns,
					   .last_ns = block->last_ns,
					   .timed = block->last_ns != 0};
	return place;
}

static void note_times(struct kymo_capture *capture, const struct cap_block *block)
{
	if (block->last_ns == 0)
		return;
	if (capture->last_ns == 0 || block->first_ns < capture->first_ns)
		capture->first_ns = block->first_ns;
	if (block->last_ns > capture->last_ns)
		capture->last_ns = block->last_ns;
}

/* A bit per field, by its place in the built-in type. */
static u64 columns_of(const struct cap_section *section, const struct cap_type *type)
{
	u64 columns = 0;

	for (size_t i = 0; i < type->field_count; i++) {
		if (cap_section_column(section, type->fields[i].id))
			columns |= 1ull << i;
	}
	return columns;
}

static int take_rows(struct first_pass *pass, const struct cap_block *block,
		     const struct cap_rows *rows, struct cap_err *err)
{
	struct kymo_capture *capture = pass->capture;
	struct kymo_block_place *place = add_place(capture, block);
	int rc = place ? take_tasks(pass, rows) : -ENOMEM;

	note_times(capture, block);
	for (u32 i = 0; rc == 0 && i < rows->section_count; i++) {
		const struct cap_section *section = &rows->sections[i];
		const struct cap_type *type =
			cap_schema_type(cap_schema_builtin(), section->type_id);

		if (!type) { /* described by the file's schema, but not known to us */
			capture->damage.rows_unknown_type += section->type ? section->row_count : 0;
			continue;
		}
		capture->rows[type->id] += section->row_count;
		capture->events += block->type == CAP_BLOCK_CHUNK ? section->row_count : 0;
		capture->columns[type->id] |= columns_of(section, type);
		place->types |= 1ull << type->id;
		kymo_section_columns_set(&pass->columns, rows, section, type);
		rc = kymo_capture_take(capture, &pass->columns);
	}
	if (rc < 0)
		return cap_fail(err, rc, "out of memory at byte %llu",
				(unsigned long long)block->offset);
	return pass->options->block ? pass->options->block(pass->options->block_context, capture,
							   rows, place->types, err)
				    : 0;
}

static bool has_rows(u32 block_type)
{
	switch (block_type) {
#define BODY_FIXED false
#define BODY_SCHEMA false
#define BODY_ROWS true
#define BLOCK(type, upper, name, skip, body) \
	case type:                           \
		return BODY_##body;
#include "formats/table/blocks.def"
#undef BLOCK
	default:
		return false;
	}
}

static int walk(struct first_pass *pass, struct cap_err *err)
{
	struct kymo_capture *capture = pass->capture;
	struct cap_block block;
	struct cap_rows rows;
	int rc;

	while ((rc = cap_reader_next(capture->reader, &block, err)) == 1) {
		if (!has_rows(block.type) || block.replica)
			continue;
		rc = kymo_capture_note_progress(capture, block.offset);
		if (rc < 0)
			return cap_fail(err, rc, "interrupted");
		if (block.type == CAP_BLOCK_CHUNK)
			capture->totals = block.totals;
		rc = cap_reader_rows(capture->reader, &rows, err);
		if (rc == CAP_EDAMAGED || rc == CAP_ECODEC || rc == CAP_ELIMIT)
			continue; /* counted by the reader */
		if (rc < 0)
			return cap_fail(err, rc, "out of memory at byte %llu",
					(unsigned long long)block.offset);
		rc = take_rows(pass, &block, &rows, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int run_first_pass(struct kymo_capture *capture, const struct kymo_capture_options *options,
			  struct cap_err *err)
{
	CLEANUP(first_pass_done)
	struct first_pass pass = {.capture = capture, .options = options};
	const char *stopped;
	u64 unknown;
	int rc = cap_reader_rewind(capture->reader, err);

	if (rc == 0)
		rc = walk(&pass, err);
	if (rc < 0)
		return rc;
	if (settle_tasks(&pass) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	unknown = capture->damage.rows_unknown_type;
	capture->damage = *cap_reader_damage(capture->reader);
	capture->damage.rows_unknown_type += unknown;
	capture->damage.columns_rejected += pass.columns.rejected;
	kymo_mappings_seal(capture->mappings);
	stopped = cap_reader_stopped(capture->reader);
	if (stopped) {
		capture->stopped = strdup(stopped);
		if (!capture->stopped)
			return cap_fail(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/* -------- stacks -------- */

/* Of the section that the cursor is at, row by row. */
static int resolve_section(struct kymo_chunk_cursor *cursor, const struct cap_type *type,
			   struct cap_err *err)
{
	u32 rows = kymo_chunk_cursor_rows(cursor);

	for (u32 i = 0; i < rows; i++)
		for (unsigned int field = 0; field < type->field_count; field++) {
			s64 stack = type->fields[field].kind == CAP_KIND_STACK
					    ? kymo_chunk_cursor_stack(cursor, field, i)
					    : 0;

			if (stack < 0)
				return cap_fail(
					err, (int)stack,
					stack == CAP_ELIMIT
						? "more stacks than a capture of this size may hold"
						: "out of memory for stacks");
		}
	return 0;
}

static bool has_stacks(const struct cap_type *type)
{
	for (size_t field = 0; field < type->field_count; field++) {
		if (type->fields[field].kind == CAP_KIND_STACK)
			return true;
	}
	return false;
}

/* A bit for each type with stacks, or wanted, that the capture has rows of. */
static u64 visited_types(const struct kymo_capture *capture, u64 wanted)
{
	const struct cap_schema *schema = cap_schema_builtin();
	u64 types = 0;

	for (size_t i = 0; i < schema->type_count; i++) {
		const struct cap_type *type = &schema->types[i];

		if (capture->rows[type->id] > 0 &&
		    (has_stacks(type) || (wanted >> type->id & 1) != 0))
			types |= 1ull << type->id;
	}
	return types;
}

/* Block by block, type by type, row by row, as an import copies them: stacks are numbered as they
 * are met. */
static int run_stack_pass(struct kymo_capture *capture, const struct kymo_capture_options *options,
			  struct cap_err *err)
{
	CLEANUP(kymo_chunk_cursor_freep) struct kymo_chunk_cursor *cursor = NULL;
	const struct cap_schema *schema = cap_schema_builtin();
	const u64 types = visited_types(capture, options->section_types);
	int rc = types ? kymo_chunk_cursor_new(capture, EV_CPU_SAMPLE, &cursor, err) : 0;

	if (rc == 0 && types)
		rc = kymo_chunk_cursor_start(cursor, 0, UINT64_MAX, err);
	while (types && rc == 0 && (rc = kymo_chunk_cursor_block(cursor, types, err)) == 1) {
		rc = 0;
		for (size_t i = 0; rc == 0 && i < schema->type_count; i++) {
			const struct cap_type *type = &schema->types[i];

			if (!(types & kymo_chunk_cursor_block_types(cursor) & 1ull << type->id))
				continue;
			kymo_chunk_cursor_type(cursor, type->id);
			while (rc == 0 && (rc = kymo_chunk_cursor_next(cursor, err)) == 1) {
				rc = resolve_section(cursor, type, err);
				if (rc == 0 && options->section)
					rc = options->section(options->section_context, capture,
							      type->id, cursor, err);
			}
		}
	}
	return rc;
}

/* -------- life -------- */

int kymo_capture_open(const char *path, const struct kymo_capture_options *options,
		      struct kymo_capture **ret_capture, struct cap_err *err)
{
	static const struct kymo_capture_options defaults = {.stacks = true};
	CLEANUP(kymo_capture_closep) struct kymo_capture *capture = calloc(1, sizeof(*capture));
	int rc;

	options = options ? options : &defaults;
	if (!capture)
		return cap_fail(err, -ENOMEM, "open '%s': out of memory", path);
	capture->path = strdup(path);
	capture->mappings = kymo_mappings_new();
	capture->base.capture = 1;
	capture->progress = options->progress;
	capture->progress_context = options->progress_context;
	if (!capture->path || !capture->mappings)
		return cap_fail(err, -ENOMEM, "open '%s': out of memory", path);
	rc = kymo_reading_open(path, options->reading, &capture->reader, err);
	if (rc == 0) {
		const struct cap_file_info *info = &cap_reader_facts(capture->reader)->info;
		u64 bytes = cap_reader_file_bytes(capture->reader);

		kymo_mappings_bound(capture->mappings, (4u << 20) + 64 * bytes);
		kymo_stacks_bound(&capture->stacks, bytes);
		capture->unwinder = kymo_unwinder_new(options->search, info->machine, bytes);
		if (!capture->unwinder)
			return cap_fail(err, -ENOMEM, "open '%s': out of memory", path);
		kymo_unwinder_recorded(capture->unwinder, kymo_is_own_boot(info->boot_id),
				       (s64)(info->realtime_ns - info->monotonic_ns));
		rc = run_first_pass(capture, options, err);
	}
	if (rc == 0 && options->stacks)
		rc = run_stack_pass(capture, options, err);
	if (rc < 0)
		return rc;
	*ret_capture = TAKE(capture);
	return 0;
}

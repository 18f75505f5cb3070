/* Blocks without rows of the wanted type or time are skipped without being decompressed. */
#include "analyzer/capture/chunk_cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/section_columns.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

struct kymo_chunk_cursor {
	struct kymo_capture *capture;
	struct cap_reader *reader; /* NULL: rows are shown */
	u64 text_left; /* of shown rows: their columns are decoded once for each cursor */
	bool too_early;
	const struct cap_type *type;		  /* built-in */
	unsigned int time_field;		  /* ROW_MAX_FIELDS: none */
	unsigned int task_fields[ROW_MAX_FIELDS]; /* of a STACK field: whose stack it is */
	/* The copy that belongs to the first STACK field, and that; ROW_MAX_FIELDS: none. */
	unsigned int copy_field, copied_field;
	u64 from_ns, to_ns;
	u64 types;	   /* whose blocks are wanted */
	bool within_block; /* the next section is of this block, or none */
	size_t place;	   /* in capture->blocks: the next one */
	struct cap_rows rows;
	u32 section; /* the next one of rows */
	struct kymo_section_columns columns;
	u32 *task_ids; /* of the block's local tasks; 0: not asked yet */
	size_t task_capacity;
	struct kymo_stack_cache stack_cache;
};

static unsigned int field_of_kind(const struct cap_type *type, enum cap_kind kind)
{
	for (unsigned int i = 0; i < type->field_count; i++) {
		if (type->fields[i].kind == kind)
			return i;
	}
	return ROW_MAX_FIELDS;
}

/* The TASK field of that name; ROW_MAX_FIELDS: none. */
static unsigned int task_named(const struct cap_type *type, const char *name, size_t len)
{
	for (unsigned int i = 0; i < type->field_count; i++) {
		if (type->fields[i].kind == CAP_KIND_TASK && strlen(type->fields[i].name) == len &&
		    strncmp(type->fields[i].name, name, len) == 0)
			return i;
	}
	return ROW_MAX_FIELDS;
}

/* The TASK field whose stack a STACK field holds: waker's is waker_stack; else that of the row. */
static unsigned int owner_of(const struct cap_type *type, unsigned int stack)
{
	const char *name = type->fields[stack].name, *suffix = strstr(name, "_stack");
	unsigned int owner =
		suffix ? task_named(type, name, (size_t)(suffix - name)) : ROW_MAX_FIELDS;

	if (owner == ROW_MAX_FIELDS)
		owner = task_named(type, "task", strlen("task"));
	return owner < ROW_MAX_FIELDS ? owner : field_of_kind(type, CAP_KIND_TASK);
}

static void set_type(struct kymo_chunk_cursor *cursor, u32 type_id)
{
	cursor->type = cap_schema_type(cap_schema_builtin(), type_id);
	cursor->time_field = field_of_kind(cursor->type, CAP_KIND_TIME);
	cursor->copy_field = field_of_kind(cursor->type, CAP_KIND_COPY);
	cursor->copied_field = field_of_kind(cursor->type, CAP_KIND_STACK);
	for (unsigned int i = 0; i < cursor->type->field_count; i++)
		cursor->task_fields[i] = owner_of(cursor->type, i);
}

int kymo_chunk_cursor_new(struct kymo_capture *capture, u32 type_id,
			  struct kymo_chunk_cursor **ret_cursor, struct cap_err *err)
{
	CLEANUP(kymo_chunk_cursor_freep)
	struct kymo_chunk_cursor *cursor = calloc(1, sizeof(*cursor));
	int rc;

	if (!cursor)
		return cap_fail(err, -ENOMEM, "out of memory");
	cursor->capture = capture;
	set_type(cursor, type_id);
	cursor->types = 1ull << type_id;
	cursor->to_ns = UINT64_MAX;
	rc = cap_reader_reopen(capture->reader, &cursor->reader, err);
	if (rc < 0)
		return rc;
	*ret_cursor = TAKE(cursor);
	return 0;
}

int kymo_chunk_cursor_new_shown(struct kymo_capture *capture, struct kymo_chunk_cursor **ret_cursor,
				struct cap_err *err)
{
	struct kymo_chunk_cursor *cursor = calloc(1, sizeof(*cursor));

	if (!cursor)
		return cap_fail(err, -ENOMEM, "out of memory");
	cursor->capture = capture;
	cursor->text_left = CAP_MAX_TEXT_BYTES(cap_reader_file_bytes(capture->reader));
	cursor->within_block = true;
	set_type(cursor, EV_SYSCALL);
	*ret_cursor = cursor;
	return 0;
}

struct kymo_chunk_cursor *kymo_chunk_cursor_free(struct kymo_chunk_cursor *cursor)
{
	if (!cursor)
		return NULL;
	(void)cap_reader_close(cursor->reader);
	kymo_section_columns_done(&cursor->columns);
	kymo_stack_cache_done(&cursor->stack_cache);
	free(cursor->task_ids);
	free(cursor);
	return NULL;
}

void kymo_chunk_cursor_freep(struct kymo_chunk_cursor **cursor)
{
	*cursor = kymo_chunk_cursor_free(*cursor);
}

int kymo_chunk_cursor_start(struct kymo_chunk_cursor *cursor, u64 from_ns, u64 to_ns,
			    struct cap_err *err)
{
	cursor->from_ns = from_ns;
	cursor->to_ns = to_ns;
	cursor->place = 0;
	cursor->within_block = false;
	cursor->rows = (struct cap_rows){0};
	cursor->section = 0;
	cursor->stack_cache.steps = 0;
	return cap_reader_rewind(cursor->reader, err);
}

/* May this block hold what we want, according to the first pass? */
static bool is_wanted(struct kymo_chunk_cursor *cursor, const struct cap_block *block)
{
	const struct kymo_capture *capture = cursor->capture;
	const struct kymo_block_place *place;

	while (cursor->place < capture->block_count &&
	       capture->blocks[cursor->place].offset < block->offset)
		cursor->place++;
	if (cursor->place == capture->block_count)
		return false;
	place = &capture->blocks[cursor->place];
	if (place->offset != block->offset || !(place->types & cursor->types))
		return false;
	return !place->timed ||
	       (place->first_ns <= cursor->to_ns && place->last_ns >= cursor->from_ns);
}

/* What was known of the block before is forgotten. */
static int begin_block(struct kymo_chunk_cursor *cursor, struct cap_err *err)
{
	if (cursor->rows.task_count > cursor->task_capacity) {
		u32 *ids = realloc(cursor->task_ids, cursor->rows.task_count * sizeof(*ids));

		if (!ids)
			return cap_fail(err, -ENOMEM, "out of memory");
		cursor->task_ids = ids;
		cursor->task_capacity = cursor->rows.task_count;
	}
	if (cursor->task_ids)
		memset(cursor->task_ids, 0, cursor->rows.task_count * sizeof(*cursor->task_ids));
	kymo_stack_cache_clear(&cursor->stack_cache);
	cursor->section = 0;
	return 0;
}

int kymo_chunk_cursor_show(struct kymo_chunk_cursor *cursor, const struct cap_rows *rows,
			   struct cap_err *err)
{
	cursor->rows = *rows;
	cursor->rows.text_left = &cursor->text_left;
	return begin_block(cursor, err);
}

bool kymo_chunk_cursor_too_early(const struct kymo_chunk_cursor *cursor)
{
	return cursor->too_early;
}

/* Decodes the next wanted block. 1, 0 at the end, negative. */
static int next_block(struct kymo_chunk_cursor *cursor, struct cap_err *err)
{
	struct cap_block block;
	int rc;

	while ((rc = cap_reader_next(cursor->reader, &block, err)) == 1) {
		if (!is_wanted(cursor, &block))
			continue;
		rc = kymo_capture_note_progress(cursor->capture, block.offset);
		if (rc < 0)
			return cap_fail(err, rc, "interrupted");
		rc = cap_reader_rows(cursor->reader, &cursor->rows, err);
		if (rc == CAP_EDAMAGED || rc == CAP_ECODEC || rc == CAP_ELIMIT)
			continue; /* the first pass has counted it */
		if (rc < 0)
			return rc;
		rc = begin_block(cursor, err);
		return rc < 0 ? rc : 1;
	}
	return rc;
}

int kymo_chunk_cursor_next(struct kymo_chunk_cursor *cursor, struct cap_err *err)
{
	if (cursor->columns.out_of_memory) /* earlier rows read as NULL although they are not */
		return cap_fail(err, -ENOMEM, "out of memory for columns");
	for (;;) {
		while (cursor->section < cursor->rows.section_count) {
			const struct cap_section *section =
				&cursor->rows.sections[cursor->section++];

			if (section->type_id != cursor->type->id || section->row_count == 0)
				continue;
			kymo_section_columns_set(&cursor->columns, &cursor->rows, section,
						 cursor->type);
			return 1;
		}
		int rc = cursor->within_block ? 0 : next_block(cursor, err);

		if (rc <= 0)
			return rc;
	}
}

int kymo_chunk_cursor_block(struct kymo_chunk_cursor *cursor, u64 types, struct cap_err *err)
{
	cursor->types = types;
	return next_block(cursor, err);
}

u64 kymo_chunk_cursor_block_types(const struct kymo_chunk_cursor *cursor)
{
	return cursor->capture->blocks[cursor->place].types;
}

void kymo_chunk_cursor_type(struct kymo_chunk_cursor *cursor, u32 type_id)
{
	set_type(cursor, type_id);
	cursor->section = 0;
	cursor->within_block = true;
}

u32 kymo_chunk_cursor_rows(const struct kymo_chunk_cursor *cursor)
{
	return cursor->columns.section->row_count;
}

const u64 *kymo_chunk_cursor_column(struct kymo_chunk_cursor *cursor, unsigned int field)
{
	return kymo_section_column(&cursor->columns, field);
}

bool kymo_chunk_cursor_failed(const struct kymo_chunk_cursor *cursor)
{
	return cursor->columns.out_of_memory;
}

s64 kymo_chunk_cursor_task(struct kymo_chunk_cursor *cursor, u64 local)
{
	s64 number;

	if (local == 0 || local >= cursor->rows.task_count)
		return 0;
	if (cursor->task_ids[local])
		return cursor->task_ids[local];
	if (!cursor->reader && kymo_task_is_weak(&cursor->rows.tasks[local])) {
		cursor->too_early = true;
		return 0;
	}
	number = kymo_tasks_add(&cursor->capture->tasks, &cursor->rows.tasks[local]);
	if (number > 0)
		cursor->task_ids[local] = (u32)number;
	return number;
}

/* The row of COPIES that belongs to a STACK field of a row; 0: none. */
static u32 copy_of(struct kymo_chunk_cursor *cursor, unsigned int field, u32 row)
{
	const u64 *copies = cursor->copy_field < ROW_MAX_FIELDS && field == cursor->copied_field
				    ? kymo_section_column(&cursor->columns, cursor->copy_field)
				    : NULL;

	return copies && copies[row] < cursor->rows.copy_count ? (u32)copies[row] : 0;
}

s64 kymo_chunk_cursor_stack(struct kymo_chunk_cursor *cursor, unsigned int field, u32 row)
{
	struct kymo_capture *capture = cursor->capture;
	const u64 *stacks = kymo_section_column(&cursor->columns, field);
	const u64 *times = kymo_section_column(&cursor->columns, cursor->time_field);
	const u64 *tasks = kymo_section_column(&cursor->columns, cursor->task_fields[field]);
	u32 copy = copy_of(cursor, field, row);
	u32 node = stacks && stacks[row] < cursor->rows.stack_count ? (u32)stacks[row] : 0;
	struct kymo_sample_place place = {0};
	const struct kymo_unwinding unwinding = {.unwinder = capture->unwinder,
						 .stacks = &capture->stacks,
						 .mappings = capture->mappings,
						 .captured = &capture->captured_rules,
						 .cache = &cursor->stack_cache,
						 .rows = &cursor->rows};

	if (cursor->columns.out_of_memory)
		return -ENOMEM;
	if (node == 0 && copy == 0)
		return 0;
	if (times && tasks && tasks[row] < cursor->rows.task_count) {
		place.time_ns = times[row];
		place.tgid = cursor->rows.tasks[tasks[row]].tgid;
	}
	return kymo_unwind_stack(&unwinding, copy, node, &place);
}

const struct cap_string *kymo_chunk_cursor_string(const struct kymo_chunk_cursor *cursor, u64 local)
{
	return &cursor->rows.strings[local < cursor->rows.string_count ? local : 0];
}

u64 kymo_chunk_cursor_rejected(const struct kymo_chunk_cursor *cursor)
{
	return cursor->columns.rejected;
}

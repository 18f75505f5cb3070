/* Local tables are built up as rows need them. Rows of one type that have other columns than those
 * before them in the block begin a block of their own, since a chunk has one section per type. */
#include "analyzer/rewrite/rewrite_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/section_columns.h"
#include "analyzer/rewrite/rewrite_stacks.h"
#include "formats/base/cleanup.h"

#define MAX_ROW_BYTES 256u

struct kymo_rewrite_rows {
	const struct kymo_rewrite_rules *rules;
	struct kymo_rewrite_stacks *stacks;
	struct cap_chunk *chunk;
	struct kymo_section_columns columns;
	bool *keep;
	size_t keep_size;
	u32 *task_map; /* local task -> row of the chunk; 0: not there yet */
	size_t task_size;
	u64 left_out[EV_TYPE_MAX + 1]; /* of types that the chunk has rows of */

	/* the block at hand */
	const struct cap_block *block;
	const struct cap_rows *from;
	struct cap_writer *writer;
	u64 rows_left; /* of it, not written so far */
};

#define EVENT_BEGIN(id, upper, name, block, event_class, tail) \
	_Static_assert(sizeof(struct ev_##name) <= MAX_ROW_BYTES, "raise MAX_ROW_BYTES");
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END

int kymo_rewrite_rows_new(struct kymo_capture *capture, const struct kymo_rewrite_rules *rules,
			  struct kymo_rewrite_rows **ret_rows, struct cap_err *err)
{
	struct kymo_rewrite_rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return cap_fail(err, -ENOMEM, "out of memory");
	rows->rules = rules;
	rows->chunk = cap_chunk_new();
	rows->stacks = kymo_rewrite_stacks_new(capture, rules);
	if (!rows->chunk || !rows->stacks) {
		(void)kymo_rewrite_rows_free(rows);
		return cap_fail(err, -ENOMEM, "out of memory");
	}
	*ret_rows = rows;
	return 0;
}

struct kymo_rewrite_rows *kymo_rewrite_rows_free(struct kymo_rewrite_rows *rows)
{
	if (!rows)
		return NULL;
	(void)cap_chunk_free(rows->chunk);
	(void)kymo_rewrite_stacks_free(rows->stacks);
	kymo_section_columns_done(&rows->columns);
	free(rows->keep);
	free(rows->task_map);
	free(rows);
	return NULL;
}

static void tell_left(const struct kymo_rewrite_rows *rows, enum kymo_left kind, u32 id, u64 count)
{
	if (rows->rules->left && count > 0)
		rows->rules->left(rows->rules->left_context, kind, id, count);
}

/* -------- local tables -------- */

static s64 map_task(struct kymo_rewrite_rows *rows, u64 local)
{
	struct cap_task task;
	int rc;

	if (local == 0 || local >= rows->from->task_count)
		return 0;
	if (rows->task_map[local])
		return rows->task_map[local];
	task = rows->from->tasks[local];
	rc = rows->rules->task ? rows->rules->task(rows->rules->context, &task) : 0;
	if (rc < 0)
		return rc;
	rows->task_map[local] = cap_chunk_task(rows->chunk, &task);
	return rows->task_map[local];
}

/* Tasks in their order: readers number them as they come. */
static int map_all_tasks(struct kymo_rewrite_rows *rows)
{
	for (u32 i = 1; rows->rules->all_tasks && i < rows->from->task_count; i++) {
		s64 task = map_task(rows, i);

		if (task < 0)
			return (int)task;
	}
	return 0;
}

static int begin_chunk(struct kymo_rewrite_rows *rows)
{
	cap_chunk_reset(rows->chunk);
	memset(rows->left_out, 0, sizeof(rows->left_out));
	if (rows->from->task_count > rows->task_size) {
		u32 *bigger = reallocarray(rows->task_map, rows->from->task_count, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		rows->task_map = bigger;
		rows->task_size = rows->from->task_count;
	}
	if (rows->from->task_count)
		memset(rows->task_map, 0, rows->from->task_count * sizeof(*rows->task_map));
	return kymo_rewrite_stacks_begin(rows->stacks, rows->from, rows->chunk);
}

/* Of a block that becomes several, each says what was stored up to it. */
static int write_chunk(struct kymo_rewrite_rows *rows, struct cap_err *err)
{
	struct cap_totals totals = rows->block->totals;

	if (rows->block->type == CAP_BLOCK_CHUNK && totals.stored_count >= rows->rows_left)
		totals.stored_count -= rows->rows_left;
	if (rows->rules->totals)
		rows->rules->totals(rows->rules->context, &totals);
	return cap_writer_rows(rows->writer, rows->block->type, rows->chunk, &totals, err);
}

static int flush(struct kymo_rewrite_rows *rows, struct cap_err *err)
{
	int rc = write_chunk(rows, err);

	if (rc == 0 && begin_chunk(rows) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	return rc;
}

/* -------- sections -------- */

static s64 map_string(struct kymo_rewrite_rows *rows, const struct kymo_rewrite_part *part,
		      unsigned int field, u32 row)
{
	u64 local = part->values[field][row];
	struct cap_string to;
	int rc;

	if (local == 0 || local >= rows->from->string_count)
		return 0;
	to = rows->from->strings[local];
	rc = rows->rules->string ? rows->rules->string(rows->rules->context, part, field, row, &to)
				 : 0;
	return rc < 0 ? rc : (s64)cap_chunk_string(rows->chunk, to.bytes, to.len);
}

/* One value as it is written; negative codes in *ret_rc. */
static u64 map_value(struct kymo_rewrite_rows *rows, const struct kymo_rewrite_part *part,
		     unsigned int field, u32 row, int *ret_rc)
{
	s64 value;

	switch (part->type->fields[field].kind) {
	case CAP_KIND_STRING:
	case CAP_KIND_BYTES:
		value = map_string(rows, part, field, row);
		break;
	case CAP_KIND_TASK:
		value = map_task(rows, part->values[field][row]);
		break;
	case CAP_KIND_STACK:
		value = kymo_rewrite_stack(rows->stacks, part, field, row);
		break;
	case CAP_KIND_COPY:
		value = kymo_rewrite_copy(rows->stacks, part->values[field][row]);
		break;
	default:
		return part->values[field][row];
	}
	if (value < 0)
		*ret_rc = (int)value;
	return value < 0 ? 0 : (u64)value;
}

static int add_row(struct kymo_rewrite_rows *rows, const struct kymo_rewrite_part *part, u32 row)
{
	_Alignas(8) u8 bytes[MAX_ROW_BYTES];
	int rc = 0;

	memset(bytes, 0, part->type->row_bytes);
	for (unsigned int i = 0; rc == 0 && i < part->type->field_count; i++) {
		u64 value = part->values[i] ? map_value(rows, part, i, row, &rc) : 0;

		/* little-endian, as all machines that run this are */
		memcpy(bytes + part->type->fields[i].row_offset, &value,
		       part->type->fields[i].width_bytes);
	}
	if (rc == 0)
		rc = cap_chunk_failed(rows->chunk);
	return rc < 0 ? rc : cap_chunk_add(rows->chunk, (enum ev_type)part->type->id, bytes);
}

/* A bit per column that the part does not have. */
static u64 missing_columns(const struct kymo_rewrite_part *part)
{
	u64 missing = 0;

	for (unsigned int i = 0; i < part->type->field_count; i++)
		missing |= part->values[i] ? 0 : 1ull << i;
	return missing;
}

static int add_rows(struct kymo_rewrite_rows *rows, const struct kymo_rewrite_part *part,
		    struct cap_err *err)
{
	const u32 type = part->type->id;
	u64 left_out = missing_columns(part);
	int rc = 0;

	if (cap_chunk_rows_of(rows->chunk, type) > 0 && rows->left_out[type] != left_out)
		rc = flush(rows, err);
	for (u32 i = 0; rc == 0 && i < part->row_count; i++) {
		if (part->keep[i]) {
			int added = add_row(rows, part, i);

			if (added == CAP_ELIMIT && cap_chunk_rows(rows->chunk) > 0) {
				rc = flush(rows, err); /* full: again, in the next one */
				added = rc < 0 ? rc : add_row(rows, part, i);
			}
			if (rc == 0 && added < 0)
				rc = cap_fail(err, added,
					      added == CAP_ELIMIT ? "a row does not fit a block"
								  : "out of memory");
			/* also after a flush, which began anew */
			rows->left_out[type] = left_out;
			cap_chunk_leave_out(rows->chunk, (enum ev_type)type, left_out);
		}
		rows->rows_left--;
	}
	return rc;
}

/* Columns that are not ours. */
static void tell_columns(const struct kymo_rewrite_rows *rows, const struct cap_section *section,
			 const struct cap_type *type)
{
	for (u32 i = 0; i < section->column_count; i++) {
		bool known = false;

		for (size_t k = 0; k < type->field_count; k++)
			known |= type->fields[k].id == section->columns[i].field_id;
		if (!known)
			tell_left(rows, KYMO_LEFT_FIELD,
				  type->id << 16 | section->columns[i].field_id, 1);
	}
}

/* 0, or a negative code; decodes all columns of the output's schema. */
static int decode_columns(struct kymo_rewrite_rows *rows, u64 fields,
			  struct kymo_rewrite_part *part)
{
	for (unsigned int i = 0; i < part->type->field_count; i++) {
		u64 rejected = rows->columns.rejected;

		part->values[i] = fields >> i & 1 ? (u64 *)kymo_section_column(&rows->columns, i)
						  : NULL; /* our memory: it may be changed */
		if (rows->columns.rejected > rejected)
			tell_left(rows, KYMO_LEFT_COLUMN,
				  part->type->id << 16 | part->type->fields[i].id, 1);
	}
	return rows->columns.out_of_memory ? -ENOMEM : 0;
}

static int keep_all(struct kymo_rewrite_rows *rows, u32 row_count)
{
	if (row_count > rows->keep_size) {
		bool *bigger = realloc(rows->keep, row_count * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		rows->keep = bigger;
		rows->keep_size = row_count;
	}
	memset(rows->keep, true, row_count * sizeof(*rows->keep));
	return 0;
}

static int rewrite_section(struct kymo_rewrite_rows *rows, const struct kymo_rewrite_schema *schema,
			   const struct cap_section *section, struct cap_err *err)
{
	const struct kymo_rewrite_rules *rules = rows->rules;
	struct kymo_rewrite_part part = {
		.block = rows->block, .rows = rows->from, .row_count = section->row_count};
	int rc;

	part.type = cap_schema_type(cap_schema_builtin(), section->type_id);
	if (!part.type || !section->type || schema->fields[part.type->id] == 0) {
		tell_left(rows, KYMO_LEFT_TYPE, section->type_id, section->row_count);
		rows->rows_left -= section->row_count;
		return 0;
	}
	tell_columns(rows, section, part.type);
	if (section->row_count == 0)
		return 0;
	if (rules->keeps_type && !rules->keeps_type(rules->context, part.type)) {
		rows->rows_left -= section->row_count;
		return 0;
	}
	kymo_section_columns_set(&rows->columns, rows->from, section, part.type);
	if (decode_columns(rows, schema->fields[part.type->id], &part) < 0 ||
	    keep_all(rows, section->row_count) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	part.keep = rows->keep;
	rc = rules->part ? rules->part(rules->context, &part) : 0;
	if (rc < 0)
		return cap_fail(err, rc, "out of memory");
	return add_rows(rows, &part, err);
}

int kymo_rewrite_block(struct kymo_rewrite_rows *rows, const struct kymo_rewrite_schema *schema,
		       const struct cap_block *block, const struct cap_rows *from,
		       struct cap_writer *writer, struct cap_err *err)
{
	int rc;

	rows->block = block;
	rows->from = from;
	rows->writer = writer;
	rows->rows_left = 0;
	for (u32 i = 0; i < from->section_count; i++)
		rows->rows_left += from->sections[i].row_count;
	rc = begin_chunk(rows);
	if (rc == 0)
		rc = map_all_tasks(rows);
	if (rc < 0)
		return cap_fail(err, rc, "out of memory");
	for (u32 i = 0; rc == 0 && i < from->section_count; i++)
		rc = rewrite_section(rows, schema, &from->sections[i], err);
	rows->rows_left = 0;
	return rc < 0 ? rc : write_chunk(rows, err);
}

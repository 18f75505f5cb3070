/*
 * Bodies of blocks of rows: directory, local tables, columns. Everything is bounded before it is
 * used, and sizes are checked before memory is taken. Columns of rows stay encoded until they are
 * needed. SPEC.md, "Body" and "Encodings".
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/base/limits.h"
#include "formats/read/reader_state.h"

/* -------- memory -------- */

int reader_make_room(void *items_pointer, size_t *size, size_t wanted, size_t item_bytes)
{
	void **items = items_pointer;
	void *bigger;

	if (wanted <= *size)
		return 0;
	bigger = realloc(*items, wanted * item_bytes);
	if (!bigger)
		return -ENOMEM;
	*items = bigger;
	*size = wanted;
	return 0;
}

void reader_tables_done(struct reader_tables *tables)
{
	free(tables->strings);
	free(tables->frames);
	free(tables->stacks);
	free(tables->tasks);
	free(tables->words);
	free(tables->copies);
	free(tables->depths);
	free(tables->sections);
	free(tables->columns);
	free(tables->values);
}

int reader_decompress(struct cap_reader *reader, struct cap_err *err)
{
	const struct cap_block_header *header = &reader->header;
	const u8 *frame = reader->payload + header->plain_len + header->pad_len;

	if (reader->decoded_bytes + header->raw_len > reader->options.max_decoded_bytes)
		return cap_fail(err, CAP_ELIMIT, "decoded more than %llu bytes",
				(unsigned long long)reader->options.max_decoded_bytes);
	if (reader_make_room(&reader->raw, &reader->raw_size, header->raw_len, 1))
		return cap_fail(err, -ENOMEM, "out of memory for a block of %u bytes",
				header->raw_len);
	reader->decoded_bytes += header->raw_len;
	return cap_decompress(reader->decompressor, frame, header->frame_len, reader->raw,
			      header->raw_len, err);
}

/* -------- directory -------- */

static u32 row_limit(u16 kind)
{
	switch (kind) {
	case CAP_SECTION_STRINGS:
		return CAP_MAX_STRINGS;
	case CAP_SECTION_FRAMES:
		return CAP_MAX_FRAMES;
	case CAP_SECTION_STACKS:
		return CAP_MAX_STACK_NODES;
	case CAP_SECTION_TASKS:
		return CAP_MAX_TASKS;
	case CAP_SECTION_WORDS:
		return CAP_MAX_WORDS;
	case CAP_SECTION_COPIES:
		return CAP_MAX_COPIES;
	default:
		return CAP_MAX_ROWS;
	}
}

static int read_entry(struct cap_reader *reader, struct cap_cursor *directory, u32 *section_end,
		      struct reader_section *ret_raw, struct cap_err *err)
{
	struct reader_section raw = {0};
	u32 offset;

	raw.kind = cap_get_u16(directory);
	(void)cap_get_u16(directory); /* flags: none in 1.0 */
	raw.type_id = cap_get_u32(directory);
	raw.row_count = cap_get_u32(directory);
	offset = cap_get_u32(directory);
	raw.len = cap_get_u32(directory);
	(void)cap_get_u32(directory);
	if (directory->failed)
		return cap_fail(err, CAP_EDAMAGED, "section directory is cut short");
	/* Sections are in order and do not overlap, so the body's bytes bound the rows of all
	 * sections together. */
	if (offset < *section_end)
		return cap_fail(err, CAP_EDAMAGED, "section at %u overlaps what is before it",
				offset);
	if (offset > reader->header.raw_len || raw.len > reader->header.raw_len - offset)
		return cap_fail(err, CAP_EDAMAGED, "section of %u bytes at %u extends past the end",
				raw.len, offset);
	/* Each row takes at least a byte, so a count above the length is false. */
	if (raw.row_count > raw.len || raw.row_count > row_limit(raw.kind))
		return cap_fail(err, CAP_ELIMIT, "section with %u rows in %u bytes", raw.row_count,
				raw.len);
	*section_end = offset + raw.len;
	raw.bytes = reader->raw + offset;
	*ret_raw = raw;
	return 0;
}

/* Reads a section's column directory into the arena at `columns`; *ret_count of them. */
static int read_columns(const struct reader_section *raw, struct cap_column *columns,
			u32 *ret_count, struct cap_err *err)
{
	struct cap_cursor cursor = cap_cursor_of(raw->bytes, raw->len);
	u32 count = cap_get_u16(&cursor);
	u32 list_end = CAP_SECTION_HEAD_BYTES + count * CAP_COLUMN_ENTRY_BYTES;

	(void)cap_get_u16(&cursor);
	if (count > CAP_MAX_COLUMNS)
		return cap_fail(err, CAP_ELIMIT, "section with %u columns exceeds limit %u", count,
				CAP_MAX_COLUMNS);
	for (u32 i = 0; i < count; i++) {
		struct cap_column column = {.field_id = cap_get_u16(&cursor)};
		u32 offset;

		column.encoding = cap_get_u8(&cursor);
		(void)cap_get_u8(&cursor);
		offset = cap_get_u32(&cursor);
		column.len = cap_get_u32(&cursor);
		if (cursor.failed || offset < list_end || offset > raw->len ||
		    column.len > raw->len - offset)
			return cap_fail(err, CAP_EDAMAGED, "column %u lies outside its section",
					column.field_id);
		for (u32 k = 0; k < i; k++)
			if (columns[k].field_id == column.field_id)
				return cap_fail(err, CAP_EDAMAGED,
						"duplicate column %u in a section",
						column.field_id);
		column.bytes = raw->bytes + offset;
		columns[i] = column;
	}
	if (cursor.failed)
		return cap_fail(err, CAP_EDAMAGED, "section of %u bytes is cut short", raw->len);
	*ret_count = count;
	return 0;
}

/* -------- local tables -------- */

static int take_strings(struct cap_reader *reader, const struct reader_section *raw,
			struct cap_rows *rows, struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;
	struct cap_cursor cursor = cap_cursor_of(raw->bytes, raw->len);
	u32 lengths_len = cap_get_u32(&cursor);
	const u8 *lengths = cap_get_bytes(&cursor, lengths_len);
	struct cap_cursor at;

	if (!lengths)
		return cap_fail(err, CAP_EDAMAGED, "string lengths are cut short");
	if (reader_make_room(&tables->strings, &tables->string_size, raw->row_count + 1ul,
			     sizeof(*tables->strings)))
		return cap_fail(err, -ENOMEM, "out of memory for %u strings", raw->row_count);
	at = cap_cursor_of(lengths, lengths_len);
	tables->strings[0] = (struct cap_string){.bytes = (const u8 *)"", .len = 0};
	for (u32 i = 1; i <= raw->row_count; i++) {
		u64 len = cap_get_varint(&at);

		if (len > CAP_MAX_STRING_BYTES)
			return cap_fail(err, CAP_ELIMIT, "string of %llu bytes exceeds limit %u",
					(unsigned long long)len, CAP_MAX_STRING_BYTES);
		tables->strings[i].len = (u32)len;
		tables->strings[i].bytes = cap_get_bytes(&cursor, (size_t)len);
		if (at.failed || cursor.failed)
			return cap_fail(err, CAP_EDAMAGED, "string %u is cut short", i);
	}
	if (cap_cursor_left(&at) || cap_cursor_left(&cursor))
		return cap_fail(err, CAP_EDAMAGED, "bytes left over after %u strings",
				raw->row_count);
	rows->strings = tables->strings;
	rows->string_count = raw->row_count + 1;
	return 0;
}

int reader_table_column(struct cap_reader *reader, const struct reader_section *raw,
			const struct cap_column *columns, u32 column_count, u16 field_id,
			const u64 **ret_values, struct cap_err *err)
{
	struct cap_section section = {.columns = columns, .column_count = column_count};
	const struct cap_column *column = cap_section_column(&section, field_id);
	struct reader_tables *tables = &reader->tables;

	if (reader_make_room(&tables->values, &tables->value_size, raw->row_count,
			     sizeof(*tables->values)))
		return cap_fail(err, -ENOMEM, "out of memory for %u rows", raw->row_count);
	if (!column || cap_values_decode(column, raw->row_count, tables->values))
		return cap_fail(err, CAP_EDAMAGED,
				"column %u of local table %u is missing or damaged", field_id,
				raw->kind);
	*ret_values = tables->values;
	return 0;
}

static int take_frames(struct cap_reader *reader, const struct reader_section *raw,
		       const struct cap_column *columns, u32 column_count, struct cap_rows *rows,
		       struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;
	const u64 *values = NULL;

	if (reader_make_room(&tables->frames, &tables->frame_size, raw->row_count + 1ul,
			     sizeof(*tables->frames)))
		return cap_fail(err, -ENOMEM, "out of memory for %u frames", raw->row_count);
	tables->frames[0] = (struct cap_frame){0};
	for (u16 field = 1; field <= 3; field++) {
		int rc = reader_table_column(reader, raw, columns, column_count, field, &values,
					     err);

		if (rc < 0)
			return rc;
		for (u32 i = 0; i < raw->row_count; i++) {
			struct cap_frame *frame = &tables->frames[i + 1];

			if (field == 1)
				frame->space = values[i] <= 255 ? (u8)values[i] : 0;
			else if (field == 2)
				frame->object = values[i] < rows->string_count ? (u32)values[i] : 0;
			else
				frame->offset = values[i];
		}
	}
	rows->frames = tables->frames;
	rows->frame_count = raw->row_count + 1;
	return 0;
}

/* A parent must come before its child, which makes loops impossible; depth is bounded as it is
 * read. */
static void bound_stacks(struct cap_reader *reader, struct cap_rows *rows)
{
	struct reader_tables *tables = &reader->tables;

	for (u32 i = 1; i < rows->stack_count; i++) {
		struct cap_stack_node *node = &tables->stacks[i];

		if (node->parent >= i || tables->depths[node->parent] >= CAP_MAX_STACK_DEPTH) {
			node->parent = 0;
			rows->stack_defects++;
		}
		if (node->frame >= rows->frame_count) {
			node->frame = 0;
			rows->stack_defects++;
		}
		tables->depths[i] = (u16)(tables->depths[node->parent] + 1);
	}
	reader->damage.columns_rejected += rows->stack_defects != 0;
}

static int take_stacks(struct cap_reader *reader, const struct reader_section *raw,
		       const struct cap_column *columns, u32 column_count, struct cap_rows *rows,
		       struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;
	const u64 *values = NULL;
	size_t count = raw->row_count + 1ul;

	if (reader_make_room(&tables->stacks, &tables->stack_size, count,
			     sizeof(*tables->stacks)) ||
	    reader_make_room(&tables->depths, &tables->depth_size, count, sizeof(*tables->depths)))
		return cap_fail(err, -ENOMEM, "out of memory for %u stacks", raw->row_count);
	tables->stacks[0] = (struct cap_stack_node){0};
	tables->depths[0] = 0;
	for (u16 field = 1; field <= 2; field++) {
		int rc = reader_table_column(reader, raw, columns, column_count, field, &values,
					     err);

		if (rc < 0)
			return rc;
		for (u32 i = 0; i < raw->row_count; i++) {
			u32 value = values[i] <= UINT32_MAX ? (u32)values[i] : UINT32_MAX;

			if (field == 1)
				tables->stacks[i + 1].parent = value;
			else
				tables->stacks[i + 1].frame = value;
		}
	}
	rows->stacks = tables->stacks;
	rows->stack_count = (u32)count;
	return 0;
}

static void put_task_value(struct cap_task *task, u16 field, u64 value)
{
	switch (field) {
	case 1:
		task->tgid = (u32)value;
		break;
	case 2:
		task->tid = (u32)value;
		break;
	case 3:
		task->leader_start_ns = value;
		break;
	case 4:
		task->exec_id = (u32)value;
		break;
	default:
		cap_store_le((u8 *)task->comm + 8 * (field - 5), value, 8);
	}
}

static int take_tasks(struct cap_reader *reader, const struct reader_section *raw,
		      const struct cap_column *columns, u32 column_count, struct cap_rows *rows,
		      struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;
	const u64 *values = NULL;

	if (reader_make_room(&tables->tasks, &tables->task_size, raw->row_count + 1ul,
			     sizeof(*tables->tasks)))
		return cap_fail(err, -ENOMEM, "out of memory for %u tasks", raw->row_count);
	memset(tables->tasks, 0, (raw->row_count + 1ul) * sizeof(*tables->tasks));
	for (u16 field = 1; field <= CAP_TASK_COLUMNS; field++) {
		int rc = reader_table_column(reader, raw, columns, column_count, field, &values,
					     err);

		if (rc < 0)
			return rc;
		for (u32 i = 0; i < raw->row_count; i++)
			put_task_value(&tables->tasks[i + 1], field, values[i]);
	}
	rows->tasks = tables->tasks;
	rows->task_count = raw->row_count + 1;
	return 0;
}

/* -------- rows -------- */

static void take_events(struct cap_reader *reader, const struct reader_section *raw,
			struct cap_column *columns, u32 column_count, struct cap_rows *rows)
{
	struct cap_section *section = &reader->tables.sections[rows->section_count++];

	*section = (struct cap_section){.type_id = raw->type_id,
					.type = cap_schema_type(reader->schema, raw->type_id),
					.row_count = raw->row_count,
					.columns = columns,
					.column_count = column_count};
	if (!section->type) {
		reader->damage.rows_unknown_type += raw->row_count;
		return;
	}
	for (u32 i = 0; i < column_count; i++)
		for (size_t k = 0; k < section->type->field_count; k++)
			if (section->type->fields[k].id == columns[i].field_id)
				columns[i].field = &section->type->fields[k];
}

/*
 * Equal values take almost nothing in the file but their full size in memory. So the file's size
 * bounds what one reading returns; genuine captures stay far below.
 */
static int charge(struct cap_reader *reader, u64 row_count, u64 column_count, struct cap_err *err)
{
	reader->entries += 1 + row_count + column_count;
	reader->values += row_count * column_count;
	if (reader->entries <= CAP_MAX_ENTRIES(reader->file_bytes) &&
	    reader->values <= CAP_MAX_VALUES(reader->file_bytes))
		return 0;
	return cap_fail(err, CAP_ELIMIT, "more rows than a file of %llu bytes may hold",
			(unsigned long long)reader->file_bytes);
}

/* The local tables refer to each other, so they are decoded in the order strings, frames, stacks,
 * tasks, words, copies, whatever their order in the body. */
static int take_section(struct cap_reader *reader, u16 wanted_kind,
			const struct reader_section *raw, u32 *tables_seen, u32 *used_columns,
			struct cap_rows *rows, struct cap_err *err)
{
	struct cap_column *columns = reader->tables.columns + *used_columns;
	u32 column_count = 0;
	int rc;

	if (raw->kind != wanted_kind)
		return 0;
	if (raw->kind != CAP_SECTION_EVENTS && *tables_seen & 1u << raw->kind)
		return cap_fail(err, CAP_EDAMAGED, "duplicate local table of kind %u", raw->kind);
	if (raw->kind != CAP_SECTION_EVENTS)
		*tables_seen |= 1u << raw->kind;
	if (raw->kind == CAP_SECTION_STRINGS) {
		rc = charge(reader, raw->row_count, 1, err);
		return rc < 0 ? rc : take_strings(reader, raw, rows, err);
	}
	rc = read_columns(raw, columns, &column_count, err);
	if (rc < 0)
		return rc;
	rc = charge(reader, raw->row_count, column_count, err);
	if (rc < 0)
		return rc;
	*used_columns += column_count;
	switch (raw->kind) {
	case CAP_SECTION_FRAMES:
		return take_frames(reader, raw, columns, column_count, rows, err);
	case CAP_SECTION_STACKS:
		return take_stacks(reader, raw, columns, column_count, rows, err);
	case CAP_SECTION_TASKS:
		return take_tasks(reader, raw, columns, column_count, rows, err);
	case CAP_SECTION_WORDS:
		return reader_take_words(reader, raw, columns, column_count, rows, err);
	case CAP_SECTION_COPIES:
		return reader_take_copies(reader, raw, columns, column_count, rows, err);
	default:
		take_events(reader, raw, columns, column_count, rows);
		return 0;
	}
}

/* The "none" entries, so that index 0 is always there. */
static int empty_tables(struct cap_reader *reader, struct cap_rows *rows, struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;

	if (reader_make_room(&tables->strings, &tables->string_size, 1, sizeof(*tables->strings)) ||
	    reader_make_room(&tables->frames, &tables->frame_size, 1, sizeof(*tables->frames)) ||
	    reader_make_room(&tables->stacks, &tables->stack_size, 1, sizeof(*tables->stacks)) ||
	    reader_make_room(&tables->tasks, &tables->task_size, 1, sizeof(*tables->tasks)) ||
	    reader_make_room(&tables->words, &tables->word_size, 1, sizeof(*tables->words)) ||
	    reader_make_room(&tables->copies, &tables->copy_size, 1, sizeof(*tables->copies)))
		return cap_fail(err, -ENOMEM, "out of memory");
	tables->strings[0] = (struct cap_string){.bytes = (const u8 *)"", .len = 0};
	memset(tables->frames, 0, sizeof(*tables->frames));
	memset(tables->stacks, 0, sizeof(*tables->stacks));
	memset(tables->tasks, 0, sizeof(*tables->tasks));
	memset(tables->words, 0, sizeof(*tables->words));
	memset(tables->copies, 0, sizeof(*tables->copies));
	*rows = (struct cap_rows){.strings = tables->strings,
				  .string_count = 1,
				  .frames = tables->frames,
				  .frame_count = 1,
				  .stacks = tables->stacks,
				  .stack_count = 1,
				  .words = tables->words,
				  .word_count = 1,
				  .copies = tables->copies,
				  .copy_count = 1,
				  .tasks = tables->tasks,
				  .task_count = 1,
				  .text_left = &reader->text_left,
				  .words_left = &reader->words_left};
	return 0;
}

static int reserve_sections(struct cap_reader *reader, u32 section_count, struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;
	/* Sections of a hostile file may overlap, so their columns are bounded by count, not by
	 * bytes: 8 MiB at worst. */
	size_t column_bound = (size_t)section_count * CAP_MAX_COLUMNS;

	if (reader_make_room(&tables->sections, &tables->section_size, section_count + 1ul,
			     sizeof(*tables->sections)) ||
	    reader_make_room(&tables->columns, &tables->column_size, column_bound + 1,
			     sizeof(*tables->columns)))
		return cap_fail(err, -ENOMEM, "out of memory for %u sections", section_count);
	return 0;
}

/* A body whose rows differ from the prologue's count would lose events silently. */
static int check_row_count(const struct cap_reader *reader, const struct cap_rows *rows,
			   struct cap_err *err)
{
	u64 found = 0;
	u32 promised;

	if (reader->header.plain_len < CAP_PROLOGUE_BYTES)
		return cap_fail(err, CAP_EDAMAGED, "prologue of %u bytes is too short",
				reader->header.plain_len);
	promised = cap_load_u32(reader->payload + CAP_PRO_ROWS);
	for (u32 i = 0; i < rows->section_count; i++)
		found += rows->sections[i].row_count;
	if (found != promised)
		return cap_fail(err, CAP_EDAMAGED, "%llu rows where the prologue says %u",
				(unsigned long long)found, promised);
	return 0;
}

static int decode_body(struct cap_reader *reader, struct cap_rows *rows, struct cap_err *err)
{
	static const u16 order[] = {CAP_SECTION_STRINGS, CAP_SECTION_FRAMES, CAP_SECTION_STACKS,
				    CAP_SECTION_TASKS,	 CAP_SECTION_WORDS,  CAP_SECTION_COPIES,
				    CAP_SECTION_EVENTS};
	struct cap_cursor body = cap_cursor_of(reader->raw, reader->header.raw_len);
	u32 section_count = cap_get_u32(&body);
	u32 used_columns = 0, tables_seen = 0;
	int rc;

	if (body.failed || section_count > CAP_MAX_SECTIONS)
		return cap_fail(err, CAP_ELIMIT, "%u sections exceed limit %u", section_count,
				CAP_MAX_SECTIONS);
	rc = reserve_sections(reader, section_count, err);
	for (size_t k = 0; rc == 0 && k < sizeof(order) / sizeof(order[0]); k++) {
		struct cap_cursor directory = body;
		u32 section_end = CAP_BODY_HEAD_BYTES + section_count * CAP_SECTION_ENTRY_BYTES;

		for (u32 i = 0; rc == 0 && i < section_count; i++) {
			struct reader_section raw = {0};

			rc = read_entry(reader, &directory, &section_end, &raw, err);
			if (rc == 0)
				rc = take_section(reader, order[k], &raw, &tables_seen,
						  &used_columns, rows, err);
		}
		if (rc == 0 && order[k] == CAP_SECTION_STACKS)
			bound_stacks(reader, rows);
	}
	rows->sections = reader->tables.sections;
	return rc < 0 ? rc : check_row_count(reader, rows, err);
}

/* Strict and stop mode: a block that can only be read in part is not used at all. */
static int check_columns(struct cap_reader *reader, const struct cap_rows *rows,
			 struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;

	if (rows->stack_defects)
		return cap_fail(err, CAP_EDAMAGED, "%u stacks refer to missing entries",
				rows->stack_defects);
	if (rows->word_defects || rows->copy_defects)
		return cap_fail(err, CAP_EDAMAGED, "%u copies of stacks refer to missing entries",
				rows->word_defects + rows->copy_defects);
	for (u32 i = 0; i < rows->section_count; i++) {
		const struct cap_section *section = &rows->sections[i];

		if (reader_make_room(&tables->values, &tables->value_size, section->row_count,
				     sizeof(*tables->values)))
			return cap_fail(err, -ENOMEM, "out of memory for %u rows",
					section->row_count);
		for (u32 c = 0; c < section->column_count; c++)
			if (cap_values_decode(&section->columns[c], section->row_count,
					      tables->values) < 0)
				return cap_fail(err, CAP_EDAMAGED,
						"column %u of row type %u cannot be decoded",
						section->columns[c].field_id, section->type_id);
	}
	return 0;
}

/* Counts the block as damaged, once. */
static int reject_block(struct cap_reader *reader, int rc, const struct cap_err *what)
{
	struct cap_err where;

	if (reader->block_rejected)
		return rc;
	reader->block_rejected = true;
	if (reader->options.mode == CAP_READ_STOP)
		reader->damage = reader->damage_before; /* the file ends before it */
	reader->damage.blocks_damaged++;
	(void)cap_fail(&where, rc, "%s, at byte %llu", what->text,
		       (unsigned long long)reader->block_offset);
	(void)reader_note_damage(reader, reader->block_offset, 0, &where, NULL);
	return rc;
}

int cap_reader_rows(struct cap_reader *reader, struct cap_rows *ret_rows, struct cap_err *err)
{
	struct cap_damage before = reader->damage;
	u64 entries = reader->entries, values = reader->values;
	struct cap_err what = {.text = ""};
	int rc = empty_tables(reader, ret_rows, &what);

	if (rc == 0 && (!reader->have_block || !reader->header.raw_len))
		rc = cap_fail(&what, CAP_EDAMAGED, "not a block of rows");
	if (rc == 0)
		rc = reader_decompress(reader, &what);
	if (rc == 0)
		rc = decode_body(reader, ret_rows, &what);
	if (rc == 0 && reader->options.mode != CAP_READ_SKIP_DAMAGE)
		rc = check_columns(reader, ret_rows, &what);
	if (rc == 0) {
		if (reader->header.flags & CAP_FLAG_REPLICA)
			reader->damage =
				before; /* its contents were counted where it first appeared */
		else
			reader->damage.blocks_schema_unknown += reader->schema_guessed;
		return 0;
	}
	reader->damage = before; /* contents of a rejected block do not count */
	reader->entries = entries;
	reader->values = values;
	if (rc == CAP_ECODEC)
		rc = CAP_EDAMAGED;
	(void)cap_context(&what, rc, "'%s': block %llu", reader->name,
			  (unsigned long long)reader->header.seq);
	if (rc != -ENOMEM && reader->have_block)
		rc = reject_block(reader, rc, &what);
	return cap_fail(err, rc, "%s", what.text);
}

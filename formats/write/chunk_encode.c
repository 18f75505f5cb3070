/*
 * Turns a filled chunk into the body of a block: a directory, then one section per local table and
 * per row type, each a set of columns. SPEC.md, "Body". Columns of rows are copied as they are;
 * columns of tables are made here.
 */
#include <errno.h>
#include <string.h>

#include "formats/base/body_layout.h"
#include "formats/write/chunk_tables.h"
#include "formats/base/limits.h"

struct section_entry {
	u16 kind;
	u32 type_id, row_count, offset, len;
};

struct encoder {
	struct cap_body *body;
	struct section_entry entries[CAP_SECTION_TABLES + EV_TYPE_MAX];
	u32 entry_count;
	struct cap_out_column scratch; /* for the tables' columns; reused */
	int failed;
};

static u8 *body_room(struct encoder *encoder, size_t len)
{
	struct cap_body *body = encoder->body;

	if (body->len + len > body->size) {
		size_t size = body->size ? body->size : 64 * 1024;
		u8 *bigger;

		while (size < body->len + len)
			size *= 2;
		bigger = realloc(body->bytes, size);
		if (!bigger) {
			encoder->failed = -ENOMEM;
			return NULL;
		}
		body->bytes = bigger;
		body->size = size;
	}
	return body->bytes + body->len;
}

static void body_put(struct encoder *encoder, const void *bytes, size_t len)
{
	u8 *at = len ? body_room(encoder, len) : NULL;

	if (!at)
		return;
	memcpy(at, bytes, len);
	encoder->body->len += len;
}

static void body_put_le(struct encoder *encoder, u64 value, unsigned int width)
{
	u8 bytes[8];

	cap_store_le(bytes, value, width);
	body_put(encoder, bytes, width);
}

/* -------- sections of columns -------- */

struct column_entry {
	u16 field_id;
	u8 encoding;
	u32 offset, len;
};

/* A section being written: its column directory is filled in at the end. */
struct section {
	size_t start;
	u16 column_count; /* room in the directory */
	u16 used;
	struct column_entry entries[CAP_MAX_COLUMNS];
};

static void section_begin(struct encoder *encoder, struct section *section, u16 column_count)
{
	u8 *at;

	section->start = encoder->body->len;
	section->column_count = column_count;
	section->used = 0;
	at = body_room(encoder,
		       CAP_SECTION_HEAD_BYTES + (size_t)column_count * CAP_COLUMN_ENTRY_BYTES);
	if (!at)
		return;
	memset(at, 0, CAP_SECTION_HEAD_BYTES + (size_t)column_count * CAP_COLUMN_ENTRY_BYTES);
	encoder->body->len +=
		CAP_SECTION_HEAD_BYTES + (size_t)column_count * CAP_COLUMN_ENTRY_BYTES;
}

static void section_column(struct encoder *encoder, struct section *section, u16 field_id,
			   enum cap_encoding encoding, const struct cap_out_column *column)
{
	struct column_entry *entry = &section->entries[section->used++];

	entry->field_id = field_id;
	entry->encoding = column->varies ? (u8)encoding : CAP_ENC_CONST;
	entry->offset = (u32)(encoder->body->len - section->start);
	if (column->varies)
		body_put(encoder, column->bytes, column->len);
	else
		body_put_le(encoder, column->first, 8);
	entry->len = (u32)(encoder->body->len - section->start) - entry->offset;
}

static void section_end(struct encoder *encoder, const struct section *section, u16 kind,
			u32 type_id, u32 row_count)
{
	struct section_entry *entry = &encoder->entries[encoder->entry_count++];
	u8 *at;

	if (encoder->failed)
		return;
	at = encoder->body->bytes + section->start;
	cap_store_le(at, section->column_count, 2);
	at += CAP_SECTION_HEAD_BYTES;
	for (u16 i = 0; i < section->used; i++, at += CAP_COLUMN_ENTRY_BYTES) {
		cap_store_le(at, section->entries[i].field_id, 2);
		at[2] = section->entries[i].encoding;
		cap_store_le(at + 4, section->entries[i].offset, 4);
		cap_store_le(at + 8, section->entries[i].len, 4);
	}
	*entry = (struct section_entry){.kind = kind,
					.type_id = type_id,
					.row_count = row_count,
					.offset = (u32)section->start,
					.len = (u32)(encoder->body->len - section->start)};
}

/* -------- local tables -------- */

/* Value `column` of row `index` (from 1) of a local table. */
typedef u64 (*table_value)(const struct cap_chunk *chunk, u32 index, u32 column);

static u64 frame_value(const struct cap_chunk *chunk, u32 index, u32 column)
{
	const struct chunk_frame *frame =
		(const struct chunk_frame *)chunk->frames.items + (index - 1);

	return column == 0 ? frame->space : column == 1 ? frame->object : frame->offset;
}

static u64 stack_value(const struct cap_chunk *chunk, u32 index, u32 column)
{
	const struct chunk_stack *stack =
		(const struct chunk_stack *)chunk->stacks.items + (index - 1);

	return column == 0 ? stack->parent : stack->frame;
}

static u64 task_value(const struct cap_chunk *chunk, u32 index, u32 column)
{
	const struct cap_task *task = (const struct cap_task *)chunk->tasks.items + (index - 1);

	switch (column) {
	case 0:
		return task->tgid;
	case 1:
		return task->tid;
	case 2:
		return task->leader_start_ns;
	default:
		return task->exec_id;
	}
}

static u64 word_value(const struct cap_chunk *chunk, u32 index, u32 column)
{
	const struct chunk_word *word = (const struct chunk_word *)chunk->words.items + (index - 1);

	return column == 0 ? word->parent : column == 1 ? word->gap : word->code;
}

static u64 copy_value(const struct cap_chunk *chunk, u32 index, u32 column)
{
	return ((const struct chunk_copy *)chunk->copies.items)[index - 1].columns[column];
}

static const enum cap_encoding frame_encodings[] = {CAP_ENC_VARINT, CAP_ENC_VARINT, CAP_ENC_DELTA};
static const enum cap_encoding stack_encodings[] = {CAP_ENC_DELTA, CAP_ENC_DELTA};
static const enum cap_encoding task_encodings[] = {CAP_ENC_VARINT, CAP_ENC_DELTA, CAP_ENC_DELTA,
						   CAP_ENC_VARINT};
static const enum cap_encoding word_encodings[CAP_WORD_COLUMNS] = {CAP_ENC_DELTA, CAP_ENC_VARINT,
								   CAP_ENC_VARINT};
static const enum cap_encoding copy_encodings[CAP_COPY_COLUMNS] = {
	CAP_ENC_VARINT, CAP_ENC_VARINT, CAP_ENC_VARINT, CAP_ENC_DELTA,
	CAP_ENC_VARINT, CAP_ENC_VARINT, CAP_ENC_VARINT, CAP_ENC_VARINT,
	CAP_ENC_VARINT, CAP_ENC_VARINT, CAP_ENC_VARINT, CAP_ENC_VARINT};

static void put_table_column(struct encoder *encoder, struct section *section,
			     const struct cap_chunk *chunk, u32 row_count, u32 column,
			     enum cap_encoding encoding, table_value value_of)
{
	struct cap_out_column *scratch = &encoder->scratch;

	*scratch = (struct cap_out_column){.bytes = scratch->bytes, .size = scratch->size};
	if (cap_column_reserve(scratch, (size_t)row_count * CAP_VARINT_MAX_BYTES)) {
		encoder->failed = -ENOMEM;
		return;
	}
	for (u32 i = 0; i < row_count; i++)
		(void)cap_column_put(scratch, encoding, value_of(chunk, i + 1, column), i);
	if (scratch->broken)
		encoder->failed = -ENOMEM;
	section_column(encoder, section, (u16)(column + 1), encoding, scratch);
}

static void put_table(struct encoder *encoder, const struct cap_chunk *chunk, u16 kind,
		      u32 row_count, const enum cap_encoding *encodings, u16 column_count,
		      table_value value_of)
{
	struct section section;

	if (!row_count)
		return;
	section_begin(encoder, &section, column_count);
	for (u32 column = 0; column < column_count && !encoder->failed; column++)
		put_table_column(encoder, &section, chunk, row_count, column, encodings[column],
				 value_of);
	section_end(encoder, &section, kind, 0, row_count);
}

/* TASKS has one column more than the rest: the name, NUL-padded to 16 bytes, as FIXED pairs of 8.
 */
static void put_tasks(struct encoder *encoder, const struct cap_chunk *chunk)
{
	const struct cap_task *tasks = chunk->tasks.items;
	u32 row_count = chunk->tasks.count;
	struct section section;
	struct column_entry *entry;

	if (!row_count)
		return;
	section_begin(encoder, &section, CAP_TASK_COLUMNS);
	for (u32 column = 0; column < 4 && !encoder->failed; column++)
		put_table_column(encoder, &section, chunk, row_count, column,
				 task_encodings[column], task_value);
	for (u16 half = 0; half < 2; half++) {
		entry = &section.entries[section.used++];
		*entry = (struct column_entry){.field_id = (u16)(5 + half),
					       .encoding = CAP_ENC_FIXED,
					       .offset = (u32)(encoder->body->len - section.start),
					       .len = row_count * 8};
		for (u32 i = 0; i < row_count; i++)
			body_put(encoder, tasks[i].comm + 8 * half, 8);
	}
	section_end(encoder, &section, CAP_SECTION_TASKS, 0, row_count);
}

/* STRINGS: u32 length of the lengths, the lengths as varints, then all bytes. */
static void put_strings(struct encoder *encoder, const struct cap_chunk *chunk)
{
	const struct chunk_string *strings = chunk->strings.items;
	struct section_entry *entry = &encoder->entries[encoder->entry_count];
	size_t start = encoder->body->len;
	size_t lengths_start;

	if (!chunk->strings.count)
		return;
	encoder->entry_count++;
	body_put_le(encoder, 0, 4);
	lengths_start = encoder->body->len;
	for (u32 i = 0; i < chunk->strings.count; i++) {
		u8 spelled[CAP_VARINT_MAX_BYTES];

		body_put(encoder, spelled,
			 (size_t)(cap_put_varint(spelled, strings[i].len) - spelled));
	}
	if (encoder->failed)
		return;
	cap_store_le(encoder->body->bytes + start, encoder->body->len - lengths_start, 4);
	body_put(encoder, chunk->string_bytes, chunk->string_len);
	*entry = (struct section_entry){.kind = CAP_SECTION_STRINGS,
					.row_count = chunk->strings.count,
					.offset = (u32)start,
					.len = (u32)(encoder->body->len - start)};
}

/* -------- rows -------- */

static enum cap_encoding encoding_of_kind(u8 kind)
{
	switch (kind) {
#define KIND(id, upper, name, encoding) \
	case (id):                      \
		return CAP_ENC_##encoding;
#include "formats/table/kinds.def"
#undef KIND
	default:
		return CAP_ENC_VARINT;
	}
}

static bool column_left_out(const struct cap_type *type, const struct chunk_rows *rows, size_t i)
{
	const struct cap_out_column *column = &rows->columns[i];

	return rows->left_out >> i & 1 ||
	       (type->fields[i].optional && !column->varies && column->first == 0);
}

static void put_rows(struct encoder *encoder, const struct chunk_rows *rows,
		     const struct cap_type *type)
{
	struct section section;
	u16 column_count = 0;

	for (size_t i = 0; i < type->field_count; i++)
		column_count += !column_left_out(type, rows, i);
	for (size_t i = 0; i < type->field_count; i++)
		if (rows->columns[i].broken)
			encoder->failed = -ENOMEM;
	section_begin(encoder, &section, column_count);
	for (size_t i = 0; i < type->field_count && !encoder->failed; i++)
		if (!column_left_out(type, rows, i))
			section_column(encoder, &section, type->fields[i].id,
				       encoding_of_kind(type->fields[i].kind), &rows->columns[i]);
	section_end(encoder, &section, CAP_SECTION_EVENTS, type->id, rows->row_count);
}

static u32 count_sections(const struct cap_chunk *chunk)
{
	u32 count = (chunk->strings.count != 0) + (chunk->frames.count != 0) +
		    (chunk->stacks.count != 0) + (chunk->tasks.count != 0) +
		    (chunk->words.count != 0) + (chunk->copies.count != 0);

	for (u32 type = 1; type <= EV_TYPE_MAX; type++)
		count += chunk->rows[type].row_count != 0;
	return count;
}

static void put_directory(struct encoder *encoder)
{
	u8 *at = encoder->body->bytes;

	cap_store_le(at, encoder->entry_count, 4);
	at += CAP_BODY_HEAD_BYTES;
	for (u32 i = 0; i < encoder->entry_count; i++, at += CAP_SECTION_ENTRY_BYTES) {
		const struct section_entry *entry = &encoder->entries[i];

		cap_store_le(at, entry->kind, 2);
		cap_store_le(at + 2, 0, 2);
		cap_store_le(at + 4, entry->type_id, 4);
		cap_store_le(at + 8, entry->row_count, 4);
		cap_store_le(at + 12, entry->offset, 4);
		cap_store_le(at + 16, entry->len, 4);
		cap_store_le(at + 20, 0, 4);
	}
}

int cap_chunk_encode(const struct cap_chunk *chunk, struct cap_body *body, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct encoder encoder = {.body = body};
	size_t directory =
		CAP_BODY_HEAD_BYTES + (size_t)count_sections(chunk) * CAP_SECTION_ENTRY_BYTES;

	body->len = 0;
	if (!body_room(&encoder, directory))
		return cap_fail(err, -ENOMEM, "out of memory for a chunk");
	body->len = directory;
	put_strings(&encoder, chunk);
	put_table(&encoder, chunk, CAP_SECTION_FRAMES, chunk->frames.count, frame_encodings, 3,
		  frame_value);
	put_table(&encoder, chunk, CAP_SECTION_STACKS, chunk->stacks.count, stack_encodings, 2,
		  stack_value);
	put_tasks(&encoder, chunk);
	put_table(&encoder, chunk, CAP_SECTION_WORDS, chunk->words.count, word_encodings,
		  CAP_WORD_COLUMNS, word_value);
	put_table(&encoder, chunk, CAP_SECTION_COPIES, chunk->copies.count, copy_encodings,
		  CAP_COPY_COLUMNS, copy_value);
	for (u32 type = 1; type <= EV_TYPE_MAX; type++)
		if (chunk->rows[type].row_count)
			put_rows(&encoder, &chunk->rows[type], cap_schema_type(schema, type));
	free(encoder.scratch.bytes);
	if (encoder.failed)
		return cap_fail(err, encoder.failed, "out of memory for a chunk of %zu bytes",
				body->len);
	if (body->len > CAP_MAX_RAW_BYTES)
		return cap_fail(err, CAP_ELIMIT, "chunk of %zu bytes exceeds limit %u", body->len,
				CAP_MAX_RAW_BYTES);
	put_directory(&encoder);
	return 0;
}

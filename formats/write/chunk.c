/*
 * Fills chunks. cap_chunk_add is the recorder's hot path: one pass over the fields of a row, each
 * appended to its column as a varint. The code per type is expanded from events.def, so field types
 * and encodings are constants.
 */
#include "formats/write/chunk.h"

#include <string.h>
#include <sys/random.h>

#include "formats/write/chunk_tables.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"

#define ROOM_ROWS 512u /* rows to make room for at a time */

enum { /* encoding a kind is written with */
#define KIND(id, upper, name, encoding) WRITE_##upper = CAP_ENC_##encoding,
#include "formats/table/kinds.def"
#undef KIND
};

int cap_column_vary(struct cap_out_column *column, enum cap_encoding encoding, u32 rows)
{
	u8 spelled[CAP_VARINT_MAX_BYTES];
	size_t width = (size_t)(cap_put_varint(spelled, cap_column_spell(encoding, column->first)) -
				spelled);

	column->varies = true;
	if (cap_column_reserve(column,
			       rows * width + (size_t)ROOM_ROWS * CAP_VARINT_MAX_BYTES * 2)) {
		column->broken = true;
		return -ENOMEM;
	}
	if (width == 1)
		memset(column->bytes, spelled[0], rows);
	else
		for (u32 i = 0; i < rows; i++)
			memcpy(column->bytes + i * width, spelled, width);
	column->len = (u32)(rows * width);
	return 0;
}

/* -------- rows -------- */

/* Makes room for ROOM_ROWS more rows in every column that varies. */
static int rows_make_room(struct chunk_rows *rows, size_t column_count)
{
	if (!rows->columns) {
		rows->columns = calloc(column_count, sizeof(*rows->columns));
		if (!rows->columns)
			return -ENOMEM;
	}
	/* Twice: a column may start to vary within this stretch, on top of what it then writes out.
	 */
	for (size_t i = 0; i < column_count; i++)
		if (cap_column_reserve(&rows->columns[i],
				       rows->columns[i].len +
					       2ul * ROOM_ROWS * CAP_VARINT_MAX_BYTES))
			return -ENOMEM;
	rows->room = ROOM_ROWS;
	return 0;
}

#define EVENT_BEGIN(id, upper, ename, block, event_class, tail)                             \
	static u32 put_##ename(struct cap_out_column *column, const struct ev_##ename *row, \
			       u32 rows)                                                    \
	{                                                                                   \
		u32 bytes = 0;
#define FIELD(ev, id, ctype, fname, fkind, source, unit, sense, need) \
	bytes += cap_column_put(column++, (enum cap_encoding)WRITE_##fkind, (u64)row->fname, rows);
#define RING_ONLY(...)
#define EVENT_END(ev, row_bytes, ring_bytes) \
	return bytes;                        \
	}
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef EVENT_END

/* Does the type have a time? Then time_ns is the first field of its row. */
enum {
#define EVENT_BEGIN(id, upper, ename, block, event_class, tail) HAS_TIME_##upper = 0
#define FIELD(ev, id, ctype, fname, fkind, source, unit, sense, need) \
	| (CAP_KIND_##fkind == CAP_KIND_TIME)
#define EVENT_END(...) ,
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef EVENT_END
};

/* Number of fields of each type. */
enum {
#define EVENT_BEGIN(id, upper, ename, block, event_class, tail) COLUMNS_##upper = 0
#define FIELD(...) +1
#define EVENT_END(...) ,
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef EVENT_END
};

static void note_time(struct cap_chunk *chunk, u64 time_ns)
{
	if (!chunk->first_ns || time_ns < chunk->first_ns)
		chunk->first_ns = time_ns;
	if (time_ns > chunk->last_ns)
		chunk->last_ns = time_ns;
}

int cap_chunk_add(struct cap_chunk *chunk, enum ev_type type, const void *row)
{
	struct chunk_rows *rows = &chunk->rows[type];
	u32 bytes = 0;

	if (chunk->row_count >= CAP_MAX_ROWS ||
	    chunk->raw_bytes > CAP_WRITER_MAX_RAW_BYTES - 2 * CAP_MAX_STRING_BYTES)
		return CAP_ELIMIT;
	switch (type) {
#define EVENT_BEGIN(id, upper, ename, block, event_class, tail)           \
	case EV_##upper:                                                  \
		if (!rows->room && rows_make_room(rows, COLUMNS_##upper)) \
			return -ENOMEM;                                   \
		bytes = put_##ename(rows->columns, row, rows->row_count); \
		if (HAS_TIME_##upper)                                     \
			note_time(chunk, *(const u64 *)row);              \
		break;
#define FIELD(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef EVENT_END
#undef RING_ONLY
	}
	rows->room--;
	rows->row_count++;
	chunk->row_count++;
	chunk->raw_bytes += bytes;
	return 0;
}

/* -------- interned tables -------- */

static int items_init(struct chunk_items *items, u32 item_bytes)
{
	items->item_bytes = item_bytes;
	return intern_table_init(&items->table, 64);
}

static void items_done(struct chunk_items *items)
{
	intern_table_done(&items->table);
	free(items->items);
}

static void items_clear(struct chunk_items *items)
{
	intern_table_clear(&items->table);
	items->count = 0;
}

static void *items_at(const struct chunk_items *items, u32 index)
{
	return (char *)items->items + (size_t)(index - 1) * items->item_bytes;
}

/* Appends an item; returns its index, or 0 when out of memory or at the limit. */
static u32 items_append(struct chunk_items *items, const void *item, u32 limit)
{
	if (items->count >= limit)
		return 0;
	if (items->count == items->size) {
		u32 size = items->size ? items->size * 2 : 64;
		void *bigger = realloc(items->items, (size_t)size * items->item_bytes);

		if (!bigger)
			return 0;
		items->items = bigger;
		items->size = size;
	}
	items->count++;
	memcpy(items_at(items, items->count), item, items->item_bytes);
	return items->count;
}

static u32 note_failed(struct cap_chunk *chunk, int code)
{
	if (!chunk->failed)
		chunk->failed = code;
	return 0;
}

static u64 frame_hash(const struct cap_chunk *chunk, const struct chunk_frame *frame)
{
	return cap_hash_mix(frame->offset, ((u64)frame->object << 8) | frame->space, chunk->seed);
}

static u64 stack_hash(const struct cap_chunk *chunk, const struct chunk_stack *stack)
{
	return cap_hash_mix(stack->parent, stack->frame, chunk->seed);
}

static u64 task_hash(const struct cap_chunk *chunk, const struct cap_task *task)
{
	u64 name[2];

	memcpy(name, task->comm, sizeof(name));
	return cap_hash_mix(task->leader_start_ns ^ name[0],
			    (((u64)task->tgid << 32) | task->tid) ^ name[1] ^
				    ((u64)task->exec_id << 16),
			    chunk->seed);
}

static u64 word_hash(const struct cap_chunk *chunk, const struct chunk_word *word)
{
	return cap_hash_mix(word->code, (u64)word->parent << 32 | word->gap, chunk->seed);
}

static u64 copy_hash(const struct cap_chunk *chunk, const struct chunk_copy *copy)
{
	return cap_hash_seeded(copy, sizeof(*copy), chunk->seed);
}

static u64 string_hash(const struct cap_chunk *chunk, const void *bytes, size_t len)
{
	return cap_hash_seeded(bytes, len, chunk->seed);
}

static u64 rehash_frame(const void *chunk, u32 index)
{
	return frame_hash(chunk, items_at(&((const struct cap_chunk *)chunk)->frames, index));
}

static u64 rehash_stack(const void *chunk, u32 index)
{
	return stack_hash(chunk, items_at(&((const struct cap_chunk *)chunk)->stacks, index));
}

static u64 rehash_task(const void *chunk, u32 index)
{
	return task_hash(chunk, items_at(&((const struct cap_chunk *)chunk)->tasks, index));
}

static u64 rehash_word(const void *chunk, u32 index)
{
	return word_hash(chunk, items_at(&((const struct cap_chunk *)chunk)->words, index));
}

static u64 rehash_copy(const void *chunk, u32 index)
{
	return copy_hash(chunk, items_at(&((const struct cap_chunk *)chunk)->copies, index));
}

static u64 rehash_string(const void *context, u32 index)
{
	const struct cap_chunk *chunk = context;
	const struct chunk_string *string = items_at(&chunk->strings, index);

	return string_hash(chunk, chunk->string_bytes + string->start, string->len);
}

/* Only if it could not grow for long. The last slot stays free, or searches would not end. */
static bool table_is_full(const struct intern_table *table)
{
	return table->count >= table->mask;
}

/* Looks up or appends an item that compares by its bytes. bytes: what it adds to the body, about.
 * Inlined for each kind of item, so that its size is a constant. */
static inline __attribute__((always_inline)) u32
intern_item(struct cap_chunk *chunk, struct chunk_items *items, const void *item, u32 item_bytes,
	    u64 hash, u32 limit, u32 bytes, u64 (*rehash)(const void *, u32))
{
	const char *known = items->items;
	u32 at = intern_first(&items->table, hash);
	u32 index;

	for (; items->table.slots[at].index; at = intern_next(&items->table, at)) {
		struct intern_slot slot = items->table.slots[at];

		if (slot.hash == (u32)(hash >> 32) &&
		    memcmp(known + (size_t)(slot.index - 1) * item_bytes, item, item_bytes) == 0)
			return slot.index;
	}
	if (table_is_full(&items->table))
		return note_failed(chunk, -ENOMEM);
	index = items_append(items, item, limit);
	if (!index)
		return note_failed(chunk, items->count >= limit ? CAP_ELIMIT : -ENOMEM);
	intern_put(&items->table, at, hash, index);
	if (intern_table_make_room(&items->table, rehash, chunk))
		return note_failed(chunk, -ENOMEM);
	chunk->raw_bytes += bytes;
	return index;
}

u32 cap_chunk_frame(struct cap_chunk *chunk, enum cap_space space, u32 object, u64 offset)
{
	struct chunk_frame frame = {.offset = offset, .object = object, .space = space};

	return intern_item(chunk, &chunk->frames, &frame, sizeof(frame), frame_hash(chunk, &frame),
			   CAP_MAX_FRAMES, 8, rehash_frame);
}

u32 cap_chunk_stack(struct cap_chunk *chunk, u32 parent, u32 frame)
{
	struct chunk_stack stack = {.parent = parent, .frame = frame};

	return intern_item(chunk, &chunk->stacks, &stack, sizeof(stack), stack_hash(chunk, &stack),
			   CAP_MAX_STACK_NODES, 3, rehash_stack);
}

u32 cap_chunk_task(struct cap_chunk *chunk, const struct cap_task *task)
{
	return intern_item(chunk, &chunk->tasks, task, sizeof(*task), task_hash(chunk, task),
			   CAP_MAX_TASKS, 24, rehash_task);
}

/* Return addresses come again and again: the cache spares most of them the table. */
static u32 frame_of_address(struct cap_chunk *chunk, u64 address)
{
	struct chunk_address *cached =
		&chunk->addresses[(address ^ address >> 12) % CHUNK_CACHED_ADDRESSES];

	if (cached->address != address || !cached->frame) {
		cached->frame = cap_chunk_frame(chunk, CAP_SPACE_USER, 0, address);
		cached->address = address;
	}
	return cached->frame;
}

/* 0 also where a frame could not be interned: then cap_chunk_failed tells. */
static u64 code_of(struct cap_chunk *chunk, u64 value, u64 base)
{
	u64 code = 0;

	if (!cap_code_without_frame(value, base, &code))
		code = 2ull * frame_of_address(chunk, value);
	return code;
}

u32 cap_chunk_word(struct cap_chunk *chunk, u32 parent, u32 gap, u64 address, u64 value)
{
	struct chunk_word word = {
		.code = code_of(chunk, value, address), .parent = parent, .gap = gap};

	if (value && !word.code)
		return 0;
	return intern_item(chunk, &chunk->words, &word, sizeof(word), word_hash(chunk, &word),
			   CAP_MAX_WORDS, 4, rehash_word);
}

u32 cap_chunk_copy(struct cap_chunk *chunk, const struct cap_copy *copy)
{
	const u64 registers[CAP_COPY_REGISTERS] = {copy->bp,  copy->bx,	 copy->r12,
						   copy->r13, copy->r14, copy->r15};
	struct chunk_copy item = {.columns = {copy->word, code_of(chunk, copy->ip, copy->sp),
					      copy->top - copy->sp, copy->top}};

	for (u32 i = 0; i < CAP_COPY_REGISTERS; i++)
		item.columns[4 + i] = code_of(chunk, registers[i], copy->sp);
	item.columns[10] = copy->flags;
	item.columns[11] = copy->holes;
	if (cap_chunk_failed(chunk))
		return 0;
	return intern_item(chunk, &chunk->copies, &item, sizeof(item), copy_hash(chunk, &item),
			   CAP_MAX_COPIES, 20, rehash_copy);
}

static int string_append(struct cap_chunk *chunk, const void *bytes, size_t len)
{
	if (chunk->string_len + len > chunk->string_size) {
		size_t size = chunk->string_size ? chunk->string_size * 2 : 4096;
		u8 *bigger;

		while (size < chunk->string_len + len)
			size *= 2;
		bigger = realloc(chunk->string_bytes, size);
		if (!bigger)
			return -ENOMEM;
		chunk->string_bytes = bigger;
		chunk->string_size = size;
	}
	memcpy(chunk->string_bytes + chunk->string_len, bytes, len);
	chunk->string_len += len;
	return 0;
}

u32 cap_chunk_string(struct cap_chunk *chunk, const void *bytes, size_t len)
{
	struct chunk_items *strings = &chunk->strings;
	struct chunk_string string;
	u64 hash;
	u32 at, index;

	if (len == 0)
		return 0;
	if (len > CAP_MAX_STRING_BYTES)
		len = CAP_MAX_STRING_BYTES;
	if (chunk->raw_bytes + len > CAP_WRITER_MAX_RAW_BYTES - CAP_MAX_STRING_BYTES)
		return note_failed(chunk, CAP_ELIMIT);
	hash = string_hash(chunk, bytes, len);
	for (at = intern_first(&strings->table, hash); strings->table.slots[at].index;
	     at = intern_next(&strings->table, at)) {
		struct intern_slot slot = strings->table.slots[at];
		const struct chunk_string *known = items_at(strings, slot.index);

		if (slot.hash == (u32)(hash >> 32) && known->len == len &&
		    memcmp(chunk->string_bytes + known->start, bytes, len) == 0)
			return slot.index;
	}
	string = (struct chunk_string){.start = (u32)chunk->string_len, .len = (u32)len};
	if (table_is_full(&strings->table) || string_append(chunk, bytes, len))
		return note_failed(chunk, -ENOMEM);
	index = items_append(strings, &string, CAP_MAX_STRINGS);
	if (!index) {
		chunk->string_len -= len; /* the strings must fill their bytes */
		return note_failed(chunk, strings->count >= CAP_MAX_STRINGS ? CAP_ELIMIT : -ENOMEM);
	}
	intern_put(&strings->table, at, hash, index);
	if (intern_table_make_room(&strings->table, rehash_string, chunk))
		return note_failed(chunk, -ENOMEM);
	chunk->raw_bytes += len + 2;
	return index;
}

/* -------- life -------- */

struct cap_chunk *cap_chunk_new(void)
{
	struct cap_chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	/* An unpredictable seed keeps hostile names from all landing in one slot. On failure it
	 * stays 0: slower at worst. */
	(void)!getrandom(&chunk->seed, sizeof(chunk->seed), GRND_NONBLOCK);
	if (items_init(&chunk->strings, sizeof(struct chunk_string)) ||
	    items_init(&chunk->frames, sizeof(struct chunk_frame)) ||
	    items_init(&chunk->stacks, sizeof(struct chunk_stack)) ||
	    items_init(&chunk->tasks, sizeof(struct cap_task)) ||
	    items_init(&chunk->words, sizeof(struct chunk_word)) ||
	    items_init(&chunk->copies, sizeof(struct chunk_copy)))
		return cap_chunk_free(chunk);
	return chunk;
}

static size_t columns_of(u32 type_id)
{
	const struct cap_type *type = cap_schema_type(cap_schema_builtin(), type_id);

	return type ? type->field_count : 0; /* ids may have holes */
}

struct cap_chunk *cap_chunk_free(struct cap_chunk *chunk)
{
	if (!chunk)
		return NULL;
	for (u32 type = 1; type <= EV_TYPE_MAX; type++) {
		struct chunk_rows *rows = &chunk->rows[type];

		for (size_t i = 0; rows->columns && i < columns_of(type); i++)
			free(rows->columns[i].bytes);
		free(rows->columns);
	}
	items_done(&chunk->strings);
	items_done(&chunk->frames);
	items_done(&chunk->stacks);
	items_done(&chunk->tasks);
	items_done(&chunk->words);
	items_done(&chunk->copies);
	free(chunk->string_bytes);
	free(chunk);
	return NULL;
}

void cap_chunk_reset(struct cap_chunk *chunk)
{
	for (u32 type = 1; type <= EV_TYPE_MAX; type++) {
		struct chunk_rows *rows = &chunk->rows[type];

		if (!rows->row_count)
			continue;
		for (size_t i = 0; i < columns_of(type); i++) {
			struct cap_out_column *column = &rows->columns[i];

			*column = (struct cap_out_column){.bytes = column->bytes,
							  .size = column->size};
		}
		rows->row_count = 0;
		rows->room = 0;
	}
	for (u32 type = 1; type <= EV_TYPE_MAX; type++)
		chunk->rows[type].left_out = 0;
	items_clear(&chunk->strings);
	items_clear(&chunk->frames);
	items_clear(&chunk->stacks);
	items_clear(&chunk->tasks);
	items_clear(&chunk->words);
	items_clear(&chunk->copies);
	memset(chunk->addresses, 0, sizeof(chunk->addresses));
	chunk->string_len = 0;
	chunk->first_ns = chunk->last_ns = 0;
	chunk->row_count = 0;
	chunk->raw_bytes = 0;
	chunk->failed = 0;
}

void cap_chunk_leave_out(struct cap_chunk *chunk, enum ev_type type, u64 fields)
{
	chunk->rows[type].left_out = fields;
}

u32 cap_chunk_rows(const struct cap_chunk *chunk)
{
	return chunk->row_count;
}

u32 cap_chunk_rows_of(const struct cap_chunk *chunk, enum ev_type type)
{
	return chunk->rows[type].row_count;
}

size_t cap_chunk_raw_bytes(const struct cap_chunk *chunk)
{
	return chunk->raw_bytes;
}

u64 cap_chunk_first_ns(const struct cap_chunk *chunk)
{
	return chunk->first_ns;
}

u64 cap_chunk_last_ns(const struct cap_chunk *chunk)
{
	return chunk->last_ns;
}

int cap_chunk_failed(const struct cap_chunk *chunk)
{
	return chunk->failed;
}

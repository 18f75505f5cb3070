/*
 * Copies of stacks: the tables WORDS and COPIES, and the walk through the kept words of a copy.
 * SPEC.md, "Copies of stacks".
 */
#include <errno.h>
#include <string.h>

#include "formats/base/body_layout.h"
#include "formats/base/limits.h"
#include "formats/read/reader_state.h"

enum word_field { WORD_PARENT = 1, WORD_GAP, WORD_CODE };

enum copy_field {
	COPY_WORD = 1,
	COPY_IP,
	COPY_DEPTH,
	COPY_TOP,
	COPY_FIRST_REGISTER,
	COPY_FLAGS = COPY_FIRST_REGISTER + CAP_COPY_REGISTERS,
	COPY_HOLES,
};
_Static_assert(COPY_HOLES == CAP_COPY_COLUMNS, "as many as written");

static bool code_is_bad(const struct cap_rows *rows, u64 code)
{
	return cap_code_is_frame(code) && code / 2 >= rows->frame_count;
}

static void put_word_value(struct cap_word *word, u16 field, u64 value)
{
	const u32 bounded = value <= UINT32_MAX ? (u32)value : UINT32_MAX;

	if (field == WORD_PARENT)
		word->parent = bounded;
	else if (field == WORD_GAP)
		word->below = bounded; /* until bound_words adds up */
	else
		word->code = value;
}

/* A parent must come before its child, which makes loops impossible, and no word is further below
 * the top than a copy is long, which bounds the walk. */
static void bound_words(struct cap_reader *reader, struct cap_rows *rows)
{
	struct cap_word *words = reader->tables.words;

	for (u32 i = 1; i < rows->word_count; i++) {
		struct cap_word *word = &words[i];
		u64 gap = word->below;

		if (word->parent >= i || words[word->parent].below + gap + 1 > CAP_MAX_COPY_WORDS) {
			word->parent = 0;
			rows->word_defects++;
		}
		if (gap >= CAP_MAX_COPY_WORDS) {
			gap = 0;
			rows->word_defects++;
		}
		if (code_is_bad(rows, word->code)) {
			word->code = 0;
			rows->word_defects++;
		}
		word->below = words[word->parent].below + (u32)gap + 1;
	}
	reader->damage.columns_rejected += rows->word_defects != 0;
}

int reader_take_words(struct cap_reader *reader, const struct reader_section *raw,
		      const struct cap_column *columns, u32 column_count, struct cap_rows *rows,
		      struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;
	const u64 *values = NULL;

	if (reader_make_room(&tables->words, &tables->word_size, raw->row_count + 1ul,
			     sizeof(*tables->words)))
		return cap_fail(err, -ENOMEM, "out of memory for %u words", raw->row_count);
	tables->words[0] = (struct cap_word){0};
	for (u16 field = 1; field <= CAP_WORD_COLUMNS; field++) {
		int rc = reader_table_column(reader, raw, columns, column_count, field, &values,
					     err);

		if (rc < 0)
			return rc;
		for (u32 i = 0; i < raw->row_count; i++)
			put_word_value(&tables->words[i + 1], field, values[i]);
	}
	rows->words = tables->words;
	rows->word_count = raw->row_count + 1;
	bound_words(reader, rows);
	return 0;
}

static bool is_code(u16 field_id)
{
	return field_id == COPY_IP || (field_id >= COPY_FIRST_REGISTER && field_id < COPY_FLAGS);
}

u64 reader_bound_copy(const struct cap_rows *rows, u16 field_id, u64 value)
{
	if ((field_id == COPY_WORD && value >= rows->word_count) ||
	    (is_code(field_id) && code_is_bad(rows, value)))
		return 0;
	return value;
}

/* Registers are codes until sp is known. */
static void put_copy_value(struct cap_copy *copy, u16 field, u64 value)
{
	u64 *const registers[CAP_COPY_REGISTERS] = {&copy->bp,	&copy->bx,  &copy->r12,
						    &copy->r13, &copy->r14, &copy->r15};

	switch (field) {
	case COPY_WORD:
		copy->word = (u32)value;
		break;
	case COPY_IP:
		copy->ip = value;
		break;
	case COPY_DEPTH:
		copy->sp = value;
		break;
	case COPY_TOP:
		copy->top = value;
		break;
	case COPY_FLAGS:
		copy->flags = (u32)value;
		break;
	case COPY_HOLES:
		copy->holes = value;
		break;
	default:
		*registers[field - COPY_FIRST_REGISTER] = value;
	}
}

static u64 value_of(const struct cap_rows *rows, u64 code, u64 base)
{
	return cap_code_is_frame(code) ? rows->frames[code / 2].offset : cap_code_value(code, base);
}

static void resolve_copy(const struct cap_rows *rows, struct cap_copy *copy)
{
	u64 *const codes[] = {&copy->ip,  &copy->bp,  &copy->bx, &copy->r12,
			      &copy->r13, &copy->r14, &copy->r15};

	copy->sp = copy->top - copy->sp;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		*codes[i] = value_of(rows, *codes[i], copy->sp);
}

int reader_take_copies(struct cap_reader *reader, const struct reader_section *raw,
		       const struct cap_column *columns, u32 column_count, struct cap_rows *rows,
		       struct cap_err *err)
{
	struct reader_tables *tables = &reader->tables;
	const u64 *values = NULL;

	if (reader_make_room(&tables->copies, &tables->copy_size, raw->row_count + 1ul,
			     sizeof(*tables->copies)))
		return cap_fail(err, -ENOMEM, "out of memory for %u copies", raw->row_count);
	tables->copies[0] = (struct cap_copy){0};
	for (u16 field = 1; field <= CAP_COPY_COLUMNS; field++) {
		int rc = reader_table_column(reader, raw, columns, column_count, field, &values,
					     err);

		if (rc < 0)
			return rc;
		for (u32 i = 0; i < raw->row_count; i++) {
			u64 bounded = reader_bound_copy(rows, field, values[i]);

			rows->copy_defects += bounded != values[i];
			put_copy_value(&tables->copies[i + 1], field, bounded);
		}
	}
	for (u32 i = 1; i <= raw->row_count; i++)
		resolve_copy(rows, &tables->copies[i]);
	rows->copies = tables->copies;
	rows->copy_count = raw->row_count + 1;
	reader->damage.columns_rejected += rows->copy_defects != 0;
	return 0;
}

/* -------- the walk -------- */

struct cap_word_walk cap_copy_words(const struct cap_rows *rows, u32 copy)
{
	if (copy >= rows->copy_count)
		copy = 0;
	return (struct cap_word_walk){
		.rows = rows, .top = rows->copies[copy].top, .word = rows->copies[copy].word};
}

int cap_word_next(struct cap_word_walk *walk, u64 *ret_address, u64 *ret_value)
{
	const struct cap_word *word = &walk->rows->words[walk->word];

	if (!walk->word)
		return 0;
	if (walk->rows->words_left) {
		if (!*walk->rows->words_left)
			return CAP_ELIMIT;
		--*walk->rows->words_left;
	}
	*ret_address = walk->top - 8ull * word->below;
	*ret_value = value_of(walk->rows, word->code, *ret_address);
	walk->word = word->parent;
	return 1;
}

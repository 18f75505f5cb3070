/*
 * Removes from a body what cannot be decoded: bad columns leave their section's directory (their
 * bytes stay as a gap), and stacks with invalid references are rewritten the way they are read.
 * Everything else stays byte for byte, so data of newer versions is kept.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/base/limits.h"
#include "formats/read/reader_state.h"

struct entry { /* of the section directory, as decode_body has checked it */
	u8 *at;
	u16 kind;
	u32 row_count, offset, len;
};

static struct entry entry_at(u8 *body, u32 i)
{
	u8 *at = body + CAP_BODY_HEAD_BYTES + (size_t)i * CAP_SECTION_ENTRY_BYTES;

	return (struct entry){.at = at,
			      .kind = (u16)cap_load_le(at, 2),
			      .row_count = cap_load_u32(at + 8),
			      .offset = cap_load_u32(at + 12),
			      .len = cap_load_u32(at + 16)};
}

static void drop_columns(u8 *section, u32 row_count, u64 *values)
{
	u32 count = (u32)cap_load_le(section, 2), kept = 0;

	for (u32 i = 0; i < count; i++) {
		u8 *at = section + CAP_SECTION_HEAD_BYTES + (size_t)i * CAP_COLUMN_ENTRY_BYTES;
		u8 *to = section + CAP_SECTION_HEAD_BYTES + (size_t)kept * CAP_COLUMN_ENTRY_BYTES;
		const struct cap_column column = {.field_id = (u16)cap_load_le(at, 2),
						  .encoding = at[2],
						  .bytes = section + cap_load_u32(at + 4),
						  .len = cap_load_u32(at + 8)};

		if (cap_values_decode(&column, row_count, values) < 0)
			continue;
		memmove(to, at, CAP_COLUMN_ENTRY_BYTES);
		kept++;
	}
	cap_store_le(section, kept, 2);
}

static void put_column(u8 *section, u32 i, u32 offset, u32 len)
{
	u8 *at = section + CAP_SECTION_HEAD_BYTES + (size_t)i * CAP_COLUMN_ENTRY_BYTES;

	cap_store_le(at, i + 1, 2);
	at[2] = CAP_ENC_FIXED;
	cap_store_le(at + 4, offset, 4);
	cap_store_le(at + 8, len, 4);
}

struct table { /* a local table that is written again if something in it is wrong */
	u16 kind, columns;
	u32 width_bytes, count, defects;
	/* Row k (from 0) as it is read, column by column. */
	void (*values)(const struct table *table, const struct cap_rows *rows, u32 k,
		       u64 *ret_values);
	u64 *decoded; /* COPIES: columns as they are read, one after the other */
};

static void stack_values(const struct table *table, const struct cap_rows *rows, u32 k,
			 u64 *ret_values)
{
	(void)table;
	ret_values[0] = rows->stacks[k + 1].parent;
	ret_values[1] = rows->stacks[k + 1].frame;
}

static void word_values(const struct table *table, const struct cap_rows *rows, u32 k,
			u64 *ret_values)
{
	const struct cap_word *word = &rows->words[k + 1];

	(void)table;
	ret_values[0] = word->parent;
	ret_values[1] = word->below - rows->words[word->parent].below - 1;
	ret_values[2] = word->code;
}

static void copy_values(const struct table *table, const struct cap_rows *rows, u32 k,
			u64 *ret_values)
{
	(void)rows;
	for (u32 c = 0; c < table->columns; c++)
		ret_values[c] = table->decoded[(size_t)c * table->count + k];
}

/* decode_body has checked that all columns are there. */
static int decode_copies(struct table *table, const u8 *section, const struct cap_rows *rows)
{
	u32 count = (u32)cap_load_le(section, 2);

	table->decoded = calloc((size_t)table->columns * table->count, sizeof(u64));
	if (!table->decoded)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		const u8 *at =
			section + CAP_SECTION_HEAD_BYTES + (size_t)i * CAP_COLUMN_ENTRY_BYTES;
		const struct cap_column column = {.field_id = (u16)cap_load_le(at, 2),
						  .encoding = at[2],
						  .bytes = section + cap_load_u32(at + 4),
						  .len = cap_load_u32(at + 8)};
		u64 *values = table->decoded + (size_t)(column.field_id - 1) * table->count;

		if (column.field_id < 1 || column.field_id > table->columns)
			continue;
		if (cap_values_decode(&column, table->count, values) < 0)
			return CAP_EDAMAGED;
		for (u32 k = 0; k < table->count; k++)
			values[k] = reader_bound_copy(rows, column.field_id, values[k]);
	}
	return 0;
}

static u32 head_bytes(const struct table *table)
{
	return CAP_SECTION_HEAD_BYTES + table->columns * CAP_COLUMN_ENTRY_BYTES;
}

static u64 bytes_of(const struct table *table)
{
	return table->defects
		       ? head_bytes(table) + (u64)table->width_bytes * table->columns * table->count
		       : 0;
}

/* The section moves behind all others, to body_len, so its entry becomes the last. */
static void replace_table(u8 *body, u32 section_count, u32 i, const struct cap_rows *rows,
			  const struct table *table, u32 body_len)
{
	u8 *section = body + body_len;
	u32 column_bytes = table->width_bytes * table->count;
	struct entry old = entry_at(body, i), last = entry_at(body, section_count - 1);

	memmove(old.at, old.at + CAP_SECTION_ENTRY_BYTES, (size_t)(last.at - old.at));
	memset(last.at, 0, CAP_SECTION_ENTRY_BYTES);
	cap_store_le(last.at, table->kind, 2);
	cap_store_le(last.at + 8, table->count, 4);
	cap_store_le(last.at + 12, body_len, 4);
	cap_store_le(last.at + 16, bytes_of(table), 4);
	memset(section, 0, head_bytes(table));
	cap_store_le(section, table->columns, 2);
	for (u32 c = 0; c < table->columns; c++)
		put_column(section, c, head_bytes(table) + c * column_bytes, column_bytes);
	for (u32 k = 0; k < table->count; k++) {
		u8 *at = section + head_bytes(table) + (size_t)k * table->width_bytes;
		u64 values[CAP_COPY_COLUMNS];

		table->values(table, rows, k, values);
		for (u32 c = 0; c < table->columns; c++, at += column_bytes)
			cap_store_le(at, values[c], table->width_bytes);
	}
}

/* Writes the tables with defects again, behind the body. 0 or a negative code. */
static int replace_tables(u8 *body, u32 body_len, const struct cap_rows *rows, struct table *tables,
			  size_t table_count)
{
	u32 section_count = cap_load_u32(body);
	int rc = 0;

	for (size_t t = 0; t < table_count && rc == 0; t++) {
		u32 i = 0;

		if (!tables[t].defects)
			continue;
		while (i < section_count && entry_at(body, i).kind != tables[t].kind)
			i++;
		if (i == section_count)
			continue;
		if (tables[t].kind == CAP_SECTION_COPIES)
			rc = decode_copies(&tables[t], body + entry_at(body, i).offset, rows);
		if (rc == 0)
			replace_table(body, section_count, i, rows, &tables[t], body_len);
		body_len += (u32)bytes_of(&tables[t]);
		free(tables[t].decoded);
	}
	return rc;
}

int cap_reader_repair(const struct cap_reader *reader, const struct cap_rows *rows, u8 **ret_body,
		      u32 *ret_len, struct cap_err *err)
{
	struct table tables[] = {
		{CAP_SECTION_STACKS, 2, 4, rows->stack_count - 1, rows->stack_defects, stack_values,
		 NULL},
		{CAP_SECTION_WORDS, CAP_WORD_COLUMNS, 8, rows->word_count - 1, rows->word_defects,
		 word_values, NULL},
		{CAP_SECTION_COPIES, CAP_COPY_COLUMNS, 8, rows->copy_count - 1, rows->copy_defects,
		 copy_values, NULL},
	};
	const size_t table_count = sizeof(tables) / sizeof(tables[0]);
	u32 body_len = reader->header.raw_len, section_count = cap_load_u32(reader->raw);
	u64 tables_len = 0;
	u32 most_rows = 1;
	u64 *values;
	u8 *body;
	int rc;

	for (size_t t = 0; t < table_count; t++)
		tables_len += bytes_of(&tables[t]);
	if (body_len + tables_len > CAP_MAX_RAW_BYTES)
		return cap_fail(err, CAP_ELIMIT, "too big to be rewritten");
	for (u32 i = 0; i < rows->section_count; i++)
		if (rows->sections[i].row_count > most_rows)
			most_rows = rows->sections[i].row_count;
	body = malloc(body_len + tables_len);
	values = malloc(most_rows * sizeof(*values));
	if (!body || !values) {
		free(body);
		free(values);
		return cap_fail(err, -ENOMEM, "out of memory");
	}
	memcpy(body, reader->raw, body_len);
	for (u32 i = 0; i < section_count; i++) {
		struct entry entry = entry_at(body, i);

		if (entry.kind == CAP_SECTION_EVENTS)
			drop_columns(body + entry.offset, entry.row_count, values);
	}
	free(values);
	rc = replace_tables(body, body_len, rows, tables, table_count);
	if (rc < 0) {
		free(body);
		return cap_fail(err, rc, "copies of stacks cannot be rewritten");
	}
	*ret_body = body;
	*ret_len = body_len + (u32)tables_len;
	return 0;
}

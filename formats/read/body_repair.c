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

#define STACK_HEAD_BYTES (CAP_SECTION_HEAD_BYTES + 2 * CAP_COLUMN_ENTRY_BYTES)

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

/* The section moves behind all others, so its entry becomes the last. */
static void replace_stacks(u8 *body, u32 section_count, u32 i, const struct cap_rows *rows,
			   u32 body_len)
{
	u8 *section = body + body_len;
	u32 count = rows->stack_count - 1, len = count * 4;
	struct entry old = entry_at(body, i), last = entry_at(body, section_count - 1);

	memmove(old.at, old.at + CAP_SECTION_ENTRY_BYTES, (size_t)(last.at - old.at));
	memset(last.at, 0, CAP_SECTION_ENTRY_BYTES);
	cap_store_le(last.at, CAP_SECTION_STACKS, 2);
	cap_store_le(last.at + 8, count, 4);
	cap_store_le(last.at + 12, body_len, 4);
	cap_store_le(last.at + 16, STACK_HEAD_BYTES + 2 * (u64)len, 4);
	memset(section, 0, STACK_HEAD_BYTES);
	cap_store_le(section, 2, 2);
	put_column(section, 0, STACK_HEAD_BYTES, len);
	put_column(section, 1, STACK_HEAD_BYTES + len, len);
	for (u32 k = 0; k < count; k++) {
		cap_store_le(section + STACK_HEAD_BYTES + 4ul * k, rows->stacks[k + 1].parent, 4);
		cap_store_le(section + STACK_HEAD_BYTES + len + 4ul * k, rows->stacks[k + 1].frame,
			     4);
	}
}

int cap_reader_repair(const struct cap_reader *reader, const struct cap_rows *rows, u8 **ret_body,
		      u32 *ret_len, struct cap_err *err)
{
	u32 body_len = reader->header.raw_len, section_count = cap_load_u32(reader->raw);
	u64 stacks_len =
		rows->stack_defects ? STACK_HEAD_BYTES + 8ull * (rows->stack_count - 1) : 0;
	u32 most_rows = 1;
	u64 *values;
	u8 *body;

	if (body_len + stacks_len > CAP_MAX_RAW_BYTES)
		return cap_fail(err, CAP_ELIMIT, "too big to be rewritten");
	for (u32 i = 0; i < rows->section_count; i++)
		if (rows->sections[i].row_count > most_rows)
			most_rows = rows->sections[i].row_count;
	body = malloc(body_len + stacks_len);
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
	for (u32 i = 0; stacks_len && i < section_count; i++) {
		if (entry_at(body, i).kind != CAP_SECTION_STACKS)
			continue;
		replace_stacks(body, section_count, i, rows, body_len);
		break;
	}
	free(values);
	*ret_body = body;
	*ret_len = body_len + (u32)stacks_len;
	return 0;
}

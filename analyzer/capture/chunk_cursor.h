#pragma once
/*
 * Walks the rows of one type, block by block, and decodes only the columns that are used.
 * Turns local tasks and stacks into the capture's numbers.
 */
#include "analyzer/capture/capture_model.h"
#include "analyzer/capture/row_fields.h"

struct kymo_chunk_cursor;

/* capture must outlive it. 0, -errno. */
int kymo_chunk_cursor_new(struct kymo_capture *capture, u32 type_id,
			  struct kymo_chunk_cursor **ret_cursor, struct cap_err *err);
struct kymo_chunk_cursor *kymo_chunk_cursor_free(struct kymo_chunk_cursor *cursor);
void kymo_chunk_cursor_freep(struct kymo_chunk_cursor **cursor);

/*
 * A cursor over rows that are decoded already: it is given a block, in which types are then chosen
 * as with kymo_chunk_cursor_type. Costs no decompression. During the first pass of a capture a task
 * whose start is unknown has no number yet: it then reads as 0, and the cursor is too early.
 */
int kymo_chunk_cursor_new_shown(struct kymo_capture *capture, struct kymo_chunk_cursor **ret_cursor,
				struct cap_err *err);
int kymo_chunk_cursor_show(struct kymo_chunk_cursor *cursor, const struct cap_rows *rows,
			   struct cap_err *err);
bool kymo_chunk_cursor_too_early(const struct kymo_chunk_cursor *cursor); /* ever */

/* Back to the beginning; only blocks that may hold rows with from_ns <= time_ns <= to_ns are
 * visited from here on. */
int kymo_chunk_cursor_start(struct kymo_chunk_cursor *cursor, u64 from_ns, u64 to_ns,
			    struct cap_err *err);

/* Next section with rows of the type: 1, 0 at the end, or negative. */
int kymo_chunk_cursor_next(struct kymo_chunk_cursor *cursor, struct cap_err *err);

/*
 * The other way to walk: block by block, and in each block type by type, so that a block is
 * decompressed once for all types. kymo_chunk_cursor_block goes to the next block with rows of any
 * of the types (a bit per type id): 1, 0 at the end, or negative. kymo_chunk_cursor_type chooses a
 * type; kymo_chunk_cursor_next then ends with the block.
 */
int kymo_chunk_cursor_block(struct kymo_chunk_cursor *cursor, u64 types, struct cap_err *err);
u64 kymo_chunk_cursor_block_types(
	const struct kymo_chunk_cursor *cursor); /* that the block holds */
void kymo_chunk_cursor_type(struct kymo_chunk_cursor *cursor, u32 type_id);

u32 kymo_chunk_cursor_rows(const struct kymo_chunk_cursor *cursor); /* of the section */

/*
 * Values of field ROW_<event>_<field>, decoded at the first call; valid until the next section.
 * NULL if the section has no such column, or one that differs from our schema (counted as
 * rejected).
 */
const u64 *kymo_chunk_cursor_column(struct kymo_chunk_cursor *cursor, unsigned int field);

/* Capture numbers of a local task, and of the stack that a STACK field of a row names, in the
 * process of the field's task; 0 for none; -ENOMEM. */
s64 kymo_chunk_cursor_task(struct kymo_chunk_cursor *cursor, u64 local);
s64 kymo_chunk_cursor_stack(struct kymo_chunk_cursor *cursor, unsigned int field, u32 row);
const struct cap_string *kymo_chunk_cursor_string(const struct kymo_chunk_cursor *cursor,
						  u64 local);
/* Was a column NULL because memory ran out? This state stays, and the next step fails. */
bool kymo_chunk_cursor_failed(const struct kymo_chunk_cursor *cursor);
u64 kymo_chunk_cursor_rejected(const struct kymo_chunk_cursor *cursor); /* columns, so far */

#pragma once
/*
 * Rows on their way into a capture: columns of varints per row type, and the local tables (strings,
 * frames, stacks, tasks) that make a block readable alone. One struct cap_chunk becomes the body of
 * one block. Not thread-safe; hand it over whole. Writes no file and compresses nothing.
 */
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/table/capture_facts.h"
#include "formats/table/events.h"
#include "formats/table/stack_copy.h"

struct cap_chunk;

/* NULL when out of memory. cap_chunk_free accepts NULL and returns NULL. */
struct cap_chunk *cap_chunk_new(void);
struct cap_chunk *cap_chunk_free(struct cap_chunk *chunk);

/* Empties it and keeps its memory. */
void cap_chunk_reset(struct cap_chunk *chunk);

/*
 * Intern and return the local index, from 1 on; 0 means "none" and is also what they return when
 * out of memory or when a limit of limits.h is reached (cap_chunk_failed() then tells). Strings are
 * bytes, cut at CAP_MAX_STRING_BYTES.
 */
u32 cap_chunk_string(struct cap_chunk *chunk, const void *bytes, size_t len);
u32 cap_chunk_task(struct cap_chunk *chunk, const struct cap_task *task);
u32 cap_chunk_frame(struct cap_chunk *chunk, enum cap_space space, u32 object, u64 offset);
/* The stack that is `frame` called from stack `parent` (0: frame is the root). */
u32 cap_chunk_stack(struct cap_chunk *chunk, u32 parent, u32 frame);

/*
 * A kept word of a stack copy, `value` at `address`; the next kept one towards the stack's outer
 * end is `parent` (0: none), and `gap` words were left out between them, or up to the copy's top.
 * To be called from the outer end inwards. A value that is no address near its own becomes a frame.
 */
u32 cap_chunk_word(struct cap_chunk *chunk, u32 parent, u32 gap, u64 address, u64 value);
/* copy->word is what cap_chunk_word returned last, or 0. sp <= top. */
u32 cap_chunk_copy(struct cap_chunk *chunk, const struct cap_copy *copy);

/* Appends one row; row points to the struct ev_* of that type. 0, -ENOMEM, or CAP_ELIMIT when the
 * chunk is full. */
int cap_chunk_add(struct cap_chunk *chunk, enum ev_type type, const void *row);

/* Leaves the columns of these fields of a type out of the chunk, whatever their values, so that
 * they read as NULL: a bit per place in events.def. Until the reset. */
void cap_chunk_leave_out(struct cap_chunk *chunk, enum ev_type type, u64 fields);

u32 cap_chunk_rows(const struct cap_chunk *chunk);
u32 cap_chunk_rows_of(const struct cap_chunk *chunk, enum ev_type type);
size_t cap_chunk_raw_bytes(const struct cap_chunk *chunk); /* about what the body will take */
u64 cap_chunk_first_ns(
	const struct cap_chunk *chunk); /* lowest time_ns of its rows; 0 if it has none */
u64 cap_chunk_last_ns(const struct cap_chunk *chunk);
int cap_chunk_failed(
	const struct cap_chunk *chunk); /* 0, or the first error of interning since the reset */

#pragma once
/* What a chunk holds; shared by chunk.c (filling) and chunk_encode.c (emptying) only. */
#include "formats/base/body_layout.h"
#include "formats/write/chunk.h"
#include "formats/write/chunk_columns.h"
#include "formats/write/intern_table.h"

struct chunk_rows {			/* rows of one type */
	struct cap_out_column *columns; /* one per field, in the order of events.def */
	u32 row_count;
	u32 room;     /* rows that fit before columns must be looked at again */
	u64 left_out; /* a bit per column that is not written */
};

struct chunk_frame {
	u64 offset;
	u32 object;
	u32 space;
};

struct chunk_stack {
	u32 parent;
	u32 frame;
};

struct chunk_word { /* a kept word of stack copies */
	u64 code;
	u32 parent; /* the next kept word towards the stack's outer end; 0: none */
	u32 gap;    /* words between them, or to the copy's top */
};

struct chunk_copy {
	u64 columns[CAP_COPY_COLUMNS]; /* as they are written */
};

struct chunk_string {
	u32 start; /* in string_bytes */
	u32 len;
};

/* A growing array of items with an intern table over it; item 0 is index 1. */
struct chunk_items {
	struct intern_table table;
	void *items;
	u32 count, size;
	u32 item_bytes;
};

#define CHUNK_CACHED_ADDRESSES 1024u /* a power of two */

struct chunk_address {
	u64 address;
	u32 frame; /* 0: none is cached */
};

struct cap_chunk {
	struct chunk_rows rows[EV_TYPE_MAX + 1];
	struct chunk_items strings, frames, stacks, tasks, words, copies;
	struct chunk_address addresses[CHUNK_CACHED_ADDRESSES]; /* of user frames */
	u8 *string_bytes;
	size_t string_len, string_size;
	u64 seed; /* of the intern hashes */
	u64 first_ns, last_ns;
	u32 row_count;
	size_t raw_bytes;
	int failed;
};

struct cap_body { /* an encoded body; memory is kept between uses */
	u8 *bytes;
	size_t len, size;
};

/* Encodes the chunk's sections into body. 0, -ENOMEM, or CAP_ELIMIT when it would exceed
 * CAP_WRITER_MAX_RAW_BYTES. */
int cap_chunk_encode(const struct cap_chunk *chunk, struct cap_body *body, struct cap_err *err);

#pragma once
/* Stacks of a block, written anew: local stacks frame by frame, copies either as they are or
 * unwound. For rewrite_rows.c. */
#include "analyzer/capture/capture_model.h"
#include "analyzer/rewrite/rewrite_rules.h"
#include "formats/write/chunk.h"

struct kymo_rewrite_stacks;

struct kymo_rewrite_stacks *kymo_rewrite_stacks_new(struct kymo_capture *capture,
						    const struct kymo_rewrite_rules *rules);
struct kymo_rewrite_stacks *kymo_rewrite_stacks_free(struct kymo_rewrite_stacks *stacks);

/* What was written of the block into another chunk is forgotten. 0 or -ENOMEM. */
int kymo_rewrite_stacks_begin(struct kymo_rewrite_stacks *stacks, const struct cap_rows *from,
			      struct cap_chunk *chunk);

/* The row of STACKS for a STACK field of a row; its copy is followed where copies are unwound.
 * Negative: -ENOMEM, CAP_ELIMIT of unwinding. Where the chunk is full, cap_chunk_failed tells. */
s64 kymo_rewrite_stack(struct kymo_rewrite_stacks *stacks, const struct kymo_rewrite_part *part,
		       unsigned int field, u32 row);

/* The row of COPIES for a COPY field; 0 where copies are unwound. */
s64 kymo_rewrite_copy(struct kymo_rewrite_stacks *stacks, u64 copy);

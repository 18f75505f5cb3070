#pragma once
/* Copies of user stacks on their way into a chunk: only what unwinding may need is kept. */
#include <stddef.h>

#include "formats/write/chunk.h"
#include "recorder/pipeline/code_map.h"

/*
 * Interns a struct ring_copy and its words, copy_bytes in all; *ret_copy is its row of COPIES.
 * Words and registers that point neither into code nor into the stack are left out. code: NULL, the
 * process's mappings are not known: then all words are left out, and the copy is flagged. 0;
 * -EBADMSG: it is not as long as it says; CAP_ELIMIT: the chunk is full, or cap_chunk_failed tells.
 */
int rec_stack_copy(struct cap_chunk *chunk, const struct rec_code_set *code, const void *copy,
		   size_t copy_bytes, u32 *ret_copy);

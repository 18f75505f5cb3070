#pragma once
/* Copies of user stacks on their way into a chunk: only what unwinding may need is kept. */
#include <stddef.h>

#include "formats/write/chunk.h"
#include "recorder/pipeline/code_hits.h"
#include "recorder/pipeline/code_map.h"

/* What was kept of the last copies of some threads: samples of one share most of their stacks, and
 * what did not change need not be looked up again. All zero to begin with. */
#define REC_MEMO_THREADS 16u /* a power of two */
#define REC_MEMO_WORDS 512u

struct rec_stack_memo {
	struct rec_stack_memo_thread {
		u32 tid, generation; /* of the chunk that it belongs to */
		u64 top;
		u32 count;
		struct {
			u64 address, value;
			u32 word, reserved;
		} kept[REC_MEMO_WORDS]; /* outermost first */
	} threads[REC_MEMO_THREADS];
	u32 generation; /* changes with the chunk; 0 only before the first */
};

struct rec_copy_owner {			 /* whose stack it is */
	const struct rec_code_set *code; /* NULL: its mappings are not known */
	struct rec_code_hits *hits;	 /* told of what may be code in it; NULL: nobody asks */
	u32 tgid;
};

/*
 * Interns a struct ring_copy and its words, copy_bytes in all; *ret_copy is its row of COPIES.
 * Words and registers that point neither into code nor into the stack are left out. Without
 * owner->code all words are left out, and the copy is flagged. tid:
 * whose stack it is, for memo. 0; -EBADMSG: it is not as long as it says; CAP_ELIMIT: the chunk is
 * full, or cap_chunk_failed tells.
 */
int rec_stack_copy(struct cap_chunk *chunk, const struct rec_copy_owner *owner,
		   struct rec_stack_memo *memo, u32 tid, const void *copy, size_t copy_bytes,
		   u32 *ret_copy);

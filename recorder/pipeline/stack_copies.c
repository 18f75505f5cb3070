/*
 * Masks and interns copies of stacks. Words go in from the outer end inwards, so that samples share
 * what their stacks have in common. Runs for each sample: a lookup for most words, an interning for
 * the few that are kept.
 */
#include "recorder/pipeline/stack_copies.h"

#include <errno.h>

#include "formats/table/events.h"

/* A cut stack goes on above: frame pointers may lead there. */
#define ABOVE_CUT_BYTES (64u << 10)

struct masking {
	const struct rec_code_set *code; /* NULL: mappings are not known */
	const struct rec_copy_owner *owner;
	u64 low, high; /* addresses of the stack: from low up to and with high */
};

/* May unwinding need a value that stands at, or is taken relative to, base? */
static bool is_needed(const struct masking *masking, u64 value, u64 base)
{
	if (value >= masking->low && value <= masking->high)
		return (value - base) % 8 == 0;
	if (!rec_code_set_has(masking->code, value))
		return false;
	rec_code_hits_add(masking->owner->hits, masking->owner->tgid, value);
	return true;
}

static u64 masked_register(const struct masking *masking, u64 value, u64 sp)
{
	if (value < 2)
		return value;
	return masking->code && is_needed(masking, value, sp) ? value : 1;
}

static int check(const struct ring_copy *copy, size_t copy_bytes)
{
	u64 low = cap_copy_low(copy->sp);
	size_t words_bytes;

	if (copy_bytes < sizeof(*copy))
		return -EBADMSG;
	words_bytes = copy_bytes - sizeof(*copy);
	if (words_bytes > EV_MAX_COPY_BYTES || words_bytes % 8 || copy->top - low != words_bytes ||
	    copy->top < copy->sp)
		return -EBADMSG;
	return 0;
}

/* The memo of the thread, emptied if it is of another chunk, thread or stack. */
static struct rec_stack_memo_thread *memo_of(struct rec_stack_memo *memo, u32 tid, u64 top)
{
	struct rec_stack_memo_thread *thread = &memo->threads[tid & (REC_MEMO_THREADS - 1)];

	if (thread->tid != tid || thread->generation != memo->generation || thread->top != top) {
		thread->tid = tid;
		thread->generation = memo->generation;
		thread->top = top;
		thread->count = 0;
	}
	return thread;
}

struct interning { /* of the kept words of one copy, from the outermost on */
	struct cap_chunk *chunk;
	struct rec_stack_memo_thread *memo;
	u32 word, gap;
	u32 kept;  /* so far */
	bool same; /* all of them are as last time */
};

/* A word that has the same kept words above as last time, and is the same, has the same row. False:
 * the chunk has failed. */
static bool keep(struct interning *interning, u64 address, u64 value)
{
	struct rec_stack_memo_thread *memo = interning->memo;
	u32 at = interning->kept++, gap = interning->gap;

	interning->gap = 0;
	interning->same = interning->same && at < memo->count &&
			  memo->kept[at].address == address && memo->kept[at].value == value;
	if (interning->same) {
		interning->word = memo->kept[at].word;
		return true;
	}
	interning->word = cap_chunk_word(interning->chunk, interning->word, gap, address, value);
	if (at < REC_MEMO_WORDS) {
		memo->kept[at].address = address;
		memo->kept[at].value = value;
		memo->kept[at].word = interning->word;
		memo->count = interning->word ? at + 1 : at;
	}
	return interning->word != 0;
}

/* The innermost kept word; 0: none, or the chunk has failed. */
static u32 intern_words(struct interning *interning, const struct masking *masking,
			const u64 *words, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		u64 address = masking->low + 8 * i, value = words[i];

		/* A page that could not be read holds zeros. */
		if (value < CAP_HOLE_PAGE_BYTES || !is_needed(masking, value, address))
			interning->gap++;
		else if (!keep(interning, address, value))
			return 0;
	}
	return interning->word;
}

int rec_stack_copy(struct cap_chunk *chunk, const struct rec_copy_owner *owner,
		   struct rec_stack_memo *memo, u32 tid, const void *bytes, size_t copy_bytes,
		   u32 *ret_copy)
{
	const struct rec_code_set *code = owner->code;
	const struct ring_copy *from = bytes;
	struct masking masking = {.code = code, .owner = owner};
	struct cap_copy copy = {0};
	int rc = copy_bytes < sizeof(*from) ? -EBADMSG : check(from, copy_bytes);

	if (rc < 0)
		return rc;
	rec_code_hits_add(owner->hits, owner->tgid, from->ip);
	masking.low = cap_copy_low(from->sp);
	masking.high = from->top + (from->flags & CAP_COPY_CUT ? ABOVE_CUT_BYTES : 0);
	copy = (struct cap_copy){
		.ip = from->ip,
		.sp = from->sp,
		.top = from->top,
		.bp = masked_register(&masking, from->bp, from->sp),
		.bx = masked_register(&masking, from->bx, from->sp),
		.r12 = masked_register(&masking, from->r12, from->sp),
		.r13 = masked_register(&masking, from->r13, from->sp),
		.r14 = masked_register(&masking, from->r14, from->sp),
		.r15 = masked_register(&masking, from->r15, from->sp),
		.holes = from->holes,
		.flags = from->flags | (from->holes ? CAP_COPY_HOLE : 0) |
			 (code ? 0 : CAP_COPY_NO_MAPPINGS),
	};
	if (code) {
		struct interning interning = {
			.chunk = chunk, .memo = memo_of(memo, tid, from->top), .same = true};

		copy.word = intern_words(&interning, &masking, (const u64 *)(from + 1),
					 (copy_bytes - sizeof(*from)) / 8);
	}
	*ret_copy = cap_chunk_failed(chunk) ? 0 : cap_chunk_copy(chunk, &copy);
	return *ret_copy ? 0 : CAP_ELIMIT;
}

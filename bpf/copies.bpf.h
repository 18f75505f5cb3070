#pragma once
/*
 * Copies of user stacks, to be unwound later by those who have the programs at hand. A copy goes
 * from the red zone below sp up to the outer end of the stack, which the kernel, the C library or
 * Go's runtime knows, and is cut where it would be too long.
 */
#include "formats/table/copy_flags.h"
#include "machine.bpf.h"
#include "task.bpf.h"

/* enum live_stacks; the words of a copy at most, and the bytes of a slot. */
extern const volatile u32 stacks_mode, copy_limit_bytes, stack_slot_bytes;

#define STACK_MAX_BYTES (EV_MAX_FRAMES * sizeof(u64))

/*
 * Where records with stacks are put together: LIVE_STACK_SLOTS for each CPU, of stack_slot_bytes.
 * An array, because the values of one per CPU end at 32 KiB.
 */
struct stack_slot_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIVE_STACK_SLOTS);
	__uint(key_size, sizeof(u32));
	__uint(value_size, LIVE_STACK_SLOT_BYTES(EV_MAX_COPY_BYTES));
};
extern struct stack_slot_map stack_slots SEC(".maps");

static __always_inline u32 stack_slot_index(u32 which)
{
	return bpf_get_smp_processor_id() * LIVE_STACK_SLOTS + which;
}

/*
 * Reads [from, end) of the current task's memory into a slot, from byte `at` on. Page by page: of a
 * read that fails the kernel gives nothing, and zeros. Returns the pages that could not be read,
 * bit by bit from the first. Global, so that the verifier looks at the loop once.
 */
u64 copy_words(u32 slot, u32 at, u64 from, u64 end);

#ifdef COPY_REGISTERS

#define MAIN_STACK_BYTES (128ull << 20)	 /* from sp to its begin: more is another stack */
#define THREAD_STACK_BYTES (16ull << 20) /* to the thread pointer */
#define GO_STACK_BYTES (1ull << 30)	 /* of a goroutine, as Go limits it */

/* The outer end of the stack that sp is on; 0: not known. Go's is asked before the thread pointer,
 * since its thread descriptors may lie anywhere above. */
static __always_inline u64 copy_bound(const struct task_struct *task, bool direct, u64 sp,
				      u32 *ret_flags)
{
	u64 main_end, pointer, go, go_stack[2];

	if (direct) {
		const struct mm_struct *mm = task->mm;

		main_end = mm ? mm->start_stack : 0;
		pointer = task->thread.fsbase;
	} else {
		main_end = BPF_CORE_READ(task, mm, start_stack);
		pointer = BPF_CORE_READ(task, thread.fsbase);
	}
	if (main_end - sp < MAIN_STACK_BYTES) {
		*ret_flags = CAP_COPY_MAIN;
		return main_end;
	}
	if (!pointer)
		return 0;
	if (!bpf_probe_read_user(&go, sizeof(go), (void *)(pointer - 8)) && go &&
	    !bpf_probe_read_user(go_stack, sizeof(go_stack), (void *)go) && go_stack[0] < sp &&
	    sp <= go_stack[1] && go_stack[1] - go_stack[0] <= GO_STACK_BYTES) {
		*ret_flags = CAP_COPY_GO;
		return go_stack[1];
	}
	if (pointer - sp >= THREAD_STACK_BYTES)
		return 0;
	*ret_flags = CAP_COPY_THREAD;
	return pointer;
}

/* Where the copy of the stack of copy's registers ends. True: at the outer end of the stack. */
static __always_inline bool copy_plan(const struct task_struct *task, bool direct,
				      struct ring_copy *copy)
{
	u64 low = (copy->sp - CAP_RED_ZONE_BYTES) & ~7ull;
	u64 end = copy_bound(task, direct, copy->sp, &copy->flags) & ~7ull;

	if (!end) {
		copy->top = (copy->sp + EV_MIN_COPY_BYTES) & ~7ull;
		return false;
	}
	copy->top = end;
	if (end - low <= copy_limit_bytes)
		return true;
	/* At a page's end, so that what samples have in common ends at the same place. */
	copy->top = (low + copy_limit_bytes) & ~(CAP_HOLE_PAGE_BYTES - 1ull);
	copy->flags |= CAP_COPY_CUT;
	return false;
}

#else

static __always_inline bool copy_plan(const struct task_struct *task, bool direct,
				      struct ring_copy *copy)
{
	return false;
}

#endif

/* Behind `frames` addresses, which follow head_bytes of a record. */
#define COPY_AT(head_bytes, frames) ((head_bytes) + (u32)(frames) * (u32)sizeof(u64))
#define COPY_MAX_AT (sizeof(struct ring_offcpu) + 2 * EV_MAX_FRAMES * sizeof(u64))

/* Puts a planned copy and its words into a slot, from byte `at` on; bytes: of that slot. Returns
 * how many bytes it has; 0: none. */
static __always_inline u32 copy_put(char *bytes, u32 slot, u32 at, struct ring_copy *copy)
{
	u64 low = (copy->sp - CAP_RED_ZONE_BYTES) & ~7ull;
	u64 words_bytes = copy->top - low;

	if (at > COPY_MAX_AT || words_bytes > EV_MAX_COPY_BYTES)
		return 0;
	copy->holes = copy_words(slot, at + sizeof(*copy), low, copy->top);
	__builtin_memcpy(bytes + at, copy, sizeof(*copy));
	return sizeof(*copy) + (u32)words_bytes;
}

#pragma once
/* Stacks at tracepoints: of the current task, which is in the kernel. */
#include "copies.bpf.h"

/* Of what bpf_get_stack returned. */
static __always_inline u32 frames_of(long bytes)
{
	u32 count = bytes > 0 ? (u32)bytes / sizeof(u64) : 0;

	return count > EV_MAX_FRAMES ? EV_MAX_FRAMES : count;
}

/* The user's part, behind kernel frames in frames, which has 2 * EV_MAX_FRAMES: addresses, of which
 * it returns how many; or a copy that is planned (*ret_copies), which the caller puts behind them;
 * or both. */
static __always_inline u32 user_stack_take(void *ctx, struct task_struct *task, u64 *frames,
					   u32 kernel, struct ring_copy *ret_copy, bool *ret_copies)
{
	bool whole = false;

#ifdef COPY_REGISTERS
	if (HAS_TASK_REGS() && stacks_mode == LIVE_STACKS_COPY) {
		const struct pt_regs___kernel *regs =
			(const struct pt_regs___kernel *)bpf_task_pt_regs(task);

		*ret_copies = COPY_REGISTERS_FROM(ret_copy, regs, );
	}
	if (*ret_copies)
		whole = copy_plan(task, true, ret_copy);
#endif
	if (whole || stacks_mode == LIVE_STACKS_NONE || kernel > EV_MAX_FRAMES)
		return 0;
	return frames_of(bpf_get_stack(ctx, &frames[kernel], STACK_MAX_BYTES, BPF_F_USER_STACK));
}

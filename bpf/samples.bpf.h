#pragma once
/*
 * Records with stacks of perf events: the kernel stack by frame pointers, and a copy of the user
 * stack, or that by frame pointers, too. Samples of the CPU and of page faults.
 */
#include "copies.bpf.h"
#include "ring.bpf.h"
#include "task.bpf.h"

/* A page fault has its address where a sample has the number of its call. */
_Static_assert(sizeof(struct ring_fault) == sizeof(struct ring_cpu_sample) &&
		       __builtin_offsetof(struct ring_fault, period) ==
			       __builtin_offsetof(struct ring_cpu_sample, period) &&
		       __builtin_offsetof(struct ring_fault, address) ==
			       __builtin_offsetof(struct ring_cpu_sample, sysno) &&
		       __builtin_offsetof(struct ring_fault, flags) ==
			       __builtin_offsetof(struct ring_cpu_sample, flags) &&
		       __builtin_offsetof(struct ring_fault, kernel_frames) ==
			       __builtin_offsetof(struct ring_cpu_sample, kernel_frames) &&
		       __builtin_offsetof(struct ring_fault, copy_bytes) ==
			       __builtin_offsetof(struct ring_cpu_sample, copy_bytes) &&
		       (int)EV_FAULT_USER_FAILED == (int)EV_SAMPLE_USER_FAILED &&
		       (int)EV_FAULT_KERNEL_FAILED == (int)EV_SAMPLE_KERNEL_FAILED &&
		       (int)EV_FAULT_USER_TRUNCATED == (int)EV_SAMPLE_USER_TRUNCATED &&
		       (int)EV_FAULT_KERNEL_TRUNCATED == (int)EV_SAMPLE_KERNEL_TRUNCATED &&
		       (int)EV_FAULT_IN_KERNEL == (int)EV_SAMPLE_IN_KERNEL,
	       "page faults are recorded like samples");

_Static_assert((EV_MAX_FRAMES & (EV_MAX_FRAMES + 1)) == 0, "a mask");

/* The begin of its slot. */
struct sample_scratch {
	struct ring_cpu_sample sample;
	u64 frames[2 * EV_MAX_FRAMES];
};

/* Takes one side's stack to frames[at]; returns the number of frames. */
static __always_inline u32 stack_take(struct bpf_perf_event_data *ctx,
				      struct sample_scratch *scratch, u32 frame, u64 side)
{
	bool user = side == BPF_F_USER_STACK;
	u64 at = frame;
	long bytes;
	u32 count;

	if (at > EV_MAX_FRAMES)
		return 0;
	/* Says it again of the register that is used: older verifiers (6.1) lose it otherwise. */
	asm volatile("%[at] &= %[most]" : [at] "+r"(at) : [most] "i"(EV_MAX_FRAMES));
	bytes = bpf_get_stack(ctx, &scratch->frames[at], STACK_MAX_BYTES, side);
	if (bytes <= 0) {
		scratch->sample.flags |= user ? EV_SAMPLE_USER_FAILED : EV_SAMPLE_KERNEL_FAILED;
		return 0;
	}
	count = (u32)bytes / sizeof(u64);
	if (count >= EV_MAX_FRAMES) {
		count = EV_MAX_FRAMES;
		scratch->sample.flags |=
			user ? EV_SAMPLE_USER_TRUNCATED : EV_SAMPLE_KERNEL_TRUNCATED;
	}
	return count;
}

/* The user's registers, when the sample was taken or the kernel entered. False: not known, or of a
 * 32-bit program. */
static __always_inline bool registers_take(struct bpf_perf_event_data *ctx,
					   struct task_struct *task, struct ring_copy *copy,
					   bool in_kernel)
{
#ifdef COPY_REGISTERS
	/* Volatile, so that these loads stay loads from the context: the verifier allows no others.
	 */
	const volatile bpf_user_pt_regs_t *sampled = &ctx->regs;

	if (!in_kernel)
		return COPY_REGISTERS_FROM(copy, sampled, r);
	if (HAS_TASK_REGS()) {
		const struct pt_regs___kernel *regs =
			(const struct pt_regs___kernel *)bpf_task_pt_regs(task);

		return COPY_REGISTERS_FROM(copy, regs, );
	}
#endif
	return false;
}

/* The user's part, behind the kernel's frames: a copy, addresses, or both. */
static __always_inline void user_take(struct bpf_perf_event_data *ctx, struct task_struct *task,
				      struct sample_scratch *scratch, u32 slot, bool copies)
{
	struct ring_cpu_sample *sample = &scratch->sample;
	const u32 kernel_frames = sample->kernel_frames;
	struct ring_copy copy = {};
	bool whole = false;
	u32 user_frames = 0;

	copies = copies && stacks_mode == LIVE_STACKS_COPY &&
		 registers_take(ctx, task, &copy, sample->flags & EV_SAMPLE_IN_KERNEL);
	if (copies)
		whole = copy_plan(task, CURRENT_IS_DIRECT(), &copy);
	if (!whole && stacks_mode != LIVE_STACKS_NONE)
		user_frames = stack_take(ctx, scratch, kernel_frames, BPF_F_USER_STACK);
	sample->user_frames = user_frames;
	if (copies)
		sample->copy_bytes =
			copy_put((char *)scratch, slot,
				 COPY_AT(sizeof(*sample), kernel_frames + user_frames), &copy);
}

/* Fills a record but for what its type has of its own; flags: to begin with. copies: user stacks
 * may be copied. */
static __always_inline void sample_take(struct bpf_perf_event_data *ctx, struct task_struct *task,
					struct sample_scratch *scratch, u32 slot, u16 type,
					bool copies)
{
	const bool direct = CURRENT_IS_DIRECT();

	head_fill(&scratch->sample.head, task, direct, bpf_ktime_get_ns(), type);
	scratch->sample.kernel_frames = scratch->sample.user_frames = 0;
	scratch->sample.copy_bytes = 0;
	if (sample_in_kernel(&ctx->regs)) {
		scratch->sample.flags |= EV_SAMPLE_IN_KERNEL;
		scratch->sample.kernel_frames = stack_take(ctx, scratch, 0, 0);
	}
	if (!(READ_DIRECT_OR_PROBE(direct, task, flags) & PF_KTHREAD_BIT))
		user_take(ctx, task, scratch, slot, copies);
}

/* Puts it into its class's ring. */
static __always_inline void sample_put(struct sample_scratch *scratch, void *ring, u32 event_class,
				       u64 attempt, struct live_counters *counters)
{
	u64 bytes =
		sizeof(scratch->sample) +
		((u64)scratch->sample.kernel_frames + scratch->sample.user_frames) * sizeof(u64) +
		scratch->sample.copy_bytes;

	if (bytes > stack_slot_bytes)
		return; /* impossible, but the verifier needs the check */
	if (bpf_ringbuf_output(ring, scratch, bytes, wakeup_flags(ring, event_class, attempt)))
		count_refusal(counters, ring, bytes);
}

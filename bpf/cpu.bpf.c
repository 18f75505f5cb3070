// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* CPU samples: which task runs, with its kernel stack by frame pointers and a copy of its user
 * stack, or that by frame pointers, too. Runs in timer interrupts or NMIs. */
#include "copies.bpf.h"
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "task.bpf.h"

/* The begin of its slot. */
struct sample_scratch {
	struct ring_cpu_sample sample;
	u64 frames[2 * EV_MAX_FRAMES];
};

/* Takes one side's stack to frames[at]; returns the number of frames. */
static __always_inline u32 stack_take(struct bpf_perf_event_data *ctx,
				      struct sample_scratch *scratch, u32 at, u64 side)
{
	bool user = side == BPF_F_USER_STACK;
	long bytes;
	u32 count;

	if (at > EV_MAX_FRAMES)
		return 0;
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

/* Sets the system call that the task is in, from the registers it saved on entry to the kernel.
 */
static __always_inline void call_take(struct task_struct *task, struct ring_cpu_sample *sample)
{
	long number;

	sample->sysno = EV_NO_SYSCALL;
	if (!HAS_TASK_REGS() || !(sample->flags & EV_SAMPLE_IN_KERNEL) ||
	    READ_DIRECT_OR_PROBE(true, task, flags) & PF_KTHREAD_BIT)
		return;
	number = call_number((const struct pt_regs___kernel *)bpf_task_pt_regs(task));
	if (number < 0)
		return;
	sample->sysno = (u32)number;
	if (compat_flag(task, true))
		sample->flags |= EV_SAMPLE_COMPAT;
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

static __always_inline int on_sample(struct bpf_perf_event_data *ctx, bool copies)
{
	const bool direct = CURRENT_IS_DIRECT();
	const u32 slot = stack_slot_index(LIVE_STACK_SLOT_SAMPLE);
	struct live_counters *counters;
	struct sample_scratch *scratch;
	struct task_struct *task;
	u64 bytes, attempt;

	if (!control.events_open)
		return 0;
	task = current_task();
	if (task_tid(task, direct) == 0 || !task_wanted(task, direct))
		return 0;
	scratch = bpf_map_lookup_elem(&stack_slots, &slot);
	if (!scratch)
		return 0;

	counters = counters_of_cpu(CLASS_CPU);
	attempt = count_attempt(counters);
	head_fill(&scratch->sample.head, task, direct, bpf_ktime_get_ns(), EV_CPU_SAMPLE);
	scratch->sample.period =
		control.sample_period_ns ? control.sample_period_ns : ctx->sample_period;
	scratch->sample.flags = 0;
	scratch->sample.kernel_frames = scratch->sample.user_frames = 0;
	scratch->sample.copy_bytes = 0;
	if (sample_in_kernel(&ctx->regs)) {
		scratch->sample.flags = EV_SAMPLE_IN_KERNEL;
		scratch->sample.kernel_frames = stack_take(ctx, scratch, 0, 0);
	}
	call_take(task, &scratch->sample);
	if (!(READ_DIRECT_OR_PROBE(direct, task, flags) & PF_KTHREAD_BIT))
		user_take(ctx, task, scratch, slot, copies);

	bytes = sizeof(scratch->sample) +
		((u64)scratch->sample.kernel_frames + scratch->sample.user_frames) * sizeof(u64) +
		scratch->sample.copy_bytes;
	if (bytes > stack_slot_bytes)
		return 0; /* impossible, but the verifier needs the check */
	if (bpf_ringbuf_output(&cpu_ring, scratch, bytes,
			       wakeup_flags(&cpu_ring, CLASS_CPU, attempt)))
		count_refusal(counters, &cpu_ring, bytes);
	return 0;
}

SEC("perf_event")
int cpu_sample_perf(struct bpf_perf_event_data *ctx)
{
	return TIMED(cpu_sample, on_sample(ctx, true));
}

/* Where the kernel refuses the other one. */
SEC("perf_event")
int cpu_sample_fp(struct bpf_perf_event_data *ctx)
{
	return TIMED(cpu_sample, on_sample(ctx, false));
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* CPU samples: which task runs, with its kernel and user stack by frame pointers. Runs in timer
 * interrupts or NMIs. */
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "task.bpf.h"

#define STACK_MAX_BYTES (EV_MAX_FRAMES * sizeof(u64))

struct sample_scratch {
	struct ring_cpu_sample sample;
	u64 frames[2 * EV_MAX_FRAMES];
};

/* Too large for the stack. One sample at a time runs on a CPU: the kernel does not nest them. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sample_scratch);
} sample_scratch SEC(".maps");

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

static __always_inline int on_sample(struct bpf_perf_event_data *ctx)
{
	const bool direct = CURRENT_IS_DIRECT();
	struct live_counters *counters;
	struct sample_scratch *scratch;
	struct task_struct *task;
	u32 zero = 0, kernel_frames = 0, user_frames = 0;
	u64 bytes, attempt;

	if (!control.events_open)
		return 0;
	task = current_task();
	if (task_tid(task, direct) == 0 || !task_wanted(task, direct))
		return 0;
	scratch = bpf_map_lookup_elem(&sample_scratch, &zero);
	if (!scratch)
		return 0;

	counters = counters_of_cpu(CLASS_CPU);
	attempt = count_attempt(counters);
	head_fill(&scratch->sample.head, task, direct, bpf_ktime_get_ns(), EV_CPU_SAMPLE);
	scratch->sample.period =
		control.sample_period_ns ? control.sample_period_ns : ctx->sample_period;
	scratch->sample.flags = 0;
	if (sample_in_kernel(&ctx->regs)) {
		scratch->sample.flags = EV_SAMPLE_IN_KERNEL;
		kernel_frames = stack_take(ctx, scratch, 0, 0);
	}
	call_take(task, &scratch->sample);
	if (!(READ_DIRECT_OR_PROBE(direct, task, flags) & PF_KTHREAD_BIT))
		user_frames = stack_take(ctx, scratch, kernel_frames, BPF_F_USER_STACK);
	scratch->sample.kernel_frames = kernel_frames;
	scratch->sample.user_frames = user_frames;

	bytes = sizeof(scratch->sample) + (kernel_frames + user_frames) * sizeof(u64);
	if (bytes > sizeof(*scratch))
		return 0; /* impossible, but the verifier needs the check */
	if (bpf_ringbuf_output(&cpu_ring, scratch, bytes,
			       wakeup_flags(&cpu_ring, CLASS_CPU, attempt)))
		count_refusal(counters, &cpu_ring, bytes);
	return 0;
}

SEC("perf_event")
int cpu_sample_perf(struct bpf_perf_event_data *ctx)
{
	return TIMED(cpu_sample, on_sample(ctx));
}

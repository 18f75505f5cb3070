// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* CPU samples: which task runs, with its stacks. Runs in timer interrupts or NMIs. */
#include "run_time.bpf.h"
#include "samples.bpf.h"

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

static __always_inline int on_sample(struct bpf_perf_event_data *ctx, bool copies)
{
	const bool direct = CURRENT_IS_DIRECT();
	const u32 slot = stack_slot_index(LIVE_STACK_SLOT_SAMPLE);
	struct live_counters *counters;
	struct sample_scratch *scratch;
	struct task_struct *task;
	u64 attempt;

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
	scratch->sample.period =
		control.sample_period_ns ? control.sample_period_ns : ctx->sample_period;
	scratch->sample.flags = 0;
	sample_take(ctx, task, scratch, slot, EV_CPU_SAMPLE, copies);
	call_take(task, &scratch->sample);
	sample_put(scratch, &cpu_ring, CLASS_CPU, attempt, counters);
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

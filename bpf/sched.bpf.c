// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Waits: intervals when tasks are off the CPU, why, in which system call, and who woke them. What
 * is known when a task leaves the CPU is kept in its task storage. Whether the interval is stored
 * is decided when the task runs again, so that a stack is taken only for those that are. Storage is
 * created for existing tasks before recording begins and for new ones at their fork, never inside
 * the scheduler, where the allocator must not be called.
 */
#include "counts.bpf.h"
#include "files.bpf.h"
#include "machine.bpf.h"
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "stacks.bpf.h"
#include "waits.bpf.h"

/* Frames of the program and of the tracepoint, above __schedule: not of interest. */
#define SKIPPED_FRAMES 3

/* Intervals of at least this length are always stored; shorter ones with probability length / this,
 * and then they stand for this much time, so that sums by stack stay unbiased. */
const volatile u64 wait_keep_ns = 10000000;

/* States of tasks, include/linux/sched.h: the low bits have kept their meaning. */
#define INTERRUPTIBLE 0x1
#define UNINTERRUPTIBLE 0x2
#define STOPPED_OR_TRACED 0xc
#define NOLOAD 0x400

/* The begin of its slot, which is used with preemption off, at one place at a time on a CPU. */
struct wait_record {
	struct ring_offcpu wait;
	u64 frames[2 * EV_MAX_FRAMES];
};

/* Members that only this file reads. */
struct task_struct___sched {
	void *stack;
	unsigned int in_iowait : 1;
} __attribute__((preserve_access_index));

/* Prototypes of tracepoints: the state of the task that leaves came with 5.18, the end of a switch
 * as a tracepoint of its own with 6.16. */
typedef void (*btf_trace_sched_switch)(void *, bool preempt, struct task_struct *prev,
				       struct task_struct *next, unsigned int prev_state);
typedef void (*btf_trace_sched_exit_tp)(void *, bool is_switch);
#define HAS_STATE() bpf_core_type_exists(btf_trace_sched_switch)
#define HAS_EXIT() bpf_core_type_exists(btf_trace_sched_exit_tp)

static __always_inline u64 state_of(const struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((const struct task_struct___before_5_14 *)task, state);
}

static __always_inline u32 reason_of(const struct task_struct *task, u64 state)
{
	if (state & STOPPED_OR_TRACED)
		return WAIT_STOPPED;
	if (BPF_CORE_READ_BITFIELD_PROBED((const struct task_struct___sched *)task, in_iowait))
		return WAIT_IOWAIT;
	if (state & INTERRUPTIBLE)
		return WAIT_SLEEP;
	if (state & UNINTERRUPTIBLE)
		return state & NOLOAD ? WAIT_IDLE : WAIT_DISK;
	return WAIT_OTHER;
}

/* The system call that a task is in, from its registers saved on kernel entry.
 */
static __always_inline u32 call_of(struct task_struct *task)
{
	long number;

	if (!HAS_TASK_REGS() || READ_DIRECT_OR_PROBE(true, task, flags) & PF_KTHREAD_BIT)
		return EV_NO_SYSCALL;
	number = call_number((const struct pt_regs___kernel *)bpf_task_pt_regs(task));
	return number < 0 ? EV_NO_SYSCALL : (u32)number;
}

#define STACK_BYTES (32u << 10) /* of a task in the kernel, at most */

/*
 * Is current, which seems to wake a task, only interrupted? In an interrupt the kernel is on a
 * stack of its own, or, where it came from user space, on that of a task that is in no system call.
 * (Faults that wake a task are taken for interrupts.) The arguments of a tracepoint lie on the
 * stack; a pointer becomes a number by way of memory.
 */
static __always_inline bool in_interrupt(void *ctx, struct task_struct *current)
{
	u64 stack = (u64)BPF_CORE_READ((const struct task_struct___sched *)current, stack), here;

	if (bpf_probe_read_kernel(&here, sizeof(here), &ctx))
		return false;
	return here - stack >= STACK_BYTES ||
	       (!(current->flags & PF_KTHREAD_BIT) && call_of(current) == EV_NO_SYSCALL);
}

static __always_inline void wait_fill(struct ring_offcpu *record, struct task_struct *task,
				      const struct sched_wait *wait, u64 now_ns)
{
	head_fill(&record->head, task, true, wait->off_ns, EV_OFFCPU);
	record->duration_ns = now_ns - wait->off_ns;
	record->runq_ns = wait->wake_ns ? now_ns - wait->wake_ns : 0;
	record->weight_ns = record->duration_ns > wait_keep_ns ? record->duration_ns : wait_keep_ns;
	record->waker = wait->waker;
	record->open_file = file_of_call(task, wait->sysno);
	record->sysno = wait->sysno;
	record->reason = wait->reason;
	record->flags = wait->flags;
	record->kernel_frames = record->user_frames = 0;
	record->copy_bytes = 0;
}

/* ctx: of the current task, back on its CPU. NULL: task is not the current one, and only its kernel
 * stack is available. */
static __always_inline void stacks_take(void *ctx, struct task_struct *task,
					struct wait_record *record, u32 slot)
{
	struct ring_copy copy = {};
	bool copies = false;
	u32 kernel;

	if (ctx)
		kernel = frames_of(
			bpf_get_stack(ctx, record->frames, STACK_MAX_BYTES, SKIPPED_FRAMES));
	else
		kernel = frames_of(bpf_get_task_stack(task, record->frames, STACK_MAX_BYTES, 0));
	record->wait.kernel_frames = kernel;
	if (task->flags & PF_KTHREAD_BIT)
		return;
	record->wait.flags |= ctx ? 0 : EV_OFFCPU_USER_MISSING;
	if (!ctx)
		return;
	record->wait.user_frames =
		user_stack_take(ctx, task, record->frames, kernel, &copy, &copies);
	if (copies)
		record->wait.copy_bytes = copy_put(
			(char *)record, slot,
			COPY_AT(sizeof(record->wait), kernel + record->wait.user_frames), &copy);
}

/* The task runs again. Returns how long it was off the CPU; 0: not known. */
static __always_inline u64 wait_end(void *ctx, struct task_struct *task, struct sched_wait *wait)
{
	struct live_counters *counters = counters_of_cpu(CLASS_SCHED);
	const u32 slot = stack_slot_index(LIVE_STACK_SLOT_WAIT);
	u32 table = READ_CONTROL(counts_table);
	u64 now_ns = bpf_ktime_get_ns(), duration_ns, runq_ns, attempt, bytes;
	struct wait_record *record;

	if (wait->off_ns < control.class_since_ns[CLASS_SCHED]) {
		wait->off_ns = 0;
		return 0;
	}
	duration_ns = now_ns - wait->off_ns;
	runq_ns = wait->wake_ns ? now_ns - wait->wake_ns : 0;
	attempt = count_attempt(counters);
	if (control.class_mode[CLASS_SCHED] == LIVE_COUNTS ||
	    (duration_ns < wait_keep_ns &&
	     ((u64)bpf_get_prandom_u32() * wait_keep_ns) >> 32 >= duration_ns)) {
		if (!counts_add(duration_ns, runq_ns,
				LIVE_COUNT_KIND(wait->sysno, 0, CLASS_SCHED,
						wait->reason | log2_floor(runq_ns) << 8),
				table))
			__sync_fetch_and_add(&counters->no_storage, 1);
		wait->off_ns = 0;
		return duration_ns;
	}
	record = bpf_map_lookup_elem(&stack_slots, &slot);
	if (record) {
		wait_fill(&record->wait, task, wait, now_ns);
		stacks_take(ctx, task, record, slot);
		bytes = sizeof(record->wait) +
			((u64)record->wait.kernel_frames + record->wait.user_frames) * sizeof(u64) +
			record->wait.copy_bytes;
		if (bytes <= stack_slot_bytes &&
		    bpf_ringbuf_output(&sched_ring, record, bytes,
				       wakeup_flags(&sched_ring, CLASS_SCHED, attempt)))
			count_refusal(counters, &sched_ring, bytes);
	}
	wait->off_ns = 0;
	return duration_ns;
}

/* A task goes on here. wait: NULL if nothing is known of it; off_ns, off_for_ns: when it left the
 * CPU and for how long, 0 if that is not known. */
static __always_inline void call_wait_go_on(const struct task_struct *task,
					    const struct sched_wait *wait, u64 off_ns,
					    u64 off_for_ns)
{
	struct live_call_wait *here = call_wait_of_cpu();

	here->tid = task->pid;
	here->since_ns = off_for_ns ? off_ns + off_for_ns : 0;
	here->off_ns = wait && wait->in_call ? wait->call_ns + off_for_ns : 0;
}

static __always_inline void task_goes_on(void *ctx, struct task_struct *task)
{
	struct sched_wait *wait = bpf_task_storage_get(&sched_waits, task, 0, 0);
	u64 off_ns = wait ? wait->off_ns : 0, off_for_ns = 0;

	if (off_ns)
		off_for_ns = wait_end(ctx, task, wait);
	if (durations_blocked)
		call_wait_go_on(task, wait, off_ns, off_for_ns);
}

/* After probes are attached again, returns may go unseen for so long. */
#define RESUME_NS 20000000ull

/*
 * The task leaves the CPU: is that a part of its call, and how long was it off before in it? Not if
 * the call has its result and the task is on its way back: its return was recorded already. Nor, of
 * what was before, if returns are not seen: it may have been in another call.
 */
static __always_inline void call_wait_leave(struct task_struct *task, struct sched_wait *wait)
{
	const struct live_call_wait *here = call_wait_of_cpu();
	u64 seen_ns = control.class_since_ns[CLASS_SYSCALLS];

	wait->call_ns = wait->in_call = 0;
	if (wait->sysno == EV_NO_SYSCALL || !HAS_TASK_REGS() ||
	    call_has_result((const struct pt_regs___kernel *)bpf_task_pt_regs(task)))
		return;
	wait->in_call = 1;
	if (seen_ns < wait->off_ns && here->since_ns >= seen_ns + RESUME_NS)
		wait->call_ns = call_wait_so_far(task->pid);
}

static __always_inline void wait_begin(struct task_struct *task, struct sched_wait *wait,
				       bool preempt, u64 state)
{
	wait->waker.tgid = wait->waker.tid = 0;
	wait->flags = 0;
	wait->sysno = call_of(task);
	wait->off_ns = bpf_ktime_get_ns();
	if (preempt || state == 0) { /* it could go on at once */
		wait->reason = WAIT_PREEMPTED;
		wait->wake_ns = wait->off_ns;
	} else {
		wait->reason = reason_of(task, state);
		wait->wake_ns = 0;
	}
}

static __always_inline int on_switch(bool preempt, struct task_struct *prev,
				     struct task_struct *next, u64 state)
{
	struct sched_wait *wait;

	if (!control.events_open)
		return 0;
	if (prev->pid && task_wanted(prev, true)) {
		wait = bpf_task_storage_get(&sched_waits, prev, 0, 0);
		if (wait) {
			wait_begin(prev, wait, preempt, state);
			if (durations_blocked)
				call_wait_leave(prev, wait);
		}
	}
	if (!HAS_EXIT() && next->pid)
		task_goes_on(NULL, next);
	return 0;
}

/* In the task that runs again. */
static __always_inline int on_sched_exit(void *ctx, bool is_switch)
{
	if (is_switch && control.events_open)
		task_goes_on(ctx, bpf_get_current_task_btf());
	return 0;
}

/* Runs in the waking task; in an interrupt that is the interrupted task, which means nothing.
 */
static __always_inline int on_waking(void *ctx, struct task_struct *task)
{
	struct sched_wait *wait;
	struct task_struct *waker;

	if (!control.events_open)
		return 0;
	wait = bpf_task_storage_get(&sched_waits, task, 0, 0);
	if (!wait || !wait->off_ns || wait->wake_ns)
		return 0;
	wait->wake_ns = bpf_ktime_get_ns();
	waker = bpf_get_current_task_btf();
	if (in_interrupt(ctx, waker)) {
		wait->flags |= EV_OFFCPU_WOKEN_BY_INTERRUPT;
		return 0;
	}
	wait->waker.leader_start_ns = task_leader_start(waker, true);
	wait->waker.tgid = waker->tgid;
	wait->waker.tid = waker->pid;
	wait->waker.exec_id = (u32)waker->self_exec_id;
	wait->waker.reserved = 0;
	task_comm(waker, true, (u64 *)wait->waker.comm);
	return 0;
}

static __always_inline int on_new_task(struct task_struct *task)
{
	(void)bpf_task_storage_get(&sched_waits, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

SEC("tp_btf/sched_switch")
int sched_switch_btf(u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];

	return TIMED(sched_switch, on_switch(ctx[0], prev, (struct task_struct *)ctx[2],
					     HAS_STATE() ? (u32)ctx[3] : state_of(prev)));
}

SEC("tp_btf/sched_exit_tp")
int sched_exit_btf(u64 *ctx)
{
	return TIMED(sched_exit, on_sched_exit(ctx, ctx[0]));
}

SEC("tp_btf/sched_waking")
int sched_waking_btf(u64 *ctx)
{
	return TIMED(sched_waking, on_waking(ctx, (struct task_struct *)ctx[0]));
}

SEC("tp_btf/task_newtask")
int sched_new_task_btf(u64 *ctx)
{
	return TIMED(sched_new_task, on_new_task((struct task_struct *)ctx[0]));
}

/* Creates storage for each existing task; a sleeping one has waited since before the recording. */
SEC("iter/task")
int sched_prepare_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sched_wait *wait;
	u64 state;

	if (!task || !task_wanted(task, true))
		return 0;
	wait = bpf_task_storage_get(&sched_waits, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	state = state_of(task);
	if (!wait || state == 0)
		return 0;
	wait_begin(task, wait, false, state);
	wait->off_ns = control.start_ns;
	if (durations_blocked)
		call_wait_leave(task, wait);
	wait->flags = EV_OFFCPU_SINCE_BEFORE;
	return 0;
}

/* Tasks that still wait when recording stops. The gate is closed: nothing changes any more.
 */
SEC("iter/task")
int list_waits_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct wait_record *record;
	struct sched_wait *wait;
	const u32 slot = stack_slot_index(LIVE_STACK_SLOT_WAIT);
	u64 bytes;

	if (!task)
		return 0;
	wait = bpf_task_storage_get(&sched_waits, task, 0, 0);
	record = bpf_map_lookup_elem(&stack_slots, &slot);
	if (!wait || !record || !wait->off_ns ||
	    wait->off_ns < control.class_since_ns[CLASS_SCHED] || wait->off_ns > control.stop_ns)
		return 0;
	wait_fill(&record->wait, task, wait, control.stop_ns);
	if (wait->wake_ns > control.stop_ns)
		record->wait.runq_ns = 0;
	record->wait.weight_ns = record->wait.duration_ns; /* all of these are stored */
	record->wait.flags |= EV_OFFCPU_UNFINISHED;
	stacks_take(NULL, task, record, slot);
	bytes = sizeof(record->wait) + (u64)record->wait.kernel_frames * sizeof(u64);
	if (bytes <= sizeof(*record))
		bpf_seq_write(ctx->meta->seq, record, bytes);
	return 0;
}

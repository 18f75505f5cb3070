// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Iterators over all tasks, read by the recorder: what already runs when recording starts, and
 * which system calls have not returned when it stops. The first also finds out the recorder's own
 * identity as the kernel sees it, which is right inside a pid namespace, too.
 */
#include "calls.bpf.h"
#include "files.bpf.h"
#include "waits.bpf.h"

/* sched_waits exists. */
const volatile bool has_waits = false;

#define STATE_RUNNING 0

/* Processes asked for with -p, as the recorder's pid namespace numbers them. Value unused. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u32);
} asked_pids SEC(".maps");

static __always_inline bool has_helper_name(const struct task_struct *task)
{
	static const char wanted[EV_COMM_BYTES] = LIVE_HELPER_NAME;
	u64 name[2];

	task_comm(task, true, name);
	for (u32 i = 0; i < sizeof(wanted); i++)
		if (((const char *)name)[i] != wanted[i])
			return false;
	return true;
}

/* First pass, at load time: before it, no program knows which process to leave out. */
SEC("iter/task")
int find_self_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *self, *task = ctx->task;

	if (!task)
		return 0;
	if (!control.self_tgid) {
		self = (struct task_struct *)bpf_get_current_task();
		control.self_pid_level = BPF_CORE_READ(self, thread_pid, level);
		control.self_time_ns = bpf_ktime_get_ns();
		control.self_boottime_ns = bpf_ktime_get_boot_ns();
		control.self_tgid = bpf_get_current_pid_tgid() >> 32;
	}
	if ((u32)BPF_CORE_READ(task, real_parent, tgid) == control.self_tgid &&
	    has_helper_name(task))
		control.helper_tgid = task->tgid;
	return 0;
}

/* One ring_process per process that the filters want. May see the same task again if the reader's
 * buffer was full. */
SEC("iter/task")
int list_processes_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct ring_process record = {};
	u32 tgid, own_pid;
	u64 start_ns;

	if (!task || task->pid != task->tgid)
		return 0;
	tgid = task->tgid;
	own_pid = pid_at_level(task, control.self_pid_level);
	if (filter_pids && bpf_map_lookup_elem(&asked_pids, &own_pid)) {
		start_ns = task->start_boottime;
		(void)bpf_map_update_elem(&pid_set, &tgid, &start_ns, BPF_ANY);
	}
	if (!process_wanted(task, true))
		return 0;
	head_fill(&record.head, task, true, bpf_ktime_get_ns(), EV_PROCESS);
	record.cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	record.parent_tgid = BPF_CORE_READ(task, real_parent, tgid);
	record.own_pid = own_pid;
	record.flags = task->flags & PF_KTHREAD_BIT ? EV_PROCESS_KERNEL_THREAD : 0;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

static __always_inline bool task_sleeps(const struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state != STATE_RUNNING;
	return ((const struct task_struct___before_5_14 *)task)->state != STATE_RUNNING;
}

/*
 * Without entries, when a call that is in flight began at the latest. False: it has its result, and
 * its record.
 */
static __always_inline bool lone_call_begin(struct task_struct *task,
					    const struct pt_regs___kernel *regs,
					    struct call_record_with_args *record)
{
	struct sched_wait *wait = has_waits ? bpf_task_storage_get(&sched_waits, task, 0, 0) : NULL;

	if (call_has_result(regs))
		return false;
	record->call.flags |= EV_SYSCALL_BLOCKED;
	record->call.head.time_ns = control.stop_ns;
	if (wait && wait->off_ns && wait->in_call && wait->off_ns <= control.stop_ns &&
	    wait->off_ns >= control.class_since_ns[CLASS_SCHED])
		record->call.head.time_ns = wait->off_ns - wait->call_ns;
	return true;
}

/*
 * A call from before the probes were attached: the task has made none since, sleeps, and its saved
 * registers are those of a system call. Running and preempted tasks are left out: they may be on
 * their way back to user space.
 */
static __always_inline bool call_from_before(struct task_struct *task,
					     struct call_record_with_args *record)
{
	const struct pt_regs___kernel *regs;
	long sysno;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return false;
	if (task->flags & PF_KTHREAD_BIT || !task_sleeps(task) || !task_wanted(task, true))
		return false;
	regs = (const struct pt_regs___kernel *)bpf_task_pt_regs(task);
	sysno = call_number(regs);
	if (sysno < 0)
		return false;
	record->call.sysno = sysno;
	record->call.flags =
		EV_SYSCALL_UNFINISHED | EV_SYSCALL_ENTRY_UNKNOWN | compat_flag(task, true);
	record->call.head.time_ns = control.class_since_ns[CLASS_SYSCALLS];
	if (durations_blocked && !lone_call_begin(task, regs, record))
		return false;
	if (record_args) {
		record->call.flags |= EV_SYSCALL_ARGS_RECORDED;
		args_read(record->args, regs, record->call.flags & EV_SYSCALL_COMPAT);
	}
	return true;
}

/* A call whose entry was seen. ret_returned: the task's last call has returned. */
static __always_inline bool call_pending(struct task_struct *task,
					 struct call_record_with_args *record, bool *ret_returned)
{
	struct live_call_slot *slot;
	struct live_call *call;

	*ret_returned = false;
	if (durations_blocked)
		return false;
	slot = call_slot_find(task, true);
	if (slot && slot->enter_ns >= control.class_since_ns[CLASS_SYSCALLS]) {
		record->call.sysno = slot->sysno;
		record->call.flags = slot->flags | EV_SYSCALL_UNFINISHED;
		record->call.head.time_ns = slot->enter_ns;
		return true;
	}
	call = call_find(task);
	*ret_returned = slot ? !slot->enter_ns : call && !call->enter_ns;
	if (!call || call->enter_ns < control.class_since_ns[CLASS_SYSCALLS])
		return false;
	record->call.sysno = call->sysno;
	record->call.flags = call->flags | EV_SYSCALL_UNFINISHED;
	record->call.head.time_ns = call->enter_ns;
	for (int i = 0; i < EV_SYSCALL_ARGS; i++)
		record->args[i] = call->args[i];
	return true;
}

/*
 * One ring_syscall per call in flight, followed by its arguments where EV_SYSCALL_ARGS_RECORDED is
 * set. Runs when the gate is closed: nothing in storage changes any more.
 */
SEC("iter/task")
int list_calls_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct call_record_with_args record = {};
	bool returned;
	u64 enter_ns;
	u32 bytes = sizeof(record.call);

	if (!task || is_own(task->tgid))
		return 0;
	if (!call_pending(task, &record, &returned) &&
	    (returned || !call_from_before(task, &record)))
		return 0;
	enter_ns = record.call.head.time_ns;
	head_fill(&record.call.head, task, true, enter_ns, EV_SYSCALL);
	record.call.open_file = file_of_call(task, record.call.sysno);
	record.call.duration_ns = control.stop_ns > enter_ns ? control.stop_ns - enter_ns : 0;
	if (record.call.flags & EV_SYSCALL_ARGS_RECORDED)
		bytes = sizeof(record);
	bpf_seq_write(ctx->meta->seq, &record, bytes);
	return 0;
}

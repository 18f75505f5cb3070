// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * System calls: the entry is kept in task storage, and one merged record is made at the return.
 * This is the hot path: it runs twice per system call of the host. A call that never returns (exit,
 * exit_group) is recorded when its task ends. Calls that find no room are counted (counts.bpf.c);
 * so are all calls while the recorder wants only counts.
 */
#include "calls.bpf.h"
#include "counts.bpf.h"
#include "ring.bpf.h"
#include "run_time.bpf.h"

const volatile bool use_task_storage = true;
const volatile bool record_args = false;

struct call_storage_map call_storage SEC(".maps");
struct call_hash_map call_hash SEC(".maps");

static __always_inline int on_sys_enter(const void *regs, u32 sysno)
{
	struct task_struct *task;
	struct live_call *call;

	if (!control.events_open)
		return 0;
	task = current_task();
	if (!task_wanted(task, CURRENT_IS_DIRECT()))
		return 0;

	call = call_find_or_add(task);
	if (!call) {
		struct live_counters *counters = counters_of_cpu(CLASS_SYSCALLS);

		__sync_fetch_and_add(&counters->attempted, 1);
		__sync_fetch_and_add(&counters->no_storage, 1);
		return 0;
	}
	call->sysno = sysno;
	call->flags = compat_flag(task, CURRENT_IS_DIRECT());
	if (record_args) {
		call->flags |= EV_SYSCALL_ARGS_RECORDED;
		args_read(call->args, regs, call->flags & EV_SYSCALL_COMPAT);
	}
	call->enter_ns = bpf_ktime_get_ns(); /* last: our own work is not the call's time */
	return 0;
}

struct returned_call {
	u64 duration_ns;
	s64 ret;
	u32 sysno;
	u32 flags;
	u32 table; /* the half of the counts table in use then */
};

#define MAX_ERRNO 4095 /* returns in [-4095, -1] are errors */

static __always_inline bool count_call(const struct returned_call *call)
{
	u16 error = call->ret < 0 && call->ret >= -MAX_ERRNO ? -call->ret : 0;
	u32 flags = call->flags & (EV_SYSCALL_COMPAT | EV_SYSCALL_NO_RETURN);

	return counts_add(call->duration_ns, 0,
			  LIVE_COUNT_KIND(call->sysno, flags, CLASS_SYSCALLS, error),
			  call->table) != 0;
}

static __always_inline void record_fill(struct ring_syscall *record, const struct task_struct *task,
					const struct returned_call *call, u64 enter_ns)
{
	head_fill(&record->head, task, CURRENT_IS_DIRECT(), enter_ns, EV_SYSCALL);
	record->duration_ns = call->duration_ns;
	record->ret = call->ret;
	record->sysno = call->sysno;
	record->flags = call->flags;
}

/* No room in the ring: the call is counted instead, and lost only if that fails too. */
static __always_inline void call_refused(const struct returned_call *call,
					 struct live_counters *counters, u64 record_bytes)
{
	if (!count_call(call))
		count_refusal(counters, &syscalls_ring, record_bytes);
}

static __always_inline void call_emit(const struct task_struct *task, struct live_call *call,
				      s64 ret, u32 flags)
{
	struct live_counters *counters = counters_of_cpu(CLASS_SYSCALLS);
	/* Read before the clock: so no call returned before its half of the table came into use. */
	u32 table = READ_CONTROL(counts_table);
	u64 enter_ns = call->enter_ns, now_ns = bpf_ktime_get_ns();
	struct returned_call returned = {
		.duration_ns = now_ns - enter_ns,
		.ret = ret,
		.sysno = call->sysno,
		.flags = call->flags | flags,
		.table = table,
	};
	u64 attempt;

	call->enter_ns = 0;
	attempt = count_attempt(counters);
	if (control.class_mode[CLASS_SYSCALLS] == LIVE_COUNTS && count_call(&returned))
		return;
	if (record_args) {
		struct call_record_with_args *record;

		record = bpf_ringbuf_reserve(&syscalls_ring, sizeof(*record), 0);
		if (!record) {
			call_refused(&returned, counters, sizeof(*record));
			return;
		}
		record_fill(&record->call, task, &returned, enter_ns);
		for (int i = 0; i < EV_SYSCALL_ARGS; i++)
			record->args[i] = call->args[i];
		bpf_ringbuf_submit(record, wakeup_flags(&syscalls_ring, CLASS_SYSCALLS, attempt));
	} else {
		struct ring_syscall *record =
			bpf_ringbuf_reserve(&syscalls_ring, sizeof(*record), 0);

		if (!record) {
			call_refused(&returned, counters, sizeof(*record));
			return;
		}
		record_fill(record, task, &returned, enter_ns);
		bpf_ringbuf_submit(record, wakeup_flags(&syscalls_ring, CLASS_SYSCALLS, attempt));
	}
}

static __always_inline int on_sys_exit(s64 ret)
{
	struct task_struct *task;
	struct live_call *call;

	if (!control.events_open)
		return 0;
	task = current_task();
	if (task_tgid(task, CURRENT_IS_DIRECT()) == control.self_tgid)
		return 0;

	/* The filter is checked at the entry; a call that passed is recorded whatever the task
	 * changed meanwhile. */
	call = call_find(task);
	if (call && call->enter_ns >= control.class_since_ns[CLASS_SYSCALLS])
		call_emit(task, call, ret, 0);
	else if (task_wanted(task, CURRENT_IS_DIRECT()))
		__sync_fetch_and_add(&counters_of_cpu(CLASS_SYSCALLS)->unmatched, 1);
	return 0;
}

/* Runs in the task that ends. */
static __always_inline int on_caller_exit(void)
{
	struct task_struct *task;
	struct live_call *call;

	if (!control.events_open)
		return 0;
	task = current_task();
	call = call_find(task);
	if (call && call->enter_ns >= control.class_since_ns[CLASS_SYSCALLS])
		call_emit(task, call, 0, EV_SYSCALL_NO_RETURN);
	call_forget(task);
	return 0;
}

SEC("tp_btf/sys_enter")
int sys_enter_btf(u64 *ctx)
{
	return TIMED(sys_enter, on_sys_enter((const void *)ctx[0], ctx[1]));
}

SEC("raw_tp/sys_enter")
int sys_enter_raw(u64 *ctx)
{
	return TIMED(sys_enter, on_sys_enter((const void *)ctx[0], ctx[1]));
}

SEC("tp_btf/sys_exit")
int sys_exit_btf(u64 *ctx)
{
	return TIMED(sys_exit, on_sys_exit(ctx[1]));
}

SEC("raw_tp/sys_exit")
int sys_exit_raw(u64 *ctx)
{
	return TIMED(sys_exit, on_sys_exit(ctx[1]));
}

SEC("tp_btf/sched_process_exit")
int caller_exit_btf(u64 *ctx)
{
	(void)ctx;
	return TIMED(caller_exit, on_caller_exit());
}

SEC("raw_tp/sched_process_exit")
int caller_exit_raw(u64 *ctx)
{
	(void)ctx;
	return TIMED(caller_exit, on_caller_exit());
}

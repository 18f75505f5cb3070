// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * System calls: the entry is kept in task storage, and one merged record is made at the return.
 * This is the hot path: it runs twice per system call of the host. A call that never returns (exit,
 * exit_group) is recorded when its task ends. Calls that find no room are counted (counts.bpf.c);
 * so are all calls while the recorder wants only counts.
 *
 * With durations_blocked there is no entry: the return knows number, result and registers, and how
 * long the task was off the CPU in the call (waits.bpf.h).
 */
#include "calls.bpf.h"
#include "counts.bpf.h"
#include "files.bpf.h"
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "waits.bpf.h"

const volatile bool use_task_storage = true;
const volatile bool record_args = false;

struct call_storage_map call_storage SEC(".maps");
struct call_hash_map call_hash SEC(".maps");
struct call_slot_map call_slots SEC(".maps");
const volatile u32 call_slot_mask = 0;

/*
 * The slot for a call that begins; NULL: it has to be kept elsewhere. That also goes for one by
 * which a thread replaces the program: it returns with the number of its process.
 */
static __always_inline struct live_call_slot *call_slot_to_enter(const struct task_struct *task,
								 u32 sysno, u32 compat)
{
	const bool direct = CURRENT_IS_DIRECT();
	struct live_call_slot *slot = call_slot_of(task_tid(task, direct));

	if (!slot || (!call_slot_is(slot, task, direct) && !call_slot_claim(slot, task)))
		return NULL;
	if (call_executes(sysno, compat) && task_tid(task, direct) != task_tgid(task, direct)) {
		slot->enter_ns = 0;
		return NULL;
	}
	return slot;
}

static __always_inline int on_sys_enter(const void *regs, u32 sysno)
{
	struct live_call_slot *slot;
	struct task_struct *task;
	struct live_call *call;
	u32 compat;

	if (!control.events_open)
		return 0;
	task = current_task();
	if (!task_wanted(task, CURRENT_IS_DIRECT()))
		return 0;

	compat = compat_flag(task, CURRENT_IS_DIRECT());
	slot = call_slot_to_enter(task, sysno, compat);
	if (slot) {
		slot->sysno = sysno;
		slot->flags = compat;
		slot->enter_ns = bpf_ktime_get_ns(); /* last: our own work is not the call's time */
		return 0;
	}
	call = call_find_or_add(task);
	if (!call) {
		struct live_counters *counters = counters_of_cpu(CLASS_SYSCALLS);

		__sync_fetch_and_add(&counters->attempted, 1);
		__sync_fetch_and_add(&counters->no_storage, 1);
		return 0;
	}
	call->sysno = sysno;
	call->flags = compat;
	if (record_args) {
		call->flags |= EV_SYSCALL_ARGS_RECORDED;
		args_read(call->args, regs, call->flags & EV_SYSCALL_COMPAT);
	}
	call->enter_ns = bpf_ktime_get_ns(); /* last again */
	return 0;
}

struct returned_call {
	u64 duration_ns;
	s64 ret;
	u32 sysno;
	u32 flags;
	u32 table; /* the half of the counts table in use then */
	/* Where the descriptor is that it was about; NULL: not known. direct: typed */
	const struct pt_regs___kernel *regs;
	bool direct;
};

#define MAX_ERRNO 4095 /* returns in [-4095, -1] are errors */

static __always_inline bool count_call(const struct returned_call *call)
{
	u16 error = call->ret < 0 && call->ret >= -MAX_ERRNO ? -call->ret : 0;
	u32 flags =
		call->flags & (EV_SYSCALL_COMPAT | EV_SYSCALL_NO_RETURN | EV_SYSCALL_ENTRY_UNKNOWN);

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

/* The open file that a call was about which returned: the one that it opened, or that of its first
 * argument. accept has both; what it took is told, too. */
static __always_inline u64 returned_file(const struct returned_call *call)
{
	u32 does = file_call(call->sysno);
	bool opened = does & LIVE_FILE_RESULT && call->ret >= 0;
	/* A variable of its own: all of an access from there on is relocated. */
	const struct pt_regs___kernel *regs = call->regs;

	if (!does || !regs || call->flags & EV_SYSCALL_COMPAT)
		return 0;
	if (does & (LIVE_FILE_PATH_FIRST | LIVE_FILE_PATH_SECOND) && call->ret < 0)
		(void)path_error_tell(does & LIVE_FILE_PATH_FIRST ? REGS_FIRST(call->direct, regs)
								  : REGS_SECOND(call->direct, regs),
				      call->sysno, -call->ret);
	if (!(does & LIVE_FILE_FIRST))
		return opened ? file_of_task(bpf_get_current_task(), call->ret, true) : 0;
	if (opened)
		(void)file_of_task(bpf_get_current_task(), call->ret, true);
	return file_of_task(bpf_get_current_task(), REGS_FIRST(call->direct, regs), call->ret >= 0);
}

/* No room in the ring: the call is counted instead, and lost only if that fails too. */
static __always_inline void call_refused(const struct returned_call *call,
					 struct live_counters *counters, u64 record_bytes)
{
	if (!count_call(call))
		count_refusal(counters, &syscalls_ring, record_bytes);
}

/* One by one, or counted if that is the mode or there is no room. args: NULL if not recorded. */
static __always_inline void returned_emit(const struct task_struct *task,
					  const struct returned_call *returned, u64 enter_ns,
					  const u64 *args)
{
	struct live_counters *counters = counters_of_cpu(CLASS_SYSCALLS);
	u64 attempt = count_attempt(counters), open_file;

	if (control.class_mode[CLASS_SYSCALLS] == LIVE_COUNTS && count_call(returned))
		return;
	open_file = returned_file(returned);
	if (record_args && args) {
		struct call_record_with_args *record;

		record = bpf_ringbuf_reserve(&syscalls_ring, sizeof(*record), 0);
		if (!record) {
			call_refused(returned, counters, sizeof(*record));
			return;
		}
		record_fill(&record->call, task, returned, enter_ns);
		record->call.open_file = open_file;
		for (int i = 0; i < EV_SYSCALL_ARGS; i++)
			record->args[i] = args[i];
		bpf_ringbuf_submit(record, wakeup_flags(&syscalls_ring, CLASS_SYSCALLS, attempt));
	} else {
		struct ring_syscall *record =
			bpf_ringbuf_reserve(&syscalls_ring, sizeof(*record), 0);

		if (!record) {
			call_refused(returned, counters, sizeof(*record));
			return;
		}
		record_fill(record, task, returned, enter_ns);
		record->open_file = open_file;
		bpf_ringbuf_submit(record, wakeup_flags(&syscalls_ring, CLASS_SYSCALLS, attempt));
	}
}

/* Of the current task: what is known of its entry, and of its end: ret and where to find its
 * registers. enter_ns is cleared. args: NULL if not recorded. */
static __always_inline void call_emit(const struct task_struct *task, u64 *enter_ns, u32 sysno,
				      u32 flags, const u64 *args, const struct returned_call *end)
{
	/* Read before the clock: so no call returned before its half of the table came into use. */
	u32 table = READ_CONTROL(counts_table);
	u64 begin_ns = *enter_ns;
	struct returned_call returned = *end;

	returned.duration_ns = bpf_ktime_get_ns() - begin_ns;
	returned.sysno = sysno;
	returned.flags |= flags;
	returned.table = table;

	*enter_ns = 0;
	returned_emit(task, &returned, begin_ns, args);
}

/* The current task's call ends, if its entry was seen. */
static __always_inline bool call_end(struct task_struct *task, const struct returned_call *end)
{
	struct live_call_slot *slot = call_slot_find(task, CURRENT_IS_DIRECT());
	struct live_call *call;

	/* 0, which says that there is none, is less than any time. */
	if (slot && slot->enter_ns >= control.class_since_ns[CLASS_SYSCALLS]) {
		call_emit(task, &slot->enter_ns, slot->sysno, slot->flags, NULL, end);
		return true;
	}
	call = call_find(task);
	if (!call || call->enter_ns < control.class_since_ns[CLASS_SYSCALLS])
		return false;
	call_emit(task, &call->enter_ns, call->sysno, call->flags, call->args, end);
	return true;
}

/* ---- Without entries ---- */

/* Ends a call that is known by its registers alone. */
static __always_inline void lone_emit(const struct task_struct *task, const void *regs,
				      const struct returned_call *of)
{
	u32 table = READ_CONTROL(counts_table);
	struct returned_call returned = *of;
	u64 now_ns = bpf_ktime_get_ns(), args[EV_SYSCALL_ARGS];

	if (now_ns < control.class_since_ns[CLASS_SYSCALLS])
		return;
	returned.flags |= EV_SYSCALL_ENTRY_UNKNOWN | EV_SYSCALL_BLOCKED;
	returned.table = table;
	returned.duration_ns = call_wait_so_far(task_tid(task, CURRENT_IS_DIRECT()));
	call_wait_of_cpu()->off_ns = 0;
	if (record_args && regs) {
		returned.flags |= EV_SYSCALL_ARGS_RECORDED;
		args_read(args, regs, returned.flags & EV_SYSCALL_COMPAT);
		returned_emit(task, &returned, now_ns - returned.duration_ns, args);
		return;
	}
	returned_emit(task, &returned, now_ns - returned.duration_ns, NULL);
}

/*
 * The same calls as with entries: not the return of a new task, which made no call. The kernel
 * forgets the number of a call that restored a signal's context; the registers are then those of
 * that context, and after a new program was started they are its first.
 */
static __always_inline int on_lone_return(const struct task_struct *task,
					  const struct pt_regs___kernel *regs, s64 ret, bool direct)
{
	s32 number = REGS_NUMBER(direct, regs);
	u32 compat = compat_flag(task, CURRENT_IS_DIRECT());
	struct returned_call returned = {
		.ret = ret, .sysno = number, .flags = compat, .regs = regs, .direct = direct};

	if (!task_wanted(task, CURRENT_IS_DIRECT()))
		return 0;
	if (ret == 0 && call_makes_task(number, compat)) {
		__sync_fetch_and_add(&counters_of_cpu(CLASS_SYSCALLS)->unmatched, 1);
		return 0;
	}
	if (number < 0 && ret != ENOSYS_RETURN) {
		returned.sysno = SIGRETURN_NUMBER(compat);
		regs = NULL;
	} else if (ret == 0 && call_executes(number, compat)) {
		regs = NULL;
	}
	lone_emit(task, regs, &returned);
	return 0;
}

/* Only exit and exit_group end a task: any other call returns before a signal kills it. */
static __always_inline int on_lone_exit(struct task_struct *task)
{
	const struct pt_regs___kernel *regs;
	struct returned_call returned = {.flags = EV_SYSCALL_NO_RETURN};
	long number;

	if (!HAS_TASK_REGS() || READ_DIRECT_OR_PROBE(true, task, flags) & PF_KTHREAD_BIT ||
	    !task_wanted(task, true))
		return 0;
	regs = (const struct pt_regs___kernel *)bpf_task_pt_regs(task);
	number = call_number(regs);
	returned.flags |= compat_flag(task, true);
	if (number < 0 || !call_ends_task(number, returned.flags & EV_SYSCALL_COMPAT))
		return 0;
	returned.sysno = number;
	lone_emit(task, regs, &returned);
	return 0;
}

/* ---- The programs ---- */

/* direct: whether regs can be followed without a helper. */
static __always_inline int on_sys_exit(const struct pt_regs___kernel *regs, s64 ret, bool direct)
{
	const struct returned_call end = {.ret = ret, .regs = regs, .direct = direct};
	struct task_struct *task;

	if (!control.events_open)
		return 0;
	task = current_task();
	if (is_own(task_tgid(task, CURRENT_IS_DIRECT())))
		return 0;
	if (durations_blocked)
		return on_lone_return(task, regs, ret, direct);

	/* The filter is checked at the entry; a call that passed is recorded whatever the task
	 * changed meanwhile. */
	if (!call_end(task, &end) && task_wanted(task, CURRENT_IS_DIRECT()))
		__sync_fetch_and_add(&counters_of_cpu(CLASS_SYSCALLS)->unmatched, 1);
	return 0;
}

/* Runs in the task that ends. */
static __always_inline int on_caller_exit(void)
{
	const struct returned_call end = {.flags = EV_SYSCALL_NO_RETURN};
	struct task_struct *task;

	if (!control.events_open)
		return 0;
	task = current_task();
	if (durations_blocked)
		return on_lone_exit(task);
	(void)call_end(task, &end);
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
	return TIMED(sys_exit, on_sys_exit((const struct pt_regs___kernel *)ctx[0], ctx[1], true));
}

SEC("raw_tp/sys_exit")
int sys_exit_raw(u64 *ctx)
{
	return TIMED(sys_exit, on_sys_exit((const struct pt_regs___kernel *)ctx[0], ctx[1], false));
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

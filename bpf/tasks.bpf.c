// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lifecycle of tasks: fork, exec, exit, new names. Always recorded, so that every other event can
 * be assigned to the right program. The filter by name is not applied here: a process gets its name
 * after its fork. Also keeps the set of wanted processes.
 */
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "task.bpf.h"

const volatile bool ask_exit_last = true; /* false: as on kernels where the exit does not tell */

/*
 * When a task that executes a program got its name: in that moment the old address space is gone
 * and nothing of the new program is mapped yet. Key: tid. An entry lives until the exec is over,
 * some microseconds to as long as a disk takes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64);
} exec_begins SEC(".maps");

const volatile bool record_exec_args = true;

struct exec_record {
	struct ring_task_exec exec;
	char texts[EV_MAX_PATH_BYTES + EV_MAX_ARGS_BYTES]; /* path, arguments */
};

/* Of each CPU: records are as long as their texts, which only copying them into the ring allows. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct exec_record);
} exec_scratch SEC(".maps");

/* Tracepoint arguments are BTF pointers in tp_btf programs and plain addresses in raw_tp programs:
 * `direct`. */

#define RECORD_RESERVE(type, ret_attempt)                                       \
	({                                                                      \
		struct live_counters *counters_ = counters_of_cpu(CLASS_TASKS); \
		type *record_;                                                  \
                                                                                \
		(ret_attempt) = count_attempt(counters_);                       \
		record_ = bpf_ringbuf_reserve(&tasks_ring, sizeof(type), 0);    \
		if (!record_)                                                   \
			count_refusal(counters_, &tasks_ring, sizeof(type));    \
		record_;                                                        \
	})

static __always_inline void record_submit(void *record, u64 attempt)
{
	bpf_ringbuf_submit(record, wakeup_flags(&tasks_ring, CLASS_TASKS, attempt));
}

/* The set of wanted processes is full: this child is not seen. One loss stands for all its events.
 */
static __always_inline void count_unfollowed(void)
{
	struct live_counters *counters = counters_of_cpu(CLASS_TASKS);

	__sync_fetch_and_add(&counters->attempted, 1);
	__sync_fetch_and_add(&counters->no_storage, 1);
}

static __always_inline int on_fork(struct task_struct *parent, struct task_struct *child,
				   bool direct)
{
	struct ring_task_fork *record;
	u32 child_tgid = task_tgid(child, direct), child_tid = task_tid(child, direct);
	u64 child_start_ns = task_leader_start(child, direct), attempt;

	/* Before the gate: the set must be right when the gate opens. */
	if (filter_pids && child_tgid == child_tid && task_in_pid_set(parent, direct) &&
	    bpf_map_update_elem(&pid_set, &child_tgid, &child_start_ns, BPF_ANY))
		count_unfollowed();
	if (!control.tasks_open ||
	    !(process_wanted(parent, direct) || process_wanted(child, direct)))
		return 0;
	record = RECORD_RESERVE(struct ring_task_fork, attempt);
	if (!record)
		return 0;
	head_fill(&record->head, parent, direct, bpf_ktime_get_ns(), EV_TASK_FORK);
	record->child_start_ns = child_start_ns;
	record->child_tgid = child_tgid;
	record->child_tid = child_tid;
	record->child_own_pid =
		control.self_pid_level ? pid_at_level(child, control.self_pid_level) : 0;
	record->reserved_ring = 0;
	record->child_exec_id = READ_DIRECT_OR_PROBE(direct, child, self_exec_id);
	record_submit(record, attempt);
	return 0;
}

/* The arguments of the program that begins, which lie in its memory already; behind the path. */
static __always_inline u32 exec_args(struct exec_record *record, const struct task_struct *task,
				     u32 path_bytes, bool direct)
{
	const struct mm_struct *mm = READ_DIRECT_OR_PROBE(direct, task, mm);
	u64 start, bytes;

	if (!record_exec_args || !mm || path_bytes > EV_MAX_PATH_BYTES)
		return 0;
	start = READ_DIRECT_OR_PROBE(direct, mm, arg_start);
	bytes = READ_DIRECT_OR_PROBE(direct, mm, arg_end) - start;
	if (bytes > EV_MAX_ARGS_BYTES) {
		bytes = EV_MAX_ARGS_BYTES;
		record->exec.flags = EV_EXEC_ARGS_CUT;
	}
	return bpf_probe_read_user(&record->texts[path_bytes], bytes, (const void *)start) ? 0
											   : bytes;
}

static __always_inline int on_exec(struct task_struct *task, u32 old_tid, struct linux_binprm *bprm,
				   bool direct)
{
	const char *filename = READ_DIRECT_OR_PROBE(direct, bprm, filename);
	u32 tid = task_tid(task, direct);
	u64 *begin_ns = bpf_map_lookup_elem(&exec_begins, &tid), time_ns;
	struct live_counters *counters = counters_of_cpu(CLASS_TASKS);
	struct exec_record *record;
	u32 zero = 0, args_bytes;
	u64 attempt;
	long bytes;

	/* Without a name seen (the recording began within this exec) its end must do. */
	time_ns = begin_ns ? *begin_ns : bpf_ktime_get_ns();
	if (begin_ns)
		(void)bpf_map_delete_elem(&exec_begins, &tid);
	if (!control.tasks_open || !process_wanted(task, direct))
		return 0;
	record = bpf_map_lookup_elem(&exec_scratch, &zero);
	if (!record)
		return 0; /* impossible */
	attempt = count_attempt(counters);
	head_fill(&record->exec.head, task, direct, time_ns, EV_TASK_EXEC);
	record->exec.old_tid = old_tid;
	record->exec.flags = 0;
	bytes = bpf_probe_read_kernel_str(record->texts, EV_MAX_PATH_BYTES, filename);
	if (bytes <= 0) {
		record->texts[0] = 0;
		bytes = 1;
	}
	args_bytes = exec_args(record, task, bytes, direct);
	record->exec.path_bytes = bytes;
	record->exec.args_bytes = args_bytes;
	bytes += sizeof(record->exec) + args_bytes;
	if (bytes <= (long)sizeof(*record) &&
	    bpf_ringbuf_output(&tasks_ring, record, bytes,
			       wakeup_flags(&tasks_ring, CLASS_TASKS, attempt)))
		count_refusal(counters, &tasks_ring, bytes);
	return 0;
}

static __always_inline int on_exit(struct task_struct *task, bool last_thread, bool direct)
{
	struct ring_task_exit *record;
	u64 attempt;

	if (!control.tasks_open || !process_wanted(task, direct))
		return 0;
	record = RECORD_RESERVE(struct ring_task_exit, attempt);
	if (!record)
		return 0;
	head_fill(&record->head, task, direct, bpf_ktime_get_ns(), EV_TASK_EXIT);
	record->exit_code = READ_DIRECT_OR_PROBE(direct, task, exit_code);
	record->flags = last_thread ? EV_EXIT_PROCESS : 0;
	record_submit(record, attempt);
	return 0;
}

/* Before 6.16: two last threads that end at once can both find nobody alive; both are then marked.
 */
static __always_inline bool nobody_alive(struct task_struct *task, bool direct)
{
	if (direct)
		return task->signal->live.counter == 0;
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

/* Since 6.16 the exit says so itself: argument is the value in that place. */
#define LAST_THREAD(task, argument, direct)                                  \
	(ask_exit_last && bpf_core_type_exists(btf_trace_sched_process_exit) \
		 ? (u8)(argument)                                            \
		 : nobody_alive(task, direct))

/* The kernel frees a leader after all its threads have ended. Compared by start: the pid may be in
 * use again. */
static __always_inline int on_free(struct task_struct *task, bool direct)
{
	u32 tgid = task_tgid(task, direct);
	u64 *start_ns;

	if (!filter_pids || task_tid(task, direct) != tgid)
		return 0;
	start_ns = bpf_map_lookup_elem(&pid_set, &tgid);
	if (start_ns && *start_ns == READ_DIRECT_OR_PROBE(direct, task, start_boottime))
		(void)bpf_map_delete_elem(&pid_set, &tgid);
	return 0;
}

/*
 * Is the name that of a program being executed? Then its exec record, a moment later, carries it
 * with the new identity; reported here, it would name the previous program.
 */
static __always_inline bool name_is_of_exec(struct task_struct *task, bool direct)
{
	if (!bpf_core_field_exists(task->in_execve))
		return false;
	return direct ? BPF_CORE_READ_BITFIELD(task, in_execve)
		      : BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
}

static __always_inline int on_rename(struct task_struct *task, const char *name, bool direct)
{
	struct ring_task_name *record;
	u64 attempt;

	if (name_is_of_exec(task, direct)) {
		u64 now_ns = bpf_ktime_get_ns();
		u32 tid = task_tid(task, direct);

		(void)bpf_map_update_elem(&exec_begins, &tid, &now_ns, BPF_ANY);
		return 0;
	}
	if (!control.tasks_open || !process_wanted(task, direct))
		return 0;
	record = RECORD_RESERVE(struct ring_task_name, attempt);
	if (!record)
		return 0;
	head_fill(&record->head, task, direct, bpf_ktime_get_ns(), EV_TASK_NAME);
	record->target_tid = task_tid(task, direct);
	record->reserved_ring = 0;
	record->name_lo = 0;
	record->name_hi = 0;
	(void)bpf_probe_read_kernel_str(&record->name_lo, EV_COMM_BYTES, name);
	record_submit(record, attempt);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int task_fork_btf(u64 *ctx)
{
	return TIMED(task_fork,
		     on_fork((struct task_struct *)ctx[0], (struct task_struct *)ctx[1], true));
}

SEC("raw_tp/sched_process_fork")
int task_fork_raw(u64 *ctx)
{
	return TIMED(task_fork,
		     on_fork((struct task_struct *)ctx[0], (struct task_struct *)ctx[1], false));
}

SEC("tp_btf/sched_process_exec")
int task_exec_btf(u64 *ctx)
{
	return TIMED(task_exec, on_exec((struct task_struct *)ctx[0], ctx[1],
					(struct linux_binprm *)ctx[2], true));
}

SEC("raw_tp/sched_process_exec")
int task_exec_raw(u64 *ctx)
{
	return TIMED(task_exec, on_exec((struct task_struct *)ctx[0], ctx[1],
					(struct linux_binprm *)ctx[2], false));
}

SEC("tp_btf/sched_process_exit")
int task_exit_btf(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	return TIMED(task_exit, on_exit(task, LAST_THREAD(task, ctx[1], true), true));
}

SEC("raw_tp/sched_process_exit")
int task_exit_raw(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	return TIMED(task_exit, on_exit(task, LAST_THREAD(task, ctx[1], false), false));
}

SEC("tp_btf/sched_process_free")
int task_free_btf(u64 *ctx)
{
	return TIMED(task_free, on_free((struct task_struct *)ctx[0], true));
}

SEC("raw_tp/sched_process_free")
int task_free_raw(u64 *ctx)
{
	return TIMED(task_free, on_free((struct task_struct *)ctx[0], false));
}

SEC("tp_btf/task_rename")
int task_rename_btf(u64 *ctx)
{
	return TIMED(task_rename,
		     on_rename((struct task_struct *)ctx[0], (const char *)ctx[1], true));
}

SEC("raw_tp/task_rename")
int task_rename_raw(u64 *ctx)
{
	return TIMED(task_rename,
		     on_rename((struct task_struct *)ctx[0], (const char *)ctx[1], false));
}

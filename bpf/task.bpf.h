#pragma once
/*
 * Reads tasks: which one runs, whether the filter wants it, its identity. Plain loads through BTF
 * pointers if the kernel provides them; `direct` says so and is constant for the verifier.
 */
#include "machine.bpf.h"

#define PF_KTHREAD_BIT 0x00200000u
#define CGROUP_MAX_DEPTH 16

/* 5.11 gave the current task as a BTF pointer; before, it is an address that only a probe read can
 * follow. */
#define CURRENT_IS_DIRECT() \
	bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

static __always_inline struct task_struct *current_task(void)
{
	if (CURRENT_IS_DIRECT())
		return bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/* 5.15: the registers that a task saved when it entered the kernel */
#define HAS_TASK_REGS() bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)

static __always_inline u32 task_tgid(const struct task_struct *task, bool direct)
{
	return READ_DIRECT_OR_PROBE(direct, task, tgid);
}

static __always_inline u32 task_tid(const struct task_struct *task, bool direct)
{
	return READ_DIRECT_OR_PROBE(direct, task, pid);
}

/* Load it once if several facts are needed: from 6.2 on, kernels search all their types by name
 * each time the verifier sees such a pointer loaded, which takes a third of a millisecond. */
static __always_inline const struct task_struct *task_leader(const struct task_struct *task,
							     bool direct)
{
	return READ_DIRECT_OR_PROBE(direct, task, group_leader);
}

static __always_inline u64 task_leader_start(const struct task_struct *task, bool direct)
{
	return READ_DIRECT_OR_PROBE(direct, task_leader(task, direct), start_boottime);
}

/* The name as two words: no helper call, no loop. */
static __always_inline void task_comm(const struct task_struct *task, bool direct, u64 ret_words[2])
{
	if (direct) {
		const u64 *words = (const u64 *)task->comm;

		ret_words[0] = words[0];
		ret_words[1] = words[1];
	} else {
		BPF_CORE_READ_INTO((char(*)[16])ret_words, task, comm);
	}
}

/* Is the task's current system call one of the 32-bit table? */
static __always_inline u32 compat_flag(const struct task_struct *task, bool direct)
{
	if (!bpf_core_field_exists(task->COMPAT_FIELD))
		return 0;
	return READ_DIRECT_OR_PROBE(direct, task, COMPAT_FIELD) & COMPAT_BIT ? EV_SYSCALL_COMPAT
									     : 0;
}

/* Fills in the whole head. The task need not be the current one. */
static __always_inline void head_fill(struct ring_head *head, const struct task_struct *task,
				      bool direct, u64 time_ns, u16 type)
{
	head->time_ns = time_ns;
	head->leader_start_ns = task_leader_start(task, direct);
	head->tgid = task_tgid(task, direct);
	head->tid = task_tid(task, direct);
	head->exec_id = (u32)READ_DIRECT_OR_PROBE(direct, task, self_exec_id);
	head->cpu = bpf_get_smp_processor_id();
	head->type = type;
	task_comm(task, direct, (u64 *)head->comm);
}

/*
 * In the cgroup or below it. Walks up by parents, because neither the level of the wanted cgroup is
 * known inside a cgroup namespace nor the layout of the ancestor array the same in all kernels.
 */
static __always_inline bool task_in_cgroup(const struct task_struct *task)
{
	struct cgroup_subsys_state *css;
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	for (int depth = 0; depth < CGROUP_MAX_DEPTH; depth++) {
		if (BPF_CORE_READ(cgroup, kn, id) == filter_cgroup_id)
			return true;
		css = BPF_CORE_READ(cgroup, self.parent);
		if (!css)
			return false;
		cgroup = BPF_CORE_READ(css, cgroup);
	}
	return false;
}

/* Set membership survives the task's death until the kernel frees its leader, so no event of a
 * dying process is missed. */
static __always_inline bool task_in_pid_set(const struct task_struct *task, bool direct)
{
	u32 tgid = task_tgid(task, direct);
	u64 *start_ns = bpf_map_lookup_elem(&pid_set, &tgid);

	return start_ns && *start_ns == task_leader_start(task, direct);
}

/* The recorder's own processes are never recorded. */
static __always_inline bool is_own(u32 tgid)
{
	return tgid == control.self_tgid || (control.helper_tgid && tgid == control.helper_tgid);
}

/* Filters that do not depend on names: those of lifecycle events. */
static __always_inline bool process_wanted(const struct task_struct *task, bool direct)
{
	if (is_own(task_tgid(task, direct)))
		return false;
	if (filter_pids && !task_in_pid_set(task, direct))
		return false;
	if (filter_cgroup && !task_in_cgroup(task))
		return false;
	return true;
}

/* All filters: those of samples and system calls. */
static __always_inline bool task_wanted(const struct task_struct *task, bool direct)
{
	if (!process_wanted(task, direct))
		return false;
	if (filter_comm) {
		u64 words[2];

		task_comm(task, direct, words);
		if ((words[0] & filter_comm_mask_lo) != filter_comm_lo ||
		    (words[1] & filter_comm_mask_hi) != filter_comm_hi)
			return false;
	}
	return true;
}

/*
 * The number of a task in the pid namespace at `level`; 0 if it has none there. Read as plain
 * addresses: kernels before 6.2 allow no arithmetic with variables on typed pointers.
 */
static __always_inline u32 pid_at_level(const struct task_struct *task, u32 level)
{
	const struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u64 numbers = (u64)pid + bpf_core_field_offset(struct pid, numbers);
	u32 number = 0;

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	numbers += (u64)level * bpf_core_type_size(struct upid);
	if (bpf_probe_read_kernel(&number, sizeof(number), (const void *)numbers))
		return 0;
	return number;
}

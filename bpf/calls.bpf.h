#pragma once
/*
 * Where the entry of a system call waits for its return: in the task's own storage, or, on kernels
 * before 5.12, in a hash map by the address of the task (which, unlike the tid, stays the same when
 * a thread executes a new program).
 */
#include "task.bpf.h"

#define CALLS_MAX_HASHED 65536

extern const volatile bool use_task_storage, record_args;

struct call_storage_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct live_call);
};

struct call_hash_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CALLS_MAX_HASHED);
	__type(key, u64);
	__type(value, struct live_call);
};

/* What goes into the ring if arguments are requested; EV_SYSCALL_ARGS_RECORDED tells the pipeline.
 */
struct call_record_with_args {
	struct ring_syscall call;
	u64 args[EV_SYSCALL_ARGS];
};

extern struct call_storage_map call_storage SEC(".maps");
extern struct call_hash_map call_hash SEC(".maps");

/* The task's entry, or NULL if it has none. */
static __always_inline struct live_call *call_find(struct task_struct *task)
{
	u64 key = (u64)task;

	if (use_task_storage)
		return bpf_task_storage_get(&call_storage, task, 0, 0);
	return bpf_map_lookup_elem(&call_hash, &key);
}

/* The task's entry, created if needed; NULL if there is no memory. */
static __always_inline struct live_call *call_find_or_add(struct task_struct *task)
{
	static const struct live_call none = {};
	u64 key = (u64)task;
	struct live_call *call;

	if (use_task_storage)
		return bpf_task_storage_get(&call_storage, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	call = bpf_map_lookup_elem(&call_hash, &key);
	if (call)
		return call;
	(void)bpf_map_update_elem(&call_hash, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&call_hash, &key);
}

/* The task ends; storage goes with it by itself. */
static __always_inline void call_forget(struct task_struct *task)
{
	u64 key = (u64)task;

	if (!use_task_storage)
		(void)bpf_map_delete_elem(&call_hash, &key);
}

#pragma once
/*
 * Where the entry of a system call waits for its return: in the slot of its thread id, which is
 * quickest. If that has another owner, or arguments are recorded, in the task's own storage, or, on
 * kernels before 5.12, in a hash map by the address of the task (which, unlike the tid, stays the
 * same when a thread executes a new program).
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

/* A power of two, less 1: the recorder's choice, which sets max_entries, too. */
extern const volatile u32 call_slot_mask;

struct call_slot_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct live_call_slot);
};

extern struct call_slot_map call_slots SEC(".maps");

/* The slot of the task's number, whoever owns it; NULL where slots are not used. */
static __always_inline struct live_call_slot *call_slot_of(u32 tid)
{
	u32 index = tid & call_slot_mask;

	return record_args ? NULL : bpf_map_lookup_elem(&call_slots, &index);
}

static __always_inline bool call_slot_is(const struct live_call_slot *slot,
					 const struct task_struct *task, bool direct)
{
	return slot && slot->tid == task_tid(task, direct) &&
	       slot->start_ns == READ_DIRECT_OR_PROBE(direct, task, start_boottime);
}

/* The task's own slot, or NULL. */
static __always_inline struct live_call_slot *call_slot_find(const struct task_struct *task,
							     bool direct)
{
	struct live_call_slot *slot = call_slot_of(task_tid(task, direct));

	return call_slot_is(slot, task, direct) ? slot : NULL;
}

/*
 * Makes the slot the current task's. False: it has an owner. One with the task's own number is
 * dead, and its slot can be had: nobody else has that number. Kernels before 5.12 have no atomic
 * operation that returns the old value, hence the add; of several that try, all may fail.
 */
static __always_inline bool call_slot_claim(struct live_call_slot *slot,
					    const struct task_struct *task)
{
	u32 tid = task_tid(task, CURRENT_IS_DIRECT());

	if (slot->tid != tid) {
		if (slot->claims)
			return false;
		__sync_fetch_and_add(&slot->claims, 1);
		if (*(volatile u32 *)&slot->claims != 1) {
			__sync_fetch_and_add(&slot->claims, -1);
			return false;
		}
	}
	slot->enter_ns = 0;
	slot->start_ns = READ_DIRECT_OR_PROBE(CURRENT_IS_DIRECT(), task, start_boottime);
	slot->tid = tid;
	return true;
}

/* The task's entry outside its slot, or NULL if it has none. */
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
	struct live_call_slot *slot = call_slot_find(task, CURRENT_IS_DIRECT());
	u64 key = (u64)task;

	if (slot) {
		slot->enter_ns = slot->tid = 0;
		__sync_fetch_and_add(&slot->claims, -1);
	}
	if (!use_task_storage)
		(void)bpf_map_delete_elem(&call_hash, &key);
}

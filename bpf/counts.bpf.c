// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A hash table per CPU of events by process, class, number, outcome and duration class. The
 * recorder reads it through mmap(2), one half while the programs write the other. No program of its
 * own.
 *
 * Kernels before 5.12 have no atomic operation that returns the old value, and refuse one even in
 * code that never runs: slots are claimed by adding and reading back.
 */
#include "counts.bpf.h"

#include "ring.bpf.h"
#include "task.bpf.h"

/* Slots per CPU (a power of two), and of all CPUs in one half: the recorder's choice. */
const volatile u32 counts_cpu_slots = 256, counts_half_slots = 256;

/* max_entries is set by the recorder before load: 2 * counts_half_slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 512);
	__type(key, u32);
	__type(value, struct live_count_slot);
} counts_table SEC(".maps");

#define COMPILER_BARRIER() asm volatile("" ::: "memory")

/* The key of a slot, as in memory. */
struct counts_key {
	u64 leader_start_ns;
	u64 process; /* tgid, exec_id */
	u64 kind;    /* number, bucket, flags, code: LIVE_COUNT_KIND */
};

static __always_inline void counts_key_fill(struct counts_key *key, const struct task_struct *task,
					    const struct task_struct *leader, u64 kind)
{
	const bool direct = CURRENT_IS_DIRECT();

	key->leader_start_ns = READ_DIRECT_OR_PROBE(direct, leader, start_boottime);
	key->process = (u64)task_tgid(task, direct) |
		       (u64)READ_DIRECT_OR_PROBE(direct, task, self_exec_id) << 32;
	key->kind = kind;
}

static __always_inline u32 counts_hash(const struct counts_key *key)
{
	/* Odd constants with well-spread bits (from the golden ratio); the high half is the mixed
	 * one. */
	u64 mixed = (key->leader_start_ns ^ key->process) * 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ mixed >> 32 ^ key->kind) * 0xbf58476d1ce4e5b9ull;
	return (u32)(mixed >> 32);
}

static __always_inline bool counts_slot_is(const struct live_count_slot *slot,
					   const struct counts_key *key)
{
	const struct counts_key *found = (const struct counts_key *)slot;

	return slot->ready && found->leader_start_ns == key->leader_start_ns &&
	       found->process == key->process && found->kind == key->kind;
}

/* True if the slot now belongs to this run and holds its key. Ownership ends when the recorder
 * clears it. */
static __always_inline bool counts_claim(struct live_count_slot *slot, const struct counts_key *key,
					 const u64 *comm, struct live_counters *counters)
{
	struct counts_key *written = (struct counts_key *)slot;

	__sync_fetch_and_add(&slot->claims, 1);
	if (*(volatile u32 *)&slot->claims != 1)
		return false; /* a program that interrupted us, or that we interrupted, was here */
	*written = *key;
	((u64 *)slot->comm)[0] = comm[0];
	((u64 *)slot->comm)[1] = comm[1];
	COMPILER_BARRIER(); /* for programs that interrupt this one; the recorder waits for all */
	*(volatile u32 *)&slot->ready = 1;
	__sync_fetch_and_add(&counters->counts_claims, 1);
	return true;
}

/* comm: the leader's. */
static __always_inline int counts_put(const struct counts_key *key, const u64 *comm,
				      const struct counts_event *event)
{
	u32 event_class = event->kind >> (40 + LIVE_COUNT_CLASS_SHIFT) & LIVE_COUNT_CLASS_MAX;
	struct live_counters *counters = counters_of_cpu(event_class);
	u32 base = bpf_get_smp_processor_id() * counts_cpu_slots, hash = counts_hash(key);

	if (base >= counts_half_slots)
		return 0; /* hosts whose CPU numbers have gaps: never another CPU's slots */
	if (event->table & 1)
		base += counts_half_slots;
	for (u32 i = 0; i < LIVE_COUNTS_PROBES; i++) {
		u32 index = base + ((hash + i) & (counts_cpu_slots - 1));
		struct live_count_slot *slot = bpf_map_lookup_elem(&counts_table, &index);

		if (!slot)
			return 0; /* impossible: the recorder made the table large enough */
		if (slot->claims ? counts_slot_is(slot, key)
				 : counts_claim(slot, key, comm, counters)) {
			__sync_fetch_and_add(&slot->event_count, 1);
			__sync_fetch_and_add(&slot->total_ns, event->duration_ns);
			if (event->second_ns)
				__sync_fetch_and_add(&slot->second_ns, event->second_ns);
			if (event->amount)
				__sync_fetch_and_add(&slot->amount, event->amount);
			__sync_fetch_and_add(&counters->counted, 1);
			return 1;
		}
	}
	return 0;
}

int counts_add(u64 duration_ns, u64 second_ns, u64 kind, u32 table)
{
	const struct task_struct *task = current_task();
	const struct task_struct *leader = task_leader(task, CURRENT_IS_DIRECT());
	const struct counts_event event = {
		.duration_ns = duration_ns, .second_ns = second_ns, .kind = kind, .table = table};
	struct counts_key key;
	u64 comm[2];

	kind |= (u64)log2_floor(duration_ns) << 32;
	if (table & COUNTS_OF_NOBODY) {
		key = (struct counts_key){.kind = kind};
		comm[0] = comm[1] = 0;
	} else {
		counts_key_fill(&key, task, leader, kind);
		task_comm(leader, CURRENT_IS_DIRECT(), comm);
	}
	return counts_put(&key, comm, &event);
}

int counts_add_of(const struct ring_task *who, const struct counts_event *event)
{
	struct counts_key key;

	if (!who || !event)
		return 0; /* for the verifier: a global function's pointers may be NULL */
	key.leader_start_ns = who->leader_start_ns;
	key.process = (u64)who->tgid | (u64)who->exec_id << 32;
	key.kind = event->kind | (u64)log2_floor(event->duration_ns) << 32;
	return counts_put(&key, (const u64 *)who->comm, event);
}

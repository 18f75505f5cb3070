#pragma once
/* Puts records into a class's ring: counts attempts, rarely checks how full it is, finds the reason
 * of a refusal. */
#include "state.bpf.h"

#define RING_RECORD_OVERHEAD 8 /* the kernel's header before each record */

/* max_entries is set by the recorder before load. */
struct ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* <class>_ring for each class that has one. */
#define RING_KERNEL(class) extern struct ring_map class##_ring SEC(".maps");
#define RING_OTHER(class)
#define CLASS(id, upper, name, when, ring, part, holds) RING_##ring(name)
#include "formats/table/classes.def"
#undef CLASS
#undef RING_KERNEL
#undef RING_OTHER

/* By class: the fill level that wakes the reader, and how often it is checked. */
extern const volatile u64 ring_mark_bytes[EV_CLASS_COUNT], ring_ask_mask[EV_CLASS_COUNT];

extern struct live_counters class_counters[EV_CLASS_COUNT][LIVE_MAX_CPUS];

static __always_inline struct live_counters *counters_of_cpu(u32 event_class)
{
	return &class_counters[event_class][bpf_get_smp_processor_id() & (LIVE_MAX_CPUS - 1)];
}

/* Counts an attempt and returns how many there were before on this CPU: good enough to do something
 * every n-th time. */
static __always_inline u64 count_attempt(struct live_counters *counters)
{
	u64 before = counters->attempted;

	__sync_fetch_and_add(&counters->attempted, 1);
	return before;
}

/*
 * Flags for submit: the reader drains on a timer and is woken only when a ring is past its mark.
 * The check takes the ring's cache lines from other CPUs, so it is made only when (attempt &
 * ring_ask_mask) == 0.
 */
static __always_inline u64 wakeup_flags(void *ring, u32 event_class, u64 attempt)
{
	if ((attempt & ring_ask_mask[event_class]) == 0 &&
	    bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= ring_mark_bytes[event_class])
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/*
 * A record of record_bytes was refused. "Full" needs evidence: it may also be that the ring's lock
 * could not be taken. If the reader has drained since, that counts as busy.
 */
static __always_inline void count_refusal(struct live_counters *counters, void *ring,
					  u64 record_bytes)
{
	u64 used_bytes = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	u64 need_bytes = ((record_bytes + 7) & ~7ull) + RING_RECORD_OVERHEAD;

	if (used_bytes + need_bytes >= bpf_ringbuf_query(ring, BPF_RB_RING_SIZE))
		__sync_fetch_and_add(&counters->ring_full, 1);
	else
		__sync_fetch_and_add(&counters->ring_busy, 1);
}

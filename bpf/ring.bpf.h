#pragma once
/* Putting records into a class's ring: counting, the rare question how full it is, the reason of a
 * refusal. */
#include "state.bpf.h"

#define RING_RECORD_OVERHEAD 8 /* the kernel's header before each record */

/* max_entries is set by the recorder before load. */
struct ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

static __always_inline struct live_counters *counters_of_cpu(struct live_counters *counters)
{
	return &counters[bpf_get_smp_processor_id() & (LIVE_MAX_CPUS - 1)];
}

/* Counts an attempt and returns how many there were before on this CPU: good enough to ask
 * something every n-th time. */
static __always_inline u64 count_attempt(struct live_counters *counters)
{
	u64 before = counters->attempted;

	__sync_fetch_and_add(&counters->attempted, 1);
	return before;
}

/*
 * Flags for submit: the reader drains on a timer and is woken only when a ring is past its mark.
 * The question takes the ring's cache lines from other CPUs, so it is asked when (attempt &
 * ask_mask) == 0 only.
 */
static __always_inline u64 wakeup_flags(void *ring, u64 attempt, u64 ask_mask, u64 mark_bytes)
{
	if ((attempt & ask_mask) == 0 && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= mark_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/*
 * A record of record_bytes was refused. "Full" needs evidence: the ring's lock can also be
 * unobtainable. The reader may have drained since, which counts as busy.
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

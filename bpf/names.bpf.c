// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names of kernel functions, one by one: /proc/kallsyms has all 200,000 of them, a recording needs
 * some hundreds. The recorder, which can no longer call bpf(2) by then, writes addresses into an
 * array that it has mapped, and reads their names from an iterator over it.
 */
#include "state.bpf.h"

/* Filled from the front, never changed again. 0: not yet; the last one stays 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LIVE_MAX_NAMED + 1);
	__type(key, u32);
	__type(value, u64);
} asked_addresses SEC(".maps");

/*
 * A line per address. 1 means "show this one again": the read ends there, and the next one
 * continues with it, so that one descriptor serves the whole recording.
 */
SEC("iter/bpf_map_elem")
int name_addresses_iter(struct bpf_iter__bpf_map_elem *ctx)
{
	const u64 *address = ctx->value;

	if (!address)
		return 0;
	if (!*address)
		return 1;
	/* B looks up the byte before the address, as for a return address. */
	BPF_SEQ_PRINTF(ctx->meta->seq, "%pB\n", *address + 1);
	return 0;
}

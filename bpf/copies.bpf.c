// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads user stacks; see copies.bpf.h. No program of its own. */
#include "copies.bpf.h"

const volatile u32 stacks_mode = LIVE_STACKS_FP, copy_limit_bytes = 32 << 10,
		   stack_slot_bytes = LIVE_STACK_SLOT_BYTES(EV_MAX_COPY_BYTES);

struct stack_slot_map stack_slots SEC(".maps");

#define MAX_PAGES (EV_MAX_COPY_BYTES / CAP_HOLE_PAGE_BYTES + 2)

__noinline u64 copy_words(u32 slot, u32 at, u64 from, u64 end)
{
	char *bytes = bpf_map_lookup_elem(&stack_slots, &slot);
	u64 holes = 0;

	if (!bytes)
		return ~0ull;
	for (u32 page = 0; page < MAX_PAGES; page++) {
		u64 next = (from | (CAP_HOLE_PAGE_BYTES - 1)) + 1;
		u64 length;

		if (from >= end)
			break;
		if (next > end)
			next = end;
		length = next - from;
		if (length > CAP_HOLE_PAGE_BYTES || at > stack_slot_bytes - CAP_HOLE_PAGE_BYTES)
			break;
		if (bpf_probe_read_user(bytes + at, length, (void *)from))
			holes |= 1ull << page;
		at += length;
		from = next;
	}
	return holes;
}

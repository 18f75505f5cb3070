#pragma once
/* Names of functions from the capture: ranges per kernel module, file or process, searched by
 * offset. */
#include "formats/table/events.h"

struct kymo_kernel_range {
	u64 start, end;
	u32 module;
	u32 name;
};

struct kymo_kernel_names {
	struct kymo_kernel_range *ranges;
	u32 count, capacity;
	int sorted;
};

void kymo_kernel_names_done(struct kymo_kernel_names *names);

/* name: index of the caller's. 0 or -ENOMEM. */
int kymo_kernel_names_add(struct kymo_kernel_names *names, u32 module, u64 offset, u64 size_bytes,
			  u32 name);

/* The name of the range that holds offset, and where it begins; 0 if none does. Sorts at the first
 * call. */
u32 kymo_kernel_names_find(struct kymo_kernel_names *names, u32 module, u64 offset, u64 *ret_start);

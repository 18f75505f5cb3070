#pragma once
/* What a walk starts from: registers and a part of the stack, taken at one moment. */
#include "objects/unwind/cfi_table.h"

struct kymo_unwind_hole {
	u64 start, end; /* addresses */
};

struct kymo_unwind_copy {
	u64 start;	 /* address of bytes[0] */
	const u8 *bytes; /* little-endian, as in memory */
	size_t len;
	bool is_cut;	/* the stack goes on after it */
	u32 root_bytes; /* a frame without rules and without a frame pointer is the outermost one
			   if it lies that near to the end; 0: the end is not known well enough */
	const struct kymo_unwind_hole *holes;
	u32 hole_count;
};

struct kymo_unwind_registers {
	u64 pc;
	u64 values[KYMO_CFI_MAX_REGISTERS];
	u64 known; /* a bit per register */
};

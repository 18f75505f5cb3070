#pragma once
/* DWARF expressions, as far as call frame information uses them. For unwind_walk.c. */
#include "objects/unwind/unwind_copy.h"

/* `bytes` bytes, at most 8, at an address of the copy. 0; -EFAULT (outside), -ENODATA (in a
 * hole). */
int kymo_unwind_read(const struct kymo_unwind_copy *copy, u64 address, unsigned int bytes,
		     u64 *ret_value);

/*
 * What an expression gives; `initial` is on its stack first, if has_initial. 0; -EINVAL: it is not
 * sound, takes more than its bound of steps, or needs a register that is not known; as
 * kymo_unwind_read.
 */
int kymo_unwind_expression(const struct kymo_unwind_copy *copy,
			   const struct kymo_unwind_registers *registers, const u8 *bytes,
			   size_t len, bool has_initial, u64 initial, u64 *ret_value);

#pragma once
/* DWARF expressions, as far as call frame information uses them. For unwind_walk.c. */
#include <endian.h>
#include <string.h>

#include "objects/unwind/unwind_copy.h"

/* `bytes` bytes, at most 8, at an address of the copy. 0; -EFAULT (outside), -ENODATA (in a
 * hole). */
int kymo_unwind_read(const struct kymo_unwind_copy *copy, u64 address, unsigned int bytes,
		     u64 *ret_value);

/* The same of a word of 8 bytes, for the inner loop. */
static inline int kymo_unwind_word(const struct kymo_unwind_copy *copy, u64 address, u64 *ret_value)
{
	u64 at = address - copy->start;

	if (copy->hole_count > 0 || address < copy->start || copy->len < 8 || at > copy->len - 8)
		return kymo_unwind_read(copy, address, 8, ret_value);
	memcpy(ret_value, copy->bytes + at, 8);
	*ret_value = le64toh(*ret_value);
	return 0;
}

/*
 * What an expression gives; `initial` is on its stack first, if has_initial. 0; -EINVAL: it is not
 * sound, takes more than its bound of steps, or needs a register that is not known; as
 * kymo_unwind_read.
 */
int kymo_unwind_expression(const struct kymo_unwind_copy *copy,
			   const struct kymo_unwind_registers *registers, const u8 *bytes,
			   size_t len, bool has_initial, u64 initial, u64 *ret_value);

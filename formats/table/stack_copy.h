#pragma once
/*
 * A copy of a user stack as a row of COPIES holds it, and how one number of that table or of WORDS
 * says an address. Shared by writer and readers. SPEC.md, "Copies of stacks".
 */
#include <stdbool.h>

#include "formats/base/bytes.h"
#include "formats/base/limits.h"
#include "formats/table/copy_flags.h"

/*
 * Registers of user space and where the copy lies: words at multiples of 8 below top, down to sp
 * minus the red zone. A register that points neither into code nor into the stack is 1, whatever it
 * was (0 stays 0). aarch64 is not recorded yet: the names are of x86_64.
 */
struct cap_copy {
	u64 ip, sp, top; /* top: the first address that was not copied */
	u64 bp, bx, r12, r13, r14, r15;
	u64 holes; /* bit i: page i could not be read; page 0 holds cap_copy_low(sp) */
	u32 word;  /* the innermost kept word, row of WORDS; 0: none was kept */
	u32 flags; /* enum cap_copy_flag */
};
_Static_assert(sizeof(struct cap_copy) == 88, "no hidden padding: rows are compared by bytes");

#define CAP_COPY_REGISTERS 6 /* bp, bx, r12..r15 */

/* The lowest address of a copy. */
static inline u64 cap_copy_low(u64 sp)
{
	return (sp - CAP_RED_ZONE_BYTES) & ~7ull;
}

/* Could the word at address not be read? */
static inline bool cap_copy_is_hole(const struct cap_copy *copy, u64 address)
{
	u64 page = address / CAP_HOLE_PAGE_BYTES - cap_copy_low(copy->sp) / CAP_HOLE_PAGE_BYTES;

	return page < 64 && copy->holes >> page & 1;
}

/*
 * Codes: 0 and 1 are themselves; an odd code from 3 on is an address that many words from where it
 * stands (base: the word's own address, for registers sp); an even one names a row of FRAMES.
 */
static inline bool cap_code_is_frame(u64 code)
{
	return code >= 2 && code % 2 == 0;
}

/* Is value so near to base that its code needs no frame? Then *ret_code is set. */
static inline bool cap_code_without_frame(u64 value, u64 base, u64 *ret_code)
{
	s64 distance = (s64)(value - base);

	if (value < 2) {
		*ret_code = value;
		return true;
	}
	if (distance % 8 != 0 || distance / 8 > (s64)CAP_MAX_COPY_WORDS ||
	    distance / 8 < -(s64)CAP_MAX_COPY_WORDS)
		return false;
	*ret_code = 2 * cap_zigzag(distance / 8) + 3;
	return true;
}

/* What a code that is no frame says. */
static inline u64 cap_code_value(u64 code, u64 base)
{
	return code < 2 ? code : base + 8 * (u64)cap_unzigzag((code - 3) / 2);
}

#pragma once
/* Signed numbers of DWARF. Unsigned ones are the capture's varints: bytes.h. */
#include "formats/base/bytes.h"

static inline s64 kymo_get_sleb(struct cap_cursor *cursor)
{
	u64 value = 0;
	unsigned int shift = 0;
	u8 byte;

	do {
		byte = cap_get_u8(cursor);
		if (shift < 64)
			value |= (u64)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && shift < 70);
	if (byte & 0x80)
		cursor->failed = true;
	if (shift < 64 && byte & 0x40)
		value |= ~0ull << shift;
	return (s64)value;
}

#pragma once
/*
 * One column while it is written: varints appended in place, so that closing a chunk costs no
 * second pass. A column whose values were all equal so far holds no bytes, only the value. Internal
 * to formats/.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "formats/base/bytes.h"
#include "formats/table/schema.h"

struct cap_out_column {
	u8 *bytes;
	u32 len, size;
	u64 first; /* value of all rows while !varies */
	u64 last;  /* DELTA: the row before */
	bool varies;
	bool broken; /* out of memory: its values are lost, and the chunk cannot be encoded */
};

/* Makes the column's bytes at least `size`. 0 or -ENOMEM. */
static inline int cap_column_reserve(struct cap_out_column *column, size_t size)
{
	size_t bigger = column->size ? column->size : 1024;
	u8 *bytes;

	if (size <= column->size)
		return 0;
	while (bigger < size)
		bigger *= 2;
	bytes = realloc(column->bytes, bigger);
	if (!bytes)
		return -ENOMEM;
	column->bytes = bytes;
	column->size = (u32)bigger;
	return 0;
}

static inline u64 cap_column_spell(enum cap_encoding encoding, u64 value)
{
	return encoding == CAP_ENC_ZIGZAG ? cap_zigzag((s64)value) : value;
}

/* The first value that differs: writes out the rows that were only counted. Out of line: rare. */
int cap_column_vary(struct cap_out_column *column, enum cap_encoding encoding, u32 rows);

/*
 * Appends one value; rows is how many the column has. There must be room for CAP_VARINT_MAX_BYTES
 * if the column varies. Returns the bytes it took. encoding is a constant at every call, so this
 * folds to a few instructions.
 */
static inline u32 cap_column_put(struct cap_out_column *column, enum cap_encoding encoding,
				 u64 value, u32 rows)
{
	u8 *at;
	u32 before;

	if (encoding == CAP_ENC_DELTA) {
		u64 delta = cap_zigzag((s64)(value - column->last));

		column->last = value;
		column->varies = true;
		value = delta;
	} else if (!column->varies) {
		if (rows == 0)
			column->first = value;
		if (value == column->first)
			return 0;
		if (cap_column_vary(column, encoding, rows))
			return 0;
		value = cap_column_spell(encoding, value);
	} else {
		value = cap_column_spell(encoding, value);
	}
	if (column->broken)
		return 0;
	before = column->len;
	at = column->bytes + before;
	column->len = (u32)(cap_put_varint(at, value) - column->bytes);
	return column->len - before;
}

#pragma once
/* Small pieces of JSON that the exports write millions of. Errors stay in the stream (ferror). */
#include <stdio.h>

#include "analyzer/output/json_string.h"
#include "analyzer/output/value_format.h"

static inline void kymo_put_int(FILE *out, s64 value)
{
	char number[KYMO_NUMBER_BYTES];

	(void)fwrite_unlocked(number, 1, kymo_format_int(value, number), out);
}

/* ns as milliseconds, exactly: 1234567 is 1.234567 */
static inline void kymo_put_ms(FILE *out, s64 ns)
{
	u64 size = ns < 0 ? 0 - (u64)ns : (u64)ns;
	char fraction[8] = ".000000";

	if (ns < 0)
		(void)fputc_unlocked('-', out);
	kymo_put_int(out, (s64)(size / 1000000));
	size %= 1000000;
	if (size == 0)
		return;
	for (int i = 6; i > 0; i--, size /= 10)
		fraction[i] = (char)('0' + size % 10);
	(void)fputs_unlocked(fraction, out);
}

/* A comma before all but the first. */
static inline void kymo_put_comma(FILE *out, bool *first)
{
	if (!*first)
		(void)fputc_unlocked(',', out);
	*first = false;
}

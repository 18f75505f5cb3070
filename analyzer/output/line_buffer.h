#pragma once
/* Pieces of a line, put together before they go into a stream: one call of stdio for each number
 * would take longer than all else that writes a row. */
#include <stdio.h>
#include <string.h>

#include "analyzer/output/value_format.h"

struct kymo_line {
	FILE *out;
	size_t used;
	char text[4096];
};

static inline void kymo_line_flush(struct kymo_line *line)
{
	(void)fwrite_unlocked(line->text, 1, line->used, line->out);
	line->used = 0;
}

static inline void kymo_line_put(struct kymo_line *line, const char *text, size_t len)
{
	if (len > sizeof(line->text) - line->used)
		kymo_line_flush(line);
	if (len > sizeof(line->text)) {
		(void)fwrite_unlocked(text, 1, len, line->out);
		return;
	}
	memcpy(line->text + line->used, text, len);
	line->used += len;
}

static inline void kymo_line_int(struct kymo_line *line, s64 value)
{
	if (sizeof(line->text) - line->used < KYMO_NUMBER_BYTES)
		kymo_line_flush(line);
	line->used += kymo_format_int(value, line->text + line->used);
}

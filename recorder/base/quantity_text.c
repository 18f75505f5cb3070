/* Quantities as text. */
#include "recorder/base/quantity_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *rec_count_text(u64 count, char *text, size_t text_bytes)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t at = 0;

	for (int i = 0; i < len && at + 2 < text_bytes; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

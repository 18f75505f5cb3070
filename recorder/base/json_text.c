/* Strings as JSON has them. */
#include "recorder/base/json_text.h"

#include <string.h>

#include "formats/base/escape.h"

void rec_json_string(FILE *out, const char *text)
{
	size_t len = strlen(text);

	(void)fputc('"', out);
	for (size_t at = 0; at < len;) {
		struct cap_escaped next = cap_escape_next(CAP_ESCAPE_JSON, text + at, len - at);

		(void)fwrite(next.text, 1, next.len, out);
		at += next.taken;
	}
	(void)fputc('"', out);
}

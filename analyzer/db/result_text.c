/* SQLite takes text as it comes, but what its functions do with bytes that are not UTF-8, or behind
 * a NUL, is not defined: such strings are BLOBs. */
#include "analyzer/db/result_text.h"

#include <string.h>

#include "analyzer/output/safe_text.h"

void kymo_result_text(sqlite3_context *context, const void *bytes, size_t len)
{
	if (len == 0)
		return; /* NULL */
	if (memchr(bytes, '\0', len) || !kymo_is_utf8(bytes, len))
		sqlite3_result_blob64(context, bytes, len, SQLITE_TRANSIENT);
	else
		sqlite3_result_text64(context, bytes, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void kymo_result_hex(sqlite3_context *context, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const u8 *from = bytes;
	char *text;

	if (len == 0)
		return;
	text = sqlite3_malloc64(len * 2);
	if (!text) {
		sqlite3_result_error_nomem(context);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		text[i * 2] = digits[from[i] >> 4];
		text[i * 2 + 1] = digits[from[i] & 15];
	}
	sqlite3_result_text64(context, text, len * 2, sqlite3_free, SQLITE_UTF8);
}

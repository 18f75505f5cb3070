/* SQLite must never see text that is not UTF-8: its functions may do anything with it. */
#include "analyzer/import/result_text.h"

#include <string.h>

#include "analyzer/output/safe_text.h"

static size_t valid_length(const char *text, size_t len)
{
	u32 code;
	size_t step = kymo_utf8_decode(text, len, &code);

	return step > 0 && code == 0 ? 0 : step;
}

static void result_repaired(sqlite3_context *context, const char *text, size_t len)
{
	char *repaired = sqlite3_malloc64(len * 3 + 1);
	size_t used = 0;

	if (!repaired) {
		sqlite3_result_error_nomem(context);
		return;
	}
	for (size_t at = 0; at < len;) {
		size_t step = valid_length(text + at, len - at);

		memcpy(repaired + used, step > 0 ? text + at : "\xef\xbf\xbd", step > 0 ? step : 3);
		used += step > 0 ? step : 3;
		at += step > 0 ? step : 1;
	}
	sqlite3_result_text64(context, repaired, used, sqlite3_free, SQLITE_UTF8);
}

void kymo_result_text(sqlite3_context *context, const void *bytes, size_t len)
{
	const char *text = bytes;

	if (len == 0)
		return; /* NULL */
	for (size_t at = 0; at < len;) {
		size_t step = valid_length(text + at, len - at);

		if (step == 0) {
			result_repaired(context, text, len);
			return;
		}
		at += step;
	}
	sqlite3_result_text64(context, text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
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

/* Every string of every JSON output passes through here; a single thread writes, so streams are not
 * locked for each byte. */
#include "analyzer/output/json_string.h"

#include <string.h>

#include "analyzer/output/safe_text.h"

static void put_ascii(FILE *out, char byte)
{
	switch (byte) {
	case '"':
		(void)fputs_unlocked("\\\"", out);
		break;
	case '\\':
		(void)fputs_unlocked("\\\\", out);
		break;
	case '\n':
		(void)fputs_unlocked("\\n", out);
		break;
	case '\t':
		(void)fputs_unlocked("\\t", out);
		break;
	default:
		if ((u8)byte < 0x20 || byte == 0x7f)
			(void)fprintf(out, "\\u%04x", (u8)byte);
		else
			(void)fputc_unlocked(byte, out);
	}
}

/* Length of the prefix that needs no escaping in JSON: nearly all of nearly every name. */
static size_t plain_bytes(const char *text, size_t text_bytes)
{
	size_t len = 0;

	while (len < text_bytes && text[len] >= 0x20 && text[len] < 0x7f && text[len] != '"' &&
	       text[len] != '\\')
		len++;
	return len;
}

static void put_text(FILE *out, const char *text, size_t text_bytes, bool is_key)
{
	for (size_t at = 0; at < text_bytes;) {
		u32 code = 0;
		size_t len = plain_bytes(text + at, text_bytes - at);

		if (len > 0) {
			(void)fwrite_unlocked(text + at, 1, len, out);
			at += len;
			continue;
		}
		len = cap_utf8_decode(text + at, text_bytes - at, &code);
		if (len == 0 || (is_key && code == '\\'))
			(void)fprintf(out, "\\\\x%02x", (u8)text[at]);
		else if (len == 1)
			put_ascii(out, text[at]);
		else if (kymo_code_is_shown(code))
			(void)fwrite_unlocked(text + at, 1, len, out);
		else if (code < 0x10000)
			(void)fprintf(out, "\\u%04x", code);
		else
			(void)fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
				      0xdc00 + ((code - 0x10000) & 0x3ff));
		at += len > 0 ? len : 1;
	}
}

void kymo_json_string(FILE *out, const char *text, size_t text_bytes)
{
	(void)fputc_unlocked('"', out);
	put_text(out, text, text_bytes, false);
	(void)fputc_unlocked('"', out);
}

void kymo_json_key(FILE *out, const char *name, const char *suffix)
{
	(void)fputc_unlocked('"', out);
	put_text(out, name, strlen(name), true);
	(void)fputs_unlocked(suffix, out);
	(void)fputs_unlocked("\":", out);
}

void kymo_json_flag(FILE *out, const char *separator, const char *name, const char *suffix,
		    const char *text, size_t text_bytes)
{
	if (kymo_is_utf8(text, text_bytes))
		return;
	(void)fputs_unlocked(separator, out);
	kymo_json_key(out, name, suffix);
	(void)fputc_unlocked('"', out);
	for (size_t i = 0; i < text_bytes; i++)
		(void)fprintf(out, "%02x", (u8)text[i]);
	(void)fputc_unlocked('"', out);
}

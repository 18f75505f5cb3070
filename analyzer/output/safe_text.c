/* Which bytes may reach a terminal, and JSON strings. Knows nothing of sinks. */
#include "analyzer/output/safe_text.h"

#include <string.h>

size_t kymo_utf8_decode(const char *text, size_t text_bytes, u32 *ret_code)
{
	static const u32 lowest[5] = {0, 0, 0x80, 0x800, 0x10000};
	const u8 *bytes = (const u8 *)text;
	size_t len;
	u32 code;

	if (text_bytes == 0)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_code = bytes[0];
		return 1;
	}
	len = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || len > text_bytes)
		return 0;
	code = bytes[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < lowest[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return len;
}

/* Controls, and characters that are invisible or turn the direction of text: a name made of them
 * could hide what a line says. */
int kymo_code_is_visible(u32 code)
{
	static const struct {
		u32 first, last;
	} hidden[] = {
		{0x00, 0x1f},	  {0x7f, 0x9f},	    {0xad, 0xad},	 {0x34f, 0x34f},
		{0x61c, 0x61c},	  {0x115f, 0x1160}, {0x17b4, 0x17b5},	 {0x180b, 0x180f},
		{0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},	 {0x3164, 0x3164},
		{0xe000, 0xf8ff}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},	 {0xffa0, 0xffa0},
		{0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0x10ffff},
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (code >= hidden[i].first && code <= hidden[i].last)
			return 0;
	}
	return 1;
}

/* Length of the visible character at text, 0 if it must be escaped. */
static size_t visible_length(const char *text, size_t text_bytes, int keep_newline)
{
	u32 code;
	size_t len = kymo_utf8_decode(text, text_bytes, &code);

	if (len == 0 || (keep_newline && code == '\n'))
		return len;
	return kymo_code_is_visible(code) ? len : 0;
}

void kymo_print_safe(FILE *out, const char *text, size_t text_bytes, int keep_newline)
{
	size_t at = 0, run = 0;

	while (at + run < text_bytes) {
		size_t len = visible_length(text + at + run, text_bytes - at - run, keep_newline);

		if (len > 0) {
			run += len;
			continue;
		}
		(void)fwrite(text + at, 1, run,
			     out); /* errors stay in the stream: kymo_sink_finish */
		(void)fprintf(out, "\\x%02x", (u8)text[at + run]);
		at += run + 1;
		run = 0;
	}
	(void)fwrite(text + at, 1, run, out);
}

size_t kymo_safe_width(const char *text, size_t text_bytes)
{
	size_t width = 0;

	for (size_t at = 0; at < text_bytes;) {
		size_t len = visible_length(text + at, text_bytes - at, 0);

		width += len > 0 ? 1 : 4;
		at += len > 0 ? len : 1;
	}
	return width;
}

static void print_json_ascii(FILE *out, char byte)
{
	switch (byte) {
	case '"':
		(void)fputs("\\\"", out);
		break;
	case '\\':
		(void)fputs("\\\\", out);
		break;
	case '\n':
		(void)fputs("\\n", out);
		break;
	case '\t':
		(void)fputs("\\t", out);
		break;
	default:
		if ((u8)byte < 0x20 || byte == 0x7f)
			(void)fprintf(out, "\\u%04x", (u8)byte);
		else
			(void)fputc(byte, out);
	}
}

void kymo_print_json_string(FILE *out, const char *text, size_t text_bytes)
{
	(void)fputc('"', out);
	for (size_t at = 0; at < text_bytes;) {
		u32 code;
		size_t len = kymo_utf8_decode(text + at, text_bytes - at, &code);

		if (len == 0)
			(void)fputs("\xef\xbf\xbd", out);
		else if (len == 1)
			print_json_ascii(out, text[at]);
		else if (kymo_code_is_visible(code))
			(void)fwrite(text + at, 1, len, out);
		else if (code < 0x10000)
			(void)fprintf(out, "\\u%04x", code);
		else
			(void)fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
				      0xdc00 + ((code - 0x10000) & 0x3ff));
		at += len > 0 ? len : 1;
	}
	(void)fputc('"', out);
}

/* Strings as JSON has them. */
#include "recorder/base/json_text.h"

/* JSON needs valid UTF-8: bytes beyond ASCII are passed on only in well-formed sequences. */
static size_t utf8_len(const unsigned char *bytes)
{
	size_t len = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;

	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xed && bytes[1] > 0x9f) ||
	    (bytes[0] == 0xf0 && bytes[1] < 0x90) || (bytes[0] == 0xf4 && bytes[1] > 0x8f))
		return 0; /* overlong, surrogate, beyond U+10FFFF */
	return len;
}

void rec_json_string(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	(void)fputc('"', out);
	while (*at) {
		size_t len = *at < 0x80 ? 1 : utf8_len(at);

		if (len == 0) {
			(void)fputs("\\ufffd", out);
			len = 1;
		} else if (*at == '"' || *at == '\\') {
			(void)fprintf(out, "\\%c", *at);
		} else if (*at < 0x20 || *at == 0x7f) {
			(void)fprintf(out, "\\u%04x", *at);
		} else {
			(void)fwrite(at, 1, len, out);
		}
		at += len;
	}
	(void)fputc('"', out);
}

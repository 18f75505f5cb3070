/* Escaping, one table per place where text is shown. */
#include "formats/base/escape.h"

#include <string.h>

size_t cap_utf8_decode(const char *text, size_t text_bytes, u32 *ret_code)
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

static struct cap_escaped as_it_is(const char *text, size_t len)
{
	struct cap_escaped escaped = {.len = len, .taken = len};

	memcpy(escaped.text, text, len);
	return escaped;
}

/* prefix and the low digits of code in hexadecimal. */
static struct cap_escaped in_hex(const char *prefix, u32 code, size_t digits, size_t taken)
{
	struct cap_escaped escaped = {.len = strlen(prefix) + digits, .taken = taken};
	char *end = escaped.text + escaped.len;

	memcpy(escaped.text, prefix, strlen(prefix));
	for (size_t i = 0; i < digits; i++, code >>= 4)
		*--end = "0123456789abcdef"[code & 15];
	return escaped;
}

static bool is_control(u32 code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Inside quotes, where a backslash begins an escape. */
static struct cap_escaped next_quoted(const char *text, size_t text_bytes, bool json)
{
	u32 code = 0;
	size_t len = cap_utf8_decode(text, text_bytes, &code);

	if (len == 0)
		return in_hex("\\u", 0xfffd, 4, 1);
	if (code == '"' || code == '\\')
		return (struct cap_escaped){.text = {'\\', (char)code}, .len = 2, .taken = 1};
	if (is_control(code))
		return json ? in_hex("\\u", code, 4, len) : in_hex("\\x", code, 2, len);
	return as_it_is(text, len);
}

struct cap_escaped cap_escape_next(enum cap_escape how, const char *text, size_t text_bytes)
{
	u32 code = 0;
	size_t len;

	switch (how) {
	case CAP_ESCAPE_JSON:
		return next_quoted(text, text_bytes, true);
	case CAP_ESCAPE_YAML:
		return next_quoted(text, text_bytes, false);
	case CAP_ESCAPE_MESSAGE:
		len = cap_utf8_decode(text, text_bytes, &code);
		if (len > 0 && (!is_control(code) || code == '\n' || code == '\t'))
			return as_it_is(text, len);
		break;
	case CAP_ESCAPE_ASCII:
		if (*text >= 0x20 && *text < 0x7f && *text != '\'' && *text != '\\')
			return as_it_is(text, 1);
		break;
	}
	return in_hex("\\x", (u8)*text, 2, 1);
}

const char *cap_escape_text(enum cap_escape how, const char *text, size_t text_bytes,
			    char *ret_shown, size_t size)
{
	size_t at = 0;

	for (size_t done = 0; done < text_bytes;) {
		struct cap_escaped next = cap_escape_next(how, text + done, text_bytes - done);

		if (at + next.len + sizeof("...") > size) {
			memcpy(ret_shown + at, "...", 3);
			at += 3;
			break;
		}
		memcpy(ret_shown + at, next.text, next.len);
		at += next.len;
		done += next.taken;
	}
	ret_shown[at] = '\0';
	return ret_shown;
}

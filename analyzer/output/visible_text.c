/* What is visible, safe_text.h decides; here it becomes text and XML. */
#include "visible_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "analyzer/output/safe_text.h"

static bool is_wide(uint32_t code) /* roughly: East Asian and pictures */
{
	return (code >= 0x1100 && code <= 0x115e) || (code >= 0x2e80 && code <= 0xa4cf) ||
	       (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
	       (code >= 0xff00 && code <= 0xff60) || (code >= 0x1f300 && code <= 0x3fffd);
}

struct kymo_visible kymo_visible_next(const char *bytes, size_t len)
{
	const unsigned char *input = (const unsigned char *)bytes;
	struct kymo_visible visible = {.consumed = 1};
	uint32_t code = 0;
	size_t used = kymo_utf8_decode(bytes, len, &code);

	if (used > 0 && kymo_code_is_visible(code)) {
		memcpy(visible.text, bytes, used);
		visible.len = visible.consumed = used;
		visible.columns = is_wide(code) ? 2 : 1;
		return visible;
	}
	if (used > 1 && code > 0x9f) {
		visible.len = (size_t)snprintf(visible.text, sizeof(visible.text), "\\u{%x}", code);
		visible.consumed = used;
	} else {
		visible.len =
			(size_t)snprintf(visible.text, sizeof(visible.text), "\\x%02x", input[0]);
	}
	visible.columns = visible.len;
	return visible;
}

static void write_escaped(FILE *out, const struct kymo_visible *visible)
{
	switch (visible->len == 1 ? visible->text[0] : 0) {
	case '&':
		(void)fputs("&amp;", out);
		break;
	case '<':
		(void)fputs("&lt;", out);
		break;
	case '>':
		(void)fputs("&gt;", out);
		break;
	case '"':
		(void)fputs("&quot;", out);
		break;
	case '\'':
		(void)fputs("&#39;", out);
		break;
	default:
		(void)fwrite(visible->text, 1, visible->len, out);
	}
}

/* How many bytes of the input fit: all of it, or what leaves room for the two dots. */
static size_t fitting_bytes(const char *bytes, size_t len, size_t max_columns)
{
	size_t columns = 0, fit = 0;

	for (size_t at = 0; at < len;) {
		struct kymo_visible visible = kymo_visible_next(bytes + at, len - at);

		columns += visible.columns;
		if (columns > max_columns)
			return fit;
		at += visible.consumed;
		if (columns + 2 <= max_columns)
			fit = at;
	}
	return len;
}

void kymo_xml_write(FILE *out, const char *bytes, size_t len, size_t max_columns)
{
	size_t end = max_columns ? fitting_bytes(bytes, len, max_columns) : len;

	for (size_t at = 0; at < end;) {
		struct kymo_visible visible = kymo_visible_next(bytes + at, len - at);

		write_escaped(out, &visible);
		at += visible.consumed;
	}
	if (end < len)
		(void)fputs("..", out);
}

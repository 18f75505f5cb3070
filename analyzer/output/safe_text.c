/* Steps of one character or one byte, the basis of everything that writes names. */
#include "analyzer/output/safe_text.h"

#include <string.h>

bool kymo_is_utf8(const char *text, size_t text_bytes)
{
	u32 code;

	for (size_t at = 0; at < text_bytes;) {
		size_t len = cap_utf8_decode(text + at, text_bytes - at, &code);

		if (len == 0)
			return false;
		at += len;
	}
	return true;
}

bool kymo_code_is_shown(u32 code)
{
	static const struct {
		u32 first, last;
	} letters[] = {
#define LETTERS(first, last) {first, last},
#include "analyzer/output/letters.def"
#undef LETTERS
	};
	size_t low = 0, high = sizeof(letters) / sizeof(letters[0]);

	if (code < 0x80)
		return code >= 0x20 && code < 0x7f;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code > letters[middle].last)
			low = middle + 1;
		else if (code < letters[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

static bool is_wide(u32 code) /* roughly: East Asian */
{
	return (code >= 0x1100 && code <= 0x115e) || (code >= 0x2e80 && code <= 0xa4cf) ||
	       (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
	       (code >= 0xff00 && code <= 0xff60) || (code >= 0x17000 && code <= 0x3fffd);
}

struct kymo_visible kymo_visible_next(const char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	struct kymo_visible visible = {.consumed = 1};
	u8 byte = (u8)bytes[0];
	u32 code = 0;
	size_t used = cap_utf8_decode(bytes, len, &code);

	if (used > 0 && kymo_code_is_shown(code)) {
		memcpy(visible.text, bytes, used);
		visible.len = visible.consumed = used;
		visible.columns = is_wide(code) ? 2 : 1;
		return visible;
	}
	visible.text[0] = '\\';
	visible.text[1] = 'x';
	visible.text[2] = digits[byte >> 4];
	visible.text[3] = digits[byte & 15];
	visible.len = visible.columns = 4;
	return visible;
}

void kymo_print_safe(FILE *out, const char *text, size_t text_bytes)
{
	for (size_t at = 0; at < text_bytes;) {
		size_t plain = at;
		struct kymo_visible visible;

		while (plain < text_bytes && text[plain] >= 0x20 && text[plain] < 0x7f)
			plain++;
		(void)fwrite(text + at, 1, plain - at, out); /* most names are all of this */
		at = plain;
		if (at == text_bytes)
			return;
		visible = kymo_visible_next(text + at, text_bytes - at);
		(void)fwrite(visible.text, 1, visible.len, out);
		at += visible.consumed;
	}
}

size_t kymo_print_fitting(FILE *out, const char *text, size_t text_bytes, size_t columns)
{
	bool whole = kymo_safe_width(text, text_bytes) <= columns;
	size_t room = whole || columns < 2 ? columns : columns - 2, used = 0;

	for (size_t at = 0; at < text_bytes;) {
		struct kymo_visible step = kymo_visible_next(text + at, text_bytes - at);

		if (used + step.columns > room)
			break;
		(void)fwrite(step.text, 1, step.len, out);
		used += step.columns;
		at += step.consumed;
	}
	if (whole || columns < 2)
		return used;
	(void)fputs("..", out);
	return used + 2;
}

size_t kymo_print_end(FILE *out, const char *text, size_t text_bytes, size_t columns)
{
	size_t width = kymo_safe_width(text, text_bytes), at = 0;

	if (width <= columns || columns < 2)
		return kymo_print_fitting(out, text, text_bytes, columns);
	while (at < text_bytes && width > columns - 2) {
		struct kymo_visible step = kymo_visible_next(text + at, text_bytes - at);

		width -= step.columns;
		at += step.consumed;
	}
	(void)fputs("..", out);
	kymo_print_safe(out, text + at, text_bytes - at);
	return width + 2;
}

size_t kymo_safe_width(const char *text, size_t text_bytes)
{
	size_t width = 0;

	for (size_t at = 0; at < text_bytes;) {
		struct kymo_visible visible = kymo_visible_next(text + at, text_bytes - at);

		width += visible.columns;
		at += visible.consumed;
	}
	return width;
}

/* Only characters that safe_text.h accepts arrive here; all of them are legal in XML 1.0. */
#include "analyzer/output/xml_text.h"

#include "analyzer/output/safe_text.h"

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

/* How many bytes of the input fit: all, or as many as leave room for the two dots. */
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

/* Numbers for people and for programs. */
#include "analyzer/output/value_format.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/size_text.h"

static void format_grouped(s64 value, char *ret_text)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, value);
	size_t at = 0;

	for (int i = 0; i < len; i++) {
		ret_text[at++] = digits[i];
		if ((len - i) % 3 == 1 && i + 1 < len && digits[i] != '-')
			ret_text[at++] = ',';
	}
	ret_text[at] = '\0';
}

static const struct {
	double ns;
	const char *unit;
} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};

/* Three digits, for tables with many columns of times. */
static void format_short_ns(double ns, char *ret_text)
{
	size_t i = 0, last = sizeof(units) / sizeof(units[0]) - 1;
	double value;

	if (fabs(ns) < units[last].ns) {
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.0f ns", ns);
		return;
	}
	while (i < last && fabs(ns) < units[i].ns)
		i++;
	value = ns / units[i].ns;
	(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.*f %s",
		       fabs(value) < 10	   ? 2
		       : fabs(value) < 100 ? 1
					   : 0,
		       value, units[i].unit);
}

static void format_ns(double ns, char *ret_text)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (fabs(ns) >= units[i].ns) {
			(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.3f %s", ns / units[i].ns,
				       units[i].unit);
			return;
		}
	}
	(void)snprintf(ret_text, KYMO_NUMBER_BYTES, ns == floor(ns) ? "%.0f ns" : "%.1f ns", ns);
}

void kymo_format_shown(const struct kymo_value *value, enum kymo_show show,
		       char ret_text[KYMO_NUMBER_BYTES])
{
	double number = value->type == KYMO_REAL ? value->real : (double)value->integer;

	if (value->type == KYMO_NULL)
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "-");
	else if (value->type == KYMO_BOOL)
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%s", value->integer ? "yes" : "no");
	else if (show == KYMO_SHOW_NS)
		format_ns(number, ret_text);
	else if (show == KYMO_SHOW_SHORT_NS)
		format_short_ns(number, ret_text);
	else if (show == KYMO_SHOW_SECONDS)
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.3f", number);
	else if (show == KYMO_SHOW_BYTES)
		(void)cap_size_text(number, ret_text);
	else if (show == KYMO_SHOW_PERCENT)
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.2f %%", number);
	else if (show == KYMO_SHOW_COUNT && value->type == KYMO_INT)
		format_grouped(value->integer, ret_text);
	else if (show == KYMO_SHOW_COUNT)
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.1f", number);
	else
		kymo_format_plain(value, ret_text);
}

size_t kymo_format_int(s64 value, char ret_text[KYMO_NUMBER_BYTES])
{
	char digits[KYMO_NUMBER_BYTES];
	u64 rest = value < 0 ? 0 - (u64)value : (u64)value;
	size_t at = sizeof(digits), len;

	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		digits[--at] = '-';
	len = sizeof(digits) - at;
	memcpy(ret_text, digits + at, len);
	ret_text[len] = '\0';
	return len;
}

void kymo_format_plain(const struct kymo_value *value, char ret_text[KYMO_NUMBER_BYTES])
{
	switch (value->type) {
	case KYMO_INT:
		(void)kymo_format_int(value->integer, ret_text);
		break;
	case KYMO_BOOL:
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%s",
			       value->integer ? "true" : "false");
		break;
	case KYMO_REAL:
		if (isfinite(value->real)) {
			(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.15g", value->real);
			if (strtod(ret_text, NULL) != value->real)
				(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "%.17g", value->real);
			break;
		}
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "null");
		break;
	default:
		(void)snprintf(ret_text, KYMO_NUMBER_BYTES, "null");
	}
}

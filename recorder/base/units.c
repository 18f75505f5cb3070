/* Quantities as text. Everything is integer arithmetic: 1.1s is 1100000000 ns, not a rounded
 * double. */
#include "recorder/base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	u64 factor;
};

#define MAX_DECIMALS 9

static const struct unit duration_units[] = {
	{"d", 86400 * REC_NS_PER_S},
	{"h", 3600 * REC_NS_PER_S},
	{"m", 60 * REC_NS_PER_S},
	{"s", REC_NS_PER_S},
	{"ms", REC_NS_PER_MS},
	{"us", 1000},
	{"ns", 1},
	{NULL, 0},
};

/* Of several names of a factor, the first is used for output. */
static const struct unit size_units[] = {
	{"T", 1ull << 40},
	{"G", 1ull << 30},
	{"M", 1ull << 20},
	{"K", 1ull << 10},
	{"TiB", 1ull << 40},
	{"GiB", 1ull << 30},
	{"MiB", 1ull << 20},
	{"KiB", 1ull << 10},
	{"TB", 1000000000000ull},
	{"GB", 1000000000ull},
	{"MB", 1000000ull},
	{"kB", 1000ull},
	{"B", 1},
	{NULL, 0},
};

static const struct unit count_units[] = {
	{"G", 1000000000ull},
	{"M", 1000000ull},
	{"K", 1000ull},
	{NULL, 0},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits, with up to MAX_DECIMALS after a point: value = *ret_mantissa / 10^*ret_decimals. */
static int parse_number(const char **text, u64 *ret_mantissa, unsigned int *ret_decimals)
{
	const char *p = *text;
	unsigned int decimals = 0;
	bool after_point = false;
	u64 mantissa = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p) || (*p == '.' && !after_point && is_digit(p[1])); p++) {
		if (*p == '.') {
			after_point = true;
			continue;
		}
		if (after_point && ++decimals > MAX_DECIMALS)
			return -EINVAL;
		if (__builtin_mul_overflow(mantissa, 10, &mantissa) ||
		    __builtin_add_overflow(mantissa, (u64)(*p - '0'), &mantissa))
			return -ERANGE;
	}
	*text = p;
	*ret_mantissa = mantissa;
	*ret_decimals = decimals;
	return 0;
}

/* The unit at *text; NULL if there is none of that name. Takes all letters, so "min" is not read as
 * "m". */
static const struct unit *parse_unit(const char **text, const struct unit *units, bool ignore_case)
{
	const char *end = *text;
	size_t len;

	while ((*end | 0x20) >= 'a' && (*end | 0x20) <= 'z')
		end++;
	len = (size_t)(end - *text);
	for (; units->name; units++) {
		int differs = ignore_case ? strncasecmp(units->name, *text, len)
					  : strncmp(units->name, *text, len);

		if (!differs && !units->name[len] && len) {
			*text = end;
			return units;
		}
	}
	return NULL;
}

static int scale(u64 mantissa, unsigned int decimals, u64 factor, u64 *ret_value)
{
	unsigned __int128 value = (unsigned __int128)mantissa * factor;

	for (; decimals; decimals--) {
		if (value % 10)
			return -EINVAL; /* "1.5" bytes */
		value /= 10;
	}
	if (value > UINT64_MAX)
		return -ERANGE;
	*ret_value = (u64)value;
	return 0;
}

static int parse_one(const char *text, const struct unit *units, u64 *ret_value)
{
	const struct unit *unit = NULL;
	unsigned int decimals;
	u64 mantissa;
	int rc = parse_number(&text, &mantissa, &decimals);

	if (rc < 0)
		return rc;
	if (*text) {
		unit = parse_unit(&text, units, true);
		if (!unit || *text)
			return -EINVAL;
	}
	return scale(mantissa, decimals, unit ? unit->factor : 1, ret_value);
}

int rec_parse_size(const char *text, u64 *ret_bytes)
{
	return parse_one(text, size_units, ret_bytes);
}

int rec_parse_count(const char *text, u64 *ret_count)
{
	return parse_one(text, count_units, ret_count);
}

int rec_parse_percent(const char *text, u64 *ret_ppm)
{
	unsigned int decimals;
	u64 mantissa;
	int rc = parse_number(&text, &mantissa, &decimals);

	if (rc < 0)
		return rc;
	return strcmp(text, "%") == 0 ? scale(mantissa, decimals, 10000, ret_ppm) : -EINVAL;
}

int rec_parse_duration(const char *text, u64 bare_unit_ns, u64 *ret_ns)
{
	u64 last_factor = UINT64_MAX, sum_ns = 0;

	do {
		const struct unit *unit;
		unsigned int decimals;
		u64 mantissa, part_ns;
		int rc = parse_number(&text, &mantissa, &decimals);

		if (rc < 0)
			return rc;
		if (!*text && last_factor == UINT64_MAX)
			return scale(mantissa, decimals, bare_unit_ns, ret_ns);
		unit = parse_unit(&text, duration_units, false);
		if (!unit || unit->factor >= last_factor)
			return -EINVAL;
		last_factor = unit->factor;
		rc = scale(mantissa, decimals, unit->factor, &part_ns);
		if (rc < 0)
			return rc;
		if (__builtin_add_overflow(sum_ns, part_ns, &sum_ns))
			return -ERANGE;
	} while (*text);
	*ret_ns = sum_ns;
	return 0;
}

static void format_with(u64 value, const struct unit *units, const char *bare,
			char ret_text[REC_UNIT_TEXT_BYTES])
{
	for (; value && units->name; units++) {
		if (value % units->factor)
			continue;
		snprintf(ret_text, REC_UNIT_TEXT_BYTES, "%" PRIu64 "%s", value / units->factor,
			 units->factor == 1 ? bare : units->name);
		return;
	}
	snprintf(ret_text, REC_UNIT_TEXT_BYTES, "%" PRIu64, value);
}

void rec_format_duration(u64 ns, char ret_text[REC_UNIT_TEXT_BYTES])
{
	format_with(ns, duration_units, "ns", ret_text);
}

void rec_format_size(u64 bytes, char ret_text[REC_UNIT_TEXT_BYTES])
{
	static const struct unit binary[] = {
		{"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20},
		{"K", 1ull << 10}, {NULL, 0},
	};

	format_with(bytes, binary, "", ret_text);
}

void rec_format_count(u64 count, char ret_text[REC_UNIT_TEXT_BYTES])
{
	format_with(count, count_units, "", ret_text);
}

void rec_format_percent(u64 ppm, char ret_text[REC_UNIT_TEXT_BYTES])
{
	int len = snprintf(ret_text, REC_UNIT_TEXT_BYTES, "%" PRIu64 ".%04" PRIu64, ppm / 10000,
			   ppm % 10000);

	while (ret_text[len - 1] == '0')
		len--;
	if (ret_text[len - 1] == '.')
		len--;
	ret_text[len] = '%';
	ret_text[len + 1] = '\0';
}

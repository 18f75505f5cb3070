/* Letters are chosen by the logarithm of a count, so that a single slow request shows beside
 * thousands of fast ones. */
#include "analyzer/reports/heat_text.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/output/safe_text.h"

static const char letters[] = ".:-=+*#%@"; /* from one to the most */

unsigned kymo_heat_column(const struct kymo_heat *heat, s64 time_ns)
{
	double span = (double)heat->to_ns - (double)heat->from_ns;
	double at = ((double)time_ns - (double)heat->from_ns) / span * KYMO_HEAT_COLUMNS;

	return at <= 0 ? 0 : at >= KYMO_HEAT_COLUMNS ? KYMO_HEAT_COLUMNS - 1 : (unsigned)at;
}

static unsigned log2_of(u64 count)
{
	return count ? 63u - (unsigned)__builtin_clzll(count) : 0;
}

static char letter_of(u64 count, u64 most)
{
	unsigned last = sizeof(letters) - 2, top = log2_of(most);

	if (count == 0)
		return ' ';
	if (count == most)
		return letters[last];
	return letters[top ? log2_of(count) * last / (top + 1) : 0];
}

/* 2^bucket ns, taking 1,024 for 1,000: "128 us". */
static void bound_text(unsigned bucket, char ret_text[32])
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	unsigned unit = bucket / 10 < 3 ? bucket / 10 : 3;

	(void)snprintf(ret_text, 32, "%" PRIu64 " %s", (u64)1 << (bucket - 10 * unit), units[unit]);
}

static void draw_line(FILE *out, const struct kymo_heat *heat, unsigned bucket, u64 most)
{
	char line[KYMO_HEAT_COLUMNS + 1], bound[32];

	for (unsigned i = 0; i < KYMO_HEAT_COLUMNS; i++)
		line[i] = letter_of(heat->counts[bucket][i], most);
	line[KYMO_HEAT_COLUMNS] = '\0';
	bound_text(bucket, bound);
	(void)fprintf(out, "%12s   |%s|\n", bound, line);
}

void kymo_heat_draw(FILE *out, const char *title, const char *what, const struct kymo_heat *heat)
{
	unsigned first = KYMO_HEAT_BUCKETS, last = 0;
	double begin = ((double)heat->from_ns - (double)heat->start_ns) / 1e9;
	double end = ((double)heat->to_ns - (double)heat->start_ns) / 1e9;
	char from[32], to[32];
	u64 most = 0;

	for (unsigned b = 0; b < KYMO_HEAT_BUCKETS; b++) {
		for (unsigned i = 0; i < KYMO_HEAT_COLUMNS; i++) {
			if (heat->counts[b][i] == 0)
				continue;
			first = first < b ? first : b;
			last = b;
			most = most > heat->counts[b][i] ? most : heat->counts[b][i];
		}
	}
	if (most == 0)
		return;
	(void)fputc('\n', out);
	kymo_print_safe(out, title, strlen(title));
	(void)fputc('\n', out);
	for (unsigned b = last + 1; b-- > first;)
		draw_line(out, heat, b, most);
	(void)snprintf(from, sizeof(from), "%.2f s", begin);
	(void)snprintf(to, sizeof(to), "%.2f s", end);
	(void)fprintf(out, "%16s%-*s%s\n", "", KYMO_HEAT_COLUMNS - (int)strlen(to), from, to);
	(void)fprintf(out, "%16sone column: %.3g s; '%c' 1, '%c' %" PRIu64 " %s\n", "",
		      (end - begin) / KYMO_HEAT_COLUMNS, letter_of(1, most), letter_of(most, most),
		      most, what);
}

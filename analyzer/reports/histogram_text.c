/* The range of rows is from the first bucket that has a count to the last. */
#include "analyzer/reports/histogram_text.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/output/safe_text.h"

#define BAR_COLUMNS 36 /* the whole line has 80 */

void kymo_histogram_add(struct kymo_histogram *histogram, s64 low, u64 count)
{
	unsigned bucket = low <= 1 ? 0 : 63u - (unsigned)__builtin_clzll((unsigned long long)low);

	histogram->counts[bucket] += count;
}

static void draw_bucket(FILE *out, unsigned bucket, u64 count, u64 most)
{
	u64 low = bucket == 0 ? 0 : 1ull << bucket;
	u64 high = (2ull << bucket) - 1;
	unsigned stars = (unsigned)(((double)count * BAR_COLUMNS) / (double)most);
	char bar[BAR_COLUMNS + 1];

	memset(bar, '*', stars);
	bar[stars] = '\0';
	(void)fprintf(out, "%12" PRIu64 " -> %-12" PRIu64 " : %-10" PRIu64 " |%-*s|\n", low, high,
		      count, BAR_COLUMNS, bar);
}

void kymo_histogram_draw(FILE *out, const char *name, const char *unit,
			 const struct kymo_histogram *histogram)
{
	unsigned first = KYMO_HISTOGRAM_BUCKETS, last = 0;
	u64 most = 0;

	for (unsigned i = 0; i < KYMO_HISTOGRAM_BUCKETS; i++) {
		if (histogram->counts[i] == 0)
			continue;
		if (first == KYMO_HISTOGRAM_BUCKETS)
			first = i;
		last = i;
		if (histogram->counts[i] > most)
			most = histogram->counts[i];
	}
	if (most == 0)
		return;
	(void)fputc('\n', out);
	kymo_print_safe(out, name, strlen(name));
	(void)fprintf(out, "\n%13s%-15s : %-10s %s\n", "", unit, "count", "distribution");
	for (unsigned i = first; i <= last; i++)
		draw_bucket(out, i, histogram->counts[i], most);
}

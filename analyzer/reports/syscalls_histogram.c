/* Histograms as text, in the form users of BPF tools know: a range per power of two, its count, a
 * bar. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/output/safe_text.h"
#include "analyzer/reports/syscalls_report.h"
#include "formats/base/cleanup.h"

#define BUCKETS 64
#define BAR_COLUMNS 40

struct histogram {
	char *name;
	s64 capture_id;
	u64 calls[BUCKETS];
};

static unsigned bucket_of(s64 low_ns)
{
	return low_ns <= 1 ? 0 : 63u - (unsigned)__builtin_clzll((unsigned long long)low_ns);
}

static void draw(FILE *out, const struct histogram *histogram)
{
	unsigned first = BUCKETS, last = 0;
	u64 most = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		if (histogram->calls[i] == 0)
			continue;
		if (first == BUCKETS)
			first = i;
		last = i;
		if (histogram->calls[i] > most)
			most = histogram->calls[i];
	}
	if (most == 0)
		return;
	(void)fputc('\n', out);
	kymo_print_safe(out, histogram->name, strlen(histogram->name));
	(void)fprintf(out, "\n%13s%-13s : %-10s %s\n", "", "nsecs", "count", "distribution");
	for (unsigned i = first; i <= last; i++) {
		u64 low = i == 0 ? 0 : 1ull << i;
		u64 high = (2ull << i) - 1;
		unsigned stars =
			(unsigned)(((double)histogram->calls[i] * BAR_COLUMNS) / (double)most);
		char bar[BAR_COLUMNS + 1];

		memset(bar, '*', stars);
		bar[stars] = '\0';
		(void)fprintf(out, "%12" PRIu64 " -> %-10" PRIu64 " : %-10" PRIu64 " |%-*s|\n", low,
			      high, histogram->calls[i], BAR_COLUMNS, bar);
	}
}

s64 kymo_syscalls_histogram_text(struct kymo_db *db, const struct kymo_syscalls_options *options,
				 FILE *out, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct histogram histogram = {0};
	s64 drawn = 0;
	int rc;

	rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT name, low_ns, calls, capture_id FROM syscall_histogram"
		" WHERE (:capture = 0 OR capture_id = :capture) AND (:name IS NULL OR name = :name)"
		" ORDER BY capture_id, name, low_ns",
		&query, err);
	if (rc < 0)
		return rc;
	(void)kymo_query_bind_int(query, ":capture", options->filter->capture_id);
	(void)kymo_query_bind_text(query, ":name", options->name);
	while ((rc = kymo_query_step(query, err)) > 0) {
		const char *name = kymo_query_text(query, 0, NULL);

		if (!histogram.name || strcmp(histogram.name, name ? name : "") != 0 ||
		    histogram.capture_id != kymo_query_int(query, 3)) {
			if (histogram.name)
				draw(out, &histogram);
			free(histogram.name);
			histogram = (struct histogram){.name = strdup(name ? name : ""),
						       .capture_id = kymo_query_int(query, 3)};
			if (!histogram.name)
				return cap_fail(err, -ENOMEM, "histogram");
			drawn++;
		}
		histogram.calls[bucket_of(kymo_query_int(query, 1))] +=
			(u64)kymo_query_int(query, 2);
	}
	if (rc == 0 && histogram.name)
		draw(out, &histogram);
	free(histogram.name);
	return rc < 0 ? rc : drawn;
}

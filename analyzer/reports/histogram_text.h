#pragma once
/* Counts by powers of two as text, in the form users of BPF tools know: a range, its count, a bar.
 */
#include <stdio.h>

#include "formats/table/events.h"

#define KYMO_HISTOGRAM_BUCKETS 64

struct kymo_histogram {
	u64 counts[KYMO_HISTOGRAM_BUCKETS]; /* [b]: from 2^b to 2^(b+1) - 1; [0] also has 0 */
};

/* low: the least value of its range. */
void kymo_histogram_add(struct kymo_histogram *histogram, s64 low, u64 count);

/* With an empty line and name before it; unit: of the values ("nsecs"). Nothing where all counts
 * are 0. */
void kymo_histogram_draw(FILE *out, const char *name, const char *unit,
			 const struct kymo_histogram *histogram);

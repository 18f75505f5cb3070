#pragma once
/* A heat map as text: time from left to right, powers of two from bottom to top, and a denser
 * letter the more there is. */
#include <stdio.h>

#include "formats/table/events.h"

#define KYMO_HEAT_COLUMNS 60
#define KYMO_HEAT_BUCKETS 64

struct kymo_heat {
	s64 from_ns, to_ns; /* that its columns stand for; to_ns > from_ns */
	s64 start_ns;	    /* the recording's, which times are told from */
	u64 counts[KYMO_HEAT_BUCKETS][KYMO_HEAT_COLUMNS]; /* [b]: from 2^b ns to 2^(b+1) - 1 */
};

/* The column of a time; those outside are in the first or the last. */
unsigned kymo_heat_column(const struct kymo_heat *heat, s64 time_ns);

/* what: of what there are counts ("requests"). Nothing where there are none. */
void kymo_heat_draw(FILE *out, const char *title, const char *what, const struct kymo_heat *heat);

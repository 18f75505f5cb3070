#pragma once
/* What every export says of where it is from and what it lacks: facts of the capture, and lines for
 * people about what was lost, left out and chosen. */
#include "analyzer/db/filter.h"
#include "analyzer/db/open_db.h"
#include "formats/base/cap_error.h"

#define KYMO_FACT_LINES 24
#define KYMO_FACT_BYTES 512

struct kymo_export_facts {
	char name[256]; /* of the first capture: its file, without folders */
	char host[256], kernel[256];
	s64 capture_count; /* under the filter */
	s64 start_ns, start_realtime_ns, end_ns;
	s64 cpu_count;
	s64 sample_hz; /* of CPU samples; 0: not known */
	char lines[KYMO_FACT_LINES][KYMO_FACT_BYTES];
	size_t line_count;
};

/* classes: which events are written, bits of struct kymo_about. Filter: resolved. The caller frees
 * nothing. */
int kymo_export_facts_read(struct kymo_db *db, const struct kymo_filter *filter, unsigned classes,
			   struct kymo_export_facts *ret_facts, struct cap_err *err);

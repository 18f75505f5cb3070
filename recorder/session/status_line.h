#pragma once
/* The live line on a terminal, at most five times a second. */
#include <stdbool.h>
#include <stdio.h>

#include "recorder/pipeline/pipeline.h"

struct rec_status {
	FILE *out; /* NULL: nothing is shown */
	u64 begin_ns, shown_ns, duration_ns;
	u64 shown_count; /* events at the last line, for the rate */
	u64 begin_cpu_ns;
	u32 cpu_count;
	bool visible;
};

/* out is used only if it is a terminal; NULL for none. duration_ns 0: no limit. */
void rec_status_open(struct rec_status *status, FILE *out, u64 duration_ns, u32 cpu_count);
bool rec_status_due(const struct rec_status *status, u64 now_ns);
/* now_ns: CLOCK_MONOTONIC. */
void rec_status_show(struct rec_status *status, u64 now_ns,
		     const struct rec_pipeline_counts *counts, const char *thinned);
struct rec_status_part {
	const char *text;  /* "": not there */
	unsigned int rank; /* if the line is too narrow, the highest goes first */
};
/* The parts that fit into the given columns, in their order. Returns how many it takes.
 */
size_t rec_status_fit(const struct rec_status_part *parts, size_t count, size_t columns,
		      char *ret_text, size_t text_bytes);

/* Removes the line, so that what is printed next stands alone. */
void rec_status_clear(struct rec_status *status);

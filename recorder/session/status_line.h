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
/* Removes the line, so that what is printed next stands alone. */
void rec_status_clear(struct rec_status *status);

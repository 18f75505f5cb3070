#pragma once
/* --max-size: whether it is time to end, so that the file stays below it including its last blocks.
 */
#include <stdbool.h>

#include "recorder/pipeline/pipeline.h"

struct rec_size_limit {
	u64 max_bytes;
	u64 raw_bytes; /* at the last look */
	bool learning; /* the first chunk was closed early */
};

/* Names of functions, which are written last, may take this part of a file of limited size. */
#define REC_SIZE_NAMES_DIVISOR 8u

/* Would the file exceed the limit if it ended at the next check? names_bytes: what names may still
 * take. */
bool rec_size_limit_reached(struct rec_size_limit *limit, struct rec_pipeline *pipeline,
			    const struct rec_pipeline_counts *counts, u64 names_bytes);

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

/* Would the file exceed the limit if it ended at the next check? */
bool rec_size_limit_reached(struct rec_size_limit *limit, struct rec_pipeline *pipeline,
			    const struct rec_pipeline_counts *counts);

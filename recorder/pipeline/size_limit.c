/* How well events compress is known only after some were written, so the first chunk closes early.
 */
#include "recorder/pipeline/size_limit.h"

#define END_BYTES (16u << 10)	/* what the last blocks take: schema, counts, kernel functions */
#define INDEX_DIVISOR 128u	/* and the index, as a part of what was written */
#define RATIO_MARGIN 1.2	/* later events may compress a little worse */
#define LEARN_BYTES (32u << 10) /* raw, of the first chunk */

bool rec_size_limit_reached(struct rec_size_limit *limit, struct rec_pipeline *pipeline,
			    const struct rec_pipeline_counts *counts, u64 names_bytes)
{
	u64 raw_bytes = counts->encoded_bytes + counts->open_bytes;
	u64 growth_bytes = raw_bytes - limit->raw_bytes;
	u64 waiting_bytes = counts->queue_bytes + counts->open_bytes + 2 * growth_bytes;

	limit->raw_bytes = raw_bytes;
	if (counts->chunk_raw_bytes > 0)
		waiting_bytes =
			(u64)((double)waiting_bytes * RATIO_MARGIN *
			      (double)counts->chunk_file_bytes / (double)counts->chunk_raw_bytes);
	else if (!limit->learning && counts->open_bytes >= LEARN_BYTES) {
		limit->learning = true;
		(void)rec_pipeline_flush(pipeline); /* its error is that of the next tick */
		return false;
	}
	return counts->written_bytes + waiting_bytes + END_BYTES + names_bytes +
		       counts->written_bytes / INDEX_DIVISOR >=
	       limit->max_bytes;
}

#pragma once
/* Writing syscall_count rows: calls that were counted instead of stored one by one go into as many
 * STATS blocks as they need. */
#include "formats/write/chunk.h"
#include "recorder/pipeline/pipeline.h"

/* Zeroed but for pipeline and the span; ended with rec_counted_rows_end. */
struct rec_counted_rows {
	struct rec_pipeline *pipeline;
	u64 from_ns, to_ns;	 /* the calls returned in (from_ns, to_ns] */
	struct cap_chunk *chunk; /* NULL: none yet, or the last was full */
};

/* Adds a row of calls of a process, given by its leader; time and task of the row are filled in.
 * Where that fails they count as lost. 0 or negative. */
int rec_counted_rows_add(struct rec_counted_rows *rows, const struct cap_task *leader,
			 struct ev_syscall_count row);
/* Hands over what is left. 0 or negative. */
int rec_counted_rows_end(struct rec_counted_rows *rows);

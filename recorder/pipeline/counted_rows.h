#pragma once
/* Writing rows of events that were counted instead of stored one by one: into as many STATS blocks
 * as they need. */
#include "formats/write/chunk.h"
#include "recorder/pipeline/pipeline.h"

/* All zero except pipeline and the span; finish with rec_counted_rows_end. */
struct rec_counted_rows {
	struct rec_pipeline *pipeline;
	u64 from_ns, to_ns;	 /* they were counted in (from_ns, to_ns] */
	struct cap_chunk *chunk; /* NULL: none yet, or the last was full */
};

/* Adds a row of events of a process, given by its leader (tgid 0: of none); times and task of the
 * row are filled in. If that fails, they count as lost. 0 or negative. */
int rec_counted_rows_add(struct rec_counted_rows *rows, const struct cap_task *leader,
			 const struct rec_counted *counted);
/* Hands over what is left. 0 or negative. */
int rec_counted_rows_end(struct rec_counted_rows *rows);

#pragma once
/* What became of the events of a recording so far. event_counts.c knows the first half, pipeline.c
 * the bytes. */
#include "formats/table/events.h"

struct rec_pipeline_counts {
	u64 stored_count, counted_count, lost_count, attempted_count;
	u64 stored_by_class[EV_CLASS_COUNT], lost_by_class[EV_CLASS_COUNT];
	u64 lost_by_reason[EV_REASON_COUNT];
	u64 open_bytes;	   /* in the open chunk, before compression */
	u64 encoded_bytes; /* handed over so far, before compression */
	u64 chunk_raw_bytes,
		chunk_file_bytes; /* of chunks known to be in the file: raw, and in it */
	u64 written_bytes;	  /* by the writer so far */
	u64 queue_bytes;	  /* waiting now */
	u64 queue_max_bytes;	  /* since the last STATS */
};

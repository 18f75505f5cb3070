#pragma once
/* How the memory budget is shared out. Pure. */
#include "recorder/options/rec_options.h"

struct rec_memory_plan {
	u64 ring_bytes[EV_CLASS_COUNT]; /* of the classes that are recorded and have a ring: powers
					   of two; else 0 */
	u64 queue_bytes;		/* of chunks that wait for the writer */
	u64 needed_bytes; /* with all of it in use; may exceed the budget because of --buffer or
			     very many CPUs */
};

/* cpu_count: possible CPUs, whose tables of counted calls grow with them; 0: no live source. */
void rec_memory_plan(const struct rec_options *options, u32 cpu_count,
		     struct rec_memory_plan *ret_plan);

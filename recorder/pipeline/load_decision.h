#pragma once
/* What a source reports to the budget (its cost), and what the budget asks of the source: how much
 * of a class to record from now on. */
#include <stdbool.h>

#include "formats/table/events.h"

/* What the recording has cost and seen since it began; each number only grows. */
struct rec_load {
	u64 now_ns;
	u64 recorder_ns; /* CPU time of the recorder */
	u64 once_ns; /* CPU time of what is done once per program or file, whatever is recorded */
	u64 program_ns[EV_CLASS_COUNT]; /* of its programs, with the kernel's path to them */
	u64 event_count[EV_CLASS_COUNT];
	u64 single_count[EV_CLASS_COUNT]; /* of them, those with a record of their own: only these
					     cost the recorder anything */
};

enum rec_decision_kind {
	REC_SHED,	 /* the budget is overdrawn */
	REC_RECOVER,	 /* the fuller state fits again */
	REC_SLICE_BEGIN, /* while detached: system calls are recorded for a short slice */
	REC_SLICE_END,
	REC_HELPLESS, /* overdrawn, and no reduction would help */
};

struct rec_decision {
	enum rec_decision_kind kind;
	u32 event_class;	/* of REC_HELPLESS: EV_CLASS_UNKNOWN */
	u32 state;		/* from now on */
	u32 sample_hz;		/* of CLASS_CPU: from now on; else 0 */
	u64 from_ns, time_ns;	/* what was measured led to it */
	u64 limit_ns, spent_ns; /* CPU time allowed and used in that span */
};

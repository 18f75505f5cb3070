#pragma once
/* What the recorder's process itself uses. */
#include "formats/table/events.h"

struct rec_own_cost {
	u64 cpu_user_ns, cpu_system_ns; /* since the process began, all threads */
	u64 rss_bytes;			/* now; 0 if it cannot be read */
	u64 peak_rss_bytes;
};

/* Two of them, for callers that ask often. */
u64 rec_own_cpu_ns(void);
u64 rec_own_rss_bytes(void);

void rec_own_cost_read(struct rec_own_cost *ret_cost);

#pragma once
/* What the recorder itself uses: its process, and a helper that it forked. */
#include "formats/table/events.h"

struct rec_own_cost {
	u64 cpu_user_ns, cpu_system_ns; /* since the process began, all threads; a helper's is in
					   the first */
	u64 rss_bytes;			/* now; 0 if it cannot be read */
	u64 peak_rss_bytes;
};

/* From now on the CPU time of this child counts as the recorder's. One at a time. */
void rec_own_cost_add_helper(int pid);
/* It has ended; usage: as wait4(2) told. */
struct rusage;
void rec_own_cost_helper_ended(const struct rusage *usage);

/*
 * Around what is done once per program or file, whatever is recorded: its CPU time is the helper's
 * kind, not that of recording. begin: what rec_own_once_begin returned, on the same thread.
 */
u64 rec_own_once_begin(void);
void rec_own_once_end(u64 begin);

/* For callers that ask often: of the process for what it records; of its helper; and that of what
 * is done once, the helper's included. */
u64 rec_own_cpu_ns(void);
u64 rec_own_helper_cpu_ns(void);
u64 rec_own_once_cpu_ns(void);
u64 rec_own_rss_bytes(void);

void rec_own_cost_read(struct rec_own_cost *ret_cost);

#pragma once
/* The clock of events, which is that of bpf_ktime_get_ns(). */
#include <time.h>

#include "formats/table/events.h"

/* CLOCK_MONOTONIC now, in ns. */
static inline u64 rec_monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists since 2.6 */
	return (u64)now.tv_sec * 1000000000ull + (u64)now.tv_nsec;
}

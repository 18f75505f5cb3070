/* Clock snapshots. Clocks cannot be read at one instant, so each is read between two readings of
 * the record clock. */
#include "recorder/host/clock_snapshot.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TRIES 5
#define SUSPEND_NS 1000000ll /* BOOTTIME differs from MONOTONIC only by suspends */
#define STEP_NS 50000000ll   /* beyond what slewing (500 ppm) moves REALTIME within seconds */

static u64 read_ns(clockid_t id)
{
	struct timespec now = {0};

	(void)clock_gettime(id, &now); /* fails only for clocks the kernel lacks: those read as 0 */
	return (u64)now.tv_sec * 1000000000ull + (u64)now.tv_nsec;
}

/* Value of clock id at the moment base_ns of the record clock. */
static u64 read_at(clockid_t id, u64 base_ns, u64 *max_error_ns)
{
	u64 best_error_ns = UINT64_MAX, best_ns = 0;

	for (int i = 0; i < TRIES; i++) {
		u64 before_ns = read_ns(CLOCK_MONOTONIC);
		u64 value_ns = read_ns(id);
		u64 span_ns = read_ns(CLOCK_MONOTONIC) - before_ns;

		if (span_ns / 2 >= best_error_ns)
			continue;
		best_error_ns = span_ns / 2;
		best_ns = value_ns - (before_ns + span_ns / 2 - base_ns);
	}
	if (best_error_ns > *max_error_ns)
		*max_error_ns = best_error_ns;
	return best_ns;
}

void rec_clock_read(struct ev_clock *ret_clock)
{
	u64 base_ns = read_ns(CLOCK_MONOTONIC);
	struct ev_clock clock = {.time_ns = base_ns};

	clock.realtime_ns = read_at(CLOCK_REALTIME, base_ns, &clock.error_ns);
	clock.boottime_ns = read_at(CLOCK_BOOTTIME, base_ns, &clock.error_ns);
	clock.monotonic_raw_ns = read_at(CLOCK_MONOTONIC_RAW, base_ns, &clock.error_ns);
	clock.tai_ns = read_at(CLOCK_TAI, base_ns, &clock.error_ns);
	clock.error_ns++; /* the clocks themselves are not read to better than this */
	*ret_clock = clock;
}

enum rec_clock_change rec_clock_compare(const struct ev_clock *before, const struct ev_clock *after,
					s64 *ret_by_ns)
{
	s64 slack_ns = (s64)(before->error_ns + after->error_ns);
	s64 passed_ns = (s64)(after->time_ns - before->time_ns);
	s64 suspended_ns = (s64)(after->boottime_ns - before->boottime_ns) - passed_ns;
	s64 stepped_ns = (s64)(after->realtime_ns - before->realtime_ns) - passed_ns - suspended_ns;

	*ret_by_ns = 0;
	if (suspended_ns > SUSPEND_NS + slack_ns) {
		*ret_by_ns = suspended_ns;
		return REC_CLOCK_SUSPENDED;
	}
	if (stepped_ns > STEP_NS + slack_ns || stepped_ns < -STEP_NS - slack_ns) {
		*ret_by_ns = stepped_ns;
		return REC_CLOCK_STEPPED;
	}
	return REC_CLOCK_STEADY;
}

int rec_clock_mark(struct cap_chunk *chunk, u64 now_ns, enum rec_clock_change change, s64 by_ns)
{
	const char *name = change == REC_CLOCK_SUSPENDED ? "suspend" : "clock_step";
	struct ev_mark row = {.time_ns = now_ns};
	char text[96];
	int len = snprintf(text, sizeof(text), "%s by %lld ns",
			   change == REC_CLOCK_SUSPENDED ? "the host slept" : "wall time stepped",
			   (long long)by_ns);

	row.name = cap_chunk_string(chunk, name, strlen(name));
	row.text = cap_chunk_string(chunk, text, (size_t)len);
	return cap_chunk_add(chunk, EV_MARK, &row);
}

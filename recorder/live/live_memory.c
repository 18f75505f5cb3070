/* The recorder writes a question where a program sees it, and reads the answer from an iterator:
 * bpf/mem.bpf.c. */
#include "recorder/live/live_memory.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/base/cleanup.h"
#include "recorder/live/live_perf_events.h"

#include "kymo_bpf.skel.h"

#define SIZES_NS 5000000000ull /* between two looks at all processes */
#define READ_BYTES (64u << 10)

/* Of page faults that are stored, so many at most per second and CPU, on average over a while: each
 * costs what a sample does. */
#define FAULTS_MAX_HZ 50
#define RATE_NS 250000000ull

static void give_up(struct live_memory *memory)
{
	cap_closep(&memory->fd);
	memory->fd = -1;
}

void live_memory_open(struct live_memory *memory, struct live_probes *probes,
		      const struct rec_options *options)
{
	*memory = (struct live_memory){
		.fd = live_probe_iterator(probes, LIVE_PROBE_list_sizes),
		.counts = probes->states[LIVE_PROBE_fault_minor].attached,
		.adapts = options->cpu_budget_ppm > 0 && options->fault_period > 0,
		.wanted_period = options->fault_period,
		.period = options->fault_period,
	};
	if (memory->fd >= 0)
		memory->asked = &probes->skeleton->bss->asked_sizes;
}

void live_memory_done(struct live_memory *memory)
{
	cap_closep(&memory->fd);
	memory->fd = -1;
}

/* ---- Sizes ---- */

/* What the program says of one question: the read ends with an error where the next one is not
 * asked yet. */
static int read_answer(int fd, char **bytes, size_t *len, size_t *ret_count)
{
	size_t begin = *len;

	for (;;) {
		char *more = realloc(*bytes, *len + READ_BYTES);
		ssize_t got;

		if (!more)
			return -ENOMEM;
		*bytes = more;
		got = read(fd, *bytes + *len, READ_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	*ret_count = (*len - begin) / sizeof(struct ring_rss);
	*len = begin + *ret_count * sizeof(struct ring_rss);
	return 0;
}

int live_memory_sizes(struct live_memory *memory, char **bytes, size_t *len)
{
	size_t done = 0, count = LIVE_SIZES_PER_QUESTION;

	while (memory->fd >= 0 && count == LIVE_SIZES_PER_QUESTION) {
		int rc;

		__atomic_store_n(memory->asked, done + 1, __ATOMIC_RELAXED);
		rc = read_answer(memory->fd, bytes, len, &count);
		if (rc < 0)
			return rc;
		done += count;
		if (__atomic_load_n(memory->asked, __ATOMIC_RELAXED)) /* used up */
			give_up(memory);
	}
	return 0;
}

bool live_memory_is_due(struct live_memory *memory, u64 now_ns)
{
	if (memory->fd < 0 || now_ns < memory->sizes_ns)
		return false;
	memory->sizes_ns = now_ns + SIZES_NS;
	return true;
}

/* ---- Page faults ---- */

static u64 minor_count(const struct live_probes *probes)
{
	return live_counters_read(&probes->states[LIVE_PROBE_fault_minor]);
}

static u64 major_count(const struct live_probes *probes)
{
	return live_counters_read(&probes->states[LIVE_PROBE_fault_major]);
}

void live_memory_begin(struct live_memory *memory, const struct live_probes *probes, u64 now_ns)
{
	memory->sizes_ns = memory->from_ns = memory->rate_ns = now_ns;
	if (!memory->counts)
		return;
	memory->minor_told = minor_count(probes);
	memory->major_told = major_count(probes);
}

void live_memory_adapt(struct live_memory *memory, const struct live_probes *probes, u64 events,
		       u64 now_ns)
{
	const struct live_probe_state *state = &probes->states[LIVE_PROBE_fault_minor];
	double seconds = (double)(now_ns - memory->rate_ns) / 1e9, most;
	u64 period = memory->period, count = events - memory->rate_events;

	if (!memory->counts || !memory->adapts || now_ns < memory->rate_ns + RATE_NS)
		return;
	most = FAULTS_MAX_HZ * (double)state->link_count * seconds;
	for (double rate = (double)count; rate > 2 * most && period < REC_MAX_FAULT_PERIOD;
	     rate /= 2)
		period *= 2;
	if ((double)count < most / 4 && period > memory->wanted_period)
		period /= 2;
	if (period != memory->period)
		live_counters_set(state, period);
	memory->period = period;
	memory->rate_ns = now_ns;
	memory->rate_events = events;
}

int live_memory_totals(struct live_memory *memory, const struct live_probes *probes, u64 now_ns,
		       struct cap_chunk *chunk)
{
	struct ev_fault_total row = {
		.time_ns = now_ns, .from_ns = memory->from_ns, .period = memory->period};
	u64 minor, major;
	int rc;

	if (!memory->counts || now_ns <= memory->from_ns)
		return 0;
	if (probes->states[LIVE_PROBE_fault_minor].link_count == 0)
		return 0; /* the recording is over: they count no more */
	minor = minor_count(probes);
	major = major_count(probes);
	row.minor_count = minor - memory->minor_told;
	row.major_count = major - memory->major_told;
	rc = cap_chunk_add(chunk, EV_FAULT_TOTAL, &row);
	if (rc < 0)
		return rc;
	memory->from_ns = now_ns;
	memory->minor_told = minor;
	memory->major_told = major;
	return 0;
}

#pragma once
/*
 * CPUs that run without being sampled: a sampling clock can be started only with privileges and on
 * a CPU that is online, so one that comes online later, or comes back, has none.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"
#include "formats/write/chunk.h"

#define LIVE_WATCH_MAX_CPUS 4096u
#define LIVE_WATCH_MAX_SPANS 256u

struct live_cpu_span {
	u32 cpu;
	bool open; /* it is still online */
	u64 from_ns, to_ns;
};

struct live_cpu_watch {
	int fd;				     /* the kernel's list of online CPUs; -1: none */
	u64 last_ns;			     /* when it was read last */
	u8 sampled[LIVE_WATCH_MAX_CPUS / 8]; /* a bit per CPU whose clock still runs */
	struct live_cpu_span spans[LIVE_WATCH_MAX_SPANS];
	size_t span_count;
	char text[4096]; /* of the last reading */
};

/* To be called right before sampling clocks are started on all CPUs that are online. Without the
 * list nothing is watched. */
void live_cpu_watch_open(struct live_cpu_watch *watch);
void live_cpu_watch_close(struct live_cpu_watch *watch);

/* Looks which CPUs are online now. Spans begin with the reading before, since then is not known
 * better. */
void live_cpu_watch_step(struct live_cpu_watch *watch, u64 now_ns);
/* The same with a list as the kernel writes it: for tests. */
void live_cpu_watch_take(struct live_cpu_watch *watch, const char *list, u64 now_ns);

/* A MARK row "cpu_not_sampled" for each span. 0 or what cap_chunk_add says. */
int live_cpu_watch_rows(const struct live_cpu_watch *watch, struct cap_chunk *chunk);

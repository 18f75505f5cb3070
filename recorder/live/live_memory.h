#pragma once
/*
 * Class mem, as far as the recorder itself has to ask: how large processes are, how many page
 * faults there were in total, and one in how many of them is stored. Opened while privileged; later
 * calls only read(2) and ioctl(2).
 */
#include "recorder/live/live_probes.h"
#include "recorder/pipeline/pipeline.h"

struct live_memory {
	int fd;	      /* iterator that answers questions; -1: none, or used up */
	u64 *asked;   /* the question, in memory that the programs read */
	u64 sizes_ns; /* when sizes are asked for next */
	bool counts;  /* page faults are counted */
	u64 from_ns, minor_told, major_told; /* totals that were written */
	bool adapts;			     /* to how many there are: there is a CPU budget */
	u64 wanted_period, period, rate_ns, rate_events;
};

/* If the kernel refuses, that is no error: PROBES has it. */
void live_memory_open(struct live_memory *memory, struct live_probes *probes,
		      const struct rec_options *options);
void live_memory_done(struct live_memory *memory);

/* Recording begins now. */
void live_memory_begin(struct live_memory *memory, const struct live_probes *probes, u64 now_ns);

/*
 * Appends a record (struct ring_rss) of each process to the len bytes already in *bytes (NULL:
 * none); *bytes is malloc'd, for the caller to free. 0 or -ENOMEM.
 */
int live_memory_sizes(struct live_memory *memory, char **bytes, size_t *len);
/* Is it time to? */
bool live_memory_is_due(struct live_memory *memory, u64 now_ns);

/* Fewer page faults are stored where there are very many, and more again. events: of class mem, so
 * far. Called at each drain. */
void live_memory_adapt(struct live_memory *memory, const struct live_probes *probes, u64 events,
		       u64 now_ns);

/* Adds a FAULT_TOTAL row for the time since the last one; none if nothing counts. 0 or negative. */
int live_memory_totals(struct live_memory *memory, const struct live_probes *probes, u64 now_ns,
		       struct cap_chunk *chunk);

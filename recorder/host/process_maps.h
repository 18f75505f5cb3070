#pragma once
/* Executable mappings of one running process, with build-ids where the kernel can tell them
 * (PROCMAP_QUERY, 6.11). */
#include <stdbool.h>
#include <stddef.h>

#include "formats/write/chunk.h"
#include "formats/table/events.h"

#define REC_MAX_MAPPINGS 16384u /* key-frames per process: a browser has some hundred */

/* File systems already judged by device: asking for a build-id makes the kernel read the file,
 * which can hang on some. */
struct rec_dev_verdicts {
	struct {
		u32 dev_major, dev_minor;
		bool may_read;
	} known[32];
	size_t count;
};

/* Whoever wants to know of each executable mapping, besides the rows. */
struct rec_mapping_taker {
	void (*listed)(void *context, u32 tgid,
		       u64 start_ns); /* before the first one of a process */
	void (*mapping)(void *context, u32 tgid, u64 start_address, u64 size_bytes);
	void *context;
};

/*
 * Adds MAPPING rows for the process whose /proc directory is dir_fd. task: its identity. Stops
 * without an error where the chunk is full or the process ended; mappings then taken may be some of
 * its only. taker: NULL, nobody. 0 or -ENOMEM.
 */
int rec_process_maps(int dir_fd, const struct cap_task *task, struct rec_dev_verdicts *verdicts,
		     const struct rec_mapping_taker *taker, struct cap_chunk *chunk);

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

/*
 * Adds MAPPING rows for the process whose /proc directory is dir_fd. task: its identity. Stops
 * without an error where the chunk is full or the process ended. 0 or -ENOMEM.
 */
int rec_process_maps(int dir_fd, const struct cap_task *task, struct rec_dev_verdicts *verdicts,
		     struct cap_chunk *chunk);

#pragma once
/* Executable mappings of one running process, with build-ids: from the kernel (PROCMAP_QUERY, 6.11)
 * or from its memory. Files without one get their size and time. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/write/chunk.h"
#include "formats/table/events.h"
#include "recorder/host/file_map.h"
#include "recorder/host/mapped_file.h"

#define REC_MAX_MAPPINGS 16384u /* key-frames per process: a browser has some hundred */

/* Whoever wants to know of each executable mapping, besides the rows. */
struct rec_mapping_taker {
	void (*listed)(void *context, u32 tgid,
		       u64 start_ns); /* before the first one of a process */
	void (*mapping)(void *context, u32 tgid, u64 start_address, u64 size_bytes);
	void *context;
	struct rec_file_map *files; /* told of each mapping, too; NULL: nobody asks */
};

/*
 * Adds MAPPING rows for the process whose /proc directory is dir_fd; that of one of its threads
 * does as well. task: its identity. Stops without an error where the chunk is full or the process
 * ended; mappings then taken may be some of its only. taker: NULL, nobody. Returns how many rows,
 * or -ENOMEM.
 */
int rec_process_maps(int dir_fd, const struct cap_task *task, struct rec_dev_verdicts *verdicts,
		     const struct rec_mapping_taker *taker, struct cap_chunk *chunk);

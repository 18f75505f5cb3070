#pragma once
/* Shared by output_open.c, which creates the output, and output_file.c, which writes it. Not for
 * others. */
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "formats/table/events.h"
#include "recorder/pipeline/output_file.h"

struct rec_output {
	int fd;
	int directory_fd; /* -1 for standard output */
	char name[NAME_MAX + 1];
	dev_t device;
	ino_t inode;
	bool is_stream;
	enum rec_sync sync;
	u64 floor_bytes, margin_bytes; /* 0: no floor */
	u64 max_bytes;		       /* ulimit -f */
	bool low_on_space, at_floor;   /* atomic: any thread asks */
	/* writer thread */
	bool can_reserve;
	enum rec_room room;
	u64 written_bytes, reserved_bytes, write_back_bytes, synced_bytes;
	u64 looked_bytes, looked_ns; /* at free space: written then, and when */
	u64 synced_ns;
};

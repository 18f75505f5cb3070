#pragma once
/*
 * /tmp/perf-PID.map: where compilers at run time (V8, JVM agents, CPython with -X perf) say what
 * their code is. The file is the process's own and may hold anything.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"
#include "recorder/names/open_target.h"

#define REC_PERF_MAP_MAX_NAME_BYTES 1024u     /* longer ones are cut */
#define REC_PERF_MAP_MAX_BYTES (256ull << 20) /* of a file; what follows is not read */
#define REC_PERF_MAP_PATH_BYTES 64u

struct rec_perf_map_line {
	u64 start, size_bytes;
	const char *name; /* not terminated; any bytes but NUL and newline */
	size_t name_bytes;
};

/* One line, terminated, without newline: START SIZE NAME, numbers in hexadecimal. False if it is
 * none. */
bool rec_perf_map_parse(char *line, struct rec_perf_map_line *ret_line);

/*
 * Opens the map of a process, below its own root and with the number that it has there. It must be
 * a regular file that belongs to the user of the process or to root, and that not everybody may
 * write. A descriptor or -errno; ret_path is what it is called there.
 */
int rec_perf_map_open(u32 tgid, char ret_path[REC_PERF_MAP_PATH_BYTES]);

struct rec_perf_map_find { /* an address looked for; sorted by it */
	u64 address;
	u64 start, size_bytes; /* size 0: not found */
	char *name;	       /* malloc'd */
	size_t name_bytes;
};

/* Finds the lines that hold the addresses, later ones before earlier ones. 0, -errno, -ENOMEM. */
int rec_perf_map_search(int fd, struct rec_perf_map_find *finds, size_t count);

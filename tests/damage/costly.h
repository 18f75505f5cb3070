#pragma once
/* Captures of at most 64 KiB that ask for as much time, memory or output as the format lets them
 * (S3). */
#include "raw_capture.h"

#define COSTLY_MAX_BYTES (64u << 10)

struct costly {
	const char *name;
	void (*make)(struct raw_capture *capture);
};

extern const struct costly costly[];
extern const size_t costly_count;

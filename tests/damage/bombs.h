#pragma once
/* Captures that would blow up in a reader that believes them. Each is one small file with sound
 * checksums. */
#include "raw_capture.h"

struct bomb {
	const char *name;
	void (*make)(struct raw_capture *capture);
	bool refused; /* before anything is decoded; else it stays within the limits and may be read
		       */
};

extern const struct bomb bombs[];
extern const size_t bomb_count;

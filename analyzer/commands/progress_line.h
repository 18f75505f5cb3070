#pragma once
/* One line on a terminal that tells how far a pass over a file is; nothing where nobody looks. */
#include <stdbool.h>

#include "formats/table/events.h"

struct kymo_progress_line {
	const char *what; /* "verify" */
	const char *path;
	bool shown;
	bool wrote; /* there is a line to take away */
	u64 start_ns, last_ns;
};

/* The line appears only for work that takes longer than half a second. */
void kymo_progress_begin(struct kymo_progress_line *line, const char *what, const char *path,
			 bool shown);
void kymo_progress_show(struct kymo_progress_line *line, u64 done_bytes, u64 total_bytes);
void kymo_progress_end(struct kymo_progress_line *line);

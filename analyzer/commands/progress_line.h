#pragma once
/* One line on a terminal that shows the progress of a pass over a file; nothing if there is no
 * terminal. */
#include <stdbool.h>

#include "formats/table/events.h"

struct kymo_progress_line {
	char what[32]; /* "verify" */
	const char *path;
	bool shown;
	bool wrote; /* there is a line to take away */
	u64 start_ns, last_ns;
};

/* The line appears only for work that takes longer than half a second. */
void kymo_progress_begin(struct kymo_progress_line *line, const char *what, const char *path,
			 bool shown);
/* Whether another line is due: nothing else needs preparing before. */
bool kymo_progress_due(const struct kymo_progress_line *line);
double kymo_progress_seconds(const struct kymo_progress_line *line); /* since the beginning */
/* speed: "12.5 MiB/s" or what else is counted. */
void kymo_progress_show(struct kymo_progress_line *line, double fraction, const char *speed);
/* The same if it is due, for work that goes through a file. */
void kymo_progress_bytes(struct kymo_progress_line *line, u64 done_bytes, u64 total_bytes);
void kymo_progress_end(struct kymo_progress_line *line);

#pragma once
/* What is done with a hostile capture: everything a reader offers, everything the commands do; with
 * what it cost. */
#include <stdbool.h>
#include <stddef.h>

#include "damage_kit.h"

/* Reads a capture to its last value. Ends the program where the reader leaves the file, stands
 * still or hands out a reference past its table. Rows are decoded up to a bound, as a small file
 * may hold many equal ones. Returns how many blocks were refused. */
u64 read_to_the_end(int fd);

/* In a child: what run does. Returns false, having told why, if it was killed or failed. */
struct cost {
	double cpu_seconds;
	u64 peak_bytes; /* of memory */
};
bool run_in_child(struct report *report, void (*run)(void *context), void *context,
		  struct cost *ret_cost);

/* Each command of kymo on the capture at `path`, in this process, its output thrown away; then the
 * import, and the reports on that. Counts a failure where the result is not 0 or 3 and it was
 * `sound` (or is not an error of ours, if not). */
void run_commands(struct report *report, const char *path, bool sound);

/* Ends the program with the report's place if the process takes more than so much CPU time before
 * the next call; 0: no bound. */
void watch_cpu(struct report *report, unsigned seconds);

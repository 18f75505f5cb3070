#pragma once
/* What main passes to a command: where results go, and how to print messages beside them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define KYMO_EXIT_LOSS 3 /* done, but data was lost, damaged or unknown */

struct kymo_command;
struct kymo_pager;

struct kymo_run {
	const struct kymo_command *command;
	FILE *out; /* results */
	/* One line for stderr, printed by main. Also after the command has written results. */
	void (*note)(const struct kymo_run *run, const char *format, ...)
		__attribute__((format(printf, 2, 3)));
	bool stderr_is_tty;
	bool json;	/* --json was given: results wait in memory for their end, so that an error
			   can take their place */
	size_t columns; /* of the terminal that shows the results; 0: none does */
	struct kymo_pager *pager; /* may be started for the results; NULL: there is none */
};

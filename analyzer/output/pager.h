#pragma once
/*
 * Results on a terminal go through a pager, as git's do: the program of $KYMO_PAGER, else $PAGER,
 * else less, which shows at once what fits the screen.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "analyzer/output/command_run.h"

struct kymo_pager {
	pid_t pid;	   /* 0: not started */
	bool has_messages; /* standard error goes through it, too */
};

/* Width of the terminal on standard output, by $COLUMNS or by what it says itself; 80 where neither
 * does, 0 where standard output is no terminal. */
size_t kymo_terminal_columns(void);

/*
 * From here on, what is written to standard output goes through the pager, and messages too where
 * they would go to a terminal. Does nothing where standard output or $TERM is not fit for it, the
 * pager is "" or "cat", or cannot be run, which is noted if the user has named it. Call it when
 * results are about to be written: messages from before stand above them. run->pager may be NULL.
 */
void kymo_pager_begin(const struct kymo_run *run);

/* Ends the output and waits until the user has left the pager. Returns whether there was one. */
bool kymo_pager_end(struct kymo_pager *pager);

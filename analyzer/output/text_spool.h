#pragma once
/* Text that comes too early: it is kept in a temporary file without a name until it is its turn, so
 * that its length does not matter. */
#include <stdio.h>

struct kymo_spool { /* all zero: empty */
	FILE *file;
};

/* The stream to write to; NULL: no temporary file can be made (errno). */
FILE *kymo_spool_stream(struct kymo_spool *spool);
/* Copies all of it to out and empties it. 0 or -errno; errors of out stay in it (ferror). */
int kymo_spool_copy(struct kymo_spool *spool, FILE *out);
void kymo_spool_done(struct kymo_spool *spool); /* for CLEANUP */

#pragma once
/* A stream whose text arrives in another stream as gzip. The only file that includes zlib.h. */
#include <stdio.h>

/* *ret_stream writes into out, which still belongs to the caller. Closing it ends the gzip file:
 * kymo_gzip_close. 0 or -ENOMEM. */
int kymo_gzip_open(FILE *out, FILE **ret_stream);
/* Writes the rest. 0 or -errno; errors of out stay in it, too (ferror). */
int kymo_gzip_close(FILE *stream);

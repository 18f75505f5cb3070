#pragma once
/* Text for messages about options: what a user or a file wrote, made fit for a terminal, and what
 * they may have meant. */
#include <stddef.h>

#define REC_SHOWN_BYTES 96

/* text with control bytes, quotes and everything beyond ASCII escaped as \xNN, cut with "..." where
 * it does not fit. */
const char *rec_text_show(const char *text, size_t len, char ret_shown[REC_SHOWN_BYTES]);

/* How many letters differ, swaps counting once; texts longer than 40 bytes differ by 99. */
unsigned int rec_text_distance(const char *a, const char *b);

/*
 * The same as a guess at what was meant: 1 where one begins with the other ("frequency", "freq"),
 * 99 where all letters of known would have to change.
 */
unsigned int rec_text_slips(const char *written, const char *known);

/* argv as one line a shell would read back as the same words. malloc'd; NULL when out of memory. */
char *rec_text_command_line(int argc, char *const *argv);

#pragma once
/* "Did you mean ...?": how close a typed word is to a known one. */

/* Number of letters that differ, a swap counting once; 99 for texts longer than 40 bytes. */
unsigned int cap_word_distance(const char *a, const char *b);

/*
 * The same, to guess what was meant: 1 if one begins with the other ("frequency", "freq"), 99 if
 * all letters of known would have to change.
 */
unsigned int cap_word_slips(const char *written, const char *known);

/* The closest word of a NULL-terminated list, if close enough to suggest; else NULL. */
const char *cap_word_nearest(const char *written, const char *const *known);

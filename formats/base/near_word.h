#pragma once
/* "Did you mean ...?": how near a word that was typed is to one that is known. */

/* How many letters differ, swaps counting once; texts longer than 40 bytes differ by 99. */
unsigned int cap_word_distance(const char *a, const char *b);

/*
 * The same as a guess at what was meant: 1 where one begins with the other ("frequency", "freq"),
 * 99 where all letters of known would have to change.
 */
unsigned int cap_word_slips(const char *written, const char *known);

/* The nearest of a list that ends with NULL, if it is near enough to be offered; else NULL. */
const char *cap_word_nearest(const char *written, const char *const *known);

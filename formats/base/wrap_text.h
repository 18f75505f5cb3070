#pragma once
/* Lines for people. */
#include <stddef.h>

/* How many bytes of text stand on its first line, if that is so many columns wide: up to a blank
 * where it can be broken, all of a word that is wider. ASCII. */
size_t cap_wrap(const char *text, size_t columns);

#pragma once
/* Lines for people. */
#include <stddef.h>

/* Bytes of text that fit on a line of so many columns, broken at a blank; a longer word is kept
 * whole. ASCII. */
size_t cap_wrap(const char *text, size_t columns);

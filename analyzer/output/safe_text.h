#pragma once
/*
 * Which characters of a name may be shown. A traced process chooses its name, paths and symbols, so
 * it could send escape sequences to the reader's terminal, hide or reorder parts of a line, or
 * begin a new line.
 *
 * The one rule, for text, CSV, folded stacks, pictures and messages, on a terminal or not: shown as
 * they are printable ASCII (U+0020..U+007E) and the letters of letters.def in valid UTF-8. Every
 * other byte, a newline too, becomes \xNN. Marks, signs, pictures and digits of other scripts are
 * no letters; JSON holds them all.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "formats/base/escape.h"

#define KYMO_VISIBLE_BYTES 8 /* of one step, terminator included */

struct kymo_visible {
	char text[KYMO_VISIBLE_BYTES]; /* terminated */
	size_t len;		       /* bytes of text */
	size_t consumed;	       /* bytes of input this stands for, >= 1 */
	size_t columns;		       /* columns it takes in a fixed-width font */
};

/* All of it is valid UTF-8. */
bool kymo_is_utf8(const char *text, size_t text_bytes);

/* The code point may be shown as it is. */
bool kymo_code_is_shown(u32 code);

/* The next step of bytes[0..len), len >= 1: one character, or \xNN for one byte. */
struct kymo_visible kymo_visible_next(const char *bytes, size_t len);

/* Writes text by the rule above. Errors stay in the stream (ferror). */
void kymo_print_safe(FILE *out, const char *text, size_t text_bytes);

/* The same, but no more than fit the columns: a longer text ends in "..". Returns the columns it
 * took. */
size_t kymo_print_fitting(FILE *out, const char *text, size_t text_bytes, size_t columns);

/* The same of paths, whose end tells most: a longer text begins with "..". */
size_t kymo_print_end(FILE *out, const char *text, size_t text_bytes, size_t columns);

/* Columns that kymo_print_safe would use for it. */
size_t kymo_safe_width(const char *text, size_t text_bytes);

#pragma once
/*
 * Untrusted names as text that shows what is there and obeys nothing: bytes that are not UTF-8 and
 * control characters become \xNN, characters that reorder or hide text become \u{NNNN}. The result
 * is valid UTF-8 made of printable characters only.
 */
#include <stddef.h>
#include <stdio.h>

#define KYMO_VISIBLE_MAX_BYTES 12 /* of one step, terminator included */

struct kymo_visible {
	char text[KYMO_VISIBLE_MAX_BYTES]; /* terminated */
	size_t len;			   /* bytes of text */
	size_t consumed;		   /* bytes of input this stands for, >= 1 */
	size_t columns;			   /* places it takes in a fixed-width font */
};

/* The next character of bytes[0..len), len >= 1. */
struct kymo_visible kymo_visible_next(const char *bytes, size_t len);

/*
 * Writes a name as XML character data or attribute value: visible, and with & < > " ' escaped.
 * max_columns cuts it there, ending in
 * ".."; 0 writes all. Errors stay in the stream (ferror).
 */
void kymo_xml_write(FILE *out, const char *bytes, size_t len, size_t max_columns);

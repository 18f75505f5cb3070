#pragma once
/*
 * The one escaper of recorder and analyzer: makes untrusted text safe for the place where it is
 * shown, one character at a time. analyzer/output/safe_text.h decides which letters reports may
 * show.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/ints.h"

enum cap_escape {
	CAP_ESCAPE_ASCII,   /* printable ASCII but '\' and '''; every other byte is \xNN */
	CAP_ESCAPE_MESSAGE, /* lines for a terminal: line breaks, tabs and UTF-8 stay, control
			       characters and stray bytes are \xNN */
	CAP_ESCAPE_JSON,    /* inside a JSON string; bytes that are not UTF-8 are U+FFFD each */
	CAP_ESCAPE_YAML,    /* inside double quotes of YAML; the same */
};

#define CAP_ESCAPED_BYTES 8

struct cap_escaped {
	char text[CAP_ESCAPED_BYTES]; /* terminated */
	size_t len;		      /* bytes of text */
	size_t taken;		      /* bytes of input consumed, >= 1 */
};

/*
 * Length of the UTF-8 sequence at text (1..4) and its code point, or 0 if the bytes are not valid
 * UTF-8 (overlong, surrogate, cut), or text_bytes is 0.
 */
size_t cap_utf8_decode(const char *text, size_t text_bytes, u32 *ret_code);

/* The next character or byte of text[0..text_bytes), text_bytes >= 1. */
struct cap_escaped cap_escape_next(enum cap_escape how, const char *text, size_t text_bytes);

/* All of text, cut with "..." if it does not fit into ret_shown (size >= 8 bytes).
 * Returns ret_shown. */
const char *cap_escape_text(enum cap_escape how, const char *text, size_t text_bytes,
			    char *ret_shown, size_t size);

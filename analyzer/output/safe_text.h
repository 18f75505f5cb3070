#pragma once
/*
 * Text from captures, made safe to show: a traced process chooses its name, its paths, and so could
 * send escape sequences to the terminal of whoever reads the report. Also the JSON string writer.
 */
#include <stdio.h>
#include <stddef.h>

#include "formats/events.h"

/*
 * Length of the UTF-8 sequence at text (1..4) and its code point, or 0 if the bytes are not valid
 * UTF-8 (overlong, surrogate, cut).
 */
size_t kymo_utf8_decode(const char *text, size_t text_bytes, u32 *ret_code);

/* 0 for controls, and for characters that are invisible, join, or turn the direction of text. */
int kymo_code_is_visible(u32 code);

/* Writes text with every byte that is not printable ASCII, part of a valid visible UTF-8 character,
 * or (if keep_newline) a newline as \xNN. */
void kymo_print_safe(FILE *out, const char *text, size_t text_bytes, int keep_newline);

/* Columns that kymo_print_safe would take for it. */
size_t kymo_safe_width(const char *text, size_t text_bytes);

/* Writes a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD. */
void kymo_print_json_string(FILE *out, const char *text, size_t text_bytes);

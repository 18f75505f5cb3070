#pragma once
/*
 * JSON strings of any bytes, so that every output is valid UTF-8 and no byte is lost: valid UTF-8
 * is kept (controls and non-letters as \uNNNN). A string that is not valid gets \xNN (written
 * "\\xNN") for each byte outside a character, and a member NAME_hex beside it with all its bytes,
 * which shows that it was changed.
 */
#include <stddef.h>
#include <stdio.h>

/* A string, quotes included. Errors stay in the stream (ferror). */
void kymo_json_string(FILE *out, const char *text, size_t text_bytes);

/* `"NAMESUFFIX":` for a name that is data, and a suffix of ours. A backslash in the name becomes
 * \x5c, so that \xNN has one meaning in keys. */
void kymo_json_key(FILE *out, const char *name, const char *suffix);

/* SEPARATOR, kymo_json_key(name, suffix) and the bytes in hex where text is not valid UTF-8, else
 * nothing. */
void kymo_json_flag(FILE *out, const char *separator, const char *name, const char *suffix,
		    const char *text, size_t text_bytes);

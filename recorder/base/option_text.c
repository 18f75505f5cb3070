/* Messages about options quote untrusted text, which must not carry terminal escapes. */
#include "recorder/base/option_text.h"

#include <stdlib.h>
#include <string.h>

#include "formats/base/escape.h"

const char *rec_text_show(const char *text, size_t len, char ret_shown[REC_SHOWN_BYTES])
{
	return cap_escape_text(CAP_ESCAPE_ASCII, text, len, ret_shown, REC_SHOWN_BYTES);
}

static size_t quote_word(const char *word, char *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./=,:@%+";
	size_t at = 0, len = strlen(word);

	if (len && strspn(word, plain) == len) {
		memcpy(out, word, len);
		return len;
	}
	out[at++] = '\'';
	for (const char *p = word; *p; p++) {
		if (*p == '\'') {
			memcpy(out + at, "'\\''", 4);
			at += 4;
		} else {
			out[at++] = *p;
		}
	}
	out[at++] = '\'';
	return at;
}

char *rec_text_command_line(int argc, char *const *argv)
{
	size_t bytes = 1, at = 0;
	char *line;

	for (int i = 0; i < argc; i++)
		bytes += 4 * strlen(argv[i]) + 3; /* every byte a quote, quotes around, a space */
	line = malloc(bytes);
	if (!line)
		return NULL;
	for (int i = 0; i < argc; i++) {
		if (i)
			line[at++] = ' ';
		at += quote_word(argv[i], line + at);
	}
	line[at] = '\0';
	return line;
}

/* Messages about options quote what strangers wrote, so it must not carry terminal escapes. */
#include "recorder/base/option_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COMPARED_BYTES 40

const char *rec_text_show(const char *text, size_t len, char ret_shown[REC_SHOWN_BYTES])
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (at + 4 + sizeof("...") > REC_SHOWN_BYTES) {
			memcpy(ret_shown + at, "...", 3);
			at += 3;
			break;
		}
		if (c < 0x20 || c >= 0x7f || c == '\'' || c == '\\')
			at += (size_t)snprintf(ret_shown + at, REC_SHOWN_BYTES - at, "\\x%02x", c);
		else
			ret_shown[at++] = (char)c;
	}
	ret_shown[at] = '\0';
	return ret_shown;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int rec_text_distance(const char *a, const char *b)
{
	unsigned int rows[3][MAX_COMPARED_BYTES +
			     1]; /* row i modulo 3 of the table of prefix distances */
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > MAX_COMPARED_BYTES || b_len > MAX_COMPARED_BYTES)
		return 99;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

unsigned int rec_text_slips(const char *written, const char *known)
{
	size_t written_len = strlen(written), known_len = strlen(known);
	size_t shorter = written_len < known_len ? written_len : known_len;
	unsigned int distance = rec_text_distance(written, known);

	if (distance && shorter >= 3 && !strncmp(written, known, shorter))
		return 1;
	return distance < known_len ? distance : 99;
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

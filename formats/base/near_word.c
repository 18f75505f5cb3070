/* Edit distance with swaps, over three rows of its table. */
#include "formats/base/near_word.h"

#include <string.h>

#define MAX_COMPARED_BYTES 40
#define SHARED_START 4

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int cap_word_distance(const char *a, const char *b)
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

unsigned int cap_word_slips(const char *written, const char *known)
{
	size_t written_len = strlen(written), known_len = strlen(known);
	size_t shorter = written_len < known_len ? written_len : known_len;
	unsigned int distance = cap_word_distance(written, known);

	if (distance && shorter >= 3 && !strncmp(written, known, shorter))
		return 1;
	return distance < known_len ? distance : 99;
}

/* In a short word, two wrong letters make another word. */
static unsigned int slips_allowed(const char *known)
{
	return strlen(known) < 7 ? 1 : 2;
}

/* "by-pid" for by-process: the only name that begins alike. */
static const char *alike_begun(const char *written, const char *const *known)
{
	const char *alike = NULL;

	if (strlen(written) < SHARED_START)
		return NULL;
	for (; *known; known++) {
		if (strncmp(written, *known, SHARED_START) != 0)
			continue;
		if (alike)
			return NULL;
		alike = *known;
	}
	return alike;
}

const char *cap_word_nearest(const char *written, const char *const *known)
{
	const char *nearest = NULL;
	unsigned int best = 3;

	for (const char *const *word = known; *word; word++) {
		unsigned int slips = cap_word_slips(written, *word);

		if (slips < best && slips <= slips_allowed(*word)) {
			best = slips;
			nearest = *word;
		}
	}
	return nearest ? nearest : alike_begun(written, known);
}

/* Runs a fuzz target over the files of a directory: the corpus is a regression test in every build.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_target.h"

#define MAX_INPUT_BYTES (1u << 20)

static int replay(const char *path)
{
	static uint8_t bytes[MAX_INPUT_BYTES];
	FILE *file = fopen(path, "re");
	uint8_t *copy;
	size_t len;

	if (getenv("KYMO_NAMES")) /* the last one is that of the failure */
		(void)fprintf(stderr, "%s\n", path);
	if (!file) {
		perror(path);
		return 1;
	}
	len = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	copy = malloc(len ? len : 1); /* of its own, so that a sanitizer sees reads past its end */
	if (!copy)
		return 1;
	memcpy(copy, bytes, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	const char *directory = argc == 2 ? argv[1] : NULL;
	DIR *dir = directory ? opendir(directory) : NULL;
	struct dirent *entry;
	int failed = 0, count = 0;

	if (!dir) {
		(void)fprintf(stderr, "usage: replay CORPUS-DIRECTORY\n");
		return 2;
	}
	while ((entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		failed += replay(path);
		count++;
	}
	(void)closedir(dir);
	printf("%d inputs replayed\n", count);
	return failed || !count;
}

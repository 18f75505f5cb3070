/* Writes the seeds of both corpora: small captures, and the contents of their frames. Usage:
 * make_corpus READER-DIR ROWS-DIR */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/limits.h"
#include "formats/zstd_frame.h"
#include "random_rows.h"

static int write_file(const char *directory, const char *name, const void *bytes, size_t len,
		      int first)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	if (!file)
		return -1;
	if (first >= 0)
		(void)fputc(first, file);
	(void)fwrite(bytes, 1, len, file);
	return fclose(file);
}

/* The content of each frame of a capture, with the byte in front that fuzz_rows.c chooses by. */
static int write_frames(const char *directory, int fd, const u8 *bytes, const char *prefix)
{
	struct cap_decompressor *decompressor = cap_decompressor_new();
	struct cap_reader *reader = NULL;
	struct cap_block block;

	if (!decompressor || reader_of_fd(fd, CAP_READ_STRICT, &reader, NULL) < 0)
		return -1;
	while (cap_reader_next(reader, &block, NULL) == 1) {
		const u8 *frame = bytes + block.offset + block.size_bytes - block.frame_len;
		u8 *raw = malloc(block.raw_len + 1ul);
		char name[64];

		(void)snprintf(name, sizeof(name), "%s-%s", prefix, cap_block_name(block.type));
		if (raw && block.raw_len && block.type != CAP_BLOCK_INDEX && !block.replica) {
			if (cap_decompress(decompressor, frame, block.frame_len, raw, block.raw_len,
					   NULL) < 0 ||
			    write_file(directory, name, raw, block.raw_len,
				       block.type == CAP_BLOCK_SCHEMA))
				return -1;
		}
		free(raw);
	}
	cap_reader_close(reader);
	cap_decompressor_free(decompressor);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		struct small_capture plan;
	} seeds[] = {
		{"small", {.seed = 1, .chunks = 1, .rows = 1}},
		{"several", {.seed = 2, .chunks = 4, .rows = 8}},
		{"unfinished", {.seed = 3, .chunks = 2, .rows = 2, .unfinished = true}},
		{"empty", {.seed = 4, .chunks = 0, .rows = 0}},
	};

	if (argc != 3) {
		(void)fprintf(stderr, "usage: make_corpus READER-DIR ROWS-DIR\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		int fd = memory_file(seeds[i].name);
		size_t len;
		u8 *bytes;

		if (small_capture_write(&seeds[i].plan, fd, NULL) < 0)
			return 1;
		len = (size_t)lseek(fd, 0, SEEK_END);
		bytes = malloc(len);
		if (!bytes || pread(fd, bytes, len, 0) != (ssize_t)len ||
		    write_file(argv[1], seeds[i].name, bytes, len, -1) ||
		    write_frames(argv[2], fd, bytes, seeds[i].name)) {
			perror("make_corpus");
			return 1;
		}
		free(bytes);
		(void)close(fd);
	}
	return 0;
}

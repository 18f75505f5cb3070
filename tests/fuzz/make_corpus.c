/* Writes seeds into the corpus_* folders of a directory: small captures for the targets that take
 * whole files, and what stands in their blocks for the others. Usage: make_corpus DIRECTORY */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/bytes.h"
#include "formats/base/limits.h"
#include "formats/base/zstd_frame.h"
#include "random_rows.h"

static const char *root;

/* A file of corpus_TARGET that begins with head. */
static void write_seed(const char *target, const char *name, const u8 *head, size_t head_len,
		       const u8 *bytes, size_t len)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/corpus_%s", root, target);
	(void)mkdir(path, 0777); /* it may be there */
	(void)snprintf(path, sizeof(path), "%s/corpus_%s/%s", root, target, name);
	file = fopen(path, "we");
	if (!file || fwrite(head, 1, head_len, file) != head_len ||
	    fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

/* The first byte that makes fuzz_keyframes.c use this block type. */
static u8 keyframe_byte(u32 type)
{
	static const u32 types[] = {CAP_BLOCK_CLOCK,   CAP_BLOCK_PROCS,	  CAP_BLOCK_MAPS,
				    CAP_BLOCK_MODULES, CAP_BLOCK_SYMBOLS, CAP_BLOCK_STATS,
				    CAP_BLOCK_CHUNK,   CAP_BLOCK_META};

	for (u8 i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i] == type)
			return i | (type == CAP_BLOCK_MAPS ? 16 : 0);
	return 7;
}

static void write_payload(const char *prefix, const struct cap_block *block, const u8 *raw)
{
	char name[64];
	u8 first = block->type == CAP_BLOCK_SCHEMA, key = keyframe_byte(block->type);

	(void)snprintf(name, sizeof(name), "%s-%s", prefix, cap_block_name(block->type));
	write_seed("rows", name, &first, 1, raw, block->raw_len);
	if (block->type == CAP_BLOCK_SCHEMA)
		write_seed("schema", name, NULL, 0, raw, block->raw_len);
	else
		write_seed("keyframes", name, &key, 1, raw, block->raw_len);
}

static int write_payloads(int fd, const u8 *bytes, const char *prefix)
{
	struct cap_decompressor *decompressor = cap_decompressor_new();
	struct cap_reader *reader = NULL;
	struct cap_block block;

	if (!decompressor || reader_of_fd(fd, CAP_READ_STRICT, &reader, NULL) < 0)
		return -1;
	while (cap_reader_next(reader, &block, NULL) == 1) {
		const u8 *frame = bytes + block.offset + block.size_bytes - block.frame_len;
		u8 *raw = malloc(block.raw_len + 1ul);

		if (!raw)
			return -1;
		if (block.type == CAP_BLOCK_FILE_HEADER && !block.replica)
			write_seed("fileheader", prefix, NULL, 0,
				   bytes + block.offset + CAP_HEADER_BYTES, block.plain_len);
		if (block.raw_len && block.type != CAP_BLOCK_INDEX && !block.replica) {
			if (cap_decompress(decompressor, frame, block.frame_len, raw, block.raw_len,
					   NULL) < 0)
				return -1;
			write_payload(prefix, &block, raw);
		}
		free(raw);
	}
	cap_reader_close(reader);
	cap_decompressor_free(decompressor);
	return 0;
}

/* One column of each encoding: as fuzz_columns.c wants them. */
static void write_columns(void)
{
	static const struct {
		const char *name;
		u8 encoding, kind;
	} columns[] = {{"fixed-uint", CAP_ENC_FIXED, CAP_KIND_UINT},
		       {"const-stack", CAP_ENC_CONST, CAP_KIND_STACK},
		       {"varint-string", CAP_ENC_VARINT, CAP_KIND_STRING},
		       {"varint-bytes", CAP_ENC_VARINT, CAP_KIND_BYTES},
		       {"zigzag-int", CAP_ENC_ZIGZAG, CAP_KIND_INT},
		       {"delta-time", CAP_ENC_DELTA, CAP_KIND_TIME},
		       {"delta-task", CAP_ENC_DELTA, CAP_KIND_TASK},
		       {"list", CAP_ENC_LIST, CAP_KIND_UINT}};
	struct rng rng = {1};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		u8 head[5] = {columns[i].encoding, columns[i].kind, 8, 0, 20}, bytes[128], *at;

		at = bytes;
		if (columns[i].encoding <= CAP_ENC_CONST) {
			at += columns[i].encoding == CAP_ENC_FIXED ? 32 : 8;
			memset(bytes, 3, sizeof(bytes));
		} else {
			for (int row = 0; row < 8; row++)
				at = cap_put_varint(at, rng_next(&rng) >> rng_below(&rng, 64));
		}
		write_seed("columns", columns[i].name, head, sizeof(head), bytes,
			   (size_t)(at - bytes));
	}
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

	if (argc != 2) {
		(void)fprintf(stderr, "usage: make_corpus DIRECTORY\n");
		return 2;
	}
	root = argv[1];
	write_columns();
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		int fd = memory_file(seeds[i].name);
		size_t len;
		u8 *bytes;

		if (small_capture_write(&seeds[i].plan, fd, NULL) < 0)
			return 1;
		len = (size_t)lseek(fd, 0, SEEK_END);
		bytes = malloc(len);
		if (!bytes || pread(fd, bytes, len, 0) != (ssize_t)len ||
		    write_payloads(fd, bytes, seeds[i].name)) {
			perror("make_corpus");
			return 1;
		}
		write_seed("reader", seeds[i].name, NULL, 0, bytes, len);
		write_seed("import", seeds[i].name, NULL, 0, bytes, len);
		free(bytes);
		(void)close(fd);
	}
	return 0;
}

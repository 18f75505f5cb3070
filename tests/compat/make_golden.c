/*
 * Makes the golden captures of the format version this tree writes: one per row type, one per block
 * type, and one that was not closed. make_golden DIR. The same bytes each time, as long as format
 * and zstd are the same; what was released is never made again (tests/golden/README.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/block_header.h"
#include "formats/base/cleanup.h"
#include "random_rows.h"

#define ROWS_BENIGN 6 /* values as recordings have them ... */
#define ROWS_WILD 6   /* ... and at the edges of what the fields hold */
#define PATH_BYTES 512

struct making {
	const char *dir;
	struct cap_writer *writer;
	struct row_maker maker;
	struct cap_totals totals;
	int fd;
};

static int begin(struct making *making, const char *stem)
{
	struct cap_writer_options options = {0};
	struct cap_file_info info = {.realtime_ns = 1700000000000000000ull,
				     .monotonic_ns = 1000000000,
				     .boottime_ns = 2000000000,
				     .file_index = 3,
				     .cpu_count = 4,
				     .machine = 62,
				     .word_bytes = 8,
				     .page_shift = 12,
				     .hostname = "golden-host",
				     .kernel_release = "6.1.0-golden",
				     .tool_version = "make_golden 1"};
	char path[PATH_BYTES];
	u64 seed = digest_bytes(1, stem, strlen(stem));
	struct cap_err err = {0};
	int rc;

	for (int i = 0; i < 16; i++) {
		info.session_uuid[i] = (u8)(i + 1);
		info.file_uuid[i] = (u8)(seed >> (i % 8 * 8) | (u64)(i / 8));
		info.boot_id[i] = (u8)(i + 100);
	}
	making->maker = (struct row_maker){.rng = {seed}, .time_ns = 1000000000, .variety = 5};
	making->totals = (struct cap_totals){0};
	(void)snprintf(path, sizeof(path), "%s/%s.kymo", making->dir, stem);
	making->fd = options.fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (making->fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	rc = cap_writer_new(&options, &info, &making->writer, &err);
	return rc < 0 ? rc : cap_writer_begin(making->writer, &err);
}

/* The block keeps its place in the file's sequence; 0 or negative. */
static int end(struct making *making, bool finished, int rc)
{
	struct cap_err err = {0};

	if (rc >= 0 && finished)
		rc = cap_writer_end(making->writer, CAP_END_TARGET, &making->totals, &err);
	making->writer = cap_writer_free(making->writer);
	if (making->fd >= 0 && close(making->fd) < 0 && rc >= 0)
		rc = -errno;
	making->fd = -1;
	if (rc < 0)
		fprintf(stderr, "make_golden: %s\n", err.text);
	return rc;
}

static bool stands_in(const struct cap_type *type, u32 block)
{
	return type->block == block || (type->id == EV_MAPPING && block == CAP_BLOCK_MAPS);
}

/* A block with rows of one type (only) or, with only 0, of all types that stand in it. */
static int add_block(struct making *making, u32 block, u32 only)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_err err = {0};
	int rc = chunk ? 0 : -ENOMEM;

	for (unsigned n = 0; n < ROWS_BENIGN + ROWS_WILD && rc >= 0; n++) {
		making->maker.benign = n < ROWS_BENIGN;
		for (size_t i = 0; i < schema->type_count && rc >= 0; i++)
			if (only ? schema->types[i].id == only
				 : stands_in(&schema->types[i], block))
				(void)row_maker_add(&making->maker, chunk, &schema->types[i], &rc);
	}
	if (rc >= 0 && block == CAP_BLOCK_CHUNK) {
		making->totals.stored_count += cap_chunk_rows(chunk);
		making->totals.attempted_count += cap_chunk_rows(chunk);
	}
	if (rc >= 0)
		rc = cap_writer_rows(making->writer, (enum cap_block_type)block, chunk,
				     &making->totals, &err);
	cap_chunk_free(chunk);
	return rc;
}

static int make_type(struct making *making, const struct cap_type *type)
{
	char stem[64];
	int rc;

	(void)snprintf(stem, sizeof(stem), "type-%s", type->name);
	rc = begin(making, stem);
	if (rc >= 0)
		rc = add_block(making, type->block, type->id);
	return end(making, true, rc);
}

/* Two blocks of the type; of those that have no rows there is one in every capture, so what they
 * say is given something to speak of. */
static int make_block(struct making *making, u32 block, const char *name, bool has_rows)
{
	char stem[64];
	int rc;

	(void)snprintf(stem, sizeof(stem), "block-%s", name);
	rc = begin(making, stem);
	for (int i = 0; i < 2 && rc >= 0; i++)
		rc = add_block(making, has_rows ? block : i ? CAP_BLOCK_CHUNK : CAP_BLOCK_META, 0);
	return end(making, true, rc);
}

static int make_unfinished(struct making *making)
{
	int rc = begin(making, "not-closed");

	for (int i = 0; i < 3 && rc >= 0; i++)
		rc = add_block(making, CAP_BLOCK_CHUNK, 0);
	return end(making, false, rc);
}

int main(int argc, char **argv)
{
	static const struct {
		u32 type;
		const char *name;
		bool has_rows;
	} blocks[] = {
#define BODY_FIXED false
#define BODY_SCHEMA false
#define BODY_ROWS true
#define BLOCK(type, upper, name, skip, body) {(type), (name), BODY_##body},
#include "formats/table/blocks.def"
#undef BLOCK
	};
	const struct cap_schema *schema = cap_schema_builtin();
	struct making making = {.dir = argc == 2 ? argv[1] : NULL, .fd = -1};
	int rc = 0;

	if (!making.dir) {
		fprintf(stderr, "usage: make_golden DIR\n");
		return 2;
	}
	for (size_t i = 0; i < schema->type_count && rc >= 0; i++)
		rc = make_type(&making, &schema->types[i]);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]) && rc >= 0; i++)
		rc = make_block(&making, blocks[i].type, blocks[i].name, blocks[i].has_rows);
	if (rc >= 0)
		rc = make_unfinished(&making);
	return rc < 0 ? 1 : 0;
}

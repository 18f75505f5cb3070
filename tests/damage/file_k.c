/* Makes the sound captures. The writer is the product's own, so that what is damaged is what is
 * written. */
#include "file_k.h"

#include <errno.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

#define FILE_K_SEED 11
#define FILE_K_CHUNKS 16
#define FILE_K_SHARES                                                                           \
	4 /* each chunk holds every fourth row type: 16 full ones would be a bigger file, not a \
	     better one */

struct making {
	struct cap_writer *writer;
	struct row_maker maker;
	struct cap_totals totals;
};

static int making_begin(struct making *making, u64 seed, int fd, struct cap_err *err)
{
	struct cap_writer_options options = {.fd = fd};
	struct cap_file_info info = {.realtime_ns = 1700000000000000000ull,
				     .monotonic_ns = 1000000000,
				     .boottime_ns = 1000000000,
				     .cpu_count = 2,
				     .machine = 62,
				     .word_bytes = 8,
				     .page_shift = 12,
				     .hostname = "host-k",
				     .kernel_release = "6.1.0-test",
				     .tool_version = "file_k 1"};
	int rc;

	for (int i = 0; i < 16; i++) { /* fixed: the same seed gives the same bytes */
		info.session_uuid[i] = (u8)(i + 1);
		info.file_uuid[i] = (u8)(seed + (u64)i + 1);
		info.boot_id[i] = (u8)(i + 100);
	}
	making->maker = (struct row_maker){
		.rng = {seed}, .time_ns = 1000000000, .variety = 6, .benign = true};
	making->totals = (struct cap_totals){0};
	rc = cap_writer_new(&options, &info, &making->writer, err);
	return rc < 0 ? rc : cap_writer_begin(making->writer, err);
}

/* One block with `rows` rows of each type that stands in it; of types by their place in the list
 * only those of this share. */
static int put_block(struct making *making, u32 block, unsigned rows, unsigned share,
		     unsigned shares, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct cap_chunk *chunk = cap_chunk_new();
	int rc = chunk ? 0 : cap_fail(err, -ENOMEM, "out of memory");
	unsigned place = 0;

	for (size_t i = 0; i < schema->type_count && rc >= 0; i++) {
		const struct cap_type *type = &schema->types[i];
		bool stands_in =
			type->block == block || (type->id == EV_MAPPING && block == CAP_BLOCK_MAPS);

		if (!stands_in || place++ % shares != share)
			continue;
		for (unsigned n = 0; n < rows && rc >= 0; n++)
			(void)row_maker_add(&making->maker, chunk, type, &rc);
	}
	if (rc >= 0) {
		making->totals.attempted_count +=
			block == CAP_BLOCK_CHUNK ? cap_chunk_rows(chunk) : 0;
		making->totals.stored_count = making->totals.attempted_count;
		rc = cap_writer_rows(making->writer, (enum cap_block_type)block, chunk,
				     &making->totals, err);
	}
	(void)cap_chunk_free(chunk);
	return rc;
}

/* The blocks of rows that stand before or after the chunks, from blocks.def. */
static int put_info_blocks(struct making *making, bool before, struct cap_err *err)
{
	int rc = 0;

#define BODY_FIXED 0
#define BODY_SCHEMA 0
#define BODY_ROWS 1
#define BLOCK(type, upper, name, skip, body)                       \
	if (rc >= 0 && BODY_##body && (type) != CAP_BLOCK_CHUNK && \
	    ((type) < CAP_BLOCK_MODULES) == before)                \
		rc = put_block(making, (type), 1, 0, 1, err);
#include "formats/table/blocks.def"
#undef BLOCK
	return rc;
}

static int making_end(struct making *making, int rc, struct cap_err *err)
{
	if (rc >= 0)
		rc = cap_writer_end(making->writer, CAP_END_NORMAL, &making->totals, err);
	(void)cap_writer_free(making->writer);
	return rc;
}

int file_k_write(int fd, struct cap_err *err)
{
	struct making making = {0};
	int rc = making_begin(&making, FILE_K_SEED, fd, err);

	if (rc >= 0)
		rc = put_info_blocks(&making, true, err);
	for (unsigned i = 0; i < FILE_K_CHUNKS && rc >= 0; i++)
		rc = put_block(&making, CAP_BLOCK_CHUNK, 1 + i % 2, i % FILE_K_SHARES,
			       FILE_K_SHARES, err);
	if (rc >= 0)
		rc = put_info_blocks(&making, false, err);
	return making_end(&making, rc, err);
}

int one_of_each_write(int fd, struct cap_err *err)
{
	struct making making = {0};
	int rc = making_begin(&making, FILE_K_SEED, fd, err);

	if (rc >= 0)
		rc = put_info_blocks(&making, true, err);
	if (rc >= 0)
		rc = put_block(&making, CAP_BLOCK_CHUNK, 2, 0, 1, err);
	if (rc >= 0)
		rc = put_info_blocks(&making, false, err);
	return making_end(&making, rc, err);
}

int big_file_write(const struct big_plan *plan, int fd, struct cap_err *err)
{
	struct making making = {0};
	int rc = making_begin(&making, plan->seed, fd, err);

	making.maker.benign = false;
	making.maker.variety = 5000;
	if (rc >= 0)
		rc = put_info_blocks(&making, true, err);
	while (rc >= 0 && cap_writer_bytes(making.writer) < plan->bytes) {
		/* many small ones and a few big ones, as after quiet and busy times */
		unsigned span = plan->max_rows - plan->min_rows + 1;
		unsigned rows = plan->min_rows +
				(unsigned)rng_below(&making.maker.rng,
						    1 + rng_below(&making.maker.rng, span));

		rc = put_block(&making, CAP_BLOCK_CHUNK, rows, 0, 1, err);
	}
	if (rc >= 0)
		rc = put_info_blocks(&making, false, err);
	return making_end(&making, rc, err);
}

/* -------- what occurs -------- */

struct seen {
	bool blocks[64], replicas[64], types[EV_TYPE_MAX + 1];
	unsigned chunks;
};

static int check_seen(const struct seen *seen, struct cap_err *err)
{
	if (seen->chunks != FILE_K_CHUNKS)
		return cap_fail(err, CAP_EDAMAGED, "file K has %u chunks", seen->chunks);
	if (!seen->replicas[CAP_BLOCK_FILE_HEADER] || !seen->replicas[CAP_BLOCK_SCHEMA])
		return cap_fail(err, CAP_EDAMAGED, "file K has no replicas");
#define BLOCK(type, upper, name, skip, body) \
	if (!seen->blocks[type])             \
		return cap_fail(err, CAP_EDAMAGED, "file K has no block of type %s", name);
#include "formats/table/blocks.def"
#undef BLOCK
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) \
	if (!seen->types[id])                                  \
		return cap_fail(err, CAP_EDAMAGED, "file K has no row of type %s", #name);
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
	return 0;
}

int file_k_check(int fd, struct cap_err *err)
{
	CLEANUP(cap_reader_closep) struct cap_reader *reader = NULL;
	struct seen seen = {0};
	struct cap_block block;
	int rc = reader_of_fd(fd, CAP_READ_STRICT, &reader, err);

	if (rc < 0)
		return rc;
	if (cap_reader_file_bytes(reader) > FILE_K_MAX_BYTES)
		return cap_fail(err, CAP_ELIMIT, "file K has %llu bytes",
				(unsigned long long)cap_reader_file_bytes(reader));
	while ((rc = cap_reader_next(reader, &block, err)) == 1) {
		struct cap_rows rows;

		if (block.type >= 64)
			return cap_fail(err, CAP_EDAMAGED, "file K has a block of type %u",
					block.type);
		seen.blocks[block.type] = true;
		seen.replicas[block.type] |= block.replica;
		seen.chunks += block.type == CAP_BLOCK_CHUNK;
		if (!block.row_count)
			continue;
		rc = cap_reader_rows(reader, &rows, err);
		if (rc < 0)
			return rc;
		for (u32 i = 0; i < rows.section_count; i++)
			if (rows.sections[i].type && rows.sections[i].type_id <= EV_TYPE_MAX)
				seen.types[rows.sections[i].type_id] = true;
	}
	return rc < 0 ? rc : check_seen(&seen, err);
}

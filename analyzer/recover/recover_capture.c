/*
 * Two walks: one for the file header and schema of each capture in the file, which may survive only
 * as replicas near the end, then one that decodes and copies every block.
 */
#include "analyzer/recover/recover_capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/capture_walk.h"
#include "analyzer/recover/recover_losses.h"
#include "formats/base/block_header.h"
#include "formats/base/bytes.h"
#include "formats/write/capture_writer.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

#define MAX_KEPT_SCHEMAS 16
/* If more blocks are out of order than a page or two can move, the rest counts as lost although it
 * is kept. */
#define MAX_MOVED 4096

struct moved { /* a block that comes after later ones: kept, so it is not lost before them */
	u64 seq, events;
};

struct head { /* what a capture of the input begins with */
	u64 file_id;
	u8 *file_header; /* plain part; NULL: none survived */
	u32 file_header_len;
	u8 *schema; /* frame */
	u32 schema_len, schema_raw_len;
	u64 schema_id;
	u64 first_ns;
	u64 next_seq;
	struct moved *moved;
	size_t moved_count, moved_size;
};

struct recover {
	struct cap_reader *reader;
	const struct kymo_recover_options *options;
	struct kymo_walk *walk;
	struct kymo_losses *losses;
	struct cap_chunk *chunk, *marks; /* rows of our own */
	struct head *heads;
	size_t head_count, head_size, next_head;

	struct cap_writer *writer; /* of the capture that is being written */
	u64 schema_ids[MAX_KEPT_SCHEMAS];
	u32 schema_count;
	struct cap_totals totals; /* last seen, as they were */
	bool ended;
	u32 end_reason;
	u64 end_lost;
	u64 bytes_before, kept_before, bytes_lost, blocks_lost;
	struct kymo_recovered found;
	int failed;		/* of telling a gap */
	struct kymo_gap *early; /* reported before the first block of their capture */
	size_t early_count, early_size;
};

static void recover_done(struct recover *recover)
{
	(void)kymo_walk_free(recover->walk);
	(void)kymo_losses_free(recover->losses);
	(void)cap_chunk_free(recover->chunk);
	(void)cap_chunk_free(recover->marks);
	(void)cap_writer_free(recover->writer);
	for (size_t i = 0; i < recover->head_count; i++) {
		free(recover->heads[i].file_header);
		free(recover->heads[i].schema);
		free(recover->heads[i].moved);
	}
	free(recover->heads);
	free(recover->early);
}

/* -------- first walk: heads -------- */

static int keep_bytes(const u8 *bytes, u32 len, u8 **ret_bytes, u32 *ret_len)
{
	u8 *copy = malloc(len ? len : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	*ret_bytes = copy;
	*ret_len = len;
	return 0;
}

static struct head *add_head(struct recover *recover, u64 file_id)
{
	if (recover->head_count == recover->head_size) {
		size_t size = recover->head_size ? recover->head_size * 2 : 4;
		struct head *bigger = realloc(recover->heads, size * sizeof(*bigger));

		if (!bigger)
			return NULL;
		recover->heads = bigger;
		recover->head_size = size;
	}
	recover->heads[recover->head_count] = (struct head){.file_id = file_id};
	return &recover->heads[recover->head_count++];
}

static int note_moved(struct head *head, const struct cap_block *block)
{
	if (block->seq >= head->next_seq) {
		head->next_seq = block->seq + 1;
		return 0;
	}
	if (head->moved_count == MAX_MOVED)
		return 0;
	if (head->moved_count == head->moved_size) {
		size_t size = head->moved_size ? head->moved_size * 2 : 16;
		struct moved *bigger = realloc(head->moved, size * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		head->moved = bigger;
		head->moved_size = size;
	}
	head->moved[head->moved_count++] = (struct moved){
		.seq = block->seq,
		.events = block->type == CAP_BLOCK_CHUNK && !block->replica ? block->row_count : 0};
	return 0;
}

static int take_head(struct recover *recover, struct head *head, const struct cap_block *block)
{
	struct cap_block_bytes bytes;

	cap_reader_block_bytes(recover->reader, &bytes);
	if (!head->first_ns && block->first_ns)
		head->first_ns = block->first_ns;
	if (block->type == CAP_BLOCK_FILE_HEADER && !head->file_header)
		return keep_bytes(bytes.plain, bytes.plain_len, &head->file_header,
				  &head->file_header_len);
	if (block->type == CAP_BLOCK_SCHEMA && !head->schema) {
		head->schema_raw_len = bytes.raw_len;
		head->schema_id = cap_reader_schema(recover->reader)->id;
		return keep_bytes(bytes.frame, bytes.frame_len, &head->schema, &head->schema_len);
	}
	return 0;
}

static int find_heads(struct recover *recover, struct cap_err *err)
{
	struct head *head = NULL;
	struct cap_block block;
	int rc = cap_reader_rewind(recover->reader, err);

	while (rc == 0 && (rc = cap_reader_next(recover->reader, &block, err)) == 1) {
		if (!head || head->file_id != block.file_id) {
			head = add_head(recover, block.file_id);
			if (!head)
				return cap_fail(err, -ENOMEM, "out of memory");
		}
		rc = take_head(recover, head, &block);
		if (rc == 0)
			rc = note_moved(head, &block);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory");
	}
	return rc;
}

/* -------- a capture of the output -------- */

static int begin_output(struct recover *recover, struct cap_err *err)
{
	const struct head *head = &recover->heads[recover->next_head++];
	const struct cap_block_copy file_header = {.plain = head->file_header,
						   .plain_len = head->file_header_len};
	const struct cap_block_copy schema = {.frame = head->schema,
					      .frame_len = head->schema_len,
					      .raw_len = head->schema_raw_len};
	const struct cap_writer_options options = {.fd = recover->options->output_fd};
	/* If no file header survived: an id, and a start that makes times small. */
	struct cap_file_info info = {.monotonic_ns = head->first_ns,
				     .tool_version = recover->options->tool};
	int rc;

	cap_store_le(info.file_uuid, head->file_id, 8);
	cap_store_le(info.file_uuid + 8, ~head->file_id, 8);
	rc = cap_writer_new(&options, &info, &recover->writer, err);
	if (rc == 0)
		rc = cap_writer_adopt(recover->writer, head->file_header ? &file_header : NULL,
				      head->schema ? &schema : NULL, head->schema_id, err);
	if (rc == 0)
		rc = cap_writer_begin(recover->writer, err);
	kymo_losses_begin(recover->losses);
	recover->schema_count = 0;
	recover->schema_ids[recover->schema_count++] = head->schema_id;
	recover->totals = (struct cap_totals){0};
	recover->ended = false;
	recover->end_lost = 0;
	recover->kept_before = recover->found.events_kept;
	recover->bytes_lost = recover->blocks_lost = 0;
	recover->found.captures++;
	return rc;
}

static u64 events_missing(const struct recover *recover)
{
	return kymo_losses_events(recover->losses) + kymo_losses_counts(recover->losses);
}

/* The recorder's counts, with missing events moved to lost: from stored, and from counted calls,
 * which prologues do not include. */
static struct cap_totals corrected(const struct recover *recover, const struct cap_totals *totals)
{
	struct cap_totals now = *totals;
	u64 missing = kymo_losses_events(recover->losses);

	if (missing > now.stored_count)
		missing = now.stored_count;
	now.stored_count -= missing;
	now.lost_count += missing + kymo_losses_counts(recover->losses);
	return now;
}

static int write_losses(struct recover *recover, bool final, struct cap_err *err)
{
	struct cap_totals totals = corrected(recover, &recover->totals);
	int rc;

	cap_chunk_reset(recover->chunk);
	cap_chunk_reset(recover->marks);
	rc = kymo_losses_take(recover->losses, final, recover->chunk, recover->marks);
	if (rc < 0 || cap_chunk_failed(recover->chunk) || cap_chunk_failed(recover->marks))
		return cap_fail(err, rc < 0 ? rc : -ENOMEM, "out of memory for what was lost");
	rc = cap_writer_rows(recover->writer, CAP_BLOCK_STATS, recover->chunk, &totals, err);
	return rc < 0 ? rc
		      : cap_writer_rows(recover->writer, CAP_BLOCK_MARK, recover->marks, &totals,
					err);
}

static int add_fact(struct cap_chunk *chunk, const char *key, const char *value)
{
	const struct ev_meta row = {
		.key = cap_chunk_string(chunk, key, strlen(key)),
		.value = cap_chunk_string(chunk, value, strlen(value)),
		.sensitivity = CAP_SENSE_PUBLIC,
	};

	return cap_chunk_add(chunk, EV_META, &row);
}

static int add_count(struct cap_chunk *chunk, const char *key, u64 count)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, count);
	return add_fact(chunk, key, text);
}

static int write_facts(struct recover *recover, struct cap_err *err)
{
	struct cap_chunk *chunk = recover->chunk;
	struct cap_totals totals = corrected(recover, &recover->totals);
	int rc;

	cap_chunk_reset(chunk);
	rc = add_fact(chunk, "recover.tool", recover->options->tool);
	if (rc == 0)
		rc = add_count(chunk, "recover.blocks_lost", recover->blocks_lost);
	if (rc == 0)
		rc = add_count(chunk, "recover.bytes_lost", recover->bytes_lost);
	if (rc == 0)
		rc = add_count(chunk, "recover.events_lost", events_missing(recover));
	if (rc == 0)
		rc = add_fact(chunk, "recover.end_found", recover->ended ? "1" : "0");
	if (rc < 0 || cap_chunk_failed(chunk))
		return cap_fail(err, -ENOMEM, "out of memory");
	return cap_writer_rows(recover->writer, CAP_BLOCK_META, chunk, &totals, err);
}

static int write_added(struct recover *recover, struct cap_err *err)
{
	const struct kymo_recover_options *options = recover->options;
	struct cap_totals totals = corrected(recover, &recover->totals);
	int rc = 0;

	while (options->add_symbols) {
		cap_chunk_reset(recover->chunk);
		rc = options->add_symbols(options->add_context, recover->chunk, err);
		if (rc < 0 || cap_chunk_rows(recover->chunk) == 0)
			break;
		if (cap_chunk_failed(recover->chunk))
			return cap_fail(err, -ENOMEM, "out of memory");
		rc = cap_writer_use_own_schema(recover->writer, err);
		if (rc == 0)
			rc = cap_writer_rows(recover->writer, CAP_BLOCK_SYMBOLS, recover->chunk,
					     &totals, err);
		if (rc < 0)
			break;
	}
	return rc;
}

/* END, with the values of the input's or, if it has none, the last known ones. */
static int end_output(struct recover *recover, struct cap_err *err)
{
	struct cap_totals totals;
	bool changed;
	int rc;

	if (!recover->writer)
		return 0;
	changed = kymo_losses_any(recover->losses) || !recover->ended;
	rc = write_losses(recover, true, err);
	if (rc == 0)
		rc = write_added(recover, err);
	totals = corrected(recover, &recover->totals);
	if (recover->ended && recover->end_lost > recover->totals.lost_count)
		totals.lost_count += recover->end_lost - recover->totals.lost_count;
	if (rc == 0 && changed)
		rc = write_facts(recover, err);
	if (rc == 0)
		rc = cap_writer_end(recover->writer,
				    recover->ended ? recover->end_reason : CAP_END_RECOVERED,
				    &totals, err);
	if (rc < 0)
		return rc;
	recover->found.events_lost += events_missing(recover);
	recover->found.ends_missing += !recover->ended;
	recover->found.lossless &= !changed;
	recover->found.written_bytes += cap_writer_bytes(recover->writer);
	recover->writer = cap_writer_free(recover->writer);
	return 0;
}

/* -------- second walk: blocks -------- */

static int keep_early(struct recover *recover, const struct kymo_gap *gap)
{
	if (recover->early_count == recover->early_size) {
		size_t size = recover->early_size ? recover->early_size * 2 : 8;
		struct kymo_gap *bigger = realloc(recover->early, size * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		recover->early = bigger;
		recover->early_size = size;
	}
	recover->early[recover->early_count++] = *gap;
	return 0;
}

/* Blocks that come later are not lost. */
static void leave_moved(const struct recover *recover, struct kymo_gap *gap)
{
	const struct head *head =
		recover->next_head > 0 ? &recover->heads[recover->next_head - 1] : NULL;

	for (size_t i = 0; head && i < head->moved_count; i++) {
		const struct moved *moved = &head->moved[i];

		if (moved->seq < gap->first_seq || moved->seq > gap->last_seq ||
		    gap->block_count == 0)
			continue;
		gap->block_count--;
		gap->events -= moved->events < gap->events ? moved->events : gap->events;
	}
}

static int take_gap(struct recover *recover, const struct kymo_gap *gap)
{
	struct kymo_gap lost = *gap;

	if (gap->counts) /* recover_losses.h finds it by itself */
		return 0;
	switch (gap->kind) {
	case KYMO_GAP_CUT: /* the missing END says it */
		return 0;
	case KYMO_GAP_UNKNOWN: /* kept as it is */
		recover->found.blocks_unknown += gap->block_count;
		return 0;
	case KYMO_GAP_FOREIGN:
		recover->found.blocks_foreign += gap->block_count;
		return 0;
	case KYMO_GAP_DAMAGED:
	case KYMO_GAP_LOST:
		break;
	}
	recover->bytes_lost += gap->size_bytes;
	recover->found.bytes_lost += gap->size_bytes;
	leave_moved(recover, &lost);
	if (lost.block_count == 0 && lost.events == 0 && (gap->events_known || gap->block_count))
		return 0; /* bytes that belong to no block, or the block comes later */
	recover->found.events_unknown |= !lost.events_known;
	recover->blocks_lost += lost.block_count;
	recover->found.blocks_lost += lost.block_count;
	if (!lost.from_known)
		lost.from_ns = cap_reader_facts(recover->reader)->info.monotonic_ns;
	if (lost.to_known && lost.from_ns > lost.to_ns)
		lost.from_ns = lost.to_ns;
	return kymo_losses_gap(recover->losses, &lost);
}

static void on_gap(void *context, const struct kymo_gap *gap)
{
	struct recover *recover = context;
	u64 captures = kymo_walk_counts(recover->walk)->captures;
	int rc = captures == 0 || captures != recover->found.captures ? keep_early(recover, gap)
								      : take_gap(recover, gap);

	if (rc < 0)
		recover->failed = rc;
}

static int begin_capture(struct recover *recover, struct cap_err *err)
{
	int rc = end_output(recover, err);

	if (rc == 0)
		rc = begin_output(recover, err);
	for (size_t i = 0; rc == 0 && i < recover->early_count; i++) {
		rc = take_gap(recover, &recover->early[i]);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory");
	}
	recover->early_count = 0;
	return rc;
}

/* A schema other than the one written at the beginning, and not a replica. */
static bool is_new_schema(struct recover *recover)
{
	u64 id = cap_reader_schema(recover->reader)->id;

	for (u32 i = 0; i < recover->schema_count; i++) {
		if (recover->schema_ids[i] == id)
			return false;
	}
	if (recover->schema_count < MAX_KEPT_SCHEMAS)
		recover->schema_ids[recover->schema_count++] = id;
	return true;
}

static int copy_block(struct recover *recover, const struct kymo_walk_block *at,
		      struct cap_err *err)
{
	const struct cap_block *block = &at->block;
	struct cap_totals totals = corrected(recover, &block->totals);
	CLEANUP(cap_freep) u8 *body = NULL;
	struct cap_block_bytes bytes;
	struct cap_block_copy copy;
	u32 body_len;

	cap_reader_block_bytes(recover->reader, &bytes);
	copy = (struct cap_block_copy){
		.type = bytes.type,
		.flags = bytes.flags,
		.plain = bytes.plain,
		.plain_len = bytes.plain_len,
		.frame = bytes.frame_len ? bytes.frame : NULL,
		.frame_len = bytes.frame_len,
		.raw_len = bytes.raw_len,
		.totals = block->totals.attempted_count ? &totals : NULL,
	};
	if (at->rows_decoded && at->columns_rejected > 0) {
		int rc = cap_reader_repair(recover->reader, &at->rows, &body, &body_len, err);

		if (rc < 0)
			return rc;
		copy.frame = NULL;
		copy.frame_len = 0;
		copy.raw = body;
		copy.raw_len = body_len;
	}
	recover->found.blocks_kept++;
	return cap_writer_copy(recover->writer, &copy, err);
}

static int take_rows(struct recover *recover, const struct kymo_walk_block *at, struct cap_err *err)
{
	int rc;

	if (!at->block.replica && !at->rows_decoded)
		return 0; /* told as a gap */
	if (at->block.totals.attempted_count >= recover->totals.attempted_count && !at->moved)
		recover->totals = at->block.totals;
	rc = copy_block(recover, at, err);
	if (rc < 0 || at->block.replica)
		return rc;
	recover->found.rows_kept += at->block.row_count;
	recover->found.events_kept += at->block.type == CAP_BLOCK_CHUNK ? at->block.row_count : 0;
	recover->found.columns_lost += at->columns_rejected;
	if (kymo_losses_rows(recover->losses, at) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	return write_losses(recover, false, err);
}

static void take_end(struct recover *recover)
{
	struct cap_block_bytes bytes;

	cap_reader_block_bytes(recover->reader, &bytes);
	if (bytes.plain_len < CAP_END_BYTES)
		return;
	recover->ended = true;
	recover->end_lost = cap_load_u64(bytes.plain + 24);
	recover->end_reason = cap_load_u32(bytes.plain + 48);
}

static int take_block(struct recover *recover, const struct kymo_walk_block *at,
		      struct cap_err *err)
{
	if (at->block.type != CAP_BLOCK_END && !at->moved)
		recover->ended = false;
	if (cap_block_holds_rows(at->block.type))
		return take_rows(recover, at, err);
	switch (at->block.type) {
	case CAP_BLOCK_FILE_HEADER:
	case CAP_BLOCK_INDEX:
		return 0; /* written anew */
	case CAP_BLOCK_SCHEMA:
		return is_new_schema(recover) ? copy_block(recover, at, err) : 0;
	case CAP_BLOCK_END:
		take_end(recover);
		return 0;
	default:
		return copy_block(recover, at, err);
	}
}

static int copy_all(struct recover *recover, struct cap_err *err)
{
	u64 file_bytes = cap_reader_file_bytes(recover->reader);
	struct kymo_walk_block at;
	int rc;

	while ((rc = kymo_walk_next(recover->walk, &at, err)) == 1) {
		if (recover->options->progress)
			rc = recover->options->progress(recover->options->progress_context,
							at.block.offset, file_bytes);
		if (rc < 0)
			return cap_fail(err, rc, "interrupted");
		rc = at.begins ? begin_capture(recover, err) : 0;
		if (rc < 0)
			return rc;
		rc = recover->failed < 0 ? cap_fail(err, recover->failed, "out of memory")
					 : take_block(recover, &at, err);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : end_output(recover, err);
}

int kymo_recover(struct cap_reader *reader, const struct kymo_recover_options *options,
		 struct kymo_recovered *ret_recovered, struct cap_err *err)
{
	CLEANUP(recover_done)
	struct recover recover = {.reader = reader,
				  .options = options,
				  .losses = kymo_losses_new(),
				  .chunk = cap_chunk_new(),
				  .marks = cap_chunk_new(),
				  .found = {.lossless = true}};
	const struct kymo_walk_options walk_options = {
		.decode = true, .gap = on_gap, .gap_context = &recover};
	int rc;

	if (!recover.losses || !recover.chunk || !recover.marks)
		return cap_fail(err, -ENOMEM, "out of memory");
	rc = find_heads(&recover, err);
	if (rc == 0)
		rc = kymo_walk_new(reader, &walk_options, &recover.walk, err);
	if (rc == 0)
		rc = copy_all(&recover, err);
	if (rc < 0)
		return rc;
	recover.found.lossless &= !recover.found.blocks_foreign && !recover.found.columns_lost;
	*ret_recovered = recover.found;
	return 0;
}

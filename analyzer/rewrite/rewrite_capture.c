/* One walk over the blocks. A capture's first two blocks are written when its schema is known: at
 * the first block that is not its file header. */
#include "analyzer/rewrite/rewrite_capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/rewrite/rewrite_schema.h"
#include "formats/base/block_header.h"
#include "formats/base/bytes.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

struct rewrite {
	struct kymo_capture *capture;
	const struct kymo_rewrite_options *options;
	struct kymo_rewrite_rules rules; /* with our own counting of what is left */
	struct cap_reader *reader;
	struct kymo_rewrite_rows *rows;
	struct cap_writer *writer; /* of the capture at hand; NULL: not begun */
	struct kymo_rewrite_schema schema;
	u64 file_id;
	bool started; /* file_id is set */
	u64 skipped;  /* numbers of blocks that are missing before the next one */
	bool ended;
	u32 end_reason;
	u64 end_events; /* as END says */
	u64 chunk_rows; /* of blocks that could be read */
	struct cap_totals end_totals;
	struct kymo_rewritten found;
};

static void rewrite_done(struct rewrite *rewrite)
{
	(void)kymo_rewrite_rows_free(rewrite->rows);
	(void)cap_writer_free(rewrite->writer);
	(void)cap_reader_close(rewrite->reader);
}

static void on_left(void *context, enum kymo_left kind, u32 id, u64 count)
{
	struct rewrite *rewrite = context;
	const struct kymo_rewrite_rules *rules = &rewrite->options->rules;

	rewrite->found.left[kind] += count;
	if (rules->left)
		rules->left(rules->left_context, kind, id, count);
}

static void on_trouble(void *context, const struct cap_trouble *trouble)
{
	struct rewrite *rewrite = context;

	if (trouble->kind == CAP_TROUBLE_FOREIGN) {
		if (!trouble->moved)
			on_left(rewrite, KYMO_LEFT_FOREIGN, trouble->type, 1);
		return;
	}
	rewrite->skipped += trouble->block_count;
	rewrite->found.blocks_damaged += trouble->block_count ? trouble->block_count : 1;
}

/* -------- a capture of the output -------- */

static int begin_output(struct rewrite *rewrite, struct cap_err *err)
{
	const struct kymo_rewrite_rules *rules = &rewrite->options->rules;
	const struct cap_writer_options options = {.fd = rewrite->options->output_fd};
	const struct cap_file_facts *facts = cap_reader_facts(rewrite->reader);
	struct cap_file_info info = facts->info;
	CLEANUP(cap_freep) u8 *schema = NULL;
	size_t schema_len = 0;
	int rc;

	/* Two files of one id would pass for one. */
	info.file_uuid[0] ^= 0x5a;
	rc = rules->begin ? rules->begin(rules->context, facts, &info) : 0;
	if (rc < 0)
		return cap_fail(err, rc, "out of memory");
	rc = kymo_rewrite_schema_of(cap_reader_schema(rewrite->reader), &rewrite->schema, &schema,
				    &schema_len);
	if (rc < 0)
		return cap_fail(err, rc, "out of memory for a schema");
	rc = cap_writer_new(&options, &info, &rewrite->writer, err);
	if (rc == 0)
		rc = cap_writer_schema(rewrite->writer, schema, schema_len, err);
	if (rc == 0)
		rc = cap_writer_begin(rewrite->writer, err);
	rewrite->ended = false;
	rewrite->chunk_rows = 0;
	rewrite->end_totals = (struct cap_totals){0};
	rewrite->found.captures++;
	return rc;
}

static int end_output(struct rewrite *rewrite, struct cap_err *err)
{
	int rc = 0;

	if (!rewrite->writer)
		return 0;
	rewrite->found.events += cap_writer_events(rewrite->writer);
	if (rewrite->options->end)
		rc = rewrite->options->end(rewrite->rules.context, rewrite->writer, err);
	if (rc == 0 && rewrite->ended) {
		cap_writer_skip(rewrite->writer, rewrite->skipped,
				rewrite->end_events > rewrite->chunk_rows
					? rewrite->end_events - rewrite->chunk_rows
					: 0);
		rewrite->skipped = 0;
		if (rewrite->options->rules.totals)
			rewrite->options->rules.totals(rewrite->rules.context,
						       &rewrite->end_totals);
		rc = cap_writer_end(rewrite->writer, rewrite->end_reason, &rewrite->end_totals,
				    err);
	}
	rewrite->found.ends_missing += !rewrite->ended;
	rewrite->found.written_bytes += cap_writer_bytes(rewrite->writer);
	rewrite->writer = cap_writer_free(rewrite->writer);
	return rc;
}

/* -------- blocks -------- */

static void take_end(struct rewrite *rewrite)
{
	struct cap_block_bytes bytes;

	cap_reader_block_bytes(rewrite->reader, &bytes);
	if (bytes.plain_len < CAP_END_BYTES)
		return;
	rewrite->ended = true;
	rewrite->end_events = cap_load_u64(bytes.plain + 16);
	rewrite->end_totals.lost_count = cap_load_u64(bytes.plain + 24);
	rewrite->end_reason = cap_load_u32(bytes.plain + 48);
}

static int take_rows(struct rewrite *rewrite, const struct cap_block *block, struct cap_err *err)
{
	struct cap_err reason = {0};
	struct cap_rows rows;
	int rc;

	if (block->replica)
		return 0;
	rc = cap_reader_rows(rewrite->reader, &rows, &reason);
	if (rc == -ENOMEM)
		return cap_fail(err, rc, "%s", reason.text);
	if (rc < 0) { /* a block whose body is damaged */
		rewrite->skipped++;
		rewrite->found.blocks_damaged++;
		return 0;
	}
	rewrite->chunk_rows += block->type == CAP_BLOCK_CHUNK ? block->row_count : 0;
	cap_writer_skip(rewrite->writer, rewrite->skipped, 0);
	rewrite->skipped = 0;
	rewrite->found.blocks++;
	rewrite->found.rows_in += block->row_count;
	return kymo_rewrite_block(rewrite->rows, &rewrite->schema, block, &rows, rewrite->writer,
				  err);
}

static bool is_known(u32 block_type)
{
	return strcmp(cap_block_name(block_type), "unknown") != 0;
}

static int take_block(struct rewrite *rewrite, const struct cap_block *block, struct cap_err *err)
{
	struct cap_block_bytes bytes;
	int rc = 0;

	if (!rewrite->started || rewrite->file_id != block->file_id) {
		rc = end_output(rewrite, err);
		rewrite->started = true;
		rewrite->file_id = block->file_id;
	}
	if (rc == 0 && !rewrite->writer && block->type != CAP_BLOCK_FILE_HEADER)
		rc = begin_output(rewrite, err);
	if (rc < 0 || !rewrite->writer)
		return rc;
	cap_reader_block_bytes(rewrite->reader, &bytes);
	if (bytes.flags & CAP_FLAG_AFTER_ERROR)
		cap_writer_after_error(rewrite->writer);
	if (block->type != CAP_BLOCK_END)
		rewrite->ended = false;
	if (cap_block_holds_rows(block->type))
		return take_rows(rewrite, block, err);
	if (block->type == CAP_BLOCK_END)
		take_end(rewrite);
	else if (!is_known(block->type))
		on_left(rewrite, KYMO_LEFT_BLOCK, block->type, 1);
	return 0;
}

static int copy_all(struct rewrite *rewrite, struct cap_err *err)
{
	const struct kymo_rewrite_rules *rules = &rewrite->options->rules;
	u64 file_bytes = cap_reader_file_bytes(rewrite->reader);
	struct cap_block block;
	int rc;

	while ((rc = cap_reader_next(rewrite->reader, &block, err)) == 1) {
		rc = rules->progress ? rules->progress(rules->context, block.offset, file_bytes)
				     : 0;
		if (rc < 0)
			return cap_fail(err, rc, "interrupted");
		rc = take_block(rewrite, &block, err);
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && !rewrite->writer && rewrite->started) /* a file header and nothing more */
		rc = begin_output(rewrite, err);
	return rc < 0 ? rc : end_output(rewrite, err);
}

int kymo_rewrite_capture(struct kymo_capture *capture, const struct kymo_rewrite_options *options,
			 struct kymo_rewritten *ret_rewritten, struct cap_err *err)
{
	CLEANUP(rewrite_done)
	struct rewrite rewrite = {.capture = capture, .options = options, .rules = options->rules};
	int rc = cap_reader_reopen(capture->reader, &rewrite.reader, err);

	if (rc < 0)
		return rc;
	rewrite.rules.left = on_left;
	rewrite.rules.left_context = &rewrite;
	rc = kymo_rewrite_rows_new(capture, &rewrite.rules, &rewrite.rows, err);
	if (rc < 0)
		return rc;
	cap_reader_tell(rewrite.reader, on_trouble, &rewrite);
	rc = copy_all(&rewrite, err);
	if (rc == 0)
		*ret_rewritten = rewrite.found;
	return rc;
}

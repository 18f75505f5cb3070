/* kymo verify: reads every byte of a capture and decodes every column. Needs no database: it also
 * tells about files that nothing else can use. */
#include "analyzer/commands/capture_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/capture_reader.h"
#include "formats/cleanup.h"

#define EXIT_NOT_A_CAPTURE 2

enum block_use { BLOCK_FIXED, BLOCK_ROWS, BLOCK_UNKNOWN };

struct verify {
	struct cap_reader *reader;
	struct kymo_sink *sink;
	u64 expected; /* where the next block should begin */
	u64 rows, events, columns, columns_rejected, problems;
	u64 skipped_before; /* cap_damage.bytes_skipped at the block before */
	u64 *values;
	size_t value_capacity;
};

static void verify_done(struct verify *verify)
{
	(void)cap_reader_close(verify->reader);
	(void)kymo_sink_free(verify->sink);
	free(verify->values);
}

static void tell(struct verify *verify, u64 offset, u64 bytes, const char *problem,
		 const char *text)
{
	const struct kymo_value values[] = {kymo_int((s64)offset), kymo_int((s64)bytes),
					    kymo_text(problem), kymo_text(text)};

	verify->problems++;
	kymo_sink_row(verify->sink, values);
}

static enum block_use use_of(u32 type)
{
	switch (type) {
#define BODY_FIXED BLOCK_FIXED
#define BODY_SCHEMA BLOCK_FIXED
#define BODY_ROWS BLOCK_ROWS
#define BLOCK(number, upper, name, skip, body) \
	case number:                           \
		return BODY_##body;
#include "formats/blocks.def"
#undef BLOCK
	default:
		return BLOCK_UNKNOWN;
	}
}

static int decode_section(struct verify *verify, const struct cap_block *block,
			  const struct cap_rows *rows, const struct cap_section *section,
			  struct cap_err *err)
{
	char text[160];

	if (!block->replica) { /* a replica repeats rows, it adds none */
		verify->rows += section->row_count;
		verify->events += block->type == CAP_BLOCK_CHUNK ? section->row_count : 0;
	}
	if (!section->type) {
		(void)snprintf(text, sizeof(text), "%" PRIu32 " rows of unknown type %" PRIu32,
			       section->row_count, section->type_id);
		tell(verify, block->offset, block->size_bytes, "unknown", text);
	}
	if (section->row_count > verify->value_capacity) {
		u64 *values = realloc(verify->values, section->row_count * sizeof(*values));

		if (!values)
			return cap_fail(err, -ENOMEM, "out of memory");
		verify->values = values;
		verify->value_capacity = section->row_count;
	}
	for (u32 i = 0; i < section->column_count; i++) {
		const struct cap_column *column = &section->columns[i];

		verify->columns++;
		if (cap_column_decode(rows, section, column, verify->values) == 0)
			continue;
		verify->columns_rejected++;
		(void)snprintf(text, sizeof(text), "column %s.%s cannot be decoded",
			       section->type ? section->type->name : "?",
			       column->field ? column->field->name : "?");
		tell(verify, block->offset, block->size_bytes, "damaged", text);
	}
	return 0;
}

/* What lies between the blocks used: damage, or good blocks that are not of this file. */
static void tell_gap(struct verify *verify, u64 end, const char *damage_text)
{
	const struct cap_damage *damage = cap_reader_damage(verify->reader);
	bool damaged = damage->bytes_skipped != verify->skipped_before;

	if (end > verify->expected)
		tell(verify, verify->expected, end - verify->expected,
		     damaged ? "damaged" : "foreign",
		     damaged ? damage_text : "blocks of another file, or repeated ones");
	verify->skipped_before = damage->bytes_skipped;
}

static int check_block(struct verify *verify, const struct cap_block *block, struct cap_err *err)
{
	struct cap_err reason = {0};
	struct cap_rows rows;
	char text[80];
	u64 without_schema;
	int rc;

	tell_gap(verify, block->offset, "no intact block here");
	verify->expected = block->offset + block->size_bytes;
	switch (use_of(block->type)) {
	case BLOCK_FIXED:
		return 0;
	case BLOCK_UNKNOWN:
		(void)snprintf(text, sizeof(text),
			       "block type %" PRIu32 ", not known to this version", block->type);
		tell(verify, block->offset, block->size_bytes, "unknown", text);
		return 0;
	case BLOCK_ROWS:
		break;
	}
	without_schema = cap_reader_damage(verify->reader)->blocks_schema_unknown;
	rc = cap_reader_rows(verify->reader, &rows, &reason);
	if (rc == -ENOMEM)
		return cap_fail(err, rc, "%s", reason.text);
	if (rc < 0)
		tell(verify, block->offset, block->size_bytes, "damaged", reason.text);
	else if (cap_reader_damage(verify->reader)->blocks_schema_unknown > without_schema)
		tell(verify, block->offset, block->size_bytes, "unknown",
		     "its schema is not in the file and not of a release known here");
	if (rc == 0 && rows.stack_defects) {
		(void)snprintf(text, sizeof(text), "%" PRIu32 " stacks refer to what is not there",
			       rows.stack_defects);
		tell(verify, block->offset, block->size_bytes, "damaged", text);
	}
	for (u32 i = 0; rc == 0 && i < rows.section_count; i++)
		rc = decode_section(verify, block, &rows, &rows.sections[i], err);
	return rc == -ENOMEM ? rc : 0;
}

static int walk(struct verify *verify, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{.name = "offset"}, {.name = "bytes"}, {.name = "problem"}, {.name = "text"}};
	u64 file_bytes = cap_reader_file_bytes(verify->reader);
	struct cap_block block;
	int rc;

	kymo_sink_table_begin(verify->sink, "problems", columns, 4);
	while ((rc = cap_reader_next(verify->reader, &block, err)) == 1) {
		rc = check_block(verify, &block, err);
		if (rc < 0)
			break;
	}
	if (rc == 0)
		tell_gap(verify, file_bytes, "no intact block up to the end");
	kymo_sink_table_end(verify->sink);
	return rc;
}

static bool write_totals(struct verify *verify)
{
	const struct cap_damage *damage = cap_reader_damage(verify->reader);
	u64 rejected = verify->columns_rejected + damage->columns_rejected;
	bool sound = damage->ended && !damage->blocks_damaged && !damage->blocks_lost &&
		     !damage->bytes_skipped && !rejected;
	bool known = !damage->blocks_unknown && !damage->rows_unknown_type &&
		     !damage->blocks_schema_unknown;

	kymo_sink_field_text(verify->sink, "result",
			     !sound  ? "damaged"
			     : known ? "good"
				     : "unknown parts");
	kymo_sink_field_int(verify->sink, "file_bytes", KYMO_SHOW_COUNT,
			    (s64)cap_reader_file_bytes(verify->reader));
	kymo_sink_field_int(verify->sink, "blocks_good", KYMO_SHOW_COUNT, (s64)damage->blocks_read);
	kymo_sink_field_int(verify->sink, "blocks_damaged", KYMO_SHOW_COUNT,
			    (s64)damage->blocks_damaged);
	kymo_sink_field_int(verify->sink, "blocks_lost", KYMO_SHOW_COUNT, (s64)damage->blocks_lost);
	kymo_sink_field_int(verify->sink, "blocks_unknown", KYMO_SHOW_COUNT,
			    (s64)damage->blocks_unknown);
	kymo_sink_field_int(verify->sink, "blocks_foreign", KYMO_SHOW_COUNT,
			    (s64)damage->blocks_foreign);
	kymo_sink_field_int(verify->sink, "bytes_skipped", KYMO_SHOW_COUNT,
			    (s64)damage->bytes_skipped);
	kymo_sink_field_int(verify->sink, "rows", KYMO_SHOW_COUNT, (s64)verify->rows);
	kymo_sink_field_int(verify->sink, "events", KYMO_SHOW_COUNT, (s64)verify->events);
	if (damage->ended)
		kymo_sink_field_int(verify->sink, "events_written", KYMO_SHOW_COUNT,
				    (s64)damage->end_events);
	kymo_sink_field_int(verify->sink, "rows_unknown_type", KYMO_SHOW_COUNT,
			    (s64)damage->rows_unknown_type);
	kymo_sink_field_int(verify->sink, "columns", KYMO_SHOW_COUNT, (s64)verify->columns);
	kymo_sink_field_int(verify->sink, "columns_rejected", KYMO_SHOW_COUNT, (s64)rejected);
	kymo_sink_field_bool(verify->sink, "ended", damage->ended);
	return sound && known && !damage->blocks_foreign;
}

int kymo_verify_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	const struct kymo_parse parse = {
		.groups = KYMO_OPT_JSON, .min_arguments = 1, .max_arguments = 1};
	CLEANUP(verify_done) struct verify verify = {0};
	struct kymo_common common;
	bool good;
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = cap_reader_open(argv[first], NULL, &verify.reader, err);
	if (rc == CAP_ENOTCAPTURE) {
		run->note(run, "%s", err->text);
		return EXIT_NOT_A_CAPTURE;
	}
	if (rc == 0)
		rc = kymo_sink_new(common.format, run->out, &verify.sink);
	if (rc == 0)
		rc = walk(&verify, err);
	if (rc < 0) {
		if (verify.sink) { /* what was said so far still ends as a whole document */
			kymo_sink_field_text(verify.sink, "result", "refused");
			(void)kymo_sink_finish(verify.sink,
					       NULL); /* err already says what failed */
		}
		return rc;
	}
	good = write_totals(&verify);
	rc = kymo_sink_finish(verify.sink, err);
	if (rc < 0)
		return rc;
	if (!cap_reader_damage(verify.reader)->ended)
		run->note(run, "'%s' has no end: it was cut, or its recorder was killed",
			  argv[first]);
	return good ? 0 : KYMO_EXIT_LOSS;
}

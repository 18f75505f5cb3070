/*
 * Blocks that the reader itself uses: FILE_HEADER, SCHEMA, END, and the prologue of blocks of rows.
 * Reading and applying are two steps, because a readable block may turn out to belong to another
 * file. SPEC.md, "FILE_HEADER", "SCHEMA", "END".
 */
#include <errno.h>

#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/read/reader_state.h"

static int check_schema(struct cap_reader *reader, const struct cap_block_header *header,
			struct cap_err *err)
{
	u64 id;
	int rc;

	if (!header->raw_len)
		return cap_fail(err, CAP_EDAMAGED, "empty schema");
	if (header->raw_len > CAP_MAX_SCHEMA_BYTES)
		return cap_fail(err, CAP_ELIMIT, "schema of %u bytes exceeds limit %u",
				header->raw_len, CAP_MAX_SCHEMA_BYTES);
	rc = reader_decompress(reader, err);
	if (rc < 0)
		return rc;
	id = cap_hash(reader->raw, header->raw_len);
	for (u32 i = 0; i < reader->schema_count; i++) {
		if (reader->schemas[i]->id == id) {
			reader->read_schema = reader->schemas[i];
			return 0;
		}
	}
	if (reader->schema_count == CAP_MAX_SCHEMAS)
		return cap_fail(err, CAP_ELIMIT, "more than %u different schemas", CAP_MAX_SCHEMAS);
	rc = cap_schema_decode(reader->raw, header->raw_len, &reader->schemas[reader->schema_count],
			       err);
	if (rc < 0)
		return rc;
	reader->read_schema = reader->schemas[reader->schema_count++];
	return 0;
}

int reader_check_content(struct cap_reader *reader, const struct cap_block_header *header,
			 struct cap_err *err)
{
	switch (reader_block_type(header)) {
	case CAP_BLOCK_FILE_HEADER:
		return reader_read_file_header(reader, reader->payload, header->plain_len, err);
	case CAP_BLOCK_SCHEMA:
		return check_schema(reader, header, err);
	default:
		return 0;
	}
}

void reader_facts_point(struct reader_facts *facts)
{
	facts->facts.info.tool_version = facts->tool_version;
	facts->facts.info.kernel_release = facts->kernel_release;
	facts->facts.info.hostname = facts->hostname;
}

static void take_file_header(struct cap_reader *reader)
{
	reader->known = reader->read;
	reader_facts_point(&reader->known);
	reader->have_facts = true;
}

static void take_end(struct cap_reader *reader, const struct cap_block_header *header)
{
	struct reader_capture *capture = &reader->capture;

	if (header->plain_len < CAP_END_BYTES ||
	    (capture->have_end && header->seq < capture->end_seq))
		return;
	capture->have_end = true;
	capture->end_seq = header->seq;
	capture->end_events = cap_load_u64(reader->payload + 16);
	capture->end_lost = cap_load_u64(reader->payload + 24);
	reader->damage.end_reason = cap_load_u32(reader->payload + 48);
}

void reader_take_content(struct cap_reader *reader, const struct cap_block_header *header)
{
	switch (reader_block_type(header)) {
	case CAP_BLOCK_FILE_HEADER:
		take_file_header(reader);
		break;
	case CAP_BLOCK_SCHEMA:
		reader->latest_schema = reader->schema = reader->read_schema;
		if (!reader->opened_schema)
			reader->opened_schema = reader->read_schema;
		break;
	case CAP_BLOCK_END:
		take_end(reader, header);
		break;
	default:
		break;
	}
}

/* The schema a block of rows was written with; NULL if not available. */
static const struct cap_schema *schema_of(const struct cap_reader *reader, u64 schema_id)
{
	for (u32 i = 0; i < reader->schema_count; i++)
		if (reader->schemas[i]->id == schema_id)
			return reader->schemas[i];
	return cap_schema_released(schema_id);
}

static void choose_schema(struct cap_reader *reader, u64 schema_id)
{
	const struct cap_schema *schema = schema_of(reader, schema_id);

	reader->schema_guessed = !schema;
	if (!schema)
		schema = reader->latest_schema;
	reader->schema = schema ? schema : cap_schema_of_any_machine();
}

void reader_describe(struct cap_reader *reader, u64 offset, struct cap_block *ret_block)
{
	const struct cap_block_header *header = &reader->header;
	const u8 *prologue = reader->payload;
	struct cap_block block = {
		.offset = offset,
		.size_bytes = header->header_len + cap_block_payload_bytes(header),
		.seq = header->seq,
		.file_id = header->file_id,
		.type = reader_block_type(header),
		.skippable = header->type & CAP_TYPE_SKIPPABLE,
		.replica = header->flags & CAP_FLAG_REPLICA,
		.plain_len = header->plain_len,
		.frame_len = header->frame_len,
		.raw_len = header->raw_len,
	};

	if (cap_block_holds_rows(block.type) && header->plain_len >= CAP_PROLOGUE_BYTES) {
		block.row_count = cap_load_u32(prologue + CAP_PRO_ROWS);
		block.first_ns = cap_load_u64(prologue + CAP_PRO_FIRST_NS);
		block.last_ns = cap_load_u64(prologue + CAP_PRO_LAST_NS);
		block.schema_id = cap_load_u64(prologue + CAP_PRO_SCHEMA_ID);
		block.totals.attempted_count = cap_load_u64(prologue + CAP_PRO_ATTEMPTED);
		block.totals.stored_count = cap_load_u64(prologue + CAP_PRO_STORED);
		block.totals.lost_count = cap_load_u64(prologue + CAP_PRO_LOST);
		choose_schema(reader, block.schema_id);
	}
	*ret_block = block;
}

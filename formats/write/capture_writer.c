/*
 * Blocks to a descriptor. Every block goes out with as few writes as the descriptor allows; a block
 * is never changed afterwards, so what was written survives a kill.
 */
#include "formats/write/capture_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "formats/base/block_header.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/write/chunk_tables.h"
#include "formats/base/cleanup.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/base/zstd_frame.h"

#define DEFAULT_ZSTD_LEVEL 1
#define MAX_INFO_STRING_BYTES 255
#define CAP_FILE_UUID_OFFSET 40
#define CAP_COPY_SEED 0x636f7079u /* "copy" */

struct index_entry {
	u64 offset, seq, first_ns, last_ns;
	u32 type, row_count, size_bytes, flags;
};

struct cap_writer {
	struct cap_writer_options options;
	struct cap_compressor *compressor;
	u8 file_header[CAP_FILE_HEADER_BYTES + 3 * (12 + MAX_INFO_STRING_BYTES + 8)];
	u32 file_header_len;
	u8 *adopted_header; /* in place of file_header, which then is not used */
	u64 file_id;
	u8 *schema; /* encoded; of an adopted one the frame */
	size_t schema_len;
	u32 schema_raw_len; /* adopted: what the frame decodes to; else 0 */
	u64 schema_id;
	struct cap_body body;
	u8 *block; /* header, plain part, padding, frame: one contiguous write */
	size_t block_size;
	u64 seq;
	u64 offset;
	u64 event_count;
	u32 chunks_since_schema;
	u16 error_flag; /* CAP_FLAG_AFTER_ERROR once the output has failed */
	bool tail_tried;
	u64 index_offset;
	struct index_entry *index;
	size_t index_count, index_size;
};

/* What to put into one block. */
struct block_parts {
	u32 type;
	u16 flags;
	const void *plain;
	u32 plain_len;
	const void *raw; /* compressed if raw_len != 0 and there is no frame yet */
	u32 raw_len;
	const void *frame;
	u32 frame_len;
	u64 first_ns, last_ns;
	u32 row_count;
};

static u32 disk_type(u32 type)
{
	switch (type) {
#define SKIP_NEEDED 0
#define SKIP_SKIPPABLE CAP_TYPE_SKIPPABLE
#define BLOCK(btype, upper, name, skip, body) \
	case (btype):                         \
		return (btype) | SKIP_##skip;
#include "formats/table/blocks.def"
#undef BLOCK
	default:
		return type;
	}
}

static int write_all(struct cap_writer *writer, const u8 *bytes, size_t len, struct cap_err *err)
{
	while (len) {
		long done = writer->options.write
				    ? writer->options.write(writer->options.write_context,
							    writer->options.fd, bytes, len)
				    : write(writer->options.fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return cap_fail_errno(err, errno, "write at byte %llu",
					      (unsigned long long)writer->offset);
		bytes += done;
		len -= (size_t)done;
		writer->offset += (u64)done;
	}
	return 0;
}

static int block_reserve(struct cap_writer *writer, size_t size, struct cap_err *err)
{
	u8 *bigger;

	if (size <= writer->block_size)
		return 0;
	bigger = realloc(writer->block, size);
	if (!bigger)
		return cap_fail(err, -ENOMEM, "out of memory for a block of %zu bytes", size);
	writer->block = bigger;
	writer->block_size = size;
	return 0;
}

static int index_add(struct cap_writer *writer, const struct index_entry *entry)
{
	if (writer->index_count == writer->index_size) {
		size_t size = writer->index_size ? writer->index_size * 2 : 256;
		struct index_entry *bigger = realloc(writer->index, size * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		writer->index = bigger;
		writer->index_size = size;
	}
	writer->index[writer->index_count++] = *entry;
	return 0;
}

static int put_block(struct cap_writer *writer, const struct block_parts *parts,
		     struct cap_err *err)
{
	struct cap_block_header header = {.type = disk_type(parts->type),
					  .flags = parts->flags | writer->error_flag,
					  .file_id = writer->file_id,
					  .seq = writer->seq,
					  .plain_len = parts->plain_len,
					  .raw_len = parts->raw_len};
	size_t bound = parts->frame	? parts->frame_len
		       : parts->raw_len ? cap_compress_bound(parts->raw_len)
					: 0;
	size_t frame_len = 0;
	size_t frame_at = CAP_HEADER_BYTES + parts->plain_len +
			  8; /* where it is made; moved up to its place */
	struct index_entry entry = {.offset = writer->offset, .seq = writer->seq};
	size_t payload_len;
	int rc = block_reserve(writer, frame_at + bound, err);

	if (rc < 0)
		return rc;
	if (parts->frame) {
		header.flags |= CAP_CODEC_ZSTD;
		frame_len = parts->frame_len;
		memcpy(writer->block + frame_at, parts->frame, frame_len);
	} else if (parts->raw_len) {
		header.flags |= CAP_CODEC_ZSTD;
		rc = cap_compress(writer->compressor, parts->raw, parts->raw_len,
				  writer->block + frame_at, bound, &frame_len, err);
		if (rc < 0)
			return rc;
		if (frame_len > CAP_MAX_FRAME_BYTES)
			return cap_fail(err, CAP_ELIMIT, "block of %zu bytes exceeds limit %u",
					frame_len, CAP_MAX_FRAME_BYTES);
	}
	header.frame_len = (u32)frame_len;
	header.pad_len = cap_block_padding(CAP_HEADER_BYTES, header.plain_len, header.frame_len);
	if (parts->plain_len)
		memcpy(writer->block + CAP_HEADER_BYTES, parts->plain, parts->plain_len);
	memset(writer->block + CAP_HEADER_BYTES + parts->plain_len, 0, header.pad_len);
	memmove(writer->block + CAP_HEADER_BYTES + parts->plain_len + header.pad_len,
		writer->block + frame_at, frame_len);
	payload_len = cap_block_payload_bytes(&header);
	header.payload_hash = cap_hash(writer->block + CAP_HEADER_BYTES, payload_len);
	cap_block_header_encode(&header, writer->block);
	rc = write_all(writer, writer->block, CAP_HEADER_BYTES + payload_len, err);
	if (rc < 0)
		return rc;
	writer->seq++;
	entry.type = header.type;
	entry.first_ns = parts->first_ns;
	entry.last_ns = parts->last_ns;
	entry.row_count = parts->row_count;
	entry.size_bytes = (u32)(CAP_HEADER_BYTES + payload_len);
	entry.flags = header.flags;
	(void)index_add(writer, &entry); /* the index is optional: readers scan where it has gaps */
	return 0;
}

/* -------- file header -------- */

static u8 *put_tlv(u8 *at, u16 tag, u16 sensitivity, const char *text)
{
	size_t len = text ? strnlen(text, MAX_INFO_STRING_BYTES) : 0;
	size_t padded = (len + 7) & ~7ul;

	if (!text)
		return at;
	cap_store_le(at, tag, 2);
	cap_store_le(at + 2, sensitivity, 2);
	cap_store_le(at + 4, len, 4);
	memset(at + 8, 0, padded);
	memcpy(at + 8, text, len);
	return at + 8 + padded;
}

static void encode_file_header(struct cap_writer *writer, const struct cap_file_info *info)
{
	u8 *at = writer->file_header;

	cap_store_le(at + 0, CAP_VERSION_MAJOR, 2);
	cap_store_le(at + 2, CAP_VERSION_MINOR, 2);
	cap_store_le(at + 4, CAP_FILE_HEADER_BYTES, 4);
	memcpy(at + 24, info->session_uuid, 16);
	memcpy(at + 40, info->file_uuid, 16);
	cap_store_le(at + 56, info->file_index, 4);
	cap_store_le(at + 60, info->machine, 2);
	at[62] = info->word_bytes;
	at[63] = info->page_shift;
	cap_store_le(at + 64, info->realtime_ns, 8);
	cap_store_le(at + 72, info->monotonic_ns, 8);
	cap_store_le(at + 80, info->boottime_ns, 8);
	cap_store_le(at + 88, 1, 4); /* event clock: CLOCK_MONOTONIC */
	cap_store_le(at + 92, info->cpu_count, 4);
	memcpy(at + 96, info->boot_id, 16);
	cap_store_le(at + 112, CAP_WRITER_MAX_RAW_BYTES, 4);
	at += CAP_FILE_HEADER_BYTES;
	at = put_tlv(at, 1, CAP_SENSE_PUBLIC, info->tool_version);
	at = put_tlv(at, 2, CAP_SENSE_PUBLIC, info->kernel_release);
	at = put_tlv(at, 3, CAP_SENSE_PAYLOAD, info->hostname);
	writer->file_header_len = (u32)(at - writer->file_header);
	writer->file_id = cap_load_u64(info->file_uuid);
}

static bool all_zero(const u8 *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

int cap_writer_new(const struct cap_writer_options *options, const struct cap_file_info *info,
		   struct cap_writer **ret_writer, struct cap_err *err)
{
	struct cap_writer *writer = calloc(1, sizeof(*writer));
	struct cap_file_info filled = *info;

	if (!writer)
		return cap_fail(err, -ENOMEM, "out of memory for a writer");
	writer->options = *options;
	writer->compressor =
		cap_compressor_new(options->zstd_level ? options->zstd_level : DEFAULT_ZSTD_LEVEL);
	if (!writer->compressor || cap_schema_encode(&writer->schema, &writer->schema_len)) {
		(void)cap_writer_free(writer);
		return cap_fail(err, -ENOMEM, "out of memory for a writer");
	}
	writer->schema_id = cap_hash(writer->schema, writer->schema_len);
	if (all_zero(filled.file_uuid, sizeof(filled.file_uuid)) &&
	    getrandom(filled.file_uuid, sizeof(filled.file_uuid), 0) != sizeof(filled.file_uuid)) {
		(void)cap_writer_free(writer);
		return cap_fail_errno(err, errno, "no random file id");
	}
	encode_file_header(writer, &filled);
	*ret_writer = writer;
	return 0;
}

struct cap_writer *cap_writer_free(struct cap_writer *writer)
{
	if (!writer)
		return NULL;
	(void)cap_compressor_free(writer->compressor);
	free(writer->adopted_header);
	free(writer->schema);
	free(writer->body.bytes);
	free(writer->block);
	free(writer->index);
	free(writer);
	return NULL;
}

int cap_writer_schema(struct cap_writer *writer, const u8 *encoded, size_t len, struct cap_err *err)
{
	u8 *copy = malloc(len ? len : 1);

	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory for a schema");
	memcpy(copy, encoded, len);
	free(writer->schema);
	writer->schema = copy;
	writer->schema_len = len;
	writer->schema_raw_len = 0;
	writer->schema_id = cap_hash(copy, len);
	return 0;
}

void cap_writer_skip(struct cap_writer *writer, u64 block_count, u64 event_count)
{
	writer->event_count += event_count;
	if (block_count < (1ull << 62) - writer->seq)
		writer->seq += block_count;
}

static int put_file_header(struct cap_writer *writer, u16 flags, struct cap_err *err)
{
	struct block_parts parts = {.type = CAP_BLOCK_FILE_HEADER,
				    .flags = flags,
				    .plain = writer->adopted_header ? writer->adopted_header
								    : writer->file_header,
				    .plain_len = writer->file_header_len};

	return put_block(writer, &parts, err);
}

static int put_schema(struct cap_writer *writer, u16 flags, struct cap_err *err)
{
	struct block_parts parts = {.type = CAP_BLOCK_SCHEMA,
				    .flags = flags,
				    .raw = writer->schema,
				    .raw_len = (u32)writer->schema_len};

	writer->chunks_since_schema = 0;
	if (writer->schema_raw_len) {
		parts.raw = NULL;
		parts.raw_len = writer->schema_raw_len;
		parts.frame = writer->schema;
		parts.frame_len = (u32)writer->schema_len;
	}
	return put_block(writer, &parts, err);
}

int cap_writer_begin(struct cap_writer *writer, struct cap_err *err)
{
	int rc = put_file_header(writer, 0, err);

	return rc < 0 ? rc : put_schema(writer, 0, err);
}

/* -------- rows -------- */

static u64 types_present(const struct cap_chunk *chunk)
{
	u64 bits = 0;

	for (u32 type = 1; type <= EV_TYPE_MAX && type < 64; type++)
		if (cap_chunk_rows_of(chunk, type))
			bits |= 1ull << type;
	return bits;
}

static void encode_prologue(const struct cap_writer *writer, const struct cap_chunk *chunk,
			    const struct cap_totals *totals, u8 *ret_bytes)
{
	memset(ret_bytes, 0, CAP_PROLOGUE_BYTES);
	cap_store_le(ret_bytes + CAP_PRO_LEN, CAP_PROLOGUE_BYTES, 2);
	cap_store_le(ret_bytes + CAP_PRO_ROWS, chunk->row_count, 4);
	cap_store_le(ret_bytes + CAP_PRO_FIRST_NS, chunk->first_ns, 8);
	cap_store_le(ret_bytes + CAP_PRO_LAST_NS, chunk->last_ns, 8);
	cap_store_le(ret_bytes + CAP_PRO_SCHEMA_ID, writer->schema_id, 8);
	if (totals) {
		cap_store_le(ret_bytes + CAP_PRO_ATTEMPTED, totals->attempted_count, 8);
		cap_store_le(ret_bytes + CAP_PRO_STORED, totals->stored_count, 8);
		cap_store_le(ret_bytes + CAP_PRO_LOST, totals->lost_count, 8);
	}
	cap_store_le(ret_bytes + CAP_PRO_TYPES, types_present(chunk), 8);
	cap_store_le(ret_bytes + CAP_PRO_STRINGS, chunk->strings.count, 4);
	cap_store_le(ret_bytes + CAP_PRO_FRAMES, chunk->frames.count, 4);
	cap_store_le(ret_bytes + CAP_PRO_STACKS, chunk->stacks.count, 4);
	cap_store_le(ret_bytes + CAP_PRO_TASKS, chunk->tasks.count, 4);
	cap_store_le(ret_bytes + CAP_PRO_SECTIONS, cap_load_u32(writer->body.bytes), 4);
}

/* Writes a replica if one is due before a chunk. */
static int repeat_schema(struct cap_writer *writer, u32 block, struct cap_err *err)
{
	int rc;

	if (block != CAP_BLOCK_CHUNK || writer->chunks_since_schema < CAP_WRITER_SCHEMA_CHUNKS)
		return 0;
	rc = put_file_header(writer, CAP_FLAG_REPLICA, err);
	return rc < 0 ? rc : put_schema(writer, CAP_FLAG_REPLICA, err);
}

int cap_writer_rows(struct cap_writer *writer, enum cap_block_type block,
		    const struct cap_chunk *chunk, const struct cap_totals *totals,
		    struct cap_err *err)
{
	u8 prologue[CAP_PROLOGUE_BYTES];
	struct block_parts parts = {
		.type = block, .plain = prologue, .plain_len = sizeof(prologue)};
	int rc;

	if (!chunk->row_count)
		return 0;
	rc = repeat_schema(writer, block, err);
	if (rc < 0)
		return rc;
	rc = cap_chunk_encode(chunk, &writer->body, err);
	if (rc < 0)
		return rc;
	encode_prologue(writer, chunk, totals, prologue);
	parts.raw = writer->body.bytes;
	parts.raw_len = (u32)writer->body.len;
	parts.first_ns = chunk->first_ns;
	parts.last_ns = chunk->last_ns;
	parts.row_count = chunk->row_count;
	rc = put_block(writer, &parts, err);
	if (rc < 0)
		return rc;
	if (block == CAP_BLOCK_CHUNK) {
		writer->chunks_since_schema++;
		writer->event_count += chunk->row_count;
	}
	return 0;
}

/* -------- copies -------- */

static u8 *duplicate(const u8 *bytes, size_t len)
{
	u8 *copy = malloc(len ? len : 1);

	if (copy && len)
		memcpy(copy, bytes, len);
	return copy;
}

int cap_writer_adopt(struct cap_writer *writer, const struct cap_block_copy *file_header,
		     const struct cap_block_copy *schema, u64 schema_id, struct cap_err *err)
{
	if (file_header && file_header->plain_len >= CAP_FILE_HEADER_BYTES) {
		u8 *copy = duplicate(file_header->plain, file_header->plain_len);
		u8 old[8];
		u64 id;

		if (!copy)
			return cap_fail(err, -ENOMEM, "out of memory for a file header");
		/* The same input gives the same output, but with another id. Made from the id in
		 * block headers, not from the adopted UUID: only the former surely differs between
		 * concatenated captures. */
		cap_store_le(old, writer->file_id, 8);
		id = cap_hash_seeded(old, sizeof(old), CAP_COPY_SEED);
		cap_store_le(copy + CAP_FILE_UUID_OFFSET, id, 8);
		writer->file_id = id;
		writer->adopted_header = copy;
		writer->file_header_len = file_header->plain_len;
	}
	if (schema && schema->frame_len) {
		u8 *copy = duplicate(schema->frame, schema->frame_len);

		if (!copy)
			return cap_fail(err, -ENOMEM, "out of memory for a schema");
		free(writer->schema);
		writer->schema = copy;
		writer->schema_len = schema->frame_len;
		writer->schema_raw_len = schema->raw_len;
		writer->schema_id = schema_id;
	}
	return 0;
}

int cap_writer_use_own_schema(struct cap_writer *writer, struct cap_err *err)
{
	size_t len;
	u8 *own;
	u64 id;

	if (!writer->schema_raw_len)
		return 0;
	if (cap_schema_encode(&own, &len) < 0)
		return cap_fail(err, -ENOMEM, "out of memory for a schema");
	id = cap_hash(own, len);
	if (id == writer->schema_id) {
		free(own);
		return 0;
	}
	free(writer->schema);
	writer->schema = own;
	writer->schema_len = len;
	writer->schema_raw_len = 0;
	writer->schema_id = id;
	return put_schema(writer, 0, err);
}

/* The prologue of a copied block of rows, with other totals. */
static void patch_totals(const struct cap_totals *totals, u8 *prologue)
{
	cap_store_le(prologue + CAP_PRO_ATTEMPTED, totals->attempted_count, 8);
	cap_store_le(prologue + CAP_PRO_STORED, totals->stored_count, 8);
	cap_store_le(prologue + CAP_PRO_LOST, totals->lost_count, 8);
}

int cap_writer_copy(struct cap_writer *writer, const struct cap_block_copy *block,
		    struct cap_err *err)
{
	u32 type = block->type & (CAP_TYPE_MASK | CAP_TYPE_PRIVATE);
	bool has_prologue = cap_block_holds_rows(type) && block->plain_len >= CAP_PROLOGUE_BYTES;
	bool counted = type == CAP_BLOCK_CHUNK && !(block->flags & CAP_FLAG_REPLICA);
	struct block_parts parts = {.type = block->type,
				    .flags = block->flags & (u16)~CAP_FLAG_CODEC_MASK,
				    .plain = block->plain,
				    .plain_len = block->plain_len,
				    .raw = block->raw,
				    .raw_len = block->raw_len,
				    .frame = block->frame,
				    .frame_len = block->frame_len};
	CLEANUP(cap_freep) u8 *patched = NULL;
	int rc = repeat_schema(writer, type, err);

	if (rc < 0)
		return rc;
	if (has_prologue && block->totals) {
		patched = duplicate(block->plain, block->plain_len);
		if (!patched)
			return cap_fail(err, -ENOMEM, "out of memory for a block");
		patch_totals(block->totals, patched);
		parts.plain = patched;
	}
	if (has_prologue) {
		parts.first_ns = cap_load_u64(block->plain + CAP_PRO_FIRST_NS);
		parts.last_ns = cap_load_u64(block->plain + CAP_PRO_LAST_NS);
		parts.row_count = cap_load_u32(block->plain + CAP_PRO_ROWS);
	}
	rc = put_block(writer, &parts, err);
	if (rc == 0 && counted) {
		writer->chunks_since_schema++;
		writer->event_count += parts.row_count;
	}
	return rc;
}

/* -------- end -------- */

static int put_index(struct cap_writer *writer, struct cap_err *err)
{
	size_t count = writer->index_count;
	size_t limit = CAP_WRITER_MAX_RAW_BYTES / CAP_INDEX_ENTRY_BYTES;
	CLEANUP(cap_freep) u8 *bytes = NULL;
	struct block_parts parts = {.type = CAP_BLOCK_INDEX};

	if (count > limit)
		count = limit; /* a hint only: the rest is found by scanning */
	bytes = calloc(count ? count : 1, CAP_INDEX_ENTRY_BYTES);
	if (!bytes)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const struct index_entry *entry = &writer->index[i];
		u8 *at = bytes + i * CAP_INDEX_ENTRY_BYTES;

		cap_store_le(at, entry->offset, 8);
		cap_store_le(at + 8, entry->seq, 8);
		cap_store_le(at + 16, entry->first_ns, 8);
		cap_store_le(at + 24, entry->last_ns, 8);
		cap_store_le(at + 32, entry->type, 4);
		cap_store_le(at + 36, entry->row_count, 4);
		cap_store_le(at + 40, entry->size_bytes, 4);
		cap_store_le(at + 44, entry->flags, 4);
	}
	parts.raw = bytes;
	parts.raw_len = (u32)(count * CAP_INDEX_ENTRY_BYTES);
	return put_block(writer, &parts, err);
}

void cap_writer_after_error(struct cap_writer *writer)
{
	writer->error_flag = CAP_FLAG_AFTER_ERROR;
}

int cap_writer_tail(struct cap_writer *writer, struct cap_err *err)
{
	u64 offset;
	int rc = put_schema(writer, CAP_FLAG_REPLICA, err);

	writer->tail_tried = true;
	if (rc == 0)
		rc = put_file_header(writer, CAP_FLAG_REPLICA, err);
	if (rc < 0)
		return rc;
	offset = writer->offset;
	rc = put_index(writer, err);
	if (writer->offset > offset && rc == 0)
		writer->index_offset = offset;
	return rc;
}

int cap_writer_end(struct cap_writer *writer, enum cap_end_reason reason,
		   const struct cap_totals *totals, struct cap_err *err)
{
	u8 end[CAP_END_BYTES] = {0};
	struct block_parts parts = {.type = CAP_BLOCK_END, .plain = end, .plain_len = sizeof(end)};
	int rc = writer->tail_tried ? 0 : cap_writer_tail(writer, err);

	if (rc < 0)
		return rc;
	cap_store_le(end, writer->index_offset, 8);
	cap_store_le(end + 8, writer->seq + 1, 8);
	cap_store_le(end + 16, writer->event_count, 8);
	cap_store_le(end + 24, totals ? totals->lost_count : 0, 8);
	cap_store_le(end + 32, writer->seq, 8);
	cap_store_le(end + 40, writer->offset, 8);
	cap_store_le(end + 48, reason, 4);
	return put_block(writer, &parts, err);
}

u64 cap_writer_bytes(const struct cap_writer *writer)
{
	return writer->offset;
}

u64 cap_writer_blocks(const struct cap_writer *writer)
{
	return writer->seq;
}

u64 cap_writer_events(const struct cap_writer *writer)
{
	return writer->event_count;
}

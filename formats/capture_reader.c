/*
 * Walks a capture. At each place: a good header and a good payload give a block; anything else is
 * damage, after which the next header is looked for. Every step moves forward at least 8 bytes.
 * SPEC.md, "Reader".
 */
#include "capture_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "body_layout.h"
#include "bytes.h"
#include "cleanup.h"
#include "hash.h"
#include "limits.h"
#include "reader_state.h"

#define SCAN_BYTES (256u << 10)
/* A hostile file may nest headers that all claim the same bytes; past this many times its size we
 * no longer look inside them. */
#define MAX_REHASH 8u

/* -------- bytes of the file -------- */

/* Reads up to len bytes at offset; fewer only at the end of the file. */
static int read_at(const struct cap_reader *reader, u64 offset, u8 *bytes, size_t len,
		   size_t *ret_got, struct cap_err *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t rc = pread(reader->fd, bytes + got, len - got, (off_t)(offset + got));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return cap_fail_errno(err, errno, "'%s': read at byte %llu", reader->name,
					      (unsigned long long)(offset + got));
		if (rc == 0)
			break;
		got += (size_t)rc;
	}
	*ret_got = got;
	return 0;
}

static int reserve(u8 **bytes, size_t *size, size_t wanted)
{
	u8 *bigger;

	if (wanted <= *size)
		return 0;
	bigger = realloc(*bytes, wanted);
	if (!bigger)
		return -ENOMEM;
	*bytes = bigger;
	*size = wanted;
	return 0;
}

/* -------- one place -------- */

enum place { PLACE_GOOD, PLACE_BAD_HEADER, PLACE_BAD_PAYLOAD, PLACE_CUT };

/* Looks at a header and its payload at offset. 0 and *ret_place, or a negative code for I/O and
 * memory. */
static int look_at(struct cap_reader *reader, u64 offset, enum place *ret_place,
		   struct cap_block_header *ret_header, struct cap_err *reason, struct cap_err *err)
{
	u8 bytes[CAP_MAX_HEADER_BYTES];
	size_t got = 0, payload_len;
	int rc = read_at(reader, offset, bytes, sizeof(bytes), &got, err);

	if (rc < 0)
		return rc;
	*ret_place = PLACE_BAD_HEADER;
	if (cap_block_header_decode(bytes, got, ret_header, reason) < 0)
		return 0;
	payload_len = cap_block_payload_bytes(ret_header);
	*ret_place = PLACE_CUT;
	if (payload_len > reader->file_bytes - offset - ret_header->header_len) {
		(void)cap_fail(reason, CAP_EDAMAGED, "the file ends inside it");
		return 0;
	}
	if (reserve(&reader->payload, &reader->payload_size, payload_len))
		return cap_fail(err, -ENOMEM, "'%s': out of memory for a block of %zu bytes",
				reader->name, payload_len);
	rc = read_at(reader, offset + ret_header->header_len, reader->payload, payload_len, &got,
		     err);
	if (rc < 0)
		return rc;
	if (got < payload_len)
		return 0; /* it shrank since fstat */
	*ret_place = PLACE_BAD_PAYLOAD;
	if (cap_hash(reader->payload, payload_len) != ret_header->payload_hash) {
		(void)cap_fail(reason, CAP_EDAMAGED, "payload checksum is wrong");
		return 0;
	}
	*ret_place = PLACE_GOOD;
	return 0;
}

/* Decodes the header at offset, if there is a good one. */
static bool header_at(const struct cap_reader *reader, u64 offset,
		      struct cap_block_header *ret_header)
{
	u8 bytes[CAP_MAX_HEADER_BYTES];
	size_t got = 0;

	return read_at(reader, offset, bytes, sizeof(bytes), &got, NULL) == 0 &&
	       cap_block_header_decode(bytes, got, ret_header, NULL) == 0;
}

/*
 * Does the block after `header` stand at offset? Only the very next one counts: where bytes were
 * removed, a damaged block's length may by chance end at the start of a later block.
 */
static bool successor_at(const struct cap_reader *reader, u64 offset,
			 const struct cap_block_header *header)
{
	struct cap_block_header next;

	return header_at(reader, offset, &next) && next.file_id == header->file_id &&
	       next.seq == header->seq + 1;
}

/*
 * First offset >= from with a header whose checksum is right, or the file's size. Looks at every
 * byte, not every eighth: bytes inserted or deleted in transfer move blocks off their alignment.
 */
static int find_header(const struct cap_reader *reader, u64 from, u64 *ret_offset,
		       struct cap_err *err)
{
	CLEANUP(cap_freep) u8 *window = malloc(SCAN_BYTES);
	struct cap_block_header header;

	if (!window)
		return cap_fail(err, -ENOMEM, "'%s': out of memory", reader->name);
	while (from + CAP_HEADER_BYTES <= reader->file_bytes) {
		size_t got = 0;
		const u8 *at = window;
		int rc = read_at(reader, from, window, SCAN_BYTES, &got, err);

		if (rc < 0)
			return rc;
		while ((at = memmem(at, got - (size_t)(at - window), CAP_MARKER,
				    CAP_MARKER_BYTES))) {
			u64 offset = from + (u64)(at - window);

			if (at >= window + CAP_MARKER_OFFSET &&
			    header_at(reader, offset - CAP_MARKER_OFFSET, &header)) {
				*ret_offset = offset - CAP_MARKER_OFFSET;
				return 0;
			}
			at++;
		}
		if (got < SCAN_BYTES)
			break;
		from += SCAN_BYTES - CAP_MARKER_OFFSET - CAP_MARKER_BYTES;
	}
	*ret_offset = reader->file_bytes;
	return 0;
}

/* -------- damage -------- */

static int note_damage(struct cap_reader *reader, u64 seq, u64 offset, u64 skipped,
		       const struct cap_err *reason, struct cap_err *err)
{
	struct cap_damage *damage = &reader->damage;

	if (!damage->blocks_damaged && !damage->bytes_skipped)
		damage->first_damage_offset = offset;
	damage->bytes_skipped += skipped;
	damage->ended = false;
	if (reader->options.mode == CAP_READ_STRICT)
		return cap_fail(err, CAP_EDAMAGED, "'%s': block %llu at byte %llu: %s",
				reader->name, (unsigned long long)seq, (unsigned long long)offset,
				reason->text);
	if (reader->options.mode == CAP_READ_STOP)
		reader->position = reader->file_bytes;
	return 0;
}

/* Private blocks are nobody's but their writer's, whatever their number. */
static u32 block_type(const struct cap_block_header *header)
{
	return header->type & (CAP_TYPE_MASK | CAP_TYPE_PRIVATE);
}

/*
 * Is this block, good or damaged with a good header, a next one of the file we are in? Sets
 * *ret_ours and counts what the numbers say is missing. A good FILE_HEADER of another file begins
 * that file; the first block of all begins one whatever it is.
 */
static void check_sequence(struct cap_reader *reader, const struct cap_block_header *header,
			   bool good, bool *ret_ours)
{
	bool begins = good && block_type(header) == CAP_BLOCK_FILE_HEADER &&
		      !(header->flags & CAP_FLAG_REPLICA) && header->file_id != reader->file_id;

	*ret_ours = true;
	if (!reader->have_file_id || begins) {
		reader->next_seq = 0;
		reader->file_schema = NULL;
		reader->file_id = header->file_id;
		reader->have_file_id = true;
	} else if (header->file_id != reader->file_id || header->seq < reader->next_seq) {
		reader->damage.blocks_foreign += good;
		*ret_ours = false;
		return;
	}
	reader->damage.blocks_lost += header->seq - reader->next_seq;
	reader->next_seq = header->seq + 1;
}

/* Moves over whatever is at the current position and is not a good block. */
static int pass_damage(struct cap_reader *reader, enum place place,
		       const struct cap_block_header *header, const struct cap_err *reason,
		       struct cap_err *err)
{
	u64 start = reader->position;
	u64 next = start + header->header_len + cap_block_payload_bytes(header);
	u64 seq = place == PLACE_BAD_HEADER ? reader->next_seq : header->seq;
	int rc;

	if (place == PLACE_BAD_PAYLOAD || place == PLACE_CUT) {
		bool ours;

		reader->damage.blocks_damaged++;
		check_sequence(reader, header, false,
			       &ours); /* its number is known: it is not lost besides */
	}
	if (place == PLACE_BAD_PAYLOAD)
		reader->bad_payload_bytes += cap_block_payload_bytes(header);
	if (place == PLACE_BAD_PAYLOAD &&
	    (successor_at(reader, next, header) ||
	     reader->bad_payload_bytes / MAX_REHASH >= reader->file_bytes)) {
		reader->position = next;
	} else {
		rc = find_header(reader, start + 1, &reader->position, err);
		if (rc < 0)
			return rc;
	}
	return note_damage(reader, seq, start, reader->position - start, reason, err);
}

/* -------- good blocks -------- */

static int take_schema(struct cap_reader *reader, const struct cap_block_header *header,
		       struct cap_err *err)
{
	u64 id;
	int rc;

	if (!header->raw_len)
		return cap_fail(err, CAP_EDAMAGED, "empty schema");
	rc = reader_decompress(reader, err);
	if (rc < 0)
		return rc;
	id = cap_hash(reader->raw, header->raw_len);
	for (u32 i = 0; i < reader->schema_count; i++) {
		if (reader->schemas[i]->id == id) {
			reader->schema = reader->file_schema = reader->schemas[i];
			return 0;
		}
	}
	if (reader->schema_count == READER_MAX_SCHEMAS)
		return cap_fail(err, CAP_ELIMIT, "more than %d different schemas",
				READER_MAX_SCHEMAS);
	rc = cap_schema_decode(reader->raw, header->raw_len, &reader->schemas[reader->schema_count],
			       err);
	if (rc < 0)
		return rc;
	reader->schema = reader->file_schema = reader->schemas[reader->schema_count++];
	return 0;
}

static void take_end(struct cap_reader *reader, const struct cap_block_header *header)
{
	if (header->plain_len < CAP_END_BYTES)
		return;
	reader->damage.ended = true;
	reader->damage.end_events = cap_load_u64(reader->payload + 16);
	reader->damage.end_lost = cap_load_u64(reader->payload + 24);
	reader->damage.end_reason = cap_load_u32(reader->payload + 48);
}

static int take_special(struct cap_reader *reader, const struct cap_block_header *header,
			struct cap_err *err)
{
	switch (block_type(header)) {
	case CAP_BLOCK_FILE_HEADER:
		return reader_take_file_header(reader, reader->payload, header->plain_len, err);
	case CAP_BLOCK_SCHEMA:
		return take_schema(reader, header, err);
	case CAP_BLOCK_END:
		take_end(reader, header);
		return 0;
	default:
		return 0;
	}
}

static void describe(const struct cap_reader *reader, u64 offset, struct cap_block *ret_block)
{
	const struct cap_block_header *header = &reader->header;
	const u8 *prologue = reader->payload;
	struct cap_block block = {
		.offset = offset,
		.size_bytes = header->header_len + cap_block_payload_bytes(header),
		.seq = header->seq,
		.type = block_type(header),
		.skippable = header->type & CAP_TYPE_SKIPPABLE,
		.replica = header->flags & CAP_FLAG_REPLICA,
		.plain_len = header->plain_len,
		.frame_len = header->frame_len,
		.raw_len = header->raw_len,
	};

	switch (block.type) {
#define BODY_FIXED 0
#define BODY_SCHEMA 0
#define BODY_ROWS 1
#define BLOCK(btype, upper, bname, skip, body)                                                     \
	case (btype):                                                                              \
		if (BODY_##body && header->plain_len >= CAP_PROLOGUE_BYTES) {                      \
			block.row_count = cap_load_u32(prologue + CAP_PRO_ROWS);                   \
			block.first_ns = cap_load_u64(prologue + CAP_PRO_FIRST_NS);                \
			block.last_ns = cap_load_u64(prologue + CAP_PRO_LAST_NS);                  \
			block.schema_id = cap_load_u64(prologue + CAP_PRO_SCHEMA_ID);              \
			block.totals.attempted_count = cap_load_u64(prologue + CAP_PRO_ATTEMPTED); \
			block.totals.stored_count = cap_load_u64(prologue + CAP_PRO_STORED);       \
			block.totals.lost_count = cap_load_u64(prologue + CAP_PRO_LOST);           \
		}                                                                                  \
		break;
#include "blocks.def"
#undef BLOCK
	default:
		break;
	}
	*ret_block = block;
}

static bool known_type(u32 type)
{
	return strcmp(cap_block_name(type), "unknown") != 0;
}

/* Only a block that may not be skipped makes what we read incomplete. */
static void count_unknown(struct cap_reader *reader, const struct cap_block_header *header)
{
	if (header->type & CAP_TYPE_SKIPPABLE)
		reader->damage.blocks_passed++;
	else
		reader->damage.blocks_unknown++;
}

/* What a good header and payload say: for a FILE_HEADER or SCHEMA that cannot be read, nothing
 * changes and the block is damaged. */
static int take_good(struct cap_reader *reader, const struct cap_block_header *header,
		     bool *ret_ours, struct cap_err *err)
{
	bool begins =
		block_type(header) == CAP_BLOCK_FILE_HEADER && !(header->flags & CAP_FLAG_REPLICA);
	int rc;

	if (begins) { /* before the numbers, so that a bad one begins no file */
		rc = take_special(reader, header, err);
		if (rc < 0)
			return rc;
	}
	check_sequence(reader, header, true, ret_ours);
	if (!*ret_ours || begins)
		return 0;
	return take_special(reader, header, err);
}

int cap_reader_next(struct cap_reader *reader, struct cap_block *ret_block, struct cap_err *err)
{
	reader->have_block = false;
	while (reader->position < reader->file_bytes) {
		struct cap_err reason = {.text = ""};
		struct cap_block_header header = {0};
		u64 offset = reader->position;
		enum place place;
		bool ours;
		int rc = look_at(reader, offset, &place, &header, &reason, err);

		if (rc < 0)
			return rc;
		if (place == PLACE_GOOD) {
			reader->header = header;
			rc = take_good(reader, &header, &ours, &reason);
			if (rc == CAP_EVERSION || rc == -ENOMEM)
				return cap_fail(err, rc, "'%s': %s", reader->name, reason.text);
			if (rc < 0)
				place = PLACE_BAD_PAYLOAD;
		}
		if (place != PLACE_GOOD) {
			rc = pass_damage(reader, place, &header, &reason, err);
			if (rc < 0)
				return rc;
			continue;
		}
		reader->position = offset + header.header_len + cap_block_payload_bytes(&header);
		if (!ours)
			continue;
		reader->damage.blocks_read++;
		if (block_type(&header) != CAP_BLOCK_END)
			reader->damage.ended = false;
		if (!known_type(block_type(&header)))
			count_unknown(reader, &header);
		reader->have_block = true;
		describe(reader, offset, ret_block);
		return 1;
	}
	return 0;
}

/* -------- open and close -------- */

int cap_reader_rewind(struct cap_reader *reader, struct cap_err *err)
{
	(void)err;
	reader->position = 0;
	reader->decoded_bytes = 0;
	reader->have_block = false;
	reader->have_file_id = false;
	reader->next_seq = 0;
	reader->bad_payload_bytes = 0;
	memset(&reader->damage, 0, sizeof(reader->damage));
	return 0;
}

/* Walks until the file's header and schema are known; normally two blocks, else up to the replicas
 * at the end. */
static int find_facts(struct cap_reader *reader, struct cap_err *err)
{
	enum cap_read_mode mode = reader->options.mode;
	struct cap_block block;
	int rc;

	reader->options.mode = CAP_READ_SKIP_DAMAGE; /* damage is reported when the caller walks */
	do {
		rc = cap_reader_next(reader, &block, err);
	} while (rc == 1 && !(reader->have_facts && reader->schema_count));
	reader->options.mode = mode;
	if (rc < 0)
		return rc;
	if (!reader->damage.blocks_read)
		return cap_fail(err, CAP_ENOTCAPTURE,
				"'%s' is not a kymo capture: no intact block in %llu bytes",
				reader->name, (unsigned long long)reader->file_bytes);
	return cap_reader_rewind(reader, err);
}

int cap_reader_open_fd(int fd, const char *name, const struct cap_reader_options *options,
		       struct cap_reader **ret_reader, struct cap_err *err)
{
	CLEANUP(cap_reader_closep) struct cap_reader *reader = calloc(1, sizeof(*reader));
	struct stat st;
	int rc;

	if (!reader) {
		(void)close(fd);
		return cap_fail(err, -ENOMEM, "open '%s': out of memory", name);
	}
	reader->fd = fd;
	reader->name = strdup(name);
	reader->decompressor = cap_decompressor_new();
	if (options)
		reader->options = *options;
	if (!reader->options.max_decoded_bytes)
		reader->options.max_decoded_bytes = CAP_MAX_DECODED_BYTES;
	if (!reader->name || !reader->decompressor)
		return cap_fail(err, -ENOMEM, "open '%s': out of memory", name);
	if (fstat(fd, &st) < 0)
		return cap_fail_errno(err, errno, "open '%s'", name);
	reader->file_bytes = (u64)st.st_size;
	reader->schema = cap_schema_builtin();
	reader->facts.info.tool_version = reader->tool_version;
	reader->facts.info.kernel_release = reader->kernel_release;
	reader->facts.info.hostname = reader->hostname;
	rc = find_facts(reader, err);
	if (rc < 0)
		return rc;
	*ret_reader = TAKE(reader);
	return 0;
}

int cap_reader_open(const char *path, const struct cap_reader_options *options,
		    struct cap_reader **ret_reader, struct cap_err *err)
{
	int fd = -1;
	int rc = reader_input_open(path, &fd, err);

	return rc < 0 ? rc : cap_reader_open_fd(fd, path, options, ret_reader, err);
}

int cap_reader_reopen(const struct cap_reader *reader, struct cap_reader **ret_reader,
		      struct cap_err *err)
{
	/* Readers only pread, so they can share an open file. */
	int fd = fcntl(reader->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return cap_fail_errno(err, errno, "open '%s' once more", reader->name);
	return cap_reader_open_fd(fd, reader->name, &reader->options, ret_reader, err);
}

struct cap_reader *cap_reader_close(struct cap_reader *reader)
{
	if (!reader)
		return NULL;
	cap_closep(&reader->fd);
	free(reader->name);
	free(reader->payload);
	free(reader->raw);
	(void)cap_decompressor_free(reader->decompressor);
	for (u32 i = 0; i < reader->schema_count; i++)
		(void)cap_schema_free(reader->schemas[i]);
	reader_tables_done(&reader->tables);
	free(reader);
	return NULL;
}

void cap_reader_closep(struct cap_reader **reader)
{
	(void)cap_reader_close(*reader);
}

const struct cap_file_facts *cap_reader_facts(const struct cap_reader *reader)
{
	return &reader->facts;
}

const struct cap_damage *cap_reader_damage(const struct cap_reader *reader)
{
	return &reader->damage;
}

const struct cap_schema *cap_reader_schema(const struct cap_reader *reader)
{
	return reader->schema;
}

u64 cap_reader_file_bytes(const struct cap_reader *reader)
{
	return reader->file_bytes;
}

u64 cap_reader_position(const struct cap_reader *reader)
{
	return reader->position;
}

/*
 * Walks a capture. At each place: a good header and a good payload give a block; anything else is
 * damage, after which the next header is looked for. Every step moves forward at least 8 bytes.
 * SPEC.md, "Reader".
 */
#include "formats/read/capture_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "formats/read/reader_state.h"

/* -------- damage -------- */

/*
 * Handles damage at offset by mode. Strict: an error, now and in every later call. Stop: the file
 * ends here. Default: `passed` bytes are skipped.
 */
int reader_note_damage(struct cap_reader *reader, u64 offset, u64 passed,
		       const struct cap_err *what, struct cap_err *err)
{
	struct cap_damage *damage = &reader->damage;

	if (!reader->have_damage)
		damage->first_damage_offset = offset;
	reader->have_damage = true;
	if (reader->options.mode == CAP_READ_STRICT) {
		reader->failure = *what;
		reader->failure.code = CAP_EDAMAGED;
		return cap_fail(err, CAP_EDAMAGED, "%s", what->text);
	}
	if (reader->options.mode == CAP_READ_STOP) {
		if (!reader->stopped.code)
			reader->stopped = *what;
		reader->stopped.code = CAP_EDAMAGED;
		damage->bytes_skipped += reader->file_bytes - offset;
		reader->position = reader->file_bytes;
		return 0;
	}
	damage->bytes_skipped += passed;
	return 0;
}

static void tell(const struct cap_reader *reader, const struct cap_trouble *trouble)
{
	if (reader->trouble)
		reader->trouble(reader->trouble_context, trouble);
}

static void tell_lost(const struct cap_reader *reader, u64 seq, u64 missing)
{
	if (missing)
		tell(reader, &(struct cap_trouble){.kind = CAP_TROUBLE_LOST,
						   .offset = reader->position,
						   .seq = seq - missing,
						   .block_count = missing});
}

static void describe_damage(const struct cap_reader *reader, u64 seq, u64 offset, const char *text,
			    struct cap_err *ret_what)
{
	(void)cap_fail(ret_what, CAP_EDAMAGED, "'%s': block %llu at byte %llu: %s", reader->name,
		       (unsigned long long)seq, (unsigned long long)offset, text);
}

/* -------- the numbers of blocks -------- */

enum block_place { /* what a block's file id and number say */
		   BLOCK_BEGINS_CAPTURE,
		   BLOCK_OF_CAPTURE,
		   BLOCK_FOREIGN, /* of another file, or read before */
};

/* A good FILE_HEADER of another file starts a new capture; so does the very first block, whatever
 * it is, even if damaged. */
static enum block_place place_of(const struct cap_reader *reader,
				 const struct cap_block_header *header, bool good)
{
	const struct reader_capture *capture = &reader->capture;
	bool other = header->file_id != capture->file_id;

	if (!reader->have_capture ||
	    (good && other && reader_block_type(header) == CAP_BLOCK_FILE_HEADER &&
	     !(header->flags & CAP_FLAG_REPLICA)))
		return BLOCK_BEGINS_CAPTURE;
	if (other || number_set_has(&capture->read, header->seq))
		return BLOCK_FOREIGN;
	return BLOCK_OF_CAPTURE;
}

/* How many blocks before this one have not been seen. */
static u64 missing_before(const struct cap_reader *reader, const struct cap_block_header *header,
			  enum block_place place)
{
	u64 due = place == BLOCK_BEGINS_CAPTURE ? 0 : reader->capture.next_seq;

	return header->seq > due ? header->seq - due : 0;
}

static void update_end(struct cap_reader *reader)
{
	const struct reader_capture *capture = &reader->capture;
	struct cap_damage *damage = &reader->damage;
	bool ended = capture->have_end && capture->end_seq + 1 == capture->next_seq;

	damage->captures_ended = reader->captures_ended + ended;
	damage->ended = damage->captures && damage->captures_ended == damage->captures;
	damage->end_events = reader->past_events + (ended ? capture->end_events : 0);
	damage->end_lost = reader->past_lost + (ended ? capture->end_lost : 0);
}

static void begin_capture(struct cap_reader *reader, u64 file_id)
{
	struct reader_capture *capture = &reader->capture;

	reader->captures_ended = reader->damage.captures_ended;
	reader->past_events = reader->damage.end_events;
	reader->past_lost = reader->damage.end_lost;
	reader->damage.captures++;
	reader->have_capture = true;
	capture->file_id = file_id;
	capture->next_seq = 0;
	capture->have_end = false;
	number_set_clear(&capture->read);
	number_set_clear(&capture->damaged);
}

/*
 * Notes the number of a block of this capture, good or damaged. Blocks may come out of order if a
 * page of the file was overwritten with another: skipped numbers count as lost until they appear.
 */
static int take_number(struct cap_reader *reader, u64 seq, bool good, struct cap_err *err)
{
	struct reader_capture *capture = &reader->capture;
	bool seen = number_set_has(&capture->read, seq) || number_set_has(&capture->damaged, seq);
	struct number_set *set = good ? &capture->read : &capture->damaged;

	if (seq >= capture->next_seq) {
		reader->damage.blocks_lost += seq - capture->next_seq;
		capture->next_seq = seq + 1;
	} else if (!seen) {
		reader->damage.blocks_lost--;
	}
	if (number_set_add(set, seq) < 0)
		return cap_fail(err, -ENOMEM, "'%s': out of memory", reader->name);
	update_end(reader);
	return 0;
}

/* -------- bad places -------- */

/* Where to continue after something at `start` that is not a good block. */
static int find_next(struct cap_reader *reader, enum reader_place place,
		     const struct cap_block_header *header, u64 start, u64 *ret_next,
		     struct cap_err *err)
{
	u64 end = start + header->header_len + cap_block_payload_bytes(header);

	if (place == PLACE_BAD_PAYLOAD) {
		reader->bad_payload_bytes += cap_block_payload_bytes(header);
		/* A hostile file may nest headers that all claim the same bytes. */
		if (reader->bad_payload_bytes / CAP_MAX_REHASH >= reader->file_bytes ||
		    reader_successor_at(reader, end, header)) {
			*ret_next = end;
			return 0;
		}
	}
	return reader_find_header(reader, start + 1, ret_next, err);
}

/* Skips whatever is at the current position and is not a good block. */
static int pass_damage(struct cap_reader *reader, enum reader_place place,
		       const struct cap_block_header *header, const struct cap_err *reason,
		       struct cap_err *err)
{
	u64 start = reader->position;
	bool has_number = place != PLACE_BAD_HEADER, ours = false;
	struct cap_err what;
	int rc = 0;

	describe_damage(reader, has_number ? header->seq : reader->capture.next_seq, start,
			reason->text, &what);
	reader->damage.blocks_damaged += has_number;
	if (reader->options.mode != CAP_READ_SKIP_DAMAGE)
		return reader_note_damage(reader, start, 0, &what, err);
	if (has_number) {
		enum block_place where = place_of(reader, header, false);

		ours = where != BLOCK_FOREIGN;
		if (where == BLOCK_BEGINS_CAPTURE)
			begin_capture(reader, header->file_id);
		if (ours) {
			tell_lost(reader, header->seq, missing_before(reader, header, where));
			rc = take_number(reader, header->seq, false, err);
		}
	}
	if (rc == 0)
		rc = find_next(reader, place, header, start, &reader->position, err);
	if (rc < 0)
		return rc;
	tell(reader, &(struct cap_trouble){.kind = CAP_TROUBLE_DAMAGED,
					   .offset = start,
					   .size_bytes = reader->position - start,
					   .header_good = ours,
					   .type = ours ? reader_block_type(header) : 0,
					   .seq = header->seq,
					   .block_count = ours,
					   .text = reason->text});
	return reader_note_damage(reader, start, reader->position - start, &what, err);
}

/* -------- good blocks -------- */

/* Only unknown blocks that must not be skipped make the result incomplete. */
static void count_unknown(struct cap_reader *reader, const struct cap_block_header *header)
{
	if (strcmp(cap_block_name(reader_block_type(header)), "unknown") != 0)
		return;
	if (header->type & CAP_TYPE_SKIPPABLE)
		reader->damage.blocks_passed++;
	else
		reader->damage.blocks_unknown++;
}

/* A good block that does not belong here, or that follows a gap: damage, although no byte of it is
 * skipped. */
static int note_order(struct cap_reader *reader, const struct cap_block_header *header, u64 missing,
		      struct cap_err *err)
{
	struct cap_err what;
	char text[64] = "does not belong here";

	if (missing)
		(void)snprintf(text, sizeof(text), "%llu blocks are missing before it",
			       (unsigned long long)missing);
	else
		reader->damage.blocks_foreign++;
	if (missing)
		tell_lost(reader, header->seq, missing);
	else
		tell(reader,
		     &(struct cap_trouble){
			     .kind = CAP_TROUBLE_FOREIGN,
			     .offset = reader->position,
			     .size_bytes = header->header_len + cap_block_payload_bytes(header),
			     .header_good = true,
			     .moved = place_of(reader, header, true) == BLOCK_OF_CAPTURE,
			     .type = reader_block_type(header),
			     .seq = header->seq,
			     .block_count = 1});
	if (missing && reader->options.mode == CAP_READ_STOP)
		reader->damage.blocks_lost += missing;
	describe_damage(reader, header->seq, reader->position, text, &what);
	return reader_note_damage(reader, reader->position, 0, &what, err);
}

/* Takes the good block at the current position if it belongs to the capture: *ret_taken. */
static int take_block(struct cap_reader *reader, bool *ret_taken, struct cap_err *err)
{
	const struct cap_block_header *header = &reader->header;
	u64 offset = reader->position;
	enum block_place where = place_of(reader, header, true);
	u64 missing = where == BLOCK_FOREIGN ? 0 : missing_before(reader, header, where);
	bool moved = where == BLOCK_OF_CAPTURE && header->seq < reader->capture.next_seq;
	int rc = 0;

	*ret_taken = false;
	reader->damage_before = reader->damage;
	if (where == BLOCK_FOREIGN || moved || missing)
		rc = note_order(reader, header, missing, err);
	if (rc < 0 || reader->position != offset)
		return rc; /* strict, or stopped */
	reader->position += header->header_len + cap_block_payload_bytes(header);
	if (where == BLOCK_FOREIGN)
		return 0;
	if (where == BLOCK_BEGINS_CAPTURE)
		begin_capture(reader, header->file_id);
	rc = take_number(reader, header->seq, true, err);
	if (rc < 0)
		return rc;
	reader_take_content(reader, header);
	update_end(reader);
	reader->damage.blocks_read++;
	count_unknown(reader, header);
	reader->block_offset = offset;
	reader->have_block = *ret_taken = true;
	return 0;
}

int cap_reader_next(struct cap_reader *reader, struct cap_block *ret_block, struct cap_err *err)
{
	reader->have_block = reader->block_rejected = false;
	if (reader->failure.code < 0)
		return cap_fail(err, reader->failure.code, "%s", reader->failure.text);
	while (reader->position < reader->file_bytes) {
		struct cap_err reason = {.text = ""};
		enum reader_place place;
		bool taken;
		int rc;

		reader->header = (struct cap_block_header){0};
		rc = reader_look_at(reader, reader->position, &place, &reader->header, &reason,
				    err);
		if (rc < 0)
			return rc;
		if (place == PLACE_GOOD)
			rc = reader_check_content(reader, &reader->header, &reason);
		if (rc == CAP_EVERSION || rc == -ENOMEM)
			return cap_fail(err, rc, "'%s': %s", reader->name, reason.text);
		if (rc < 0)
			place = PLACE_BAD_PAYLOAD;
		if (place == PLACE_GOOD)
			rc = take_block(reader, &taken, err);
		else
			rc = pass_damage(reader, place, &reader->header, &reason, err);
		if (rc < 0)
			return rc;
		if (place == PLACE_GOOD && taken) {
			reader_describe(reader, reader->block_offset, ret_block);
			return 1;
		}
	}
	return 0;
}

void cap_reader_tell(struct cap_reader *reader,
		     void (*trouble)(void *context, const struct cap_trouble *trouble),
		     void *context)
{
	reader->trouble = trouble;
	reader->trouble_context = context;
}

void cap_reader_block_bytes(const struct cap_reader *reader, struct cap_block_bytes *ret_bytes)
{
	const struct cap_block_header *header = &reader->header;
	/* a capture may begin with blocks without rows */
	const u8 *payload = reader->payload ? reader->payload : (const u8 *)"";

	*ret_bytes = (struct cap_block_bytes){
		.type = header->type,
		.flags = header->flags,
		.plain = payload,
		.frame = payload + header->plain_len + header->pad_len,
		.plain_len = header->plain_len,
		.frame_len = header->frame_len,
		.raw_len = header->raw_len,
	};
}

/* -------- open and close -------- */

int cap_reader_rewind(struct cap_reader *reader, struct cap_err *err)
{
	(void)err;
	reader->position = 0;
	reader->decoded_bytes = reader->entries = reader->values = 0;
	reader->text_left = CAP_MAX_TEXT_BYTES(reader->file_bytes);
	reader->words_left = CAP_MAX_KEPT_WORDS(reader->file_bytes);
	reader->have_block = false;
	reader->have_capture = false;
	reader->have_damage = false;
	number_set_clear(&reader->capture.read);
	number_set_clear(&reader->capture.damaged);
	reader->capture.next_seq = 0;
	reader->capture.have_end = false;
	reader->captures_ended = reader->past_events = reader->past_lost = 0;
	reader->bad_payload_bytes = 0;
	reader->failure.code = reader->stopped.code = 0;
	reader->latest_schema = reader->opened_schema;
	reader->schema = reader->opened_schema ? reader->opened_schema : cap_schema_builtin();
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
	} while (rc == 1 && !(reader->have_facts && reader->latest_schema));
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
	if (!reader->name || !reader->decompressor)
		return cap_fail(err, -ENOMEM, "open '%s': out of memory", name);
	if (fstat(fd, &st) < 0)
		return cap_fail_errno(err, errno, "open '%s'", name);
	reader->file_bytes = (u64)st.st_size;
	if (!reader->options.max_decoded_bytes)
		reader->options.max_decoded_bytes = CAP_MAX_DECODED_BYTES(reader->file_bytes);
	reader->text_left = CAP_MAX_TEXT_BYTES(reader->file_bytes);
	reader->words_left = CAP_MAX_KEPT_WORDS(reader->file_bytes);
	reader->schema = cap_schema_builtin();
	reader_facts_point(&reader->known);
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
		return cap_fail_errno(err, errno, "open '%s' again", reader->name);
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
	number_set_done(&reader->capture.read);
	number_set_done(&reader->capture.damaged);
	free(reader);
	return NULL;
}

void cap_reader_closep(struct cap_reader **reader)
{
	(void)cap_reader_close(*reader);
}

const struct cap_file_facts *cap_reader_facts(const struct cap_reader *reader)
{
	return &reader->known.facts;
}

const struct cap_damage *cap_reader_damage(const struct cap_reader *reader)
{
	return &reader->damage;
}

const struct cap_schema *cap_reader_schema(const struct cap_reader *reader)
{
	return reader->schema;
}

const char *cap_reader_stopped(const struct cap_reader *reader)
{
	return reader->stopped.code ? reader->stopped.text : NULL;
}

u64 cap_reader_file_bytes(const struct cap_reader *reader)
{
	return reader->file_bytes;
}

u64 cap_reader_position(const struct cap_reader *reader)
{
	return reader->position;
}

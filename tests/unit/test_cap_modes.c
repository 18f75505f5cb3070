/*
 * The three ways to read a capture that is not whole: pass over damage, take it for an error, take
 * it for the end. Each kind of damage in each of them, and what is said about how a capture ends.
 */
#include "unit_main.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/block_header.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/base/cleanup.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/base/number_set.h"
#include "formats/base/zstd_frame.h"
#include "random_rows.h"

#define MAX_BLOCKS 64
#define VICTIM 8 /* the block that gets damaged: a block of rows in the middle */

struct fixture {
	u8 *bytes; /* a sound capture */
	size_t len;
	size_t count;
	u64 offsets[MAX_BLOCKS + 1];
	struct cap_damage damage; /* what a sound capture gives */
};

struct outcome { /* of one reading that decodes every body */
	int open_rc, rc;
	size_t blocks, bodies; /* returned; decoded */
	u64 last_offset;       /* of the block returned last */
	struct cap_damage damage;
	struct cap_err err;
};

static void read_bytes(const u8 *bytes, size_t len, enum cap_read_mode mode,
		       struct outcome *ret_outcome)
{
	struct outcome outcome = {0};
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct cap_rows rows;
	int fd = memory_file("modes");

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	outcome.open_rc = reader_of_fd(fd, mode, &reader, &outcome.err);
	while (outcome.open_rc == 0 &&
	       (outcome.rc = cap_reader_next(reader, &block, &outcome.err)) == 1) {
		outcome.blocks++;
		outcome.last_offset = block.offset;
		if (cap_block_holds_rows(block.type))
			outcome.bodies += cap_reader_rows(reader, &rows, NULL) == 0;
	}
	if (outcome.open_rc == 0) {
		int again = cap_reader_next(reader, &block, &outcome.err);

		assert_int_equal(again, outcome.rc); /* the end stays the end, an error an error */
		outcome.damage = *cap_reader_damage(reader);
	}
	(void)cap_reader_close(reader);
	(void)close(fd);
	*ret_outcome = outcome;
}

static int setup(void **state)
{
	struct small_capture plan = {.seed = test_seed(), .chunks = 4, .rows = 2};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct outcome outcome;
	int fd = memory_file("whole");

	assert_non_null(fixture);
	assert_int_equal(small_capture_write(&plan, fd, NULL), 0);
	fixture->len = (size_t)lseek(fd, 0, SEEK_END);
	fixture->bytes = malloc(fixture->len);
	assert_non_null(fixture->bytes);
	assert_int_equal(pread(fd, fixture->bytes, fixture->len, 0), (ssize_t)fixture->len);
	assert_int_equal(reader_of_fd(fd, CAP_READ_STRICT, &reader, NULL), 0);
	while (cap_reader_next(reader, &block, NULL) == 1) {
		assert_true(fixture->count < MAX_BLOCKS);
		fixture->offsets[fixture->count++] = block.offset;
		if (fixture->count == VICTIM + 1)
			assert_true(cap_block_holds_rows(block.type));
	}
	fixture->offsets[fixture->count] = fixture->len;
	(void)cap_reader_close(reader);
	(void)close(fd);
	read_bytes(fixture->bytes, fixture->len, CAP_READ_STRICT, &outcome);
	assert_int_equal(outcome.rc, 0);
	assert_true(outcome.damage.ended);
	fixture->damage = outcome.damage;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->bytes);
	free(fixture);
	return 0;
}

/* -------- damaged copies -------- */

struct copy {
	u8 *bytes;
	size_t len;
};

static void copy_done(struct copy *copy)
{
	free(copy->bytes);
}

/* before + middle + after */
static struct copy spliced(const u8 *before, size_t before_len, const u8 *middle, size_t middle_len,
			   const u8 *after, size_t after_len)
{
	struct copy copy = {.bytes = malloc(before_len + middle_len + after_len + 1)};

	assert_non_null(copy.bytes);
	copy.len = before_len + middle_len + after_len;
	memcpy(copy.bytes, before, before_len);
	if (middle_len)
		memcpy(copy.bytes + before_len, middle, middle_len);
	if (after_len)
		memcpy(copy.bytes + before_len + middle_len, after, after_len);
	return copy;
}

static struct copy with_noise(const struct fixture *fixture, size_t block)
{
	static const u8 noise[40] = "no block begins like this";
	u64 at = fixture->offsets[block];

	return spliced(fixture->bytes, at, noise, sizeof(noise), fixture->bytes + at,
		       fixture->len - at);
}

static struct copy with_bad_byte(const struct fixture *fixture, size_t block, size_t place)
{
	struct copy copy = spliced(fixture->bytes, fixture->len, NULL, 0, NULL, 0);

	copy.bytes[fixture->offsets[block] + place] ^= 1;
	return copy;
}

static struct copy without_block(const struct fixture *fixture, size_t block)
{
	u64 end = fixture->offsets[block + 1];

	return spliced(fixture->bytes, fixture->offsets[block], NULL, 0, fixture->bytes + end,
		       fixture->len - end);
}

/* The block before it once more. */
static struct copy with_repeated(const struct fixture *fixture, size_t block)
{
	u64 at = fixture->offsets[block], from = fixture->offsets[block - 1];

	return spliced(fixture->bytes, at, fixture->bytes + from, at - from, fixture->bytes + at,
		       fixture->len - at);
}

static void seal(u8 *block, const struct cap_block_header *old, size_t plain_len, const u8 *frame,
		 size_t frame_len, size_t raw_len, size_t *ret_len)
{
	struct cap_block_header header = *old;
	u8 *payload = block + CAP_HEADER_BYTES;
	u32 padding = cap_block_padding(CAP_HEADER_BYTES, (u32)plain_len, (u32)frame_len);

	header.plain_len = (u32)plain_len;
	header.frame_len = (u32)frame_len;
	header.raw_len = (u32)raw_len;
	memset(payload + plain_len, 0, padding);
	memcpy(payload + plain_len + padding, frame, frame_len);
	header.payload_hash = cap_hash(payload, plain_len + padding + frame_len);
	cap_block_header_encode(&header, block);
	*ret_len = CAP_HEADER_BYTES + plain_len + padding + frame_len;
}

typedef void (*change_fn)(u8 *body, size_t len);

/* Checksums right, body changed: what only decoding finds. */
static struct copy with_body(const struct fixture *fixture, size_t block, change_fn change)
{
	const u8 *old = fixture->bytes + fixture->offsets[block];
	u64 end = fixture->offsets[block + 1];
	struct cap_decompressor *decompressor = cap_decompressor_new();
	struct cap_compressor *compressor = cap_compressor_new(1);
	struct cap_block_header header;
	size_t frame_len, len, bound;
	CLEANUP(cap_freep) u8 *raw = NULL;
	CLEANUP(cap_freep) u8 *frame = NULL;
	CLEANUP(cap_freep) u8 *made = NULL;

	assert_int_equal(cap_block_header_decode(old, CAP_MAX_HEADER_BYTES, &header, NULL), 0);
	bound = cap_compress_bound(header.raw_len);
	raw = malloc(header.raw_len);
	frame = malloc(bound);
	made = malloc(CAP_HEADER_BYTES + header.plain_len + 8 + bound);
	assert_true(raw && frame && made && decompressor && compressor);
	assert_int_equal(cap_decompress(decompressor,
					old + header.header_len + header.plain_len + header.pad_len,
					header.frame_len, raw, header.raw_len, NULL),
			 0);
	change(raw, header.raw_len);
	assert_int_equal(
		cap_compress(compressor, raw, header.raw_len, frame, bound, &frame_len, NULL), 0);
	memcpy(made + CAP_HEADER_BYTES, old + header.header_len, header.plain_len);
	seal(made, &header, header.plain_len, frame, frame_len, header.raw_len, &len);
	(void)cap_decompressor_free(decompressor);
	(void)cap_compressor_free(compressor);
	return spliced(fixture->bytes, fixture->offsets[block], made, len, fixture->bytes + end,
		       fixture->len - end);
}

static void too_many_sections(u8 *body, size_t len)
{
	(void)len;
	cap_store_le(body, CAP_MAX_SECTIONS + 1, 4);
}

/* Directory entry of the first section of that kind. */
static u8 *section_of(u8 *body, u16 kind)
{
	u32 count = cap_load_u32(body);

	for (u32 i = 0; i < count; i++) {
		u8 *entry = body + CAP_BODY_HEAD_BYTES + (size_t)i * CAP_SECTION_ENTRY_BYTES;

		if (cap_load_le(entry, 2) == kind)
			return entry;
	}
	fail_msg("no section of kind %u", kind);
	return NULL;
}

static void unknown_encoding(u8 *body, size_t len)
{
	u8 *section = body + cap_load_u32(section_of(body, CAP_SECTION_EVENTS) + 12);

	(void)len;
	section[CAP_SECTION_HEAD_BYTES + 2] = 250;
}

/* Rows of a type nobody knows, one column of which cannot be decoded. */
static void unknown_type(u8 *body, size_t len)
{
	cap_store_le(section_of(body, CAP_SECTION_EVENTS) + 4, 912, 4);
	unknown_encoding(body, len);
}

/* A row of a type nobody knows is no damage. */
static void sound_unknown_type(u8 *body, size_t len)
{
	(void)len;
	cap_store_le(section_of(body, CAP_SECTION_EVENTS) + 4, 912, 4);
}

/* -------- tests -------- */

/* What of the sound capture stands before the victim is read in all modes, and no more in two. */
static void expect_modes(const struct fixture *fixture, const struct copy *copy, u64 damage_at)
{
	struct outcome strict, stop, skip;

	read_bytes(copy->bytes, copy->len, CAP_READ_STRICT, &strict);
	assert_int_equal(strict.open_rc, 0);
	assert_int_equal(strict.rc, CAP_EDAMAGED);
	assert_non_null(strstr(strict.err.text, "block "));
	assert_int_equal(strict.damage.first_damage_offset, damage_at);

	read_bytes(copy->bytes, copy->len, CAP_READ_STOP, &stop);
	assert_int_equal(stop.open_rc, 0);
	assert_int_equal(stop.rc, 0);
	assert_int_equal(stop.damage.blocks_read, VICTIM);
	assert_int_equal(stop.damage.bytes_skipped, copy->len - damage_at);
	assert_int_equal(stop.damage.first_damage_offset, damage_at);
	assert_int_equal(stop.damage.columns_rejected, 0);
	assert_int_equal(stop.damage.rows_unknown_type, 0);
	assert_false(stop.damage.ended);
	assert_int_equal(stop.bodies, strict.bodies);

	read_bytes(copy->bytes, copy->len, CAP_READ_SKIP_DAMAGE, &skip);
	assert_int_equal(skip.rc, 0);
	assert_true(skip.damage.ended);
	assert_true(skip.damage.blocks_read + 1 >= fixture->damage.blocks_read);
	assert_true(skip.bodies > stop.bodies);
}

static void damaged_header(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy copy = with_bad_byte(fixture, VICTIM, 30);

	expect_modes(fixture, &copy, fixture->offsets[VICTIM]);
}

static void damaged_payload(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy copy = with_bad_byte(fixture, VICTIM, 100);

	expect_modes(fixture, &copy, fixture->offsets[VICTIM]);
}

static void noise_between(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy copy = with_noise(fixture, VICTIM);

	expect_modes(fixture, &copy, fixture->offsets[VICTIM]);
}

static void missing_block(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy copy = without_block(fixture, VICTIM);
	struct outcome stop;

	expect_modes(fixture, &copy, fixture->offsets[VICTIM]);
	read_bytes(copy.bytes, copy.len, CAP_READ_STOP, &stop);
	assert_int_equal(stop.damage.blocks_lost, 1);
	assert_int_equal(stop.damage.blocks_damaged, 0);
}

static void repeated_block(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy copy = with_repeated(fixture, VICTIM);
	struct outcome stop;

	expect_modes(fixture, &copy, fixture->offsets[VICTIM]);
	read_bytes(copy.bytes, copy.len, CAP_READ_STOP, &stop);
	assert_int_equal(stop.damage.blocks_foreign, 1);
}

static void damaged_body(void **state)
{
	static const change_fn changes[] = {too_many_sections, unknown_encoding, unknown_type};
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		CLEANUP(copy_done) struct copy copy = with_body(fixture, VICTIM, changes[i]);
		struct outcome stop;

		expect_modes(fixture, &copy, fixture->offsets[VICTIM]);
		read_bytes(copy.bytes, copy.len, CAP_READ_STOP, &stop);
		assert_int_equal(stop.damage.blocks_damaged, 1);
		assert_int_equal(stop.last_offset, fixture->offsets[VICTIM]);
		assert_int_equal(stop.blocks, VICTIM + 1); /* it was seen, its rows were not */
	}
}

/* A body that is asked for twice is one damaged block. */
static void body_asked_twice(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy copy = with_body(fixture, VICTIM, too_many_sections);
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct cap_rows rows;
	int fd = memory_file("twice");

	assert_int_equal(write(fd, copy.bytes, copy.len), (ssize_t)copy.len);
	assert_int_equal(reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, NULL), 0);
	for (int i = 0; i <= VICTIM; i++)
		assert_int_equal(cap_reader_next(reader, &block, NULL), 1);
	assert_int_equal(cap_reader_rows(reader, &rows, NULL), CAP_ELIMIT);
	assert_int_equal(cap_reader_rows(reader, &rows, NULL), CAP_ELIMIT);
	assert_int_equal(cap_reader_damage(reader)->blocks_damaged, 1);
	assert_int_equal(cap_reader_rewind(reader, NULL), 0);
	assert_int_equal(cap_reader_damage(reader)->blocks_damaged, 0);
	assert_int_equal(cap_reader_next(reader, &block, NULL), 1);
	assert_int_equal(block.offset, 0);
	(void)cap_reader_close(reader);
	(void)close(fd);
}

/* A page of the file in the place of another brings blocks with later numbers: they take nothing
 * away from those that follow. */
static void blocks_out_of_order(void **state)
{
	const struct fixture *fixture = *state;
	const u64 *at = fixture->offsets;
	const size_t later = VICTIM + 4;
	size_t size = at[later + 1] - at[later];
	struct outcome outcome;

	/* once more, before its time: the second is not used */
	CLEANUP(copy_done)
	struct copy early = spliced(fixture->bytes, at[VICTIM], fixture->bytes + at[later], size,
				    fixture->bytes + at[VICTIM], fixture->len - at[VICTIM]);

	read_bytes(early.bytes, early.len, CAP_READ_SKIP_DAMAGE, &outcome);
	assert_int_equal(outcome.damage.blocks_read, fixture->count);
	assert_int_equal(outcome.damage.blocks_lost, 0);
	assert_int_equal(outcome.damage.blocks_foreign, later - VICTIM + 1);
	assert_int_equal(outcome.damage.blocks_damaged, 0);
	assert_true(outcome.damage.ended);

	/* only a piece of it: the whole one is not taken for a repeated one */
	CLEANUP(copy_done)
	struct copy piece =
		spliced(fixture->bytes, at[VICTIM], fixture->bytes + at[later], size - 8,
			fixture->bytes + at[VICTIM], fixture->len - at[VICTIM]);

	read_bytes(piece.bytes, piece.len, CAP_READ_SKIP_DAMAGE, &outcome);
	assert_int_equal(outcome.damage.blocks_read, fixture->count);
	assert_int_equal(outcome.damage.blocks_lost, 0);
	assert_int_equal(outcome.damage.blocks_damaged, 1);
	assert_true(outcome.damage.ended);

	/* END before its time closes the capture all the same; what follows is of it */
	CLEANUP(copy_done)
	struct copy end =
		spliced(fixture->bytes, at[VICTIM], fixture->bytes + at[fixture->count - 1],
			fixture->len - at[fixture->count - 1], fixture->bytes + at[VICTIM],
			at[fixture->count - 1] - at[VICTIM]);

	read_bytes(end.bytes, end.len, CAP_READ_SKIP_DAMAGE, &outcome);
	assert_int_equal(outcome.damage.blocks_read, fixture->count);
	assert_int_equal(outcome.damage.blocks_lost, 0);
	assert_true(outcome.damage.ended);
	read_bytes(end.bytes, end.len, CAP_READ_STRICT, &outcome);
	assert_int_equal(outcome.rc, CAP_EDAMAGED);
}

static void sets_of_numbers(void **state)
{
	enum { NUMBERS = 3000 };
	struct rng rng = {test_seed()};
	struct number_set set = {0};
	static bool known[NUMBERS + 2];

	(void)state;
	for (int i = 0; i < NUMBERS; i++) {
		u64 number = rng_below(&rng, NUMBERS);

		assert_int_equal(number_set_add(&set, number), 0);
		known[number] = true;
		number = rng_below(&rng, NUMBERS);
		assert_int_equal(number_set_has(&set, number), known[number]);
	}
	for (u32 i = 1; i < set.count; i++)
		assert_true(set.ranges[i - 1].last + 1 < set.ranges[i].first);
	number_set_clear(&set);
	for (u64 i = 0; i < CAP_MAX_RANGES + 5; i++)
		assert_int_equal(number_set_add(&set, i * 2), 0);
	assert_int_equal(set.count, CAP_MAX_RANGES);
	for (u64 i = 0; i < 20; i++) /* five gaps closed, from the lowest on */
		assert_int_equal(number_set_has(&set, i), i < 10 || i % 2 == 0);
	number_set_done(&set);
}

/* What a newer version wrote, and a recorder that was killed, are not damage. */
static void not_damage(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy unknown = with_body(fixture, VICTIM, sound_unknown_type);
	struct outcome outcome;

	for (int mode = CAP_READ_SKIP_DAMAGE; mode <= CAP_READ_STOP; mode++) {
		read_bytes(unknown.bytes, unknown.len, (enum cap_read_mode)mode, &outcome);
		assert_int_equal(outcome.rc, 0);
		assert_true(outcome.damage.ended);
		assert_true(outcome.damage.rows_unknown_type > 0);
		assert_int_equal(outcome.damage.blocks_damaged, 0);

		read_bytes(fixture->bytes, fixture->offsets[fixture->count - 1],
			   (enum cap_read_mode)mode, &outcome);
		assert_int_equal(outcome.rc, 0);
		assert_false(outcome.damage.ended);
		assert_int_equal(outcome.damage.captures, 1);
		assert_int_equal(outcome.damage.blocks_read, fixture->count - 1);
	}
}

/* A file that has an end and something after it is not a cut one. */
static void noise_after_end(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(copy_done) struct copy copy = with_noise(fixture, fixture->count);
	CLEANUP(copy_done) struct copy repeated = with_repeated(fixture, fixture->count);
	struct outcome outcome;

	for (int mode = CAP_READ_SKIP_DAMAGE; mode <= CAP_READ_STOP; mode += 2) {
		read_bytes(copy.bytes, copy.len, (enum cap_read_mode)mode, &outcome);
		assert_int_equal(outcome.rc, 0);
		assert_true(outcome.damage.ended);
		assert_int_equal(outcome.damage.bytes_skipped, copy.len - fixture->len);
		assert_int_equal(outcome.damage.end_events, fixture->damage.end_events);

		read_bytes(repeated.bytes, repeated.len, (enum cap_read_mode)mode, &outcome);
		assert_true(outcome.damage.ended);
		assert_int_equal(outcome.damage.blocks_foreign, 1);
	}
	read_bytes(copy.bytes, copy.len, CAP_READ_STRICT, &outcome);
	assert_int_equal(outcome.rc, CAP_EDAMAGED);
}

static void two_captures(void **state)
{
	const struct fixture *fixture = *state;
	struct small_capture plan = {.seed = 99, .chunks = 3, .rows = 5};
	struct outcome alone, both;
	CLEANUP(cap_freep) u8 *bytes = NULL;
	int fd = memory_file("other");
	size_t len;

	assert_int_equal(small_capture_write(&plan, fd, NULL), 0);
	len = (size_t)lseek(fd, 0, SEEK_END);
	bytes = malloc(len);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, len, 0), (ssize_t)len);
	(void)close(fd);
	read_bytes(bytes, len, CAP_READ_STRICT, &alone);

	/* both whole */
	CLEANUP(copy_done)
	struct copy copy = spliced(fixture->bytes, fixture->len, bytes, len, NULL, 0);

	read_bytes(copy.bytes, copy.len, CAP_READ_STRICT, &both);
	assert_int_equal(both.rc, 0);
	assert_int_equal(both.damage.captures, 2);
	assert_int_equal(both.damage.captures_ended, 2);
	assert_true(both.damage.ended);
	assert_int_equal(both.damage.end_events,
			 fixture->damage.end_events + alone.damage.end_events);
	assert_int_equal(both.damage.end_lost, fixture->damage.end_lost + alone.damage.end_lost);

	/* the second cut */
	read_bytes(copy.bytes, fixture->len + len / 2, CAP_READ_SKIP_DAMAGE, &both);
	assert_int_equal(both.damage.captures, 2);
	assert_int_equal(both.damage.captures_ended, 1);
	assert_false(both.damage.ended);
	assert_int_equal(both.damage.end_events, fixture->damage.end_events);

	/* the first without its END: what remains is told of as it is */
	CLEANUP(copy_done)
	struct copy first_cut =
		spliced(fixture->bytes, fixture->offsets[fixture->count - 1], bytes, len, NULL, 0);

	read_bytes(first_cut.bytes, first_cut.len, CAP_READ_STRICT, &both);
	assert_int_equal(both.rc, 0);
	assert_int_equal(both.damage.captures_ended, 1);
	assert_false(both.damage.ended);
	assert_int_equal(both.damage.end_events, alone.damage.end_events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_header),      cmocka_unit_test(damaged_payload),
		cmocka_unit_test(noise_between),       cmocka_unit_test(missing_block),
		cmocka_unit_test(repeated_block),      cmocka_unit_test(damaged_body),
		cmocka_unit_test(body_asked_twice),    cmocka_unit_test(not_damage),
		cmocka_unit_test(blocks_out_of_order), cmocka_unit_test(sets_of_numbers),
		cmocka_unit_test(noise_after_end),     cmocka_unit_test(two_captures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/*
 * What a reader does about blocks that do not belong, that it does not know, and in which mode it
 * reads. The exhaustive cases are those of tests/damage/.
 */
#include "unit_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/block_header.h"
#include "formats/base/bytes.h"
#include "formats/base/cleanup.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "random_rows.h"

#define MAX_BLOCKS 256

struct walk { /* what one reading found */
	u64 offsets[MAX_BLOCKS], sizes[MAX_BLOCKS], digests[MAX_BLOCKS];
	u64 seqs[MAX_BLOCKS];
	size_t count;
	struct cap_damage damage;
	int open_rc, last_rc;
};

struct fixture {
	u8 *bytes;
	size_t len;
	int fd;
	struct walk clean;
};

/* Reads all blocks of fd; their rows too if deep. */
static void walk_fd(int fd, bool deep, struct walk *ret_walk)
{
	struct cap_reader *reader = NULL;
	struct cap_block block;

	memset(ret_walk, 0, sizeof(*ret_walk));
	ret_walk->open_rc = reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, NULL);
	if (ret_walk->open_rc < 0)
		return;
	while ((ret_walk->last_rc = cap_reader_next(reader, &block, NULL)) == 1) {
		size_t at = ret_walk->count++;

		assert_true(at < MAX_BLOCKS);
		ret_walk->offsets[at] = block.offset;
		ret_walk->sizes[at] = block.size_bytes;
		ret_walk->seqs[at] = block.seq;
		ret_walk->digests[at] = deep ? block_digest(reader, &block) : 0;
	}
	ret_walk->damage = *cap_reader_damage(reader);
	cap_reader_close(reader);
}

static bool is_clean(const struct walk *walk)
{
	const struct cap_damage *damage = &walk->damage;

	return walk->open_rc == 0 && walk->last_rc == 0 && damage->ended &&
	       !damage->blocks_damaged && !damage->blocks_lost && !damage->blocks_foreign &&
	       !damage->bytes_skipped;
}

static int setup(void **state)
{
	struct small_capture plan = {.seed = test_seed(), .chunks = 4, .rows = 2};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->fd = memory_file("damage");
	assert_int_equal(small_capture_write(&plan, fixture->fd, NULL), 0);
	fixture->len = (size_t)lseek(fixture->fd, 0, SEEK_END);
	fixture->bytes = malloc(fixture->len);
	assert_non_null(fixture->bytes);
	assert_int_equal(pread(fixture->fd, fixture->bytes, fixture->len, 0),
			 (ssize_t)fixture->len);
	walk_fd(fixture->fd, true, &fixture->clean);
	assert_true(is_clean(&fixture->clean));
	printf("%zu bytes in %zu blocks\n", fixture->len, fixture->clean.count);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	(void)close(fixture->fd);
	free(fixture->bytes);
	free(fixture);
	return 0;
}

static void put_bytes(const struct fixture *fixture, const u8 *bytes, size_t len, size_t offset)
{
	assert_int_equal(pwrite(fixture->fd, bytes, len, (off_t)offset), (ssize_t)len);
}

/* The blocks of `walk` are those of the clean capture with `most` or fewer left out; deep: the same
 * rows in them. */
static void check_rest(const struct fixture *fixture, const struct walk *walk, size_t most,
		       bool deep, const char *what, size_t place)
{
	const struct walk *clean = &fixture->clean;
	size_t at = 0;

	for (size_t i = 0; i < walk->count; i++, at++) {
		while (at < clean->count && clean->seqs[at] != walk->seqs[i])
			at++;
		if (at == clean->count)
			fail_msg("%s at %zu: block %zu was not in the file", what, place, i);
		if (deep && walk->digests[i] != clean->digests[at])
			fail_msg("%s at %zu: rows of block %zu differ", what, place, at);
	}
	if (walk->count + most < clean->count)
		fail_msg("%s at %zu: %zu of %zu blocks left", what, place, walk->count,
			 clean->count);
}

/* Writes before + middle + after into a new file and reads it. */
static void walk_spliced(const u8 *before, size_t before_len, const u8 *middle, size_t middle_len,
			 const u8 *after, size_t after_len, bool deep, struct walk *ret_walk)
{
	int fd = memory_file("spliced");

	assert_true(fd >= 0);
	assert_int_equal(write(fd, before, before_len), (ssize_t)before_len);
	assert_int_equal(write(fd, middle, middle_len), (ssize_t)middle_len);
	assert_int_equal(write(fd, after, after_len), (ssize_t)after_len);
	walk_fd(fd, deep, ret_walk);
	(void)close(fd);
}

/* cat a.kymo b.kymo is a capture of both. */
static void two_captures_in_one(void **state)
{
	const struct fixture *fixture = *state;
	struct small_capture plan = {.seed = 99, .chunks = 3, .rows = 5};
	int other = memory_file("other");
	struct walk first, both;
	u8 *bytes;
	size_t len;

	assert_int_equal(small_capture_write(&plan, other, NULL), 0);
	len = (size_t)lseek(other, 0, SEEK_END);
	bytes = malloc(len);
	assert_non_null(bytes);
	assert_int_equal(pread(other, bytes, len, 0), (ssize_t)len);
	walk_fd(other, true, &first);
	walk_spliced(fixture->bytes, fixture->len, bytes, len, NULL, 0, true, &both);
	assert_true(is_clean(&both));
	assert_int_equal(both.count, fixture->clean.count + first.count);
	assert_memory_equal(both.digests, fixture->clean.digests,
			    fixture->clean.count * sizeof(u64));
	assert_memory_equal(both.digests + fixture->clean.count, first.digests,
			    first.count * sizeof(u64));
	free(bytes);
	(void)close(other);
}

/* A block of another file in the middle is not taken for ours; neither is one of ours seen twice.
 */
static void foreign_and_repeated_blocks(void **state)
{
	const struct fixture *fixture = *state;
	const struct walk *clean = &fixture->clean;
	struct small_capture plan = {.seed = 99, .chunks = 3, .rows = 5};
	int other = memory_file("other");
	struct walk foreign, walk;
	u8 block[65536];
	size_t place = clean->offsets[9];

	assert_int_equal(small_capture_write(&plan, other, NULL), 0);
	walk_fd(other, true, &foreign);
	assert_true(foreign.sizes[9] <= sizeof(block));
	assert_int_equal(pread(other, block, foreign.sizes[9], (off_t)foreign.offsets[9]),
			 (ssize_t)foreign.sizes[9]);
	walk_spliced(fixture->bytes, place, block, foreign.sizes[9], fixture->bytes + place,
		     fixture->len - place, true, &walk);
	assert_int_equal(walk.damage.blocks_foreign, 1);
	check_rest(fixture, &walk, 0, true, "foreign block", place);

	walk_spliced(fixture->bytes, place, fixture->bytes + clean->offsets[8], clean->sizes[8],
		     fixture->bytes + place, fixture->len - place, true, &walk);
	assert_int_equal(walk.damage.blocks_foreign, 1);
	check_rest(fixture, &walk, 0, true, "repeated block", place);
	(void)close(other);
}

/* A block of a later version: read over and counted, whether it may be skipped or not. */
static void unknown_block_types(void **state)
{
	const struct fixture *fixture = *state;
	const struct walk *clean = &fixture->clean;
	size_t place = clean->offsets[9];
	u8 plain[24] = "from a later version";
	u8 bytes[CAP_HEADER_BYTES + sizeof(plain)];
	struct walk walk;

	for (int skippable = 0; skippable < 2; skippable++) {
		struct cap_block_header header = {.type = 912 |
							  (skippable ? CAP_TYPE_SKIPPABLE : 0),
						  .file_id = cap_load_u64(fixture->bytes + 24),
						  .seq = clean->seqs[clean->count - 1] + 1,
						  .plain_len = sizeof(plain),
						  .payload_hash = cap_hash(plain, sizeof(plain))};

		cap_block_header_encode(&header, bytes);
		memcpy(bytes + CAP_HEADER_BYTES, plain, sizeof(plain));
		walk_spliced(fixture->bytes, fixture->len, bytes, sizeof(bytes), NULL, 0, false,
			     &walk);
		assert_int_equal(walk.count, clean->count + 1);
		assert_int_equal(walk.damage.blocks_unknown, !skippable);
		assert_int_equal(walk.damage.blocks_passed, skippable);
		assert_int_equal(walk.damage.blocks_damaged + walk.damage.bytes_skipped, 0);
	}
	(void)place;
}

static void strict_and_stop_modes(void **state)
{
	const struct fixture *fixture = *state;
	size_t place = fixture->clean.offsets[6] + 100; /* in the payload of block 6 */
	u8 changed = fixture->bytes[place] ^ 1;
	struct cap_reader *reader = NULL;
	struct cap_err err = {0};
	struct cap_block block;
	int rc, count = 0;

	put_bytes(fixture, &changed, 1, place);
	assert_int_equal(reader_of_fd(fixture->fd, CAP_READ_STRICT, &reader, &err), 0);
	while ((rc = cap_reader_next(reader, &block, &err)) == 1)
		count++;
	assert_int_equal(rc, CAP_EDAMAGED);
	assert_int_equal(count, 6);
	assert_non_null(strstr(err.text, "block 6 at byte"));
	cap_reader_close(reader);

	assert_int_equal(reader_of_fd(fixture->fd, CAP_READ_STOP, &reader, &err), 0);
	for (count = 0; (rc = cap_reader_next(reader, &block, &err)) == 1;)
		count++;
	assert_int_equal(rc, 0);
	assert_int_equal(count, 6);
	assert_false(cap_reader_damage(reader)->ended);
	cap_reader_close(reader);
	put_bytes(fixture, &fixture->bytes[place], 1, place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_captures_in_one),
		cmocka_unit_test(foreign_and_repeated_blocks),
		cmocka_unit_test(unknown_block_types),
		cmocka_unit_test(strict_and_stop_modes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

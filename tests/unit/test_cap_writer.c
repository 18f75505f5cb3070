/* The writer against a descriptor that misbehaves, and the promise that every capture is a valid
 * zstd file. */
#include "unit_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random_rows.h"

static size_t file_bytes(int fd, u8 **ret_bytes)
{
	size_t len = (size_t)lseek(fd, 0, SEEK_END);

	*ret_bytes = malloc(len ? len : 1);
	assert_non_null(*ret_bytes);
	assert_int_equal(pread(fd, *ret_bytes, len, 0), (ssize_t)len);
	return len;
}

struct slow { /* takes a byte at a time, and is interrupted before each */
	bool interrupted;
};

static long slow_write(void *context, int fd, const void *bytes, unsigned long len)
{
	struct slow *slow = context;

	(void)len;
	slow->interrupted = !slow->interrupted;
	if (slow->interrupted) {
		errno = EINTR;
		return -1;
	}
	return write(fd, bytes, 1);
}

static void short_writes_and_interruptions(void **state)
{
	struct slow slow = {false};
	struct small_capture plain = {.seed = 3, .chunks = 2, .rows = 4}, slowly = plain;
	int plain_fd = memory_file("plain"), slow_fd = memory_file("slow");
	u8 *expected, *found;
	size_t len;

	(void)state;
	slowly.write = slow_write;
	slowly.write_context = &slow;
	assert_int_equal(small_capture_write(&plain, plain_fd, NULL), 0);
	assert_int_equal(small_capture_write(&slowly, slow_fd, NULL), 0);
	len = file_bytes(plain_fd, &expected);
	assert_int_equal(file_bytes(slow_fd, &found), len);
	assert_memory_equal(found, expected, len); /* the same seed gives the same bytes */
	free(expected);
	free(found);
	(void)close(plain_fd);
	(void)close(slow_fd);
}

struct full { /* a disk with room for so many bytes */
	unsigned long left;
	unsigned failures;
};

static long full_write(void *context, int fd, const void *bytes, unsigned long len)
{
	struct full *full = context;
	unsigned long taken = len < full->left ? len : full->left;

	if (!taken) {
		full->failures++;
		errno = ENOSPC;
		return -1;
	}
	full->left -= taken;
	return write(fd, bytes, taken);
}

/* Full at every length: an error that names the cause, no second try, and what was written is
 * readable. */
static void a_full_disk_at_every_length(void **state)
{
	struct small_capture plan = {.seed = 4, .chunks = 2, .rows = 3};
	int fd = memory_file("full");
	size_t whole;

	(void)state;
	assert_int_equal(small_capture_write(&plan, fd, NULL), 0);
	whole = (size_t)lseek(fd, 0, SEEK_END);
	for (size_t room = 0; room <= whole; room += room % 97 == 0 ? 1 : 13) {
		struct full full = {.left = room};
		struct small_capture limited = plan;
		struct cap_reader *reader = NULL;
		struct cap_err err = {0};
		struct cap_block block;
		int rc;

		limited.write = full_write;
		limited.write_context = &full;
		assert_int_equal(ftruncate(fd, 0), 0);
		(void)lseek(fd, 0, SEEK_SET);
		rc = small_capture_write(&limited, fd, &err);
		if (room >= whole) {
			assert_int_equal(rc, 0);
			continue;
		}
		assert_int_equal(rc, -ENOSPC);
		assert_int_equal(full.failures, 1);
		assert_non_null(strstr(err.text, "No space left"));
		if (reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, &err) < 0)
			continue; /* not even the first block */
		while (cap_reader_next(reader, &block, &err) == 1)
			;
		assert_false(cap_reader_damage(reader)->ended);
		assert_int_equal(cap_reader_damage(reader)->blocks_lost, 0);
		cap_reader_close(reader);
	}
	(void)close(fd);
}

static void empty_chunks_write_nothing(void **state)
{
	int fd = memory_file("empty");
	struct cap_writer_options options = {.fd = fd};
	struct cap_file_info info = {0};
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_writer *writer = NULL;
	u64 before;

	(void)state;
	assert_non_null(chunk);
	assert_int_equal(cap_writer_new(&options, &info, &writer, NULL), 0);
	assert_int_equal(cap_writer_bytes(writer), 0);
	assert_int_equal(cap_writer_begin(writer, NULL), 0);
	before = cap_writer_bytes(writer);
	assert_true(before > 0);
	assert_int_equal(cap_writer_blocks(writer), 2);
	assert_int_equal(cap_writer_rows(writer, CAP_BLOCK_META, chunk, NULL, NULL), 0);
	assert_int_equal(cap_writer_bytes(writer), before);
	assert_int_equal(cap_writer_blocks(writer), 2);
	cap_writer_free(writer);
	assert_null(cap_writer_free(NULL));
	cap_chunk_free(chunk);
	(void)close(fd);
}

static int zstd_test(const u8 *bytes, size_t len)
{
	FILE *pipe = popen("zstd -t -q - 2>/dev/null", "we");
	int status;

	assert_non_null(pipe);
	(void)!fwrite(bytes, 1, len, pipe); /* zstd says by its status what it thinks of them */
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void zstd_accepts_every_prefix_of_blocks(void **state)
{
	struct small_capture plan = {.seed = 5, .chunks = 3, .rows = 4};
	int fd = memory_file("zstd");
	struct cap_reader *reader = NULL;
	struct cap_block block;
	size_t len, cuts = 0;
	u8 *bytes;

	(void)state;
	if (system("command -v zstd >/dev/null") != 0)
		unit_skip("zstd is missing");
	assert_int_equal(small_capture_write(&plan, fd, NULL), 0);
	len = file_bytes(fd, &bytes);
	assert_int_equal(zstd_test(bytes, len), 0);
	assert_int_equal(reader_of_fd(fd, CAP_READ_STRICT, &reader, NULL), 0);
	while (cap_reader_next(reader, &block, NULL) == 1) {
		size_t cut = block.offset + block.size_bytes;

		assert_int_equal(cut % 8, 0); /* blocks begin at multiples of 8 */
		if (zstd_test(bytes, cut) != 0)
			fail_msg("zstd -t refuses the first %zu bytes (%s)", cut,
				 cap_block_name(block.type));
		cuts++;
	}
	assert_true(cuts > 10);
	assert_int_not_equal(zstd_test(bytes, len - 3), 0); /* the check itself works */
	cap_reader_close(reader);
	free(bytes);
	(void)close(fd);
}

/* The schema is repeated, so that the loss of the first copy costs nothing in a long file. */
static void the_schema_is_repeated(void **state)
{
	struct small_capture plan = {.seed = 6, .chunks = 140, .rows = 1};
	int fd = memory_file("schemas");
	struct cap_reader *reader = NULL;
	struct cap_block block;
	unsigned schemas = 0, headers = 0;

	(void)state;
	assert_int_equal(small_capture_write(&plan, fd, NULL), 0);
	assert_int_equal(reader_of_fd(fd, CAP_READ_STRICT, &reader, NULL), 0);
	while (cap_reader_next(reader, &block, NULL) == 1) {
		schemas += block.type == CAP_BLOCK_SCHEMA;
		headers += block.type == CAP_BLOCK_FILE_HEADER;
		assert_int_equal(block.replica,
				 (block.type == CAP_BLOCK_SCHEMA && schemas > 1) ||
					 (block.type == CAP_BLOCK_FILE_HEADER && headers > 1));
	}
	assert_int_equal(schemas, 4); /* start, after 64 and 128 chunks, end */
	assert_int_equal(headers, 4);
	cap_reader_close(reader);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_writes_and_interruptions),
		cmocka_unit_test(a_full_disk_at_every_length),
		cmocka_unit_test(empty_chunks_write_nothing),
		cmocka_unit_test(zstd_accepts_every_prefix_of_blocks),
		cmocka_unit_test(the_schema_is_repeated),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}

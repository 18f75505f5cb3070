/*
 * Where a capture comes from: a file, a FIFO, standard input of every sort, and what is refused.
 * Also the files that change or cannot be read while they are being read.
 */
#include "unit_main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/base/limits.h"
#include "random_rows.h"

static char folder[] = "/tmp/test_cap_input.XXXXXX";
static u8 *sound;
static size_t sound_len;

static int make_inputs(void **state)
{
	const struct small_capture plan = {.seed = 1, .chunks = 2, .rows = 4};
	int fd;

	(void)state;
	if (!mkdtemp(folder) || chdir(folder) < 0)
		return -1;
	fd = open("sound", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || small_capture_write(&plan, fd, NULL) < 0)
		return -1;
	sound_len = (size_t)lseek(fd, 0, SEEK_END);
	sound = malloc(sound_len);
	if (!sound || pread(fd, sound, sound_len, 0) != (ssize_t)sound_len)
		return -1;
	return close(fd);
}

static int remove_inputs(void **state)
{
	(void)state;
	free(sound);
	(void)unlink("sound");
	(void)unlink("fifo");
	return chdir("/") < 0 ? -1 : rmdir(folder);
}

/* Reads to the end; the blocks read, or the error of opening. */
static long blocks_of(const char *path, struct cap_err *err)
{
	struct cap_reader *reader = NULL;
	struct cap_block block;
	long blocks = 0;
	int rc = cap_reader_open(path, NULL, &reader, err);

	if (rc < 0)
		return rc;
	assert_int_equal(cap_reader_file_bytes(reader), sound_len);
	while ((rc = cap_reader_next(reader, &block, err)) == 1)
		blocks++;
	assert_int_equal(rc, 0);
	assert_int_equal(cap_reader_position(reader), sound_len);
	assert_true(cap_reader_damage(reader)->ended);
	cap_reader_close(reader);
	return blocks;
}

/* The same with `fd` as standard input, which is put back afterwards. fd is closed. */
static long blocks_of_stdin(int fd, struct cap_err *err)
{
	int kept = dup(STDIN_FILENO);
	long blocks;

	if (fd >= 0)
		assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	else
		assert_int_equal(close(STDIN_FILENO), 0);
	blocks = blocks_of("-", err);
	if (kept >= 0) {
		assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
		assert_int_equal(close(kept), 0);
	}
	if (fd >= 0)
		assert_int_equal(close(fd), 0);
	return blocks;
}

/* A child that writes the capture and ends. */
static pid_t write_from_child(int fd)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (size_t done = 0; done < sound_len;) {
		ssize_t put = write(fd, sound + done, sound_len - done);

		if (put < 0)
			_exit(1);
		done += (size_t)put;
	}
	_exit(0);
}

static void wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_files(void **state)
{
	struct cap_err err = {0};
	long blocks = blocks_of("sound", &err);

	(void)state;
	assert_true(blocks > 10);
	assert_int_equal(blocks_of_stdin(open("sound", O_RDONLY | O_CLOEXEC), &err), blocks);
	assert_int_equal(blocks_of("missing", &err), -ENOENT);
	assert_non_null(strstr(err.text, "missing"));
	assert_int_equal(blocks_of(".", &err), -EISDIR);
	assert_int_equal(blocks_of_stdin(open(".", O_RDONLY | O_CLOEXEC), &err), -EISDIR);
	assert_int_equal(blocks_of("/dev/null", &err), CAP_ENOTCAPTURE);
	assert_int_equal(blocks_of_stdin(-1, &err), -EBADF);
}

static void test_pipes(void **state)
{
	struct cap_err err = {0};
	long blocks = blocks_of("sound", &err);
	int pair[2], fifo;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = write_from_child(pair[1]);
	assert_int_equal(close(pair[1]), 0);
	assert_int_equal(blocks_of_stdin(pair[0], &err), blocks);
	wait_for(pid);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = write_from_child(pair[1]);
	assert_int_equal(close(pair[1]), 0);
	assert_int_equal(blocks_of_stdin(pair[0], &err), blocks);
	wait_for(pid);

	/* a FIFO whose writer is there already; without one, opening it must not hang */
	assert_int_equal(mkfifo("fifo", 0600), 0);
	fifo = open("fifo", O_RDWR | O_CLOEXEC);
	assert_true(fifo >= 0);
	pid = write_from_child(fifo);
	wait_for(pid); /* it fits into the pipe */
	pid = fork();
	if (pid == 0) { /* a writer that goes when all was read */
		for (int waiting = 1, i = 0; waiting > 0 && i < 10000; i++) {
			(void)usleep(1000);
			if (ioctl(fifo, FIONREAD, &waiting) < 0)
				_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(close(fifo), 0);
	assert_int_equal(blocks_of("fifo", &err), blocks);
	wait_for(pid);
	assert_true(blocks_of("fifo", &err) < 0); /* nobody writes, and it does not hang */
}

/* The end of a pipe that cannot be read, and a terminal. */
static void test_unreadable_input(void **state)
{
	struct cap_err err = {0};
	int pair[2], terminal;

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(close(pair[0]), 0);
	assert_int_equal(blocks_of_stdin(pair[1], &err), -EBADF);
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal >= 0)
		assert_int_equal(blocks_of_stdin(terminal, &err), CAP_EUSAGE);
}

static long blocks_of_pipe_below(const char *directory, struct cap_err *err)
{
	int pair[2];
	long blocks;
	pid_t pid;

	assert_int_equal(directory ? setenv("TMPDIR", directory, 1) : unsetenv("TMPDIR"), 0);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = write_from_child(pair[1]);
	assert_int_equal(close(pair[1]), 0);
	blocks = blocks_of_stdin(pair[0], err);
	if (blocks >= 0)
		wait_for(pid);
	else
		assert_int_equal(waitpid(pid, NULL, 0), pid); /* it may have been cut short */
	return blocks;
}

static void test_place_for_a_pipe(void **state)
{
	struct cap_err err = {0};
	long blocks = blocks_of("sound", &err);
	const struct rlimit small = {4096, RLIM_INFINITY};
	struct rlimit before;
	char deep[5000];

	(void)state;
	assert_int_equal(blocks_of_pipe_below(NULL, &err), blocks);
	assert_int_equal(blocks_of_pipe_below("", &err), blocks);
	assert_int_equal(blocks_of_pipe_below(folder, &err), blocks);
	assert_true(blocks_of_pipe_below("/nowhere/at/all", &err) < 0);
	assert_non_null(strstr(err.text, "TMPDIR"));
	memset(deep, 'x', sizeof(deep) - 1);
	deep[0] = '/';
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(blocks_of_pipe_below(deep, &err), -ENAMETOOLONG);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(blocks_of_pipe_below(folder, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(err.text, "TMPDIR"));
	assert_int_equal(unsetenv("TMPDIR"), 0);
}

/* -------- descriptors -------- */

static void test_bad_descriptors(void **state)
{
	struct cap_reader *reader = NULL;
	struct cap_err err = {0};

	(void)state;
	assert_int_equal(cap_reader_open_fd(-1, "none", NULL, &reader, &err), -EBADF);
	assert_int_equal(
		cap_reader_open_fd(open("sound", O_WRONLY | O_CLOEXEC), "w", NULL, &reader, &err),
		-EBADF);
	assert_null(reader);
}

/* A reader whose descriptor turns into one that cannot be read. */
static void test_read_error(void **state)
{
	int fd = open("sound", O_RDONLY | O_CLOEXEC), broken = open("sound", O_WRONLY | O_CLOEXEC);
	struct cap_reader *reader = NULL, *second = NULL;
	struct cap_block block;
	struct cap_err err = {0};

	(void)state;
	assert_int_equal(cap_reader_open_fd(fd, "sound", NULL, &reader, &err), 0);
	assert_int_equal(dup3(broken, fd, O_CLOEXEC), fd);
	assert_int_equal(cap_reader_next(reader, &block, &err), -EBADF);
	assert_int_equal(cap_reader_reopen(reader, &second, &err), -EBADF);
	assert_null(second);
	cap_reader_close(reader);
	assert_int_equal(close(broken), 0);
}

static void test_second_reader(void **state)
{
	struct cap_reader *first = NULL, *second = NULL;
	struct cap_block block, again;
	struct cap_err err = {0};

	(void)state;
	assert_int_equal(cap_reader_open("sound", NULL, &first, &err), 0);
	assert_int_equal(cap_reader_next(first, &block, &err), 1);
	assert_int_equal(cap_reader_next(first, &block, &err), 1);
	assert_int_equal(cap_reader_reopen(first, &second, &err), 0);
	assert_int_equal(cap_reader_position(second), 0);
	assert_int_equal(cap_reader_next(second, &again, &err), 1);
	assert_int_equal(again.offset, 0);
	assert_int_equal(cap_reader_position(first), block.offset + block.size_bytes);
	cap_reader_close(first);
	assert_int_equal(cap_reader_next(second, &again, &err), 1); /* it stands alone */
	assert_int_equal(again.offset, block.offset);
	cap_reader_close(second);
}

/* A file that is cut while it is read ends inside a block; one that is cut before a block just
 * ends. */
static void test_shrinking_file(void **state)
{
	(void)state;
	for (size_t len = sound_len - 1; len > sound_len / 2; len -= 997) {
		int fd = memory_file("shrinking");
		struct cap_reader *reader = NULL;
		struct cap_block block;
		struct cap_err err = {0};
		int rc;

		assert_int_equal(write(fd, sound, sound_len), (ssize_t)sound_len);
		assert_int_equal(reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, &err), 0);
		assert_int_equal(ftruncate(fd, (off_t)len), 0);
		while ((rc = cap_reader_next(reader, &block, &err)) == 1)
			assert_true(block.offset + block.size_bytes <= len);
		assert_int_equal(rc, 0);
		assert_false(cap_reader_damage(reader)->ended);
		assert_true(cap_reader_damage(reader)->bytes_skipped > 0);
		cap_reader_close(reader);
		assert_int_equal(close(fd), 0);
	}
}

/* The search for the next header goes through windows: a header may stand astride two of them. */
static void test_search_over_much(void **state)
{
	const size_t window = 256u << 10;

	(void)state;
	for (size_t gap = window - 160; gap <= 2 * window; gap += gap < window + 160 ? 8 : 4097) {
		int fd = memory_file("gap");
		struct cap_reader *reader = NULL;
		struct cap_block block;
		struct cap_err err = {0};
		u8 byte = 0;

		assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
		assert_int_equal(pwrite(fd, sound, sound_len, (off_t)gap), (ssize_t)sound_len);
		assert_int_equal(reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, &err), 0);
		assert_int_equal(cap_reader_next(reader, &block, &err), 1);
		assert_int_equal(block.offset, gap);
		cap_reader_close(reader);
		assert_int_equal(close(fd), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_unreadable_input),
		cmocka_unit_test(test_place_for_a_pipe),
		cmocka_unit_test(test_bad_descriptors),
		cmocka_unit_test(test_read_error),
		cmocka_unit_test(test_second_reader),
		cmocka_unit_test(test_shrinking_file),
		cmocka_unit_test(test_search_over_much),
	};

	return cmocka_run_group_tests(tests, make_inputs, remove_inputs);
}

/* Opens what the user named: a regular file, standard input, or a pipe, which is first copied to an
 * unnamed file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "formats/base/cleanup.h"
#include "formats/base/unnamed_file.h"
#include "formats/read/reader_state.h"

#define COPY_BYTES (256u << 10)

static int copy_pipe(int from, const char *name, int *ret_fd, struct cap_err *err)
{
	CLEANUP(cap_closep) int to = cap_unnamed_file(err);
	CLEANUP(cap_freep) char *buffer = malloc(COPY_BYTES);

	if (to < 0)
		return to;
	if (!buffer)
		return cap_fail(err, -ENOMEM, "out of memory");
	for (;;) {
		ssize_t got = read(from, buffer, COPY_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cap_fail_errno(err, errno, "read '%s'", name);
		if (got == 0)
			break;
		for (ssize_t done = 0; done < got;) {
			ssize_t put = write(to, buffer + done, (size_t)(got - done));

			if (put < 0 && errno == EINTR)
				continue;
			if (put < 0)
				return cap_fail_errno(err, errno,
						      "keep '%s' in a temporary file (set TMPDIR "
						      "to a place with room)",
						      name);
			done += put;
		}
	}
	*ret_fd = to;
	to = -1;
	return 0;
}

int reader_input_open(const char *path, int *ret_fd, struct cap_err *err)
{
	bool is_stdin = path[0] == '-' && !path[1];
	CLEANUP(cap_closep) int opened = -1;
	struct stat st;
	int fd;

	if (is_stdin) {
		fd = STDIN_FILENO;
	} else {
		/* NONBLOCK: opening a FIFO or a device must not hang before we know what it is. */
		opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (opened < 0)
			return cap_fail_errno(err, errno, "open '%s'", path);
		fd = opened;
	}
	if (fstat(fd, &st) < 0)
		return cap_fail_errno(err, errno, "open '%s'", path);
	if (S_ISREG(st.st_mode)) {
		*ret_fd = is_stdin ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : fd;
		opened = -1;
		return *ret_fd < 0 ? cap_fail_errno(err, errno, "open '%s'", path) : 0;
	}
	if (S_ISDIR(st.st_mode))
		return cap_fail(err, -EISDIR, "open '%s': is a directory", path);
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode) && !is_stdin)
		return cap_fail(err, CAP_ENOTCAPTURE, "open '%s': neither a file nor a pipe", path);
	if (is_stdin && isatty(fd))
		return cap_fail(
			err, CAP_EUSAGE,
			"refusing to read a capture from a terminal; redirect a file or a pipe");
	if (!is_stdin && fcntl(fd, F_SETFL, 0) < 0)
		return cap_fail_errno(err, errno, "open '%s'", path);
	return copy_pipe(fd, path, ret_fd, err);
}

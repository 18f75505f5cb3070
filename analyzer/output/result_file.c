/* See the header. Does not know what is in the file. */
#include "analyzer/output/result_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/output/report_writer.h"
#include "formats/base/cleanup.h"

#define PART_LOCK_BYTE 0x3fffffff /* SQLite's begin at 0x40000000 */
#define PART_RETRIES 100

static int refuse_inputs(const char *output, const struct stat *target,
			 const struct kymo_result_request *request, struct cap_err *err)
{
	struct stat input;

	if (!S_ISREG(target->st_mode))
		return 0; /* a pipe or a terminal may well be both */
	for (size_t i = 0; i < request->input_count; i++) {
		if (stat(request->inputs[i], &input) == 0 && input.st_dev == target->st_dev &&
		    input.st_ino == target->st_ino)
			return cap_fail(err, CAP_EUSAGE,
					"'%s' is both a capture to read and the output", output);
	}
	return 0;
}

static int refuse_terminal(int fd, const struct kymo_result_request *request, struct cap_err *err)
{
	if (!request->for_files || !isatty(fd))
		return 0;
	return cap_fail(err, CAP_EUSAGE, "refusing to write %s to a terminal; give -o FILE",
			request->for_files);
}

static int open_stdout(const struct kymo_result_request *request, struct kymo_result_file *result,
		       struct cap_err *err)
{
	struct stat target;
	int rc = refuse_terminal(STDOUT_FILENO, request, err);

	if (rc == 0 && fstat(STDOUT_FILENO, &target) == 0)
		rc = refuse_inputs("-", &target, request, err);
	if (rc < 0)
		return rc;
	result->fd = STDOUT_FILENO;
	result->is_stdout = true;
	return 0;
}

/* A pipe or a device is written to; a file would not replace it. */
static int open_device(const struct kymo_result_request *request, struct kymo_result_file *result,
		       struct cap_err *err)
{
	int rc;

	result->fd = open(request->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (result->fd < 0)
		return cap_fail_errno(err, errno, "open '%s'", request->path);
	rc = refuse_terminal(result->fd, request, err);
	return rc < 0 ? rc : 1;
}

/* Checks what already has the name. 0: it may be created or replaced; 1: it is open and written
 * directly. */
static int look_at_output(const struct kymo_result_request *request,
			  struct kymo_result_file *result, struct cap_err *err)
{
	struct stat named, target;
	int rc;

	if (lstat(request->path, &named) < 0)
		return 0; /* creating it will report anything else that is wrong */
	/* /dev/stdout, and what bash makes of >(...), are links to these */
	if (request->stream && stat(request->path, &target) == 0 &&
	    (S_ISFIFO(target.st_mode) || S_ISCHR(target.st_mode)))
		return open_device(request, result, err);
	if (!S_ISREG(named.st_mode))
		return cap_fail(err, -EEXIST,
				"'%s' is not a regular file: give another name with -o",
				request->path);
	rc = refuse_inputs(request->path, &named, request, err);
	if (rc == 0 && !request->force)
		return cap_fail(err, -EEXIST,
				"'%s' exists: give another name with -o, or -f to replace it",
				request->path);
	return rc;
}

/* If anyone may rename files, another user's file could take the name meanwhile. */
static int refuse_open_directory(const char *output, bool force, struct cap_err *err)
{
	CLEANUP(cap_freep) char *copy = strdup(output);
	struct stat directory;

	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory");
	if (!force && stat(dirname(copy), &directory) == 0 && (directory.st_mode & S_IWOTH) &&
	    !(directory.st_mode & S_ISVTX))
		return cap_fail(err, CAP_EUSAGE,
				"'%s': anyone may rename files in its directory; use another, "
				"chmod +t it, or -f",
				output);
	return 0;
}

/* A lock that ends with its process distinguishes a running writer from a killed one. It is below
 * the bytes that SQLite locks. 0, -EAGAIN if another process has it. */
static int lock_part(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = PART_LOCK_BYTE, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

/* Opens the part, created now or left by a killed process, and locks it: 1 and *ret_fd,
 * or 0 if it was renamed or removed meanwhile. */
static int open_locked(const char *part, const char *what, int *ret_fd, struct cap_err *err)
{
	CLEANUP(cap_closep)
	int fd = open(part, O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat opened, named;
	int rc;

	if (fd < 0 || fstat(fd, &opened) < 0)
		return cap_fail_errno(err, errno, "create '%s'", part);
	if (!S_ISREG(opened.st_mode) || opened.st_nlink > 1 || opened.st_uid != geteuid())
		return cap_fail(err, -EEXIST,
				"'%s' exists and was not left by an %s of this user: remove it, or "
				"give another name with -o",
				part, what);
	rc = lock_part(fd);
	if (rc == -EAGAIN)
		return cap_fail(err, -EEXIST, "another %s is writing '%s': wait for it", what,
				part);
	if (rc < 0)
		return cap_fail_errno(err, -rc, "lock '%s'", part);
	if (lstat(part, &named) < 0 || named.st_dev != opened.st_dev ||
	    named.st_ino != opened.st_ino)
		return 0;
	*ret_fd = fd;
	fd = -1;
	return 1;
}

static int open_part(const struct kymo_result_request *request, struct kymo_result_file *result,
		     struct cap_err *err)
{
	int rc = refuse_open_directory(request->path, request->force, err);

	if (rc < 0)
		return rc;
	if (asprintf(&result->path, "%s.part", request->path) < 0) {
		result->path = NULL;
		return cap_fail(err, -ENOMEM, "out of memory");
	}
	for (int i = 0; rc == 0 && i < PART_RETRIES; i++)
		rc = open_locked(result->path, request->what, &result->fd, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return cap_fail(err, -EAGAIN,
				"'%s' keeps appearing and disappearing: another %s is running",
				result->path, request->what);
	result->ours = true;
	if (fchmod(result->fd, 0600) < 0 || ftruncate(result->fd, 0) < 0)
		return cap_fail_errno(err, errno, "empty '%s'", result->path);
	return 0;
}

int kymo_result_open(const struct kymo_result_request *request, struct kymo_result_file *ret_result,
		     struct cap_err *err)
{
	int rc;

	*ret_result = (struct kymo_result_file){
		.output = request->path, .force = request->force, .fd = -1};
	if (request->stream && (!request->path || strcmp(request->path, "-") == 0))
		return open_stdout(request, ret_result, err);
	rc = look_at_output(request, ret_result, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return open_part(request, ret_result, err);
}

int kymo_result_stream(struct kymo_result_file *result, FILE *shared, FILE **ret_stream,
		       struct cap_err *err)
{
	int fd;

	if (result->is_stdout) {
		*ret_stream = shared;
		return 0;
	}
	/* a descriptor of its own, so that closing the stream leaves the lock */
	fd = fcntl(result->fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		result->stream = fdopen(fd, "w");
	if (!result->stream) {
		int failed = errno;

		if (fd >= 0)
			(void)close(fd); /* nothing was written */
		return cap_fail_errno(err, failed, "write '%s'", result->output);
	}
	*ret_stream = result->stream;
	return 0;
}

static int sync_path(const char *path, int flags, struct cap_err *err)
{
	CLEANUP(cap_closep) int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return cap_fail_errno(err, errno, "write '%s' to disk", path);
	return 0;
}

static int name_part(struct kymo_result_file *result)
{
	int rc;

	if (result->force)
		return rename(result->path, result->output);
	rc = renameat2(AT_FDCWD, result->path, AT_FDCWD, result->output, RENAME_NOREPLACE);
	if (rc < 0 &&
	    errno == EINVAL) { /* a file system without that: a link does not replace either */
		rc = link(result->path, result->output);
		if (rc == 0)
			(void)unlink(result->path);
	}
	return rc;
}

int kymo_result_publish(struct kymo_result_file *result, struct cap_err *err)
{
	CLEANUP(cap_freep) char *copy = NULL;
	int rc = result->stream ? kymo_output_error(result->stream) : 0;

	if (rc < 0)
		return cap_fail_errno(err, -rc, "write '%s'", result->output);
	if (!result->path)
		return 0; /* written directly */
	copy = strdup(result->output);
	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory");
	rc = sync_path(result->path, O_RDONLY, err);
	if (rc < 0)
		return rc;
	rc = name_part(result);
	if (rc < 0 && errno == EEXIST)
		return cap_fail(err, -EEXIST,
				"'%s' appeared in the meantime: give another name with -o",
				result->output);
	if (rc < 0)
		return cap_fail_errno(err, errno, "rename '%s' to '%s'", result->path,
				      result->output);
	result->ours = false;
	return sync_path(dirname(copy), O_RDONLY | O_DIRECTORY, err);
}

void kymo_result_done(struct kymo_result_file *result)
{
	if (result->ours)
		(void)unlink(result->path); /* we are failing already */
	if (result->stream)
		(void)fclose(result->stream); /* published, or of no use */
	result->stream = NULL;
	if (!result->is_stdout)
		cap_closep(&result->fd); /* with its lock, only now */
	result->fd = -1;
	free(result->path);
	result->path = NULL;
	result->ours = false;
}

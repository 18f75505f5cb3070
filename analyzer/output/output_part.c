/* See the header. Nothing here knows what is in the file. */
#include "analyzer/output/output_part.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define PART_LOCK_BYTE 0x3fffffff /* SQLite's begin at 0x40000000 */
#define PART_RETRIES 100

static int refuse_inputs(const char *output, bool force, const char *const *inputs,
			 size_t input_count, struct cap_err *err)
{
	struct stat target, input;

	if (lstat(output, &target) < 0)
		return 0; /* what else is wrong with it, creating it will tell */
	if (!S_ISREG(target.st_mode))
		return cap_fail(err, -EEXIST,
				"'%s' is not a regular file: give another name with -o", output);
	for (size_t i = 0; i < input_count; i++) {
		if (stat(inputs[i], &input) == 0 && input.st_dev == target.st_dev &&
		    input.st_ino == target.st_ino)
			return cap_fail(err, CAP_EUSAGE,
					"'%s' is both a capture to read and the output", output);
	}
	if (!force)
		return cap_fail(err, -EEXIST,
				"'%s' exists: give another name with -o, or -f to replace it",
				output);
	return 0;
}

/* Where everybody may rename files, another user's file could take the name meanwhile. */
static int refuse_open_directory(const char *output, bool force, struct cap_err *err)
{
	CLEANUP(cap_freep) char *copy = strdup(output);
	struct stat directory;

	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory");
	if (!force && stat(dirname(copy), &directory) == 0 && (directory.st_mode & S_IWOTH) &&
	    !(directory.st_mode & S_ISVTX))
		return cap_fail(err, CAP_EUSAGE,
				"'%s': everybody may rename files in its directory; use another, "
				"chmod +t it, or -f",
				output);
	return 0;
}

/* A lock that dies with its process tells a running writer from a killed one. It lies below the
 * bytes that SQLite locks. 0, -EAGAIN if another process has it. */
static int lock_part(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = PART_LOCK_BYTE, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

/* Opens the part under its name, made now or left by a killed process, and locks it: 1 and *ret_fd,
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
				"'%s' is there and not left by an %s of this user: remove it, or "
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

int kymo_part_create(const char *output, bool force, const char *what, const char *const *inputs,
		     size_t input_count, struct kymo_part *ret_part, struct cap_err *err)
{
	int rc = refuse_inputs(output, force, inputs, input_count, err);

	if (rc == 0)
		rc = refuse_open_directory(output, force, err);
	if (rc < 0)
		return rc;
	*ret_part = (struct kymo_part){.output = output, .force = force, .fd = -1};
	if (asprintf(&ret_part->path, "%s.part", output) < 0) {
		ret_part->path = NULL;
		return cap_fail(err, -ENOMEM, "out of memory");
	}
	for (int i = 0; rc == 0 && i < PART_RETRIES; i++)
		rc = open_locked(ret_part->path, what, &ret_part->fd, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return cap_fail(err, -EAGAIN, "'%s' comes and goes: another %s is running",
				ret_part->path, what);
	ret_part->ours = true;
	if (fchmod(ret_part->fd, 0600) < 0 || ftruncate(ret_part->fd, 0) < 0)
		return cap_fail_errno(err, errno, "empty '%s'", ret_part->path);
	return 0;
}

static int sync_path(const char *path, int flags, struct cap_err *err)
{
	CLEANUP(cap_closep) int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return cap_fail_errno(err, errno, "write '%s' to disk", path);
	return 0;
}

int kymo_part_publish(struct kymo_part *part, struct cap_err *err)
{
	CLEANUP(cap_freep) char *copy = strdup(part->output);
	int rc = sync_path(part->path, O_RDONLY, err);

	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory");
	if (rc < 0)
		return rc;
	if (part->force) {
		rc = rename(part->path, part->output);
	} else {
		rc = renameat2(AT_FDCWD, part->path, AT_FDCWD, part->output, RENAME_NOREPLACE);
		if (rc < 0 && errno == EINVAL) { /* a file system that cannot: a link does not
						    replace either */
			rc = link(part->path, part->output);
			if (rc == 0)
				(void)unlink(part->path);
		}
	}
	if (rc < 0 && errno == EEXIST)
		return cap_fail(err, -EEXIST, "'%s' appeared meanwhile: give another name with -o",
				part->output);
	if (rc < 0)
		return cap_fail_errno(err, errno, "rename '%s' to '%s'", part->path, part->output);
	part->ours = false;
	return sync_path(dirname(copy), O_RDONLY | O_DIRECTORY, err);
}

void kymo_part_done(struct kymo_part *part)
{
	if (part->ours)
		(void)unlink(part->path); /* we are failing already */
	cap_closep(&part->fd);		  /* with its lock, only now */
	free(part->path);
	part->path = NULL;
	part->ours = false;
}

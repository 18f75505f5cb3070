/* See the header. Nothing here knows what is in the file. */
#include "analyzer/import/output_part.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/cleanup.h"

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

int kymo_part_create(const char *output, bool force, const char *what, const char *const *inputs,
		     size_t input_count, struct kymo_part *ret_part, struct cap_err *err)
{
	struct kymo_part part = {.output = output, .force = force};
	int rc = refuse_inputs(output, force, inputs, input_count, err);

	if (rc < 0)
		return rc;
	if (asprintf(&part.path, "%s.part", output) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	*ret_part = part; /* its owner frees it, whatever comes */
	ret_part->fd = -1;
	if (force && unlink(part.path) < 0 && errno != ENOENT)
		return cap_fail_errno(err, errno, "remove '%s'", part.path);
	ret_part->fd = open(part.path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (ret_part->fd < 0 && errno == EEXIST)
		return cap_fail(err, -EEXIST,
				"'%s' is there: another %s is running, or one was killed; wait, or "
				"give -f to replace it",
				part.path, what);
	if (ret_part->fd < 0)
		return cap_fail_errno(err, errno, "create '%s'", part.path);
	ret_part->ours = true;
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
	cap_closep(&part->fd);
	if (part->ours)
		(void)unlink(part->path); /* we are failing already */
	free(part->path);
	part->path = NULL;
	part->ours = false;
}

/*
 * openat2 would do the walk in one call, but a filter of system calls cannot see its flags: whoever
 * took the child over could then open files for writing. So components are opened one by one,
 * O_PATH | O_NOFOLLOW, which opens nothing yet.
 */
#include "recorder/names/open_target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/host/file_systems.h"
#include "recorder/host/maps_parse.h"

#define MAX_DEPTH 48  /* directories */
#define MAX_LINKS 32  /* as many as the kernel follows, nearly */
#define MAX_PARTS 256 /* components in all, those of links too */

struct walk {
	const struct rec_target_root *root;
	int fds[MAX_DEPTH]; /* directories from the root on, which is not among them */
	dev_t devices[MAX_DEPTH];
	size_t depth;
	dev_t root_device;
	unsigned links, parts;
	char rest[2 * PATH_MAX]; /* what is to be walked yet */
};

bool rec_target_root_open(u32 tgid, struct rec_target_root *ret_root)
{
	char path[48];

	(void)snprintf(path, sizeof(path), tgid ? "/proc/%u/root" : "/", tgid);
	ret_root->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret_root->mountinfo_fd = -1;
	if (ret_root->fd < 0)
		return false;
	(void)snprintf(path, sizeof(path), tgid ? "/proc/%u/mountinfo" : "/proc/self/mountinfo",
		       tgid);
	ret_root->mountinfo_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ret_root->mountinfo_fd >= 0)
		return true;
	rec_target_root_done(ret_root);
	return false;
}

void rec_target_root_done(struct rec_target_root *root)
{
	cap_closep(&root->fd);
	cap_closep(&root->mountinfo_fd);
	root->fd = root->mountinfo_fd = -1;
}

/* A device that no mount has (of a subvolume, or of a layer below an overlay) is of the kind of the
 * directory above it. */
static bool may_keep_us_waiting(const struct walk *walk, dev_t device)
{
	struct rec_line_reader lines;
	char *line;

	if (lseek(walk->root->mountinfo_fd, 0, SEEK_SET) < 0)
		return true;
	rec_lines_init(&lines, walk->root->mountinfo_fd);
	while (rec_lines_next(&lines, &line) > 0) {
		size_t len;
		const char *type = rec_mountinfo_type(line, major(device), minor(device), &len);

		if (type)
			return rec_file_system_may_wait(type, len) ||
			       !rec_file_system_has_files(type, len);
	}
	return false;
}

/* Type and device without asking a server. */
static int look_at(int fd, mode_t *ret_mode, dev_t *ret_device)
{
	struct statx facts;

	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_TYPE,
		  &facts) < 0)
		return -errno;
	*ret_mode = facts.stx_mode;
	*ret_device = makedev(facts.stx_dev_major, facts.stx_dev_minor);
	return 0;
}

static void go_up(struct walk *walk)
{
	if (walk->depth > 0)
		(void)close(walk->fds[--walk->depth]); /* names a place only */
}

static int here(const struct walk *walk)
{
	return walk->depth ? walk->fds[walk->depth - 1] : walk->root->fd;
}

static dev_t device_here(const struct walk *walk)
{
	return walk->depth ? walk->devices[walk->depth - 1] : walk->root_device;
}

/* Puts what a link says before the rest. */
static int follow(struct walk *walk, const char *name)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(here(walk), name, target, sizeof(target));
	size_t rest = strlen(walk->rest);

	if (++walk->links > MAX_LINKS)
		return -ELOOP;
	if (len <= 0)
		return len < 0 ? -errno : -ENOENT;
	if ((size_t)len >= sizeof(target) || (size_t)len + 1 + rest >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		while (walk->depth > 0)
			go_up(walk);
	memmove(walk->rest + len + 1, walk->rest, rest + 1);
	memcpy(walk->rest, target, (size_t)len);
	walk->rest[len] = '/';
	return 0;
}

/* Takes the next component off the rest. False: there is none. */
static bool next_part(struct walk *walk, char *ret_name, size_t size)
{
	const char *from = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(from, "/");

	if (len == 0 || len >= size)
		return false;
	memcpy(ret_name, from, len);
	ret_name[len] = '\0';
	memmove(walk->rest, from + len, strlen(from + len) + 1);
	return true;
}

/* One component. 0: go on; a descriptor + 1 of a regular file at the end; or -errno. */
static int step(struct walk *walk, const char *name)
{
	CLEANUP(cap_closep) int fd = -1;
	dev_t device;
	mode_t mode;
	int rc;

	if (++walk->parts > MAX_PARTS)
		return -ELOOP;
	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		go_up(walk);
		return 0;
	}
	fd = openat(here(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = look_at(fd, &mode, &device);
	if (rc < 0)
		return rc;
	if (device != device_here(walk) && may_keep_us_waiting(walk, device))
		return -EREMOTEIO;
	if (S_ISLNK(mode))
		return follow(walk, name);
	if (S_ISREG(mode) && walk->rest[strspn(walk->rest, "/")] == '\0')
		return dup(fd) + 1;
	if (!S_ISDIR(mode))
		return S_ISREG(mode) ? -ENOTDIR : -EACCES;
	if (walk->depth == MAX_DEPTH)
		return -ELOOP;
	walk->devices[walk->depth] = device;
	walk->fds[walk->depth++] = fd;
	fd = -1;
	return 0;
}

/* Through our own link to the place, so that it is the file that was looked at. */
static int open_place(int place_fd)
{
	char link[48];
	int fd;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", place_fd);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int rec_target_open(const struct rec_target_root *root, const char *path)
{
	struct walk walk = {.root = root};
	char name[NAME_MAX + 1];
	mode_t mode;
	int rc = look_at(root->fd, &mode, &walk.root_device);

	if (rc < 0)
		return rc;
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return -EINVAL;
	if (may_keep_us_waiting(&walk, walk.root_device))
		return -EREMOTEIO;
	memcpy(walk.rest, path, strlen(path) + 1);
	while (rc == 0)
		rc = next_part(&walk, name, sizeof(name)) ? step(&walk, name) : -ENOENT;
	while (walk.depth > 0)
		go_up(&walk);
	if (rc > 0) {
		int place = rc - 1;

		rc = open_place(place);
		(void)close(place); /* named a place only */
	}
	return rc;
}

int rec_target_open_program(u32 tgid)
{
	CLEANUP(cap_closep) int place = -1;
	struct rec_target_root root;
	struct walk walk = {.root = &root};
	char path[48];
	dev_t device;
	mode_t mode;
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%u/exe", tgid);
	place = open(path, O_PATH | O_CLOEXEC);
	if (place < 0)
		return -errno;
	rc = look_at(place, &mode, &device);
	if (rc < 0)
		return rc;
	if (!S_ISREG(mode) || !rec_target_root_open(tgid, &root))
		return -EACCES;
	rc = may_keep_us_waiting(&walk, device) ? -EREMOTEIO : open_place(place);
	rec_target_root_done(&root);
	return rc;
}

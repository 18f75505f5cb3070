/*
 * Creates the output of a recording. An existing name is never followed, truncated or shared: the
 * file is created with O_EXCL in a directory held open by descriptor, and only a file with our
 * device and inode is ever removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/pipeline/output_file.h"
#include "recorder/pipeline/output_state.h"
#include "formats/base/size_text.h"

#define FLOOR_BYTES (512ull << 20)
#define FLOOR_DIVISOR 20 /* 5 % of the file system */
#define MARGIN_DIVISOR \
	8 /* added to the floor: ending also takes room, for what is still in memory */
#define MARGIN_MAX_BYTES (64ull << 20)
#define PIPE_BYTES (1 << 20)

static const char *kind_of(mode_t mode)
{
	if (S_ISLNK(mode))
		return "a symbolic link";
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

/* Why the name is taken, and what can be done. */
static int refuse_existing(const struct rec_output *output, const char *path, bool force,
			   struct cap_err *err)
{
	struct stat info;

	if (fstatat(output->directory_fd, output->name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return cap_fail(err, -EEXIST, "output '%s' exists: give another name with -o",
				path);
	if (!S_ISREG(info.st_mode))
		return cap_fail(
			err, -EEXIST,
			"output '%s' is %s; a capture is only written to a new regular file: use "
			"another name, or -o - for a pipe",
			path, kind_of(info.st_mode));
	if (force)
		return cap_fail(err, -EEXIST, "output '%s' was just created by someone else", path);
	return cap_fail(err, -EEXIST,
			"output '%s' exists: give another name with -o, or -f to replace it", path);
}

static int remove_existing(const struct rec_output *output, const char *path, struct cap_err *err)
{
	struct stat info;

	if (fstatat(output->directory_fd, output->name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cap_fail_errno(err, errno, "output '%s'", path);
	if (!S_ISREG(info.st_mode))
		return refuse_existing(output, path, true, err);
	if (info.st_uid != geteuid() && geteuid() != 0)
		return cap_fail(
			err, -EPERM,
			"output '%s' belongs to user %u; --force replaces only your own files",
			path, info.st_uid);
	if (unlinkat(output->directory_fd, output->name, 0) < 0 && errno != ENOENT)
		return cap_fail_errno(err, errno, "replace output '%s'", path);
	return 0;
}

static int open_directory(struct rec_output *output, const char *path, bool force,
			  struct cap_err *err)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t directory_len = slash ? (size_t)(slash - path) + 1 : 1;
	struct stat info;

	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return cap_fail(err, CAP_EUSAGE, "output '%s' is a directory; name a file", path);
	if (strlen(name) > NAME_MAX || directory_len >= sizeof(directory))
		return cap_fail_errno(err, ENAMETOOLONG, "output '%s'", path);
	memcpy(directory, slash ? path : ".", directory_len);
	directory[directory_len] = '\0';
	memcpy(output->name, name, strlen(name) + 1);

	output->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output->directory_fd < 0)
		return cap_fail_errno(err, errno, "output '%s': directory '%s'", path, directory);
	if (fstat(output->directory_fd, &info) < 0)
		return cap_fail_errno(err, errno, "output '%s': directory '%s'", path, directory);
	if ((info.st_mode & S_IWOTH) && !(info.st_mode & S_ISVTX) && !force)
		return cap_fail(err, CAP_EUSAGE,
				"output '%s': anyone may rename files in '%s'; use another "
				"directory, chmod +t it, or --force",
				path, directory);
	return 0;
}

static u64 default_floor(u64 size_bytes, u64 available_bytes)
{
	u64 floor_bytes = size_bytes / FLOOR_DIVISOR;

	if (floor_bytes < FLOOR_BYTES)
		floor_bytes = FLOOR_BYTES;
	/* A disk that is small or nearly full already: leave half of what is free. */
	return floor_bytes < available_bytes / 2 ? floor_bytes : available_bytes / 2;
}

/* fd: on the file system in question. freed_bytes: what will be free besides before the first byte
 * is written. */
static int place_floor(struct rec_output *output, int fd, const struct rec_floor *floor,
		       u64 freed_bytes, struct cap_err *err)
{
	char wanted[32], left[32];
	struct statvfs space;
	u64 available, size;

	if (fstatvfs(fd, &space) < 0 || space.f_blocks == 0)
		return 0; /* a file system that does not report free space has no floor; then ENOSPC
			     is the only limit */
	available = (u64)space.f_bavail * space.f_frsize + freed_bytes;
	size = (u64)space.f_blocks * space.f_frsize;
	if (!floor->given)
		output->floor_bytes = default_floor(size, available);
	else if (floor->bytes)
		output->floor_bytes = floor->bytes;
	else
		output->floor_bytes = size / 1000000 * floor->ppm;
	output->margin_bytes = output->floor_bytes / MARGIN_DIVISOR;
	if (output->margin_bytes > MARGIN_MAX_BYTES)
		output->margin_bytes = MARGIN_MAX_BYTES;
	if (!floor->given || available > output->floor_bytes + output->margin_bytes)
		return 0;
	return cap_fail(err, -ENOSPC, "only %s are free, and --disk-floor reserves %s",
			cap_size_text((double)available, left),
			cap_size_text((double)output->floor_bytes, wanted));
}

int rec_output_set_floor(struct rec_output *output, const struct rec_floor *floor,
			 struct cap_err *err)
{
	return output->is_stream ? 0 : place_floor(output, output->fd, floor, 0, err);
}

/* Space that --force frees: a file that somebody else still has open keeps its blocks. */
static u64 replaced_bytes(const struct rec_output *output)
{
	struct stat info;

	if (fstatat(output->directory_fd, output->name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(info.st_mode) || info.st_nlink != 1)
		return 0;
	return (u64)info.st_blocks * 512;
}

/* ulimit -f: known beforehand, so room for the end is kept below it too. */
static u64 size_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
		       ? (u64)limit.rlim_cur
		       : UINT64_MAX;
}

/* Says early what rec_output_open would refuse, without making or removing anything. */
static int check_file(const struct rec_output *output, const char *path, bool force,
		      struct cap_err *err)
{
	struct stat info;

	if (fstatat(output->directory_fd, output->name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!force || !S_ISREG(info.st_mode)))
		return refuse_existing(output, path, false, err);
	if (faccessat(output->directory_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return cap_fail_errno(err, errno, "output '%s': cannot write to its directory",
				      path);
	return 0;
}

/* The caller's id as given by sudo; -1 if there is none. */
static s64 sudo_id(const char *name)
{
	const char *text = secure_getenv(name);
	char *end;
	long long id;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	id = strtoll(text, &end, 10);
	return errno || *end || id > INT32_MAX ? -1 : id; /* (uid_t)-1 means "leave it" */
}

/*
 * A recording made with sudo belongs to the user who typed it and will read it without sudo. Only
 * if we really are root (not by a set-user-id bit), and only for the file just created.
 */
static void give_to_caller(int fd)
{
	s64 uid = sudo_id("SUDO_UID"), gid = sudo_id("SUDO_GID");

	if (geteuid() != 0 || getuid() != 0 || uid <= 0 || gid < 0)
		return;
	if (fchown(fd, (uid_t)uid, (gid_t)gid) < 0)
		return; /* it stays with root, and kymo says what to do */
}

static int open_file(struct rec_output *output, const char *path, bool force, struct cap_err *err)
{
	struct stat info;
	int rc = open_directory(output, path, force, err);

	if (rc == 0 && force)
		rc = remove_existing(output, path, err);
	if (rc < 0)
		return rc;
	output->fd = openat(output->directory_fd, output->name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (output->fd < 0 && errno == EEXIST)
		return refuse_existing(output, path, force, err);
	if (output->fd < 0)
		return cap_fail_errno(err, errno, "output '%s': cannot create it", path);
	if (fstat(output->fd, &info) < 0)
		return cap_fail_errno(err, errno, "output '%s'", path);
	output->device = info.st_dev;
	output->inode = info.st_ino;
	(void)fchmod(output->fd, 0600); /* an umask can only have made it stricter */
	give_to_caller(output->fd);
	output->can_reserve = true;
	output->max_bytes = size_limit();
	return 0;
}

static int check_stdout(struct stat *ret_info, struct cap_err *err)
{
	if (fstat(STDOUT_FILENO, ret_info) < 0)
		return cap_fail_errno(err, errno, "output '-': standard output");
	if (isatty(STDOUT_FILENO))
		return cap_fail(
			err, CAP_EUSAGE,
			"output '-': standard output is a terminal; pipe it into a program or a "
			"file, or give -o FILE");
	return 0;
}

static int open_stdout(struct rec_output *output, struct cap_err *err)
{
	struct stat info;
	int rc = check_stdout(&info, err);

	if (rc < 0)
		return rc;
	output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (output->fd < 0)
		return cap_fail_errno(err, errno, "output '-': standard output");
	output->is_stream = !S_ISREG(info.st_mode);
	if (S_ISFIFO(info.st_mode))
		(void)fcntl(output->fd, F_SETPIPE_SZ,
			    PIPE_BYTES); /* fewer switches; any size works */
	return 0;
}

static struct rec_output *output_new(void)
{
	struct rec_output *output = calloc(1, sizeof(*output));

	if (output) {
		output->fd = -1;
		output->directory_fd = -1;
		output->max_bytes = UINT64_MAX;
	}
	return output;
}

int rec_output_check(const char *path, bool force, const struct rec_floor *floor,
		     struct cap_err *err)
{
	CLEANUP(rec_output_freep) struct rec_output *output = NULL;
	struct stat info;
	int rc;

	if (strcmp(path, "-") == 0)
		return check_stdout(&info, err);
	output = output_new();
	if (!output)
		return cap_fail_errno(err, ENOMEM, "output '%s'", path);
	rc = open_directory(output, path, force, err);
	if (rc == 0)
		rc = check_file(output, path, force, err);
	if (rc < 0)
		return rc;
	rc = place_floor(output, output->directory_fd, floor, replaced_bytes(output), err);
	return rc < 0 ? rec_output_explain(output, path, rc, err) : 0;
}

int rec_output_open(const char *path, bool force, struct rec_output **ret_output,
		    struct cap_err *err)
{
	CLEANUP(rec_output_freep) struct rec_output *output = output_new();
	int rc;

	if (!output)
		return cap_fail_errno(err, ENOMEM, "output '%s'", path);
	rc = strcmp(path, "-") == 0 ? open_stdout(output, err)
				    : open_file(output, path, force, err);
	if (rc < 0)
		return rc;
	*ret_output = TAKE(output);
	return 0;
}

struct rec_output *rec_output_free(struct rec_output *output)
{
	if (!output)
		return NULL;
	cap_closep(&output->fd);
	cap_closep(&output->directory_fd);
	free(output);
	return NULL;
}

void rec_output_freep(struct rec_output **output)
{
	*output = rec_output_free(*output);
}

void rec_output_discard(struct rec_output *output)
{
	struct stat info;

	if (output->directory_fd < 0 || output->inode == 0)
		return;
	if (fstatat(output->directory_fd, output->name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	    info.st_dev == output->device && info.st_ino == output->inode)
		(void)unlinkat(output->directory_fd, output->name,
			       0); /* best effort: it is ours and empty */
}

int rec_output_explain(const struct rec_output *output, const char *path, int rc,
		       struct cap_err *err)
{
	struct cap_err inner = *err;
	char floor[32];

	if (rc == -EPIPE)
		return cap_fail(err, rc, "output closed by its reader");
	if (rc == -EIO || rc == -EROFS)
		return cap_fail(err, rc, "output '%s': %s; its disk is failing, see dmesg", path,
				inner.text);
	if (!rec_output_error_is_full(rc))
		return cap_context(err, rc, "output '%s'", path);
	if (output && rec_output_at_floor(output))
		(void)snprintf(inner.text, sizeof(inner.text),
			       "only %s are left, which must stay free",
			       cap_size_text((double)output->floor_bytes, floor));
	return cap_fail(err, rc, "output '%s': %s; make room, or record to another disk", path,
			inner.text);
}

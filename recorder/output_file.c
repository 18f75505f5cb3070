/*
 * The output of a recording. A name that exists is never followed, truncated or shared: the file is
 * made with O_EXCL in a directory held open by descriptor, and only a file with our device and
 * inode is ever removed.
 */
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "formats/cleanup.h"

#define RESERVE_BYTES (1ull << 20)	/* held back for the last blocks, INDEX and END */
#define RESERVE_STEP_BYTES (8ull << 20) /* how far ahead room is asked for at a time */
#define WRITE_BACK_BYTES (4ull << 20)	/* start write-back after this much */
#define SYNC_BYTES (64ull << 20)	/* fdatasync after this much */
#define SYNC_NS 5000000000ull		/* or this long */
#define FLOOR_BYTES (512ull << 20)
#define FLOOR_DIVISOR 20 /* 5 % of the file system */
#define PIPE_BYTES (1 << 20)

struct rec_output {
	int fd;
	int directory_fd; /* -1 for standard output */
	char name[NAME_MAX + 1];
	dev_t device;
	ino_t inode;
	bool is_stream;
	bool can_reserve;
	bool may_use_reserve;
	u64 floor_bytes;
	u64 unused_bytes; /* reserved and not written yet; atomic: any thread asks for free space */
	/* writer thread */
	u64 written_bytes, reserved_bytes, write_back_bytes, synced_bytes;
	u64 synced_ns;
};

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

/* Why the name is taken, in words that tell what can be done. */
static int refuse_existing(const struct rec_output *output, const char *path, bool force,
			   struct cap_err *err)
{
	struct stat info;

	if (fstatat(output->directory_fd, output->name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return cap_fail(err, -EEXIST, "output '%s' exists; use another name", path);
	if (!S_ISREG(info.st_mode))
		return cap_fail(
			err, -EEXIST,
			"output '%s' is %s; a capture is only written to a new regular file: use "
			"another name, or -o - for a pipe",
			path, kind_of(info.st_mode));
	if (force)
		return cap_fail(err, -EEXIST, "output '%s' was made by someone else just now",
				path);
	return cap_fail(err, -EEXIST, "output '%s' exists; use --force or another name", path);
}

static int remove_existing(const struct rec_output *output, const char *path, struct cap_err *err)
{
	struct stat info;

	if (fstatat(output->directory_fd, output->name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cap_fail_errno(err, errno, "output '%s'", path);
	if (!S_ISREG(info.st_mode))
		return refuse_existing(output, path, true, err);
	if (info.st_uid != geteuid() && geteuid() != 0)
		return cap_fail(err, -EPERM,
				"output '%s' belongs to user %u; --force replaces only own files",
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
		return cap_fail(
			err, CAP_EUSAGE,
			"output '%s': everybody may rename files in '%s'; use another directory, "
			"chmod +t it, or --force",
			path, directory);
	return 0;
}

static void set_floor(struct rec_output *output)
{
	struct statvfs space;
	u64 floor, available;

	if (fstatvfs(output->fd, &space) < 0 || space.f_blocks == 0)
		return; /* a file system that cannot tell has no floor; ENOSPC is then the only
			   bound */
	available = (u64)space.f_bavail * space.f_frsize;
	floor = (u64)space.f_blocks * space.f_frsize / FLOOR_DIVISOR;
	if (floor < FLOOR_BYTES)
		floor = FLOOR_BYTES;
	/* A disk that is small or nearly full already: leave half of what is free. */
	output->floor_bytes = floor < available / 2 ? floor : available / 2;
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
	(void)fchmod(output->fd, 0600);	   /* an umask can only have made it stricter */
	(void)fsync(output->directory_fd); /* some file systems cannot sync directories */
	output->can_reserve = true;
	set_floor(output);
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
	if (!output->is_stream)
		set_floor(output);
	return 0;
}

static struct rec_output *output_new(void)
{
	struct rec_output *output = calloc(1, sizeof(*output));

	if (output) {
		output->fd = -1;
		output->directory_fd = -1;
	}
	return output;
}

int rec_output_check(const char *path, bool force, struct cap_err *err)
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
	return rc < 0 ? rc : check_file(output, path, force, err);
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

int rec_output_fd(const struct rec_output *output)
{
	return output->fd;
}

bool rec_output_is_stream(const struct rec_output *output)
{
	return output->is_stream;
}

/* Room for `len` more bytes and for the end after them. -1 with errno ENOSPC when the disk has no
 * more. */
static int make_room(struct rec_output *output, unsigned long len)
{
	u64 wanted = output->written_bytes + len + (output->may_use_reserve ? 0 : RESERVE_BYTES);
	u64 ahead = wanted + RESERVE_STEP_BYTES;

	if (!output->can_reserve || wanted <= output->reserved_bytes || output->may_use_reserve)
		return 0;
	if (fallocate(output->fd, FALLOC_FL_KEEP_SIZE, (off_t)output->reserved_bytes,
		      (off_t)(ahead - output->reserved_bytes)) == 0) {
		output->reserved_bytes = ahead;
		return 0;
	}
	if (errno == ENOSPC &&
	    fallocate(output->fd, FALLOC_FL_KEEP_SIZE, (off_t)output->reserved_bytes,
		      (off_t)(wanted - output->reserved_bytes)) == 0) {
		output->reserved_bytes = wanted;
		return 0;
	}
	if (errno == ENOSPC)
		return -1;
	output->can_reserve = false; /* not supported here, or interrupted: writes will tell */
	return 0;
}

static void note_unused(struct rec_output *output)
{
	u64 unused = output->reserved_bytes > output->written_bytes
			     ? output->reserved_bytes - output->written_bytes
			     : 0;

	__atomic_store_n(&output->unused_bytes, unused, __ATOMIC_RELAXED);
}

long rec_output_write(void *context, int fd, const void *bytes, unsigned long len)
{
	struct rec_output *output = context;
	const char *from = bytes;
	unsigned long left = len;

	if (make_room(output, len) < 0)
		return -1;
	while (left > 0) {
		ssize_t written = write(fd, from, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written == 0)
			errno = EIO;
		if (written <= 0)
			return -1;
		from += written;
		left -= (unsigned long)written;
		output->written_bytes += (u64)written;
	}
	note_unused(output);
	return (long)len;
}

int rec_output_keep_synced(struct rec_output *output, u64 now_ns, struct cap_err *err)
{
	u64 unsynced = output->written_bytes - output->synced_bytes;

	if (output->is_stream)
		return 0;
	if (output->synced_ns == 0)
		output->synced_ns = now_ns;
	if (unsynced >= SYNC_BYTES || (unsynced > 0 && now_ns - output->synced_ns >= SYNC_NS)) {
		if (fdatasync(output->fd) < 0 && errno != EINVAL && errno != EROFS)
			return cap_fail_errno(err, errno, "sync output");
		output->synced_bytes = output->written_bytes;
		output->write_back_bytes = output->written_bytes;
		output->synced_ns = now_ns;
		return 0;
	}
	if (output->directory_fd >= 0 &&
	    output->written_bytes - output->write_back_bytes >= WRITE_BACK_BYTES) {
		/* Only a hint that spreads the work; errors come back from fdatasync. */
		(void)sync_file_range(output->fd, (off_t)output->write_back_bytes,
				      (off_t)(output->written_bytes - output->write_back_bytes),
				      SYNC_FILE_RANGE_WRITE);
		output->write_back_bytes = output->written_bytes;
	}
	return 0;
}

void rec_output_begin_end(struct rec_output *output)
{
	output->may_use_reserve = true;
}

int rec_output_low_on_space(const struct rec_output *output)
{
	struct statvfs space;

	if (output->floor_bytes == 0)
		return 0;
	if (fstatvfs(output->fd, &space) < 0)
		return -errno;
	/* What we hold back is still free, as far as the recording goes. */
	return (u64)space.f_bavail * space.f_frsize +
		       __atomic_load_n(&output->unused_bytes, __ATOMIC_RELAXED) <
	       output->floor_bytes;
}

u64 rec_output_floor_bytes(const struct rec_output *output)
{
	return output->floor_bytes;
}

int rec_output_close(struct rec_output *output, struct cap_err *err)
{
	int rc = 0;

	if (output->fd < 0)
		return 0;
	/* Frees blocks past the end; the size, and with it every byte written, stays. */
	if (output->reserved_bytes > output->written_bytes)
		(void)!ftruncate(output->fd,
				 (off_t)output->written_bytes); /* else blocks stay allocated */
	if (!output->is_stream && fdatasync(output->fd) < 0 && errno != EINVAL && errno != EROFS)
		rc = cap_fail_errno(err, errno, "sync output");
	if (close(output->fd) < 0 && rc == 0)
		rc = cap_fail_errno(err, errno, "close output");
	output->fd = -1;
	return rc;
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

/*
 * Writes the output of a recording: whole blocks or nothing, synced in time, with room held back
 * for a clean end. An error is reported once, and data that it may have lost is never taken as
 * written.
 */
#include "recorder/pipeline/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/pipeline/output_state.h"

#define RESERVE_STEP_BYTES (8ull << 20) /* how far ahead room is asked for at a time */
#define RESERVE_TRIES 8
#define WRITE_BACK_BYTES (4ull << 20) /* start write-back after this much */
#define SYNC_BYTES (64ull << 20)      /* fdatasync after this much */
#define SYNC_NS 5000000000ull	      /* or this long */
#define LOOK_BYTES (1ull << 20)	      /* look at free space after this much */
#define LOOK_NS 1000000000ull	      /* or this long */

/* Held back from what is written in each of enum rec_room: what comes after it must fit too. */
static const u64 held_back_bytes[] = {
	[REC_ROOM_RECORDING] = 1u << 20,
	[REC_ROOM_FACTS] = 256u << 10,
	[REC_ROOM_END] = 0,
};

int rec_output_fd(const struct rec_output *output)
{
	return output->fd;
}

bool rec_output_is_stream(const struct rec_output *output)
{
	return output->is_stream;
}

void rec_output_set_sync(struct rec_output *output, enum rec_sync sync)
{
	output->sync = sync;
}

void rec_output_use_room(struct rec_output *output, enum rec_room room)
{
	output->room = room;
}

bool rec_output_error_is_full(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG;
}

/* -------- room -------- */

static u64 unused_bytes(const struct rec_output *output)
{
	return output->reserved_bytes > output->written_bytes
		       ? output->reserved_bytes - output->written_bytes
		       : 0;
}

/* Compares what is free with the floor. Writer thread: a file system that hangs must not stop the
 * drain. */
static void look_at_space(struct rec_output *output)
{
	struct statvfs space;
	u64 free_bytes;

	output->looked_bytes = output->written_bytes;
	if (output->floor_bytes == 0 || fstatvfs(output->fd, &space) < 0)
		return; /* unknown now: writes will find out */
	/* Space held back counts as free for the recording. */
	free_bytes = (u64)space.f_bavail * space.f_frsize + unused_bytes(output);
	__atomic_store_n(&output->at_floor, free_bytes < output->floor_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&output->low_on_space,
			 free_bytes < output->floor_bytes + output->margin_bytes, __ATOMIC_RELAXED);
}

/* Some file systems start over after each signal, so retries are limited. */
static int reserve(struct rec_output *output, u64 until_bytes)
{
	int tries = 0;
	int rc;

	if (until_bytes <= output->reserved_bytes)
		return 0;
	do
		rc = fallocate(output->fd, FALLOC_FL_KEEP_SIZE, (off_t)output->reserved_bytes,
			       (off_t)(until_bytes - output->reserved_bytes));
	while (rc < 0 && errno == EINTR && ++tries < RESERVE_TRIES);
	if (rc == 0)
		output->reserved_bytes = until_bytes;
	return rc;
}

/* Room for `len` more bytes and for what must still fit after them. -1 with errno when there is
 * none. */
static int make_room(struct rec_output *output, unsigned long len)
{
	u64 wanted = output->written_bytes + len + held_back_bytes[output->room];

	if (wanted > output->max_bytes) {
		errno = EFBIG;
		return -1;
	}
	if (output->room == REC_ROOM_RECORDING && output->at_floor) {
		errno = ENOSPC;
		return -1;
	}
	if (!output->can_reserve || wanted <= output->reserved_bytes)
		return 0;
	if (output->room == REC_ROOM_RECORDING && reserve(output, wanted + RESERVE_STEP_BYTES) == 0)
		return 0;
	if (reserve(output, wanted) == 0)
		return 0;
	if (rec_output_error_is_full(-errno))
		return -1;
	if (errno != EINTR)
		output->can_reserve = false; /* not supported here */
	return 0;			     /* the write will tell */
}

/* -------- write -------- */

/* Whether to try again: after a signal, or when a descriptor that does not block takes more. */
static bool may_retry(int fd)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	if (errno == EAGAIN)
		return poll(&writable, 1, -1) >= 0 || errno == EINTR;
	return errno == EINTR;
}

static int write_whole(struct rec_output *output, int fd, const char *from, unsigned long len)
{
	while (len > 0) {
		ssize_t written = write(fd, from, len);

		if (written < 0 && may_retry(fd))
			continue;
		if (written == 0)
			errno = EIO;
		if (written <= 0)
			return -1;
		output->written_bytes += (u64)written;
		from += written;
		len -= (unsigned long)written;
	}
	return 0;
}

/* Cuts off the beginning of a block that failed, so that whatever follows, if only the end, comes
 * after a whole block. Leaves files alone that others may write to (standard output).
 */
static void cut_back(struct rec_output *output, u64 to_bytes)
{
	if (output->directory_fd < 0 || output->written_bytes == to_bytes)
		return;
	if (ftruncate(output->fd, (off_t)to_bytes) < 0 ||
	    lseek(output->fd, (off_t)to_bytes, SEEK_SET) < 0)
		return; /* readers pass over the torn block */
	output->written_bytes = to_bytes;
	output->reserved_bytes = to_bytes; /* went with the rest */
	if (output->can_reserve)
		(void)reserve(output, to_bytes + held_back_bytes[REC_ROOM_RECORDING]); /* or not */
}

long rec_output_write(void *context, int fd, const void *bytes, unsigned long len)
{
	struct rec_output *output = context;
	u64 begin_bytes = output->written_bytes;
	int error;

	if (make_room(output, len) < 0)
		return -1;
	if (write_whole(output, fd, bytes, len) == 0)
		return (long)len;
	error = errno;
	cut_back(output, begin_bytes);
	errno = error;
	return -1;
}

/* -------- sync -------- */

/* A descriptor without sync cannot report lost pages. */
static int sync_fd(int fd)
{
	int rc;

	do
		rc = fdatasync(fd);
	while (rc < 0 && errno == EINTR); /* it was not done, so nothing was forgotten */
	return rc < 0 && errno == EINVAL ? 0 : rc;
}

int rec_output_sync(struct rec_output *output, struct cap_err *err)
{
	if (output->is_stream || output->sync == REC_SYNC_NONE ||
	    output->synced_bytes == output->written_bytes)
		return 0;
	if (sync_fd(output->fd) < 0)
		return cap_fail_errno(err, errno, "bytes %llu to %llu may not be on the disk: sync",
				      (unsigned long long)output->synced_bytes,
				      (unsigned long long)output->written_bytes);
	output->synced_bytes = output->written_bytes;
	output->write_back_bytes = output->written_bytes;
	return 0;
}

int rec_output_sync_head(struct rec_output *output, struct cap_err *err)
{
	int rc = rec_output_sync(output, err);

	if (rc < 0 || output->sync == REC_SYNC_NONE || output->directory_fd < 0)
		return rc;
	/* Sync the name only now: if it survives a power loss, so do the first blocks. Only EIO is
	 * a real error here; others mean that directories cannot be synced. */
	if (fsync(output->directory_fd) < 0 && errno == EIO)
		return cap_fail_errno(err, errno, "sync its directory");
	return 0;
}

static bool sync_is_due(const struct rec_output *output, u64 now_ns)
{
	u64 unsynced = output->written_bytes - output->synced_bytes;

	if (output->sync == REC_SYNC_NONE || unsynced == 0)
		return false;
	return output->sync == REC_SYNC_CHUNK || unsynced >= SYNC_BYTES ||
	       now_ns - output->synced_ns >= SYNC_NS;
}

int rec_output_keep_synced(struct rec_output *output, u64 now_ns, struct cap_err *err)
{
	int rc;

	if (output->is_stream)
		return 0;
	if (now_ns - output->looked_ns >= LOOK_NS ||
	    output->written_bytes - output->looked_bytes >= LOOK_BYTES) {
		output->looked_ns = now_ns;
		look_at_space(output);
	}
	if (output->synced_ns == 0)
		output->synced_ns = now_ns;
	if (sync_is_due(output, now_ns)) {
		rc = rec_output_sync(output, err);
		output->synced_ns = now_ns;
		return rc;
	}
	if (output->sync == REC_SYNC_INTERVAL && output->directory_fd >= 0 &&
	    output->written_bytes - output->write_back_bytes >= WRITE_BACK_BYTES) {
		/* Only a hint that spreads the work; fdatasync reports errors. */
		(void)sync_file_range(output->fd, (off_t)output->write_back_bytes,
				      (off_t)(output->written_bytes - output->write_back_bytes),
				      SYNC_FILE_RANGE_WRITE);
		output->write_back_bytes = output->written_bytes;
	}
	return 0;
}

bool rec_output_low_on_space(const struct rec_output *output)
{
	return __atomic_load_n(&output->low_on_space, __ATOMIC_RELAXED);
}

bool rec_output_at_floor(const struct rec_output *output)
{
	return __atomic_load_n(&output->at_floor, __ATOMIC_RELAXED);
}

u64 rec_output_floor_bytes(const struct rec_output *output)
{
	return output->floor_bytes;
}

int rec_output_close(struct rec_output *output, struct cap_err *err)
{
	int rc;

	if (output->fd < 0)
		return 0;
	/* Frees blocks past the end; the size, and with it every byte written, stays. */
	if (unused_bytes(output) > 0)
		(void)!ftruncate(output->fd,
				 (off_t)output->written_bytes); /* else blocks stay allocated */
	rc = rec_output_sync(output, err);
	if (close(output->fd) < 0 && rc == 0)
		rc = cap_fail_errno(err, errno, "close");
	output->fd = -1;
	return rc;
}

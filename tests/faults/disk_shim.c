/*
 * A disk that misbehaves as it is told, between a program and its output file: LD_PRELOAD it.
 * The output is the file that the program makes with O_EXCL, or its standard output under the
 * number it is copied to (stdout).
 *
 * KYMO_DISK is a list of words separated by commas:
 *   trace=FILE          append a line per call: NAME OFFSET BYTES RESULT ERRNO NS THREAD
 *   fail=CALL:N:ERRNO   the N-th CALL (write, fdatasync, fsync, fallocate, ftruncate, close) fails
 *   forever             ... and all after it
 *   partly              a write that fails takes half of its bytes first, and then fails
 *   disk=BYTES          no more than these fit, allocated ones included
 *   noreserve           fallocate is not supported
 *   short=BYTES         a write takes at most so many
 *   eintr               every second write, fdatasync and fallocate is interrupted
 *   timer=US            SIGALRM so often, to one of the threads
 *   stall=FROM:MS       for MS milliseconds, from FROM ms on, calls on the output block
 *   stdout              the output is standard output
 *   real                what is synced is synced; else nothing waits for the disk of this machine
 *   fixed               random bytes and clocks are always the same
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum call { WRITE, FDATASYNC, FSYNC, FALLOCATE, FTRUNCATE, CLOSE, CALLS };
static const char *const call_names[CALLS] = {"write",	   "fdatasync", "fsync",
					      "fallocate", "ftruncate", "close"};

static struct {
	int trace_fd, output_fd;
	bool is_stdout, forever, partly, noreserve, eintr, fixed, real;
	enum call fail_call;
	long fail_at, fail_errno;
	int64_t disk_bytes, short_bytes, stall_from_ns, stall_ns;
	long counts[CALLS];
	int64_t begin_ns, end_bytes, allocated_bytes; /* of the output */
	unsigned turn;
} disk = {.trace_fd = -1, .output_fd = -1, .disk_bytes = -1};

static int64_t now_ns(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void on_alarm(int number)
{
	(void)number;
}

static void set_timer(long us)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
	struct itimerval every = {{0, us}, {0, us}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static void set_failure(char *text)
{
	char *at = strchr(text, ':');

	if (!at)
		abort();
	*at++ = '\0';
	disk.fail_call = CALLS;
	for (int i = 0; i < CALLS; i++)
		if (!strcmp(text, call_names[i]))
			disk.fail_call = (enum call)i;
	if (disk.fail_call == CALLS)
		abort();
	disk.fail_at = strtol(at, &at, 10);
	disk.fail_errno = strtol(at + 1, NULL, 10);
}

static void set_stall(const char *text)
{
	char *at;

	disk.stall_from_ns = strtoll(text, &at, 10) * 1000000;
	disk.stall_ns = strtoll(at + 1, NULL, 10) * 1000000;
}

static void set_word(char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (!strcmp(word, "trace"))
		disk.trace_fd = open(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	else if (!strcmp(word, "fail"))
		set_failure(value);
	else if (!strcmp(word, "disk"))
		disk.disk_bytes = atoll(value);
	else if (!strcmp(word, "short"))
		disk.short_bytes = atoll(value);
	else if (!strcmp(word, "timer"))
		set_timer(atol(value));
	else if (!strcmp(word, "stall"))
		set_stall(value);
	else if (!strcmp(word, "forever"))
		disk.forever = true;
	else if (!strcmp(word, "partly"))
		disk.partly = true;
	else if (!strcmp(word, "noreserve"))
		disk.noreserve = true;
	else if (!strcmp(word, "eintr"))
		disk.eintr = true;
	else if (!strcmp(word, "real"))
		disk.real = true;
	else if (!strcmp(word, "fixed"))
		disk.fixed = true;
	else if (!strcmp(word, "stdout"))
		disk.is_stdout = true;
	else
		abort();
}

static __attribute__((constructor)) void begin(void)
{
	const char *list = getenv("KYMO_DISK");
	char *copy = list ? strdup(list) : NULL;
	char *rest = copy;

	disk.begin_ns = now_ns();
	for (char *word; (word = strsep(&rest, ",")) != NULL;)
		if (*word)
			set_word(word);
	free(copy);
	if (disk.trace_fd >= 0)
		dprintf(disk.trace_fd, "loaded\n");
}

static bool is_output(int fd)
{
	return fd >= 0 && fd == disk.output_fd;
}

static long answer(enum call call, int64_t offset, int64_t bytes, long result, int error,
		   int64_t from_ns)
{
	if (disk.trace_fd >= 0)
		dprintf(disk.trace_fd, "%s %lld %lld %ld %d %lld %ld\n", call_names[call],
			(long long)offset, (long long)bytes, result, result < 0 ? error : 0,
			(long long)(from_ns - disk.begin_ns), syscall(SYS_gettid));
	errno = error;
	return result;
}

static void stall(void)
{
	int64_t until_ns = disk.begin_ns + disk.stall_from_ns + disk.stall_ns;

	if (disk.stall_ns == 0 || now_ns() < disk.begin_ns + disk.stall_from_ns)
		return;
	while (now_ns() < until_ns) {
		struct timespec some = {0, 5000000};

		syscall(SYS_nanosleep, &some, NULL);
	}
}

/* Counts the call; whether it is to fail, and how. */
static int planned_error(enum call call)
{
	long count = ++disk.counts[call];
	bool may_interrupt = disk.eintr && call <= FALLOCATE && call != FSYNC;

	if (disk.fail_errno != 0 && call == disk.fail_call &&
	    (count == disk.fail_at || (disk.forever && count > disk.fail_at)))
		return (int)disk.fail_errno;
	return may_interrupt && ++disk.turn % 2 ? EINTR : 0;
}

/* All that lies within the size of the output or was allocated to it is taken from the disk. */
static bool fits(int64_t end_bytes)
{
	return disk.disk_bytes < 0 || end_bytes <= disk.disk_bytes ||
	       end_bytes <= disk.allocated_bytes;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	int64_t from_ns = now_ns(), offset = disk.end_bytes;
	size_t take = len;
	long done;
	int error;

	if (!is_output(fd))
		return syscall(SYS_write, fd, bytes, len);
	stall();
	error = planned_error(WRITE);
	if (error && error != EINTR && disk.partly && take > 1) {
		disk.partly = false; /* the next one is the failure */
		disk.fail_at++;
		take /= 2;
		error = 0;
	}
	if (error)
		return answer(WRITE, offset, (int64_t)len, -1, error, from_ns);
	if (disk.short_bytes > 0 && take > (size_t)disk.short_bytes)
		take = (size_t)disk.short_bytes;
	if (!fits(offset + (int64_t)take)) {
		int64_t end = disk.disk_bytes > disk.allocated_bytes ? disk.disk_bytes
								     : disk.allocated_bytes;

		if (end <= offset)
			return answer(WRITE, offset, (int64_t)len, -1, ENOSPC, from_ns);
		take = (size_t)(end - offset);
	}
	done = syscall(SYS_write, fd, bytes, take);
	error = errno;
	if (done > 0)
		disk.end_bytes += done;
	return answer(WRITE, offset, (int64_t)len, done, error, from_ns);
}

int fdatasync(int fd)
{
	int64_t from_ns = now_ns();
	int error;

	if (!is_output(fd))
		return (int)syscall(SYS_fdatasync, fd);
	stall();
	error = planned_error(FDATASYNC);
	if (!error && disk.real && syscall(SYS_fdatasync, fd) < 0)
		error = errno;
	return (int)answer(FDATASYNC, disk.end_bytes, 0, error ? -1 : 0, error, from_ns);
}

int fsync(int fd)
{
	int64_t from_ns = now_ns();
	int error = planned_error(FSYNC);

	if (!error && disk.real && syscall(SYS_fsync, fd) < 0)
		error = errno;
	return (int)answer(FSYNC, 0, 0, error ? -1 : 0, error, from_ns);
}

/* Calls that cannot fail here, but are told of. */
static void tell(const char *name, int64_t offset, int64_t bytes)
{
	if (disk.trace_fd >= 0)
		dprintf(disk.trace_fd, "%s %lld %lld 0 0 %lld %ld\n", name, (long long)offset,
			(long long)bytes, (long long)(now_ns() - disk.begin_ns),
			syscall(SYS_gettid));
}

int sync_file_range(int fd, off_t offset, off_t bytes, unsigned flags)
{
	if (!is_output(fd))
		return 0;
	stall();
	tell("sync_file_range", offset, bytes);
	return disk.real ? (int)syscall(SYS_sync_file_range, fd, offset, bytes, flags) : 0;
}

int fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	int64_t from_ns = now_ns();
	int error;
	long rc;

	if (!is_output(fd))
		return (int)syscall(SYS_fallocate, fd, mode, offset, bytes);
	stall();
	error = planned_error(FALLOCATE);
	if (!error && disk.noreserve)
		error = EOPNOTSUPP;
	if (!error && !fits(offset + bytes))
		error = ENOSPC;
	if (error)
		return (int)answer(FALLOCATE, offset, bytes, -1, error, from_ns);
	rc = syscall(SYS_fallocate, fd, mode, offset, bytes);
	error = errno;
	if (rc == 0 && offset + bytes > disk.allocated_bytes)
		disk.allocated_bytes = offset + bytes;
	return (int)answer(FALLOCATE, offset, bytes, rc, error, from_ns);
}

int ftruncate(int fd, off_t bytes)
{
	int64_t from_ns = now_ns();
	int error;
	long rc;

	if (!is_output(fd))
		return (int)syscall(SYS_ftruncate, fd, bytes);
	stall();
	error = planned_error(FTRUNCATE);
	if (error)
		return (int)answer(FTRUNCATE, bytes, 0, -1, error, from_ns);
	rc = syscall(SYS_ftruncate, fd, bytes);
	error = errno;
	if (rc == 0) {
		disk.end_bytes = bytes; /* whoever cuts goes on there */
		disk.allocated_bytes = bytes;
	}
	return (int)answer(FTRUNCATE, bytes, 0, rc, error, from_ns);
}

int close(int fd)
{
	int64_t from_ns = now_ns();
	long rc;
	int error;

	if (!is_output(fd))
		return (int)syscall(SYS_close, fd);
	stall();
	disk.output_fd = -1;
	error = planned_error(CLOSE);
	rc = syscall(SYS_close, fd);
	return (int)answer(CLOSE, disk.end_bytes, 0, error ? -1 : rc, error, from_ns);
}

/* A disk that hangs hangs here too. */
int fstatvfs(int fd, struct statvfs *ret_space)
{
	char path[64];

	if (is_output(fd)) {
		stall();
		tell("fstatvfs", 0, 0);
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return statvfs(path, ret_space);
}

int openat(int directory, const char *path, int flags, ...)
{
	va_list list;
	mode_t mode = 0;
	int fd;

	va_start(list, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(list, mode_t);
	va_end(list);
	fd = (int)syscall(SYS_openat, directory, path, flags, mode);
	if (fd >= 0 && !disk.is_stdout && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		disk.output_fd = fd;
	return fd;
}

static int copied(int fd, int command, int result)
{
	if (disk.is_stdout && fd == STDOUT_FILENO && command == F_DUPFD_CLOEXEC)
		disk.output_fd = result;
	return result;
}

#define FORWARD_FCNTL(name)                                                                 \
	int name(int fd, int command, ...)                                                  \
	{                                                                                   \
		va_list list;                                                               \
		long argument;                                                              \
                                                                                            \
		va_start(list, command);                                                    \
		argument = va_arg(list, long);                                              \
		va_end(list);                                                               \
		return copied(fd, command, (int)syscall(SYS_fcntl, fd, command, argument)); \
	}
FORWARD_FCNTL(fcntl)
int fcntl64(int fd, int command, ...);
FORWARD_FCNTL(fcntl64)

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
	if (!disk.fixed)
		return syscall(SYS_getrandom, bytes, len, flags);
	memset(bytes, 0x5a, len);
	return (ssize_t)len;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	if (!disk.fixed)
		return (int)syscall(SYS_clock_gettime, clock, ret_time);
	*ret_time = (struct timespec){1767225600, 0};
	return 0;
}

/*
 * Preloaded into a recorder: keeps a copy of every byte of the capture whose write returned, where
 * kill -9 cannot take it back, and kills or slows down at places of a test's choice. The capture is
 * the descriptor that is first given a block's magic.
 *
 * - KYMO_SHADOW: file for the copy: u64 bytes acknowledged, then from SHADOW_DATA on the bytes
 * - KYMO_DIE_AT: write up to this byte of the capture, then SIGKILL
 * - KYMO_WRITE_MS: sleep so long before each write
 * - KYMO_SLOW_FROM: but only from this byte on
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SHADOW_DATA 4096u
#define SHADOW_BYTES (256ull << 20) /* sparse; what passes it is not copied */

static int capture_fd = -1;
static uint64_t done_bytes;
static uint8_t *shadow;

static ssize_t real_write(int fd, const void *bytes, size_t len)
{
	static ssize_t (*next)(int, const void *, size_t);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "write");
	return next(fd, bytes, len);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void open_shadow(void)
{
	const char *path = getenv("KYMO_SHADOW");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	if (ftruncate(fd, (off_t)SHADOW_BYTES) == 0)
		shadow = mmap(NULL, SHADOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shadow == MAP_FAILED)
		shadow = NULL;
	(void)close(fd);
}

static int is_capture(int fd, const void *bytes, size_t len)
{
	static const uint8_t magic[4] = {0x5B, 0x2A, 0x4D, 0x18};

	if (capture_fd < 0 && len >= 72 && memcmp(bytes, magic, 4) == 0) {
		capture_fd = fd;
		open_shadow();
	}
	return fd == capture_fd;
}

static void sleep_ms(uint64_t ms)
{
	struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000l};

	(void)nanosleep(&time, NULL);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	ssize_t done;
	uint64_t die_at;

	if (!is_capture(fd, bytes, len))
		return real_write(fd, bytes, len);
	if (done_bytes >= number_of("KYMO_SLOW_FROM", 0))
		sleep_ms(number_of("KYMO_WRITE_MS", 0));
	die_at = number_of("KYMO_DIE_AT", UINT64_MAX);
	if (done_bytes + len > die_at) {
		(void)!real_write(fd, bytes, (size_t)(die_at - done_bytes));
		(void)kill(getpid(), SIGKILL);
	}
	done = real_write(fd, bytes, len);
	if (done <= 0)
		return done;
	if (shadow && SHADOW_DATA + done_bytes + (uint64_t)done <= SHADOW_BYTES) {
		memcpy(shadow + SHADOW_DATA + done_bytes, bytes, (size_t)done);
		__atomic_store_n((uint64_t *)shadow, done_bytes + (uint64_t)done, __ATOMIC_RELEASE);
	}
	done_bytes += (uint64_t)done;
	return done;
}

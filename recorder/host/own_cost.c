/* Own cost from getrusage and /proc/self/statm. The kernel maintains both anyway; the only cost is
 * reading them once a second. */
#include "recorder/host/own_cost.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

static u64 timeval_ns(const struct timeval *time)
{
	return (u64)time->tv_sec * 1000000000ull + (u64)time->tv_usec * 1000ull;
}

static bool has_helper;
static clockid_t helper_clock;
static u64 helper_ns; /* as last read */

void rec_own_cost_add_helper(int pid)
{
	has_helper = clock_getcpuclockid(pid, &helper_clock) == 0;
}

void rec_own_cost_helper_ended(const struct rusage *usage)
{
	has_helper = false;
	helper_ns = timeval_ns(&usage->ru_utime) + timeval_ns(&usage->ru_stime);
}

u64 rec_own_helper_cpu_ns(void)
{
	struct timespec time;

	/* Between its end and our notice of it there is no such clock. */
	if (has_helper && clock_gettime(helper_clock, &time) == 0)
		helper_ns = (u64)time.tv_sec * 1000000000ull + (u64)time.tv_nsec;
	return helper_ns;
}

static u64 once_ns; /* of the main thread */

static u64 thread_cpu_ns(void)
{
	struct timespec time = {0};

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* always there */
	return (u64)time.tv_sec * 1000000000ull + (u64)time.tv_nsec;
}

u64 rec_own_once_begin(void)
{
	return thread_cpu_ns();
}

void rec_own_once_end(u64 begin)
{
	once_ns += thread_cpu_ns() - begin;
}

u64 rec_own_once_cpu_ns(void)
{
	return once_ns + rec_own_helper_cpu_ns();
}

/* Second number of statm: resident pages. */
u64 rec_own_rss_bytes(void)
{
	CLEANUP(cap_closep) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	char *space;
	ssize_t len;

	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	space = strchr(text, ' ');
	return space ? strtoull(space + 1, NULL, 10) * (u64)sysconf(_SC_PAGESIZE) : 0;
}

u64 rec_own_cpu_ns(void)
{
	struct rusage usage = {0};

	(void)getrusage(RUSAGE_SELF, &usage); /* cannot fail for ourselves */
	return timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime) - once_ns;
}

void rec_own_cost_read(struct rec_own_cost *ret_cost)
{
	struct rusage usage = {0};

	(void)getrusage(RUSAGE_SELF, &usage); /* cannot fail for ourselves */
	ret_cost->cpu_user_ns = timeval_ns(&usage.ru_utime) + rec_own_helper_cpu_ns();
	ret_cost->cpu_system_ns = timeval_ns(&usage.ru_stime);
	ret_cost->rss_bytes = rec_own_rss_bytes();
	ret_cost->peak_rss_bytes = (u64)usage.ru_maxrss * 1024; /* the kernel counts in KiB */
	if (ret_cost->peak_rss_bytes < ret_cost->rss_bytes)
		ret_cost->peak_rss_bytes = ret_cost->rss_bytes;
}

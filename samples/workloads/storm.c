/*
 * A storm of the cheapest system call, getppid, on chosen CPUs, and how many calls it made: the
 * load of the loss tests and of the benchmarks. Or of reads of no bytes, or of opening and closing.
 * One thread per CPU, pinned, nothing shared.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull
#define MAX_CPUS 256
#define BATCH 512 /* calls between two looks at the clock */

struct storm_args {
	double seconds;
	uint64_t calls;		 /* per CPU; 0: until the time is over */
	uint64_t rate_hz;	 /* per CPU; 0: as fast as possible */
	int cpu;		 /* -1: all this process may run on */
	const char *read, *open; /* a path; NULL: not this */
};

struct gust {
	const struct storm_args *args;
	pthread_t thread;
	int cpu;
	uint64_t calls, elapsed_ns, quickest_ns; /* the last: of a whole batch */
	int failed_errno;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void sleep_until(uint64_t at_ns)
{
	struct timespec ts = {.tv_sec = (time_t)(at_ns / NS_PER_S),
			      .tv_nsec = (long)(at_ns % NS_PER_S)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void call(const struct storm_args *args, int fd, uint64_t number)
{
	char byte, path[256];

	if (args->read) {
		(void)syscall(SYS_read, fd, &byte, 0);
	} else if (args->open) { /* in turn PATH0 to PATH999999 */
		(void)snprintf(path, sizeof(path), "%s%llu", args->open,
			       (unsigned long long)(number % 1000000));
		fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			(void)close(fd); /* only read */
	} else {
		(void)syscall(SYS_getppid);
	}
}

static void *gust_main(void *context)
{
	struct gust *gust = context;
	const struct storm_args *args = gust->args;
	uint64_t start_ns, end_ns, begin_ns, at_ns;
	int fd = args->read ? open(args->read, O_RDONLY | O_CLOEXEC) : -1;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(gust->cpu, &set);
	gust->failed_errno = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (gust->failed_errno)
		return NULL;
	start_ns = at_ns = now_ns();
	end_ns = start_ns + (uint64_t)(args->seconds * (double)NS_PER_S);
	while (at_ns < end_ns && (!args->calls || gust->calls < args->calls)) {
		uint64_t batch = BATCH;

		if (args->calls && args->calls - gust->calls < batch)
			batch = args->calls - gust->calls;
		for (uint64_t i = 0; i < batch; i++)
			call(args, fd, gust->calls + i);
		gust->calls += batch;
		begin_ns = at_ns;
		at_ns = now_ns();
		if (batch == BATCH && (!gust->quickest_ns || at_ns - begin_ns < gust->quickest_ns))
			gust->quickest_ns = at_ns - begin_ns;
		if (args->rate_hz) {
			uint64_t due_ns = start_ns + gust->calls * NS_PER_S / args->rate_hz;

			if (due_ns > at_ns + 200000) { /* shorter sleeps only cost */
				sleep_until(due_ns);
				at_ns = now_ns();
			}
		}
	}
	gust->elapsed_ns = at_ns - start_ns;
	if (fd >= 0)
		(void)close(fd); /* only read */
	return NULL;
}

static int parse_args(int argc, char **argv, struct storm_args *ret_args)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'},
		{"calls", required_argument, NULL, 'n'},
		{"rate", required_argument, NULL, 'r'},
		{"cpu", required_argument, NULL, 'c'},
		{"read", required_argument, NULL, 'R'},
		{"open", required_argument, NULL, 'O'},
		{NULL, 0, NULL, 0},
	};
	struct storm_args args = {.seconds = 60, .cpu = -1};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		char *end = NULL;
		double value;

		if (option == 'R' || option == 'O') {
			*(option == 'R' ? &args.read : &args.open) = optarg;
			continue;
		}
		value = optarg ? strtod(optarg, &end) : -1;

		if (!end || end == optarg || *end || !(value >= 0))
			return -EINVAL;
		if (option == 's')
			args.seconds = value;
		else if (option == 'n')
			args.calls = (uint64_t)value;
		else if (option == 'r')
			args.rate_hz = (uint64_t)value;
		else
			args.cpu = (int)value;
	}
	if (optind != argc)
		return -EINVAL;
	*ret_args = args;
	return 0;
}

static int run(const struct storm_args *args, struct gust *gusts, unsigned *ret_count)
{
	unsigned count = 0;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return -errno;
	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (CPU_ISSET(cpu, &allowed) && (args->cpu < 0 || args->cpu == cpu))
			gusts[count++] = (struct gust){.args = args, .cpu = cpu};
	}
	if (!count)
		return -ENODEV;
	for (unsigned i = 1; i < count; i++) {
		int rc = pthread_create(&gusts[i].thread, NULL, gust_main, &gusts[i]);

		if (rc)
			return -rc;
	}
	gust_main(&gusts[0]); /* last: it pins this thread, and new ones would inherit that */
	for (unsigned i = 1; i < count; i++)
		(void)pthread_join(gusts[i].thread, NULL);
	for (unsigned i = 0; i < count; i++) {
		if (gusts[i].failed_errno)
			return -gusts[i].failed_errno;
	}
	*ret_count = count;
	return 0;
}

int main(int argc, char **argv)
{
	static struct gust gusts[MAX_CPUS];
	struct storm_args args;
	uint64_t calls = 0, cpu_ns = 0, quickest_ns = UINT64_MAX;
	unsigned count = 0;
	int rc = parse_args(argc, argv, &args);

	if (rc < 0) {
		(void)fputs("usage: storm [--seconds S] [--calls N] [--rate HZ] [--cpu N] [--read "
			    "FILE | --open PATH]   (N and HZ per CPU)\n",
			    stderr);
		return 2;
	}
	rc = run(&args, gusts, &count);
	if (rc < 0) {
		(void)fprintf(stderr, "storm: %s\n", strerror(-rc));
		return 1;
	}
	for (unsigned i = 0; i < count; i++) {
		calls += gusts[i].calls;
		cpu_ns += gusts[i].elapsed_ns;
		if (gusts[i].quickest_ns && gusts[i].quickest_ns < quickest_ns)
			quickest_ns = gusts[i].quickest_ns;
	}
	(void)printf("{\"pid\": %d, \"calls\": %llu, \"ns_per_call\": %.2f, \"quickest_ns\": %.2f, "
		     "\"cpus\": {",
		     getpid(), (unsigned long long)calls,
		     calls ? (double)cpu_ns / (double)calls : 0.0,
		     quickest_ns < UINT64_MAX ? (double)quickest_ns / BATCH : 0.0);
	for (unsigned i = 0; i < count; i++)
		(void)printf("%s\"%d\": %llu", i ? ", " : "", gusts[i].cpu,
			     (unsigned long long)gusts[i].calls);
	(void)printf("}}\n");
	return fflush(stdout) ? 1 : 0;
}

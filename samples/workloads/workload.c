/*
 * A program whose doings are known: three hot functions with fixed shares of its CPU time and a
 * counted number of each system call. It prints the truth as one line of JSON when it ends, so that
 * a recording of it can be checked. Linked statically: the dynamic loader would add calls of its
 * own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload_args.h"

#define NS_PER_S 1000000000ull
#define UNIT_STEPS                                                                               \
	2000 /* about 5 us on a 2020s CPU: a round of 100 units is then well under a millisecond \
	      */
#define MAX_THREADS 64

enum counted { PREAD64, GETPPID, WRITE, OPENAT, SENDTO, RECVFROM, COUNTED };
static const char *const counted_names[COUNTED] = {
	"pread64", "getppid", "write", "openat", "sendto", "recvfrom",
};

struct worker {
	const struct workload_args *args;
	pthread_t thread;
	uint64_t calls[COUNTED];
	uint64_t openat_missing; /* of calls[OPENAT]: answered with ENOENT */
	uint64_t rounds;
	uint64_t state; /* keeps the compiler from dropping the work */
	int failed_errno;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts); /* cannot fail for these clocks */
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/*
 * One chain of dependent multiplications per unit: its time is the multiplier's latency and does
 * not depend on where the compiler puts the loop, so a unit costs the same in each hot function and
 * the shares are exact by construction.
 */
static inline __attribute__((always_inline)) uint64_t burn(uint64_t state, unsigned units)
{
	/* Asking for it makes a frame: compilers leave it out of leaf functions even with
	 * -fno-omit-frame-pointer, and a walk by frame pointers would then miss the caller. */
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	for (unsigned long step = 0; step < (unsigned long)units * UNIT_STEPS; step++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		__asm__ volatile("" : "+r"(state));
	}
	return state;
}

/* noinline and noclone: each must be a frame of its own. The empty asm after a call forbids the
 * tail call that would drop it. */
#ifdef __clang__ /* it makes no clones */
#define HOT __attribute__((noinline))
#else
#define HOT __attribute__((noinline, noclone))
#endif

uint64_t hot_half(uint64_t state);
uint64_t hot_third(uint64_t state);
uint64_t hot_fifth(uint64_t state);
uint64_t mix_round(uint64_t state);

HOT uint64_t hot_half(uint64_t state)
{
	return burn(state, 50);
}

HOT uint64_t hot_third(uint64_t state)
{
	return burn(state, 30);
}

HOT uint64_t hot_fifth(uint64_t state)
{
	return burn(state, 20);
}

HOT uint64_t mix_round(uint64_t state)
{
	state = hot_half(state);
	state = hot_third(state);
	state = hot_fifth(state);
	__asm__ volatile("" : "+r"(state));
	return state;
}

struct files {
	int data_fd, null_fd, pair[2];
};

static int files_open(struct worker *worker, struct files *ret_files)
{
	char name[] = "/tmp/kymo-workload-XXXXXX";

	ret_files->data_fd = mkstemp(name);
	worker->calls[OPENAT]++;
	if (ret_files->data_fd < 0)
		return -errno;
	(void)unlink(name);
	if (ftruncate(ret_files->data_fd, 4096) < 0)
		return -errno;
	ret_files->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	worker->calls[OPENAT]++;
	if (ret_files->null_fd < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_files->pair) < 0)
		return -errno;
	return 0;
}

static void files_close(const struct files *files)
{
	(void)close(files->data_fd); /* nothing in them is of use */
	(void)close(files->null_fd);
	(void)close(files->pair[0]);
	(void)close(files->pair[1]);
}

/* One call of each counted kind. */
static int call_each(struct worker *worker, const struct files *files)
{
	char buffer[64] = "kymo";

	if (pread(files->data_fd, buffer, sizeof(buffer), 128) != (ssize_t)sizeof(buffer))
		return -EIO;
	worker->calls[PREAD64]++;
	(void)syscall(SYS_getppid);
	worker->calls[GETPPID]++;
	if (write(files->null_fd, buffer, sizeof(buffer)) != (ssize_t)sizeof(buffer))
		return -EIO;
	worker->calls[WRITE]++;
	worker->calls[OPENAT]++;
	if (open("/nonexistent/kymo", O_RDONLY) >= 0 || errno != ENOENT)
		return -EIO;
	worker->openat_missing++;
	if (sendto(files->pair[0], buffer, 16, 0, NULL, 0) != 16)
		return -EIO;
	worker->calls[SENDTO]++;
	if (recvfrom(files->pair[1], buffer, 16, 0, NULL, NULL) != 16)
		return -EIO;
	worker->calls[RECVFROM]++;
	return 0;
}

/* Calls that should be done by now, so that they spread over the whole run. */
static uint64_t calls_due(const struct workload_args *args, uint64_t start_ns, uint64_t end_ns,
			  uint64_t at_ns)
{
	if (at_ns >= end_ns)
		return args->syscalls;
	if (args->rate_hz)
		return (at_ns - start_ns) * args->rate_hz / NS_PER_S;
	return (uint64_t)((double)args->syscalls * (double)(at_ns - start_ns) /
			  (double)(end_ns - start_ns));
}

static int run_mix(struct worker *worker, const struct files *files)
{
	const struct workload_args *args = worker->args;
	uint64_t start_ns = now_ns();
	uint64_t end_ns = start_ns + (uint64_t)(args->seconds * (double)NS_PER_S);
	uint64_t done = 0;
	int rc;

	for (;;) {
		uint64_t at_ns = now_ns();
		uint64_t due = args->cpu_only ? 0 : calls_due(args, start_ns, end_ns, at_ns);

		for (; done < due && done < args->syscalls; done++) {
			rc = call_each(worker, files);
			if (rc < 0)
				return rc;
		}
		if (at_ns >= end_ns)
			return 0;
		if (args->idle) {
			(void)usleep(1000); /* woken early: one more look at the clock */
			continue;
		}
		worker->state = mix_round(worker->state);
		worker->rounds++;
	}
}

static void *worker_main(void *context)
{
	struct worker *worker = context;
	struct files files;

	worker->failed_errno = -files_open(worker, &files);
	if (worker->failed_errno)
		return NULL;
	worker->failed_errno = -run_mix(worker, &files);
	files_close(&files);
	return NULL;
}

struct hanger {
	pthread_t thread;
	int pipe[2];
	int tid;
};

/* A thread that waits in read(2) until the end: what a hang looks like in a capture. */
static void *hanger_main(void *context)
{
	struct hanger *hanger = context;
	char byte;

	(void)prctl(PR_SET_NAME, "hanger");
	__atomic_store_n(&hanger->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (read(hanger->pipe[0], &byte, 1) < 0 && errno == EINTR)
		;
	return NULL;
}

static int hanger_start(struct hanger *hanger)
{
	int rc;

	if (pipe2(hanger->pipe, O_CLOEXEC) < 0)
		return -errno;
	rc = pthread_create(&hanger->thread, NULL, hanger_main, hanger);
	if (rc)
		return -rc;
	while (!__atomic_load_n(&hanger->tid, __ATOMIC_ACQUIRE))
		(void)usleep(100);
	return 0;
}

static void hanger_end(struct hanger *hanger)
{
	(void)close(hanger->pipe[1]); /* the read returns 0 */
	(void)pthread_join(hanger->thread, NULL);
	(void)close(hanger->pipe[0]);
}

/* Short-lived processes: a fork, an exec and an exit with status 3 each. */
static int spawn_children(unsigned long count)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)"exit 3", NULL};
	char *const envp[] = {NULL};

	for (unsigned long i = 0; i < count; i++) {
		int status;
		pid_t pid;
		int rc = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, envp);

		if (rc)
			return -rc;
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != 3)
			return -ECHILD;
	}
	return 0;
}

static int print_truth(const struct workload_args *args, const struct worker *workers,
		       int hanger_tid)
{
	uint64_t calls[COUNTED] = {0}, missing = 0, rounds = 0;
	char text[2048];
	int len;

	for (unsigned i = 0; i < args->threads; i++) {
		for (int kind = 0; kind < COUNTED; kind++)
			calls[kind] += workers[i].calls[kind];
		missing += workers[i].openat_missing;
		rounds += workers[i].rounds;
	}
	calls[WRITE]++; /* this line itself */

	len = snprintf(text, sizeof(text),
		       "{\"pid\": %d, \"threads\": %u, \"rounds\": %llu, \"spawned\": %lu, "
		       "\"cpu_ns\": %llu, ",
		       getpid(), args->threads, (unsigned long long)rounds, args->spawn,
		       (unsigned long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	if (hanger_tid)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "\"hanger_tid\": %d, ",
				hanger_tid);
	len += snprintf(
		text + len, sizeof(text) - (size_t)len,
		"\"shares_percent\": {\"hot_half\": 50, \"hot_third\": 30, \"hot_fifth\": 20}, "
		"\"errors\": {\"openat\": {\"ENOENT\": %llu}}, \"syscalls\": {",
		(unsigned long long)missing);
	for (int kind = 0; kind < COUNTED; kind++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s\"%s\": %llu",
				kind ? ", " : "", counted_names[kind],
				(unsigned long long)calls[kind]);
	len += snprintf(text + len, sizeof(text) - (size_t)len, "}}\n");
	return write(STDOUT_FILENO, text, (size_t)len) == len ? 0 : -EIO;
}

static int run(const struct workload_args *args)
{
	static struct worker workers[MAX_THREADS];
	struct hanger hanger = {.tid = 0};
	int rc = 0;

	if (args->hang)
		rc = hanger_start(&hanger);
	if (rc == 0)
		rc = spawn_children(args->spawn);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < args->threads; i++)
		workers[i] = (struct worker){.args = args, .state = i + 1};
	for (unsigned i = 1; i < args->threads; i++) {
		rc = -pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);
		if (rc < 0)
			return rc;
	}
	worker_main(&workers[0]);
	for (unsigned i = 1; i < args->threads; i++)
		(void)pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < args->threads; i++) {
		if (workers[i].failed_errno)
			return -workers[i].failed_errno;
	}
	if (args->hang)
		hanger_end(&hanger);
	return print_truth(args, workers, hanger.tid);
}

int main(int argc, char **argv)
{
	struct workload_args args;
	int rc = workload_args_parse(argc, argv, MAX_THREADS, &args);

	if (rc)
		return rc;
	rc = run(&args);
	if (rc < 0) {
		(void)fprintf(stderr, "workload: %s\n", strerror(-rc));
		return 1;
	}
	return 0;
}

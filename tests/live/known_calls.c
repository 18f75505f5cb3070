/*
 * Makes system calls and says afterwards how many, by process and number, as one line of JSON:
 * threads that call as fast as they can, children that live for about a millisecond, and, if asked,
 * each number of a range that is no system call. No other call here has one of the numbers told.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull
#define MAX_THREADS 64
#define MAX_CHILDREN 20000
#define CALLS_PER_CHILD 200
#define FIRST_NUMBER 100000 /* far beyond all tables */

struct caller {
	pthread_t thread;
	uint64_t end_ns, calls; /* until then, or as many rounds, if not 0 */
	uint64_t rounds;
};

struct children {
	pthread_t thread;
	uint64_t end_ns;
	size_t count;
	pid_t pids[MAX_CHILDREN];
};

static struct children children;

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* no system call: the vDSO's */
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* 16 calls a round: 12 getppid, 2 getuid, close and getpgid that fail. */
static void *call(void *context)
{
	struct caller *caller = context;

	while ((caller->calls && caller->rounds < caller->calls) ||
	       (!caller->calls && now_ns() < caller->end_ns)) {
		for (int i = 0; i < 12; i++)
			(void)syscall(SYS_getppid);
		(void)syscall(SYS_getuid);
		(void)syscall(SYS_close, -1);
		(void)syscall(SYS_getuid);
		(void)syscall(SYS_getpgid, INT_MAX);
		caller->rounds++;
	}
	return NULL;
}

static void *bear_children(void *context)
{
	struct children *all = context;

	while (all->count < MAX_CHILDREN && now_ns() < all->end_ns) {
		pid_t pid = fork();

		if (pid == 0) {
			for (int i = 0; i < CALLS_PER_CHILD; i++)
				(void)syscall(SYS_getppid);
			_exit(0);
		}
		if (pid < 0)
			break;
		all->pids[all->count++] = pid;
		(void)waitpid(pid, NULL, 0);
	}
	return NULL;
}

static void print_truth(const struct caller *callers, int thread_count, long numbers)
{
	uint64_t rounds = 0;

	for (int i = 0; i < thread_count; i++)
		rounds += callers[i].rounds;
	printf("{\"pid\": %d, \"getppid\": %llu, \"getuid\": %llu, \"close_failed\": %llu, "
	       "\"getpgid_failed\": %llu, \"threads\": %d, \"numbers\": %ld, "
	       "\"first_number\": %d, \"calls_per_child\": %d, \"children\": [",
	       (int)getpid(), 12ull * rounds, 2ull * rounds, 1ull * rounds, 1ull * rounds,
	       thread_count, numbers, FIRST_NUMBER, CALLS_PER_CHILD);
	for (size_t i = 0; i < children.count; i++)
		printf("%s%d", i ? ", " : "", (int)children.pids[i]);
	printf("]}\n");
}

int main(int argc, char **argv)
{
	static struct caller callers[MAX_THREADS];
	double seconds = 1;
	long threads = 2, numbers = 0, rounds = 0;
	bool with_children = false;
	int option;

	while ((option = getopt(argc, argv, "s:t:n:r:c")) != -1) {
		if (option == 's')
			seconds = strtod(optarg, NULL);
		else if (option == 't')
			threads = strtol(optarg, NULL, 10);
		else if (option == 'n')
			numbers = strtol(optarg, NULL, 10);
		else if (option == 'r')
			rounds = strtol(optarg, NULL, 10);
		else if (option == 'c')
			with_children = true;
		else
			return 2;
	}
	if (threads < 0 || threads > MAX_THREADS || seconds < 0 || seconds > 60)
		return 2;
	children.end_ns = now_ns() + (uint64_t)(seconds * (double)NS_PER_S);
	for (int i = 0; i < threads; i++) {
		callers[i].end_ns = children.end_ns;
		callers[i].calls = (uint64_t)rounds;
		if (pthread_create(&callers[i].thread, NULL, call, &callers[i]) != 0)
			return 1;
	}
	if (with_children && pthread_create(&children.thread, NULL, bear_children, &children) != 0)
		return 1;
	if (numbers) /* half-way: the recorder is there by then */
		(void)usleep((useconds_t)(seconds * 5e5));
	for (long i = 0; i < numbers; i++)
		(void)syscall(FIRST_NUMBER + i);
	for (int i = 0; i < threads; i++)
		(void)pthread_join(callers[i].thread, NULL);
	if (with_children)
		(void)pthread_join(children.thread, NULL);
	print_truth(callers, (int)threads, numbers);
	return 0;
}

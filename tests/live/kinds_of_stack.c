/*
 * Spins on stacks of each kind, for a profiler to sample: spin() is called by a known chain of
 * functions. Compiled without frame pointers. Usage: kinds_of_stack KIND SECONDS; the kinds are in
 * main().
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __clang__ /* which makes no copies of functions, and knows no such attribute */
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif
#define ALT_BYTES (256u << 10)

static double seconds;
static volatile uint64_t sink;

NOINLINE static void spin(void)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		for (int i = 0; i < 100000; i++)
			sink += (uint64_t)i;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9 <
		 seconds);
}

NOINLINE static int inner(int x)
{
	spin();
	return x + 1;
}

NOINLINE static int middle(int x)
{
	volatile char room[100];

	room[x] = 1;
	return inner(x) + room[x];
}

/* About 1 KiB a call. */
NOINLINE static int recurse(int depth)
{
	volatile char room[1000];

	room[depth % 1000] = 1;
	return (depth ? recurse(depth - 1) : middle(1)) + room[depth % 1000];
}

/* The frame's size is known at run time only: the CFA is kept in another register. */
NOINLINE static int alloca_frame(int bytes)
{
	volatile char *room = __builtin_alloca((size_t)bytes);

	room[bytes - 1] = 1;
	return middle(1) + room[bytes - 1];
}

static void on_signal(int number)
{
	(void)number;
	sink += (uint64_t)middle(2);
}

NOINLINE static int raise_it(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	return (int)sink;
}

static void *in_thread(void *argument)
{
	(void)argument;
	sink += (uint64_t)middle(3);
	return NULL;
}

static ucontext_t main_context, other_context;

static void in_context(void)
{
	sink += (uint64_t)middle(4);
}

static void *anonymous(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(1);
	return memory;
}

static int run(const char *kind)
{
	stack_t other = {.ss_sp = anonymous(ALT_BYTES), .ss_size = ALT_BYTES};
	pthread_t thread;

	if (strcmp(kind, "main") == 0)
		return middle(1);
	if (strcmp(kind, "deep") == 0)
		return recurse(200);
	if (strcmp(kind, "shallow") == 0)
		return recurse(10);
	if (strcmp(kind, "alloca") == 0)
		return alloca_frame(500 + (int)seconds);
	if (strcmp(kind, "signal") == 0)
		return raise_it(0);
	if (strcmp(kind, "sigaltstack") == 0) {
		sigaltstack(&other, NULL);
		return raise_it(SA_ONSTACK);
	}
	if (strcmp(kind, "thread") == 0)
		return pthread_create(&thread, NULL, in_thread, NULL) || pthread_join(thread, NULL);
	if (strcmp(kind, "makecontext") == 0) {
		getcontext(&other_context);
		other_context.uc_stack = other;
		other_context.uc_link = &main_context;
		makecontext(&other_context, in_context, 0);
		return swapcontext(&main_context, &other_context);
	}
	fprintf(stderr, "unknown kind '%s'\n", kind);
	return -1;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	seconds = strtod(argv[2], NULL);
	return run(argv[1]) < 0;
}

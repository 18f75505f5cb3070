/*
 * Functions that the compiler inlines into each other, for tests of source lines: each line that is
 * expected on a stack ends in a comment with its name.
 *
 *     inlined_code CPU_SECONDS
 */
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sink;

static inline __attribute__((always_inline)) void inner(void)
{
	for (int i = 0; i < 3000000; i++)
		sink += (unsigned long)i; /* LINE inner */
}

static inline __attribute__((always_inline)) void middle(void)
{
	inner(); /* LINE middle */
}

static __attribute__((noinline)) double outer(void)
{
	struct timespec now;

	middle(); /* LINE outer */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.5;

	while (outer() < seconds) /* LINE main */
		;
	return 0;
}

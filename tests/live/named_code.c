/*
 * Code that tests of names record: spends CPU time in functions with known names, a fixed amount,
 * so that it gets about as many samples on a busy machine as on a quiet one.
 *
 *     named_code CPU_SECONDS [jit TEXT]
 *
 * jit: in code that it makes at run time. It prints "ready PID ADDRESS BYTES" and waits for a line
 * on standard input, so that a test can write its perf map first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef void (*loop_fn)(void);

static double cpu_seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static __attribute__((noinline)) void named_leaf(void)
{
	for (int i = 0; i < 2000000; i++)
		__asm__ volatile("");
}

static __attribute__((noinline)) void named_middle(loop_fn loop)
{
	loop();
	__asm__ volatile(""); /* no tail call */
}

static loop_fn make_code(size_t *ret_bytes)
{
#if defined(__x86_64__)
	/* push rbp; mov rbp, rsp; mov ecx, 2000000; 1: dec rcx; jnz 1b; pop rbp; ret */
	static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0x80, 0x84, 0x1e,
					     0x00, 0x48, 0xff, 0xc9, 0x75, 0xfb, 0x5d, 0xc3};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memcpy(page, code, sizeof(code));
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0)
		return NULL;
	*ret_bytes = sizeof(code);
	return (loop_fn)page;
#else
	(void)ret_bytes;
	return NULL;
#endif
}

int main(int argc, char **argv)
{
	double until = argc > 1 ? atof(argv[1]) : 0.5;
	loop_fn loop = named_leaf;
	size_t bytes = 0;
	char line[64];

	if (argc > 2 && !strcmp(argv[2], "jit")) {
		loop = make_code(&bytes);
		if (!loop)
			return 77;
		printf("ready %d %lx %zx\n", (int)getpid(), (unsigned long)loop, bytes);
		(void)fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 1;
	}
	while (cpu_seconds() < until)
		named_middle(loop);
	printf("{\"pid\": %d}\n", (int)getpid());
	return 0;
}

/*
 * Works in a function whose name is known, in each of the ways in which a program can make it hard
 * to tell whose code that is. It uses CPU time, not time, so that samples of it are as many on a
 * busy machine.
 *
 *   known_code MODE CPU_MS [PROGRAM ARGUMENTS...]
 *
 *   work     works
 *   then     works, then becomes PROGRAM
 *   thread   the same, but another thread than the first becomes it
 *   vfork    PROGRAM first, as a child that shares the memory until it executes; then works
 *   orphan   the first thread ends, another works
 *   moved    works after its code was moved to anonymous memory at the same address
 *   storm    maps a page of itself executable CPU_MS times; prints how often
 *   no-query PROGRAM, to which the kernel is one without PROCMAP_QUERY (before 6.11)
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __clang__ /* which makes no copies of functions, and knows no such attribute */
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

#define PAGE 4096ul
#define PROCMAP_QUERY_IOCTL 0xc0686611u

static volatile unsigned long sink;
static long cpu_ms;
static char **program;

static long used_ms(void)
{
	struct timespec used;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

NOINLINE static void known_function(void)
{
	for (long end_ms = used_ms() + cpu_ms; used_ms() < end_ms;)
		for (unsigned long i = 0; i < 2000000; i++)
			sink += i;
}

static int become(void)
{
	execv(program[0], program);
	perror(program[0]);
	return 127;
}

static void *become_in_thread(void *unused)
{
	(void)unused;
	known_function();
	exit(become());
}

static void *work_in_thread(void *unused)
{
	(void)unused;
	known_function();
	return NULL;
}

static int in_thread(void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL) != 0)
		return 1;
	if (run == work_in_thread)
		pthread_exit(NULL);
	(void)pthread_join(thread, NULL);
	return 1; /* another program goes on here */
}

static int child_first(void)
{
	int status = 1;
	pid_t child = vfork();

	if (child == 0) {
		execv(program[0], program);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	known_function();
	return status != 0;
}

static unsigned long text_start, text_bytes;

static int find_text(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		unsigned long at = info->dlpi_addr + header->p_vaddr;

		if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
			continue;
		text_start = at & -PAGE;
		text_bytes = ((at + header->p_memsz + PAGE - 1) & -PAGE) - text_start;
	}
	return 1; /* the program comes first, and is enough */
}

/* Once the old mapping is gone only the copy is there, which is the same: so this goes on, as long
 * as it calls nothing. */
__attribute__((noinline)) static long replace(void *copy)
{
#ifdef __x86_64__
	register unsigned long flags __asm__("r10") = MREMAP_MAYMOVE | MREMAP_FIXED;
	register unsigned long to __asm__("r8") = text_start;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_mremap), "D"(copy), "S"(text_bytes), "d"(text_bytes), "r"(flags),
			   "r"(to)
			 : "rcx", "r11", "memory");
	return result;
#else
	register unsigned long x0 __asm__("x0") = (unsigned long)copy,
				  x1 __asm__("x1") = text_bytes;
	register unsigned long x2 __asm__("x2") = text_bytes;
	register unsigned long x3 __asm__("x3") = MREMAP_MAYMOVE | MREMAP_FIXED;
	register unsigned long x4 __asm__("x4") = text_start, x8 __asm__("x8") = SYS_mremap;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8)
			 : "memory");
	return (long)x0;
#endif
}

static int move_code(void)
{
	void *copy;

	dl_iterate_phdr(find_text, NULL);
	copy = mmap(NULL, text_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return 1;
	memcpy(copy, (void *)text_start, text_bytes); /* NOLINT: an address from the loader */
	if (mprotect(copy, text_bytes, PROT_READ | PROT_EXEC) < 0)
		return 1;
	__builtin___clear_cache(copy, (char *)copy + text_bytes);
	if (replace(copy) != (long)text_start)
		return 1;
	/* What huge pages need as well: after this the kernel tells of it. */
	if (mprotect((void *)text_start, text_bytes, PROT_READ | PROT_WRITE | PROT_EXEC) < 0 ||
	    mprotect((void *)text_start, text_bytes, PROT_READ | PROT_EXEC) < 0)
		return 1;
	known_function();
	return 0;
}

static int storm(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long made = 0;

	for (long i = 0; i < cpu_ms; i++) {
		void *page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		if (page == MAP_FAILED)
			continue;
		made++;
		(void)munmap(page, PAGE);
	}
	printf("%ld\n", made);
	return 0;
}

static int without_query(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROCMAP_QUERY_IOCTL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog code = {sizeof(filter) / sizeof(*filter), filter};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code) == 0 ? become() : 1;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";

	cpu_ms = argc > 2 ? atol(argv[2]) : 0;
	program = argv + 3;
	if (!strcmp(mode, "work"))
		return known_function(), 0;
	if (!strcmp(mode, "orphan"))
		return in_thread(work_in_thread);
	if (!strcmp(mode, "moved"))
		return move_code();
	if (!strcmp(mode, "storm"))
		return storm();
	if (argc < 4)
		return 2;
	if (!strcmp(mode, "then"))
		return known_function(), become();
	if (!strcmp(mode, "thread"))
		return in_thread(become_in_thread);
	if (!strcmp(mode, "vfork"))
		return child_first();
	if (!strcmp(mode, "no-query"))
		return without_query();
	return 2;
}

/*
 * Preloaded into a program: runs its main once for each k, in a child made by fork, with the k-th
 * allocation failing (once, or from there on for ever), and writes down how each run ended and what
 * it left allocated. The program is loaded and linked once, so that thousands of k take seconds.
 *
 * - KYMO_ALLOC_RESULTS: file for the results, a line per run (see put_line); in the first run
 * nothing fails
 * - KYMO_ALLOC_LIST: file with the k to run, one a line
 * - KYMO_ALLOC_MODE: once or ever
 * - KYMO_ALLOC_SITES: file for the code that asked, a u64 for each allocation of the first run
 * - KYMO_ALLOC_KEEP: directory for what a run leaves in the current directory, as K.NAME; where it
 * is not set, that is removed
 *
 * Blocks carry a header, so that what a run did not free is known with the code that asked for it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAGIC 0x6b796d6f616c6c6full
#define MAX_SITES 512
#define MAX_NOTED (1u << 20) /* allocations whose site is noted */
#define MAX_SECONDS 20	     /* a run that takes longer hangs */
#define TEXT_BYTES 4096	     /* notes come before the error */

/* glibc's own, which preloading does not hide */
extern void *__libc_malloc(size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

struct header {
	struct header *next, *previous;
	void *site;
	size_t size;
	void *start; /* what the allocator gave */
	uint64_t magic;
} __attribute__((aligned(16)));

struct site {
	void *at;
	uint64_t blocks;
};

/* Shared with the child */
struct outcome {
	uint64_t asked; /* allocations */
	bool returned;	/* main came back, and the sites are those at that moment */
	size_t site_count;
	struct site sites[MAX_SITES];
};

static struct header blocks = {.next = &blocks, .previous = &blocks};
static int lock;
static bool armed, for_ever;
static uint64_t fail_at; /* 0: none */
static struct outcome *outcome, first_outcome;
static uint64_t *noted; /* shared with the child; NULL: not wanted, or no longer */
static int (*program_main)(int, char **, char **);

static void take_lock(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		;
}

static void drop_lock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static bool fails(void *site)
{
	uint64_t number;

	if (!armed)
		return false;
	number = __atomic_add_fetch(&outcome->asked, 1, __ATOMIC_RELAXED);
	if (noted && number <= MAX_NOTED)
		noted[number - 1] = (uint64_t)(uintptr_t)site;
	if (fail_at == 0 || number < fail_at || (number > fail_at && !for_ever))
		return false;
	errno = ENOMEM;
	return true;
}

static void *allocate(size_t alignment, size_t size, void *site)
{
	size_t room = alignment > sizeof(struct header) ? alignment : sizeof(struct header);
	struct header *header;
	char *start;

	if (fails(site) || size > SIZE_MAX - 2 * room) {
		errno = ENOMEM;
		return NULL;
	}
	start = alignment > 16 ? __libc_memalign(alignment, size + room)
			       : __libc_malloc(size + room);
	if (!start)
		return NULL;
	header = (struct header *)(start + room) - 1;
	*header = (struct header){.site = site, .size = size, .start = start, .magic = MAGIC};
	take_lock();
	header->next = blocks.next;
	header->previous = &blocks;
	blocks.next->previous = header;
	blocks.next = header;
	drop_lock();
	return start + room;
}

static struct header *header_of(void *block)
{
	struct header *header = (struct header *)block - 1;

	return header->magic == MAGIC ? header : NULL;
}

void *malloc(size_t size)
{
	return allocate(16, size, __builtin_return_address(0));
}

void free(void *block)
{
	struct header *header = block ? header_of(block) : NULL;

	if (!block)
		return;
	if (!header) {
		__libc_free(block);
		return;
	}
	take_lock();
	header->next->previous = header->previous;
	header->previous->next = header->next;
	drop_lock();
	header->magic = 0;
	__libc_free(header->start);
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	block = allocate(16, bytes, __builtin_return_address(0));
	return block ? memset(block, 0, bytes) : NULL;
}

static void *resize(void *old, size_t size, void *site)
{
	struct header *header = old ? header_of(old) : NULL;
	void *block;

	if (old && size == 0) {
		free(old);
		return NULL;
	}
	if (old && !header)
		abort(); /* from before us: cannot be, all of libc comes here */
	block = allocate(16, size, site);
	if (block && old) {
		memcpy(block, old, header->size < size ? header->size : size);
		free(old);
	}
	return block;
}

void *realloc(void *old, size_t size)
{
	return resize(old, size, __builtin_return_address(0));
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return resize(old, bytes, __builtin_return_address(0));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return allocate(alignment, size, __builtin_return_address(0));
}

void *memalign(size_t alignment, size_t size)
{
	return allocate(alignment, size, __builtin_return_address(0));
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	void *block = allocate(alignment, size, __builtin_return_address(0));

	if (!block)
		return ENOMEM;
	*ret_block = block;
	return 0;
}

size_t malloc_usable_size(void *block)
{
	struct header *header = block ? header_of(block) : NULL;

	return header ? header->size : 0;
}

/* -------- in the child -------- */

static void count_sites(void)
{
	for (struct header *header = blocks.next; header != &blocks; header = header->next) {
		size_t i = 0;

		while (i < outcome->site_count && outcome->sites[i].at != header->site)
			i++;
		if (i == MAX_SITES)
			continue;
		if (i == outcome->site_count)
			outcome->sites[outcome->site_count++] = (struct site){header->site, 0};
		outcome->sites[i].blocks++;
	}
}

/* The program's own children: what they do without memory is told in another test (S14), and their
 * share would make k depend on which of the two is faster. */
static void disarm(void)
{
	armed = false;
}

static void __attribute__((noreturn))
run_child(int argc, char **argv, char **envp, int output, int messages)
{
	int status;

	(void)alarm(MAX_SECONDS);
	(void)pthread_atfork(NULL, NULL, disarm);
	(void)dup2(output, STDOUT_FILENO);
	(void)dup2(messages, STDERR_FILENO);
	armed = true;
	status = program_main(argc, argv, envp);
	armed = false;
	(void)fclose(stdout); /* its buffer comes and goes with the first output */
	count_sites();
	outcome->returned = true;
	_exit(status);
}

/* -------- in the parent, which allocates nothing of its own between the runs -------- */

static uint64_t hash_of(int fd)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	unsigned char bytes[65536];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(fd, bytes, sizeof(bytes), at)) > 0) {
		for (ssize_t i = 0; i < got; i++)
			hash = (hash ^ bytes[i]) * 0x100000001b3ull;
		at += got;
	}
	return hash;
}

static uint64_t blocks_at(const struct outcome *of, const void *site)
{
	for (size_t i = 0; i < of->site_count; i++)
		if (of->sites[i].at == site)
			return of->sites[i].blocks;
	return 0;
}

/* "module+0xoffset*blocks,..." of what was not freed, though the whole run frees it; "-": nothing
 */
static void put_leaks(FILE *results)
{
	bool any = false;

	for (size_t i = 0; outcome->returned && i < outcome->site_count; i++) {
		const struct site *site = &outcome->sites[i];
		uint64_t usual = blocks_at(&first_outcome, site->at);
		Dl_info info = {0};

		if (site->blocks <= usual)
			continue;
		(void)dladdr(site->at, &info);
		(void)fprintf(results, "%s%s+0x%lx*%lu", any ? "," : "",
			      info.dli_fname ? info.dli_fname : "?",
			      (unsigned long)((char *)site->at - (char *)info.dli_fbase),
			      (unsigned long)(site->blocks - usual));
		any = true;
	}
	if (!any)
		(void)fputc('-', results);
}

/* "name:hash:bytes,..." of the files in the current directory, which are moved or removed; "-":
 * none */
static void put_files(FILE *results, const char *keep, uint64_t k)
{
	DIR *directory = opendir(".");
	struct dirent *entry;
	bool any = false;

	while (directory && (entry = readdir(directory)) != NULL) {
		char path[PATH_MAX];
		struct stat info = {0};
		int fd = open(entry->d_name, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
			(void)fprintf(results, "%s%s:%016lx:%ld", any ? "," : "", entry->d_name,
				      (unsigned long)hash_of(fd), (long)info.st_size);
			(void)snprintf(path, sizeof(path), "%s/%lu.%s", keep ? keep : "",
				       (unsigned long)k, entry->d_name);
			(void)(keep ? rename(entry->d_name, path) : unlink(entry->d_name));
			any = true;
		}
		if (fd >= 0)
			(void)close(fd);
	}
	if (directory)
		(void)closedir(directory);
	if (!any)
		(void)fputc('-', results);
}

static void put_text(FILE *results, int fd)
{
	char text[TEXT_BYTES];
	ssize_t got = pread(fd, text, sizeof(text), 0);

	for (ssize_t i = 0; i < got; i++)
		(void)fputc(text[i] == '\n' ? '|' : text[i] == '\t' ? ' ' : text[i], results);
}

/* k, allocations, exit status or -signal, leaks, hash of standard output, files, messages; tabs
 * between */
static void put_line(FILE *results, uint64_t k, int status, int output, int messages)
{
	(void)fprintf(results, "%lu\t%lu\t%d\t", (unsigned long)k, (unsigned long)outcome->asked,
		      WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
	put_leaks(results);
	(void)fprintf(results, "\t%016lx\t", (unsigned long)hash_of(output));
	put_files(results, getenv("KYMO_ALLOC_KEEP"), k);
	(void)fputc('\t', results);
	put_text(results, messages);
	(void)fputc('\n', results);
}

static void open_noted(void)
{
	const char *path = getenv("KYMO_ALLOC_SITES");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	void *map;

	if (fd < 0 || ftruncate(fd, MAX_NOTED * sizeof(*noted)) < 0)
		return;
	map = mmap(NULL, MAX_NOTED * sizeof(*noted), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	noted = map == MAP_FAILED ? NULL : map;
	(void)close(fd);
}

static int run_once(uint64_t k, int argc, char **argv, char **envp, const int *fds, FILE *results)
{
	pid_t child;
	int status;

	fail_at = k;
	memset(outcome, 0, sizeof(*outcome));
	for (int i = 0; i < 2; i++) {
		(void)!ftruncate(fds[i], 0);
		(void)lseek(fds[i], 0, SEEK_SET);
	}
	(void)fflush(results); /* the child must not have it to write */
	child = fork();
	if (child == 0)
		run_child(argc, argv, envp, fds[0], fds[1]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	if (k == 0)
		first_outcome = *outcome;
	noted = NULL;
	put_line(results, k, status, fds[0], fds[1]);
	return 0;
}

static int serve(int argc, char **argv, char **envp)
{
	static char results_buffer[65536], list_buffer[4096];
	const char *mode = getenv("KYMO_ALLOC_MODE");
	const int fds[2] = {memfd_create("output", MFD_CLOEXEC),
			    memfd_create("messages", MFD_CLOEXEC)};
	FILE *results = fopen(getenv("KYMO_ALLOC_RESULTS"), "we");
	FILE *list = fopen(getenv("KYMO_ALLOC_LIST"), "re");
	unsigned long k = 0;

	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (!results || !list || fds[0] < 0 || fds[1] < 0 || outcome == MAP_FAILED)
		return 99;
	/* all of the parent's buffers are there before the first run: blocks are compared with its
	 */
	(void)setvbuf(results, results_buffer, _IOFBF, sizeof(results_buffer));
	(void)setvbuf(list, list_buffer, _IOFBF, sizeof(list_buffer));
	open_noted();
	for_ever = mode && strcmp(mode, "ever") == 0;
	do {
		if (run_once(k, argc, argv, envp, fds, results) < 0)
			return 99;
	} while (fscanf(list, "%lu", &k) == 1);
	return fclose(results) == 0 ? 0 : 99;
}

int __libc_start_main(int (*main_function)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
		      void *stack_end);

int __libc_start_main(int (*main_function)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
		      void *stack_end)
{
	int (*next)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
		    void (*)(void), void *);

	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	if (!getenv("KYMO_ALLOC_RESULTS"))
		return next(main_function, argc, argv, init, fini, rtld_fini, stack_end);
	program_main = main_function;
	return next(serve, argc, argv, init, fini, rtld_fini, stack_end);
}

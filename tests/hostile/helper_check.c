/*
 * S14: the reader of symbols fails in every way, and its caller goes on: 50 mutated ELF files (a
 * number as argument: so many), and a reader that was changed to crash, spin, fill memory, lie, or
 * try what the sandbox forbids. This program is built with its own copy of symbol_helper.c.
 * Usage: helper_check CORPUS_FOLDER [FILES [SEED]]
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/symbols/symbol_helper.h"
#include "formats/base/cleanup.h"

#define MAX_FILE_BYTES (4u << 20)
#define TOO_MUCH_BYTES (3ull << 29) /* 1.5 GiB: the limit is 1 GiB more than what was there */

void kymo_test_in_helper(const char *path);

static unsigned cases, failed, gave_up;

static void check(bool holds, const char *what, long which)
{
	cases++;
	failed += !holds;
	if (!holds)
		printf("FAILED: %s (%ld)\n", what, which);
}

/* -------- what happens in the child -------- */

static void fill_memory(void)
{
	for (unsigned long long got = 0; got < TOO_MUCH_BYTES; got += 16u << 20)
		if (!malloc(16u << 20))
			abort();
}

static void lie(void)
{
	char noise[200];

	memset(noise, 0x41, sizeof(noise));
	for (int fd = 3; fd < 100; fd++) {
		struct iovec part = {.iov_base = noise, .iov_len = sizeof(noise)};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

		if (sendmsg(fd, &message, MSG_NOSIGNAL) > 0)
			return;
	}
}

/* Crashes if anything of this is allowed. */
static void try_forbidden(void)
{
	char *const arguments[] = {(char *)"true", NULL};
	int fd = open("/etc/passwd", O_RDONLY);

	if (fd >= 0 || socket(AF_INET, SOCK_STREAM, 0) >= 0 || creat("/tmp/kymo-canary", 0600) >= 0)
		abort();
	if (fork() >= 0 || kill(getppid(), 0) == 0 || unlink("/tmp/kymo-canary") == 0 ||
	    execv("/bin/true", arguments) == 0 || errno != EPERM)
		abort();
}

void kymo_test_in_helper(const char *path)
{
	if (strcmp(path, "/crash") == 0)
		abort();
	if (strcmp(path, "/fault") == 0)
		(void)raise(SIGSEGV), _exit(139);
	if (strcmp(path, "/leave") == 0)
		_exit(0);
	if (strcmp(path, "/spin") == 0)
		for (volatile unsigned long i = 0;; i++)
			;
	if (strcmp(path, "/memory") == 0)
		fill_memory();
	if (strcmp(path, "/lie") == 0)
		lie();
	if (strcmp(path, "/forbidden") == 0)
		try_forbidden();
}

/* -------- and what its caller sees -------- */

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum kymo_object_state look(const struct kymo_object_search *search, const uint8_t *id,
				   size_t id_len, const char *path, size_t *ret_names)
{
	struct kymo_symbol_helper *helper = NULL;
	enum kymo_object_state state;
	uint64_t into;

	*ret_names = 0;
	if (kymo_symbol_helper_open(search,
				    &(struct kymo_wanted_object){
					    .build_id = id, .build_id_len = id_len, .path = path},
				    &helper, NULL) < 0)
		return KYMO_OBJECT_GAVE_UP;
	for (uint64_t offset = 0; offset < 0x2000; offset += 0x20)
		*ret_names += kymo_symbol_helper_find(helper, offset, &into) != NULL;
	state = kymo_symbol_helper_state(helper);
	(void)kymo_symbol_helper_free(helper);
	return state;
}

/* In a process of its own, so that a lower limit of CPU time can be set for it. 0: as it is. */
static void check_spin(const struct kymo_object_search *search, const uint8_t *id, size_t id_len,
		       unsigned cpu_seconds)
{
	struct rlimit limits = {.rlim_cur = cpu_seconds, .rlim_max = cpu_seconds};
	pid_t pid = fork();
	int status = 0;
	size_t names;

	if (pid == 0) {
		if (cpu_seconds)
			(void)setrlimit(RLIMIT_CPU, &limits);
		_exit(look(search, id, id_len, "/spin", &names) == KYMO_OBJECT_GAVE_UP ? 0 : 1);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0, "/spin", cpu_seconds);
}

static void check_failures(bool full)
{
	static const char *const fatal[] = {"/crash", "/fault", "/leave", "/memory", "/lie"};
	static const uint8_t id[20] = {1, 2, 3};
	const struct kymo_object_search search = {.symfs = "/nonexistent"};
	size_t names;

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		check(look(&search, id, sizeof(id), fatal[i], &names) == KYMO_OBJECT_GAVE_UP &&
			      names == 0,
		      fatal[i], 0);
	check_spin(&search, id, sizeof(id), full ? 0 : 1);
	check(look(&search, id, sizeof(id), "/forbidden", &names) == KYMO_OBJECT_NOT_FOUND,
	      "a call that the sandbox should refuse", 0);
	check(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "a child is left", 0);
}

static size_t read_file(const char *folder, const char *name, uint8_t *bytes)
{
	char path[4096];
	FILE *in;
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	in = fopen(path, "rb");
	if (in) {
		len = fread(bytes, 1, MAX_FILE_BYTES, in);
		(void)fclose(in);
	}
	return len;
}

static void mutate(uint8_t *bytes, size_t *len, unsigned *seed)
{
	unsigned count = 1 + (unsigned)rand_r(seed) % 40;

	for (unsigned i = 0; i < count; i++) {
		/* half of it where the headers are */
		size_t at = (size_t)rand_r(seed) % (i % 2 ? *len : *len < 4096 ? *len : 4096);

		bytes[at] = rand_r(seed) % 3 ? (uint8_t)rand_r(seed) : 0xff;
	}
	if (rand_r(seed) % 5 == 0)
		*len = 64 + (size_t)rand_r(seed) % (*len - 64);
}

static void check_mutations(const char *corpus, long files, unsigned seed)
{
	static const char *const names[] = {"shared", "static", "stripped", "debug", "elf32"};
	static uint8_t sound[MAX_FILE_BYTES], bytes[MAX_FILE_BYTES];
	char folder[] = "/tmp/kymo-helper-XXXXXX", path[64];
	struct kymo_object_search search = {.symfs = folder};
	size_t found;

	check(mkdtemp(folder) != NULL, "a folder", 0);
	(void)snprintf(path, sizeof(path), "%s/object", folder);
	for (long i = 0; i < files; i++) {
		CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
		const char *name = names[i % 5];
		size_t len = read_file(corpus, name, sound), id_len = 0;
		uint8_t id[KYMO_ELF_MAX_BUILD_ID_BYTES] = {1, 2};
		char from[4096];
		double start;
		FILE *out;

		(void)snprintf(from, sizeof(from), "%s/%s", corpus, name);
		if (kymo_elf_open_fd(open(from, O_RDONLY | O_CLOEXEC), from, &elf, NULL) == 0 &&
		    kymo_elf_build_id(elf, &id_len))
			memcpy(id, kymo_elf_build_id(elf, &id_len), id_len);
		memcpy(bytes, sound, len);
		if (i >= 5) /* the first five are as they were */
			mutate(bytes, &len, &seed);
		out = fopen(path, "wb");
		check(len > 64 && out && fwrite(bytes, 1, len, out) == len && fclose(out) == 0,
		      "writing a file", i);
		start = now_s();
		gave_up += look(&search, id, id_len ? id_len : 2, "/object", &found) ==
			   KYMO_OBJECT_GAVE_UP;
		check(now_s() - start < 40, "a file takes too long", i);
		check(i > 0 || found > 0, "the sound file has no names", i);
		if (i >= 100 && i % 5000 == 0)
			printf("%ld files\n", i);
	}
	(void)unlink(path);
	(void)rmdir(folder);
}

int main(int argc, char **argv)
{
	const char *full = getenv("KYMO_FULL"), *seed = getenv("TEST_SEED");
	bool long_form = full && strcmp(full, "1") == 0;
	long files = argc > 2 ? atol(argv[2]) : long_form ? 5000 : 50;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: helper_check CORPUS_FOLDER [FILES]\n");
		return 2;
	}
	check_failures(long_form);
	check_mutations(argv[1], files, seed ? (unsigned)atoi(seed) : 1);
	printf("reliability S14: %u cases, %u failed; %ld mutated ELF files, %u of them made the "
	       "reader fail\n",
	       cases, failed, files, gave_up);
	return failed ? 1 : 0;
}

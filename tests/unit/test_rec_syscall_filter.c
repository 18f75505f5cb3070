/* The filter, in a child of its own: what a recording needs works, all else is refused. */
#include "recorder/guard/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_main.h"

/* The number of the line whose condition does not hold is the exit status; 0: all hold. */
#define NEED(condition)                                                          \
	do {                                                                     \
		if (!(condition)) {                                              \
			(void)fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
			return 1;                                                \
		}                                                                \
	} while (0)
#define REFUSED(call) NEED((call) < 0 && errno == EPERM)

struct other_thread {
	int begin[2], end[2]; /* pipes */
	bool refused;
};

static void *other_thread(void *context)
{
	struct other_thread *other = context;
	char byte;

	(void)!read(other->begin[0], &byte, 1);
	other->refused = socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM;
	(void)!write(other->end[1], "x", 1);
	return NULL;
}

/* Whether there should be a filter: asked of the build and the kernel, not of what it lets through.
 */
static const char *why_no_filter(void)
{
	unsigned int action = SECCOMP_RET_ERRNO;

	if (getenv("KYMO_SANITIZE") && *getenv("KYMO_SANITIZE"))
		return "a build with sanitizers has no filter";
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return "this kernel has no seccomp filters";
	return NULL;
}

static int filtered(void)
{
	char *const arguments[] = {"true", NULL};
	union bpf_attr attributes = {0};
	struct other_thread other = {.refused = false};
	pthread_t thread;
	char byte, typed = 'x';
	void *pages;
	int fd;

	NEED(pipe(other.begin) == 0 && pipe(other.end) == 0);
	NEED(pthread_create(&thread, NULL, other_thread, &other) == 0);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(rec_syscall_filter_apply(NULL) == 0);
	REFUSED(prctl(PR_GET_SECCOMP, 0, 0, 0, 0)); /* not on the list */

	/* what a recording does */
	fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	NEED(fd >= 0 && read(fd, &byte, 1) == 1 && close(fd) == 0);
	pages = malloc(64u << 20);
	NEED(pages != NULL);
	memset(pages, 1, 64u << 20);
	free(pages);
	pages = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(pages != MAP_FAILED);

	/* attaching again: it gets as far as the kernel, which finds no program there */
	NEED(syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attributes, sizeof(attributes)) < 0);
	NEED(errno != EPERM || geteuid() != 0);

	/* what it does not */
	REFUSED(open("/tmp/kymo-filter-test", O_WRONLY | O_CREAT, 0600));
	REFUSED(open("/proc/self/comm", O_RDWR));
	REFUSED(openat(AT_FDCWD, "/", O_TMPFILE | O_RDWR, 0600));
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(execv("/bin/true", arguments));
	REFUSED(fork());
	REFUSED(syscall(SYS_ptrace, 0, 0, 0, 0));
	REFUSED(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes)));
	REFUSED(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof(attributes)));
	REFUSED(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0));
	REFUSED(mprotect(pages, 4096, PROT_READ | PROT_EXEC));
	REFUSED(ioctl(0, TIOCSTI, &typed));
	REFUSED(setuid(0));
	NEED(mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);

	/* the thread that was there before */
	NEED(write(other.begin[1], "x", 1) == 1 && read(other.end[0], &byte, 1) == 1);
	NEED(other.refused);
	return 0;
}

static void test_list(void **state)
{
	pid_t child;
	int status;

	(void)state;
	if (why_no_filter())
		unit_skip(why_no_filter());
	child = fork();
	if (child == 0)
		_exit(filtered());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}

/* A hand-written filter: a list of numbers does not need a library. */
#include "analyzer/symbols/helper_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPU_SECONDS 30
#define MEMORY_BYTES (1ull << 30)
#define FILE_BYTES (1ull << 30) /* a file is mapped besides: KYMO_ELF_MAX_FILE_BYTES, twice */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* sanitizers need system calls and addresses of their own */
#endif

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#define OWN_ARCH 0 /* no filter */
#endif

static void limit(int resource, uint64_t most)
{
	struct rlimit limits;

	if (getrlimit(resource, &limits) < 0)
		return;
	if (limits.rlim_max > most)
		limits.rlim_cur = limits.rlim_max = most;
	(void)setrlimit(resource, &limits); /* a lower limit stays; see the header */
}

/* The parent's mappings, which count for the child, too; from /proc, while it can be read. */
static uint64_t mapped_bytes(void)
{
	unsigned long long pages = 0;
	FILE *in = fopen("/proc/self/statm", "re");

	if (!in)
		return 0;
	if (fscanf(in, "%llu", &pages) != 1)
		pages = 0;
	(void)fclose(in);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

#define ALLOW(name)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void filter_system_calls(void)
{
	static struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(recvmsg),
		ALLOW(sendmsg),
		ALLOW(brk),
		ALLOW(mmap),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(mprotect),
		ALLOW(madvise),
		ALLOW(pread64),
		ALLOW(read),
		ALLOW(lseek),
		ALLOW(fstat),
		ALLOW(newfstatat),
		ALLOW(fcntl),
		ALLOW(close),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(sysinfo),
		ALLOW(clock_gettime),
		ALLOW(rt_sigreturn),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog filter = {.len = sizeof(program) / sizeof(program[0]),
					  .filter = program};

	if (OWN_ARCH != 0 && !SANITIZED)
		(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter); /* see the header */
}

void kymo_helper_sandbox(int keep_fd)
{
	uint64_t before = mapped_bytes();

	(void)close_range(3, (unsigned)keep_fd - 1, 0); /* before Linux 5.9 they stay open */
	(void)close_range((unsigned)keep_fd + 1, ~0u, 0);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CPU, CPU_SECONDS);
	if (before > 0 && !SANITIZED) {
		limit(RLIMIT_DATA, before + MEMORY_BYTES);
		limit(RLIMIT_AS, before + MEMORY_BYTES + 2 * FILE_BYTES);
	}
	filter_system_calls();
}

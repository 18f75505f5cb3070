/*
 * An allow list: everything else is refused. A refusal is an error (EPERM) rather than the end of
 * the process: a recording must not die because another libc makes a different call. Written by
 * hand: the list is all there is, and libseccomp would be one more library that runs as root.
 */
#include "recorder/guard/syscall_filter.h"
#include "recorder/base/error_names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#endif

#if defined(FILTER_ARCH) && \
	!defined(UNDER_SANITIZER) /* leak checks at the end trace their own process */

static const int allowed[] = {
	/* events and their files */
	__NR_read,
	__NR_pread64,
	__NR_write,
	__NR_writev,
	__NR_pwrite64,
	__NR_lseek,
	__NR_close,
	__NR_fcntl,
	__NR_dup,
	__NR_fallocate,
	__NR_ftruncate,
	__NR_fdatasync,
	__NR_fsync,
	__NR_sync_file_range,
	__NR_unlinkat,
	__NR_fstat,
	__NR_newfstatat,
	__NR_statx,
	__NR_fstatfs,
	__NR_statfs,
	__NR_getdents64,
	__NR_readlinkat,
	__NR_faccessat,
	/* waiting */
	__NR_ppoll,
	__NR_epoll_pwait,
	__NR_epoll_ctl,
	__NR_timerfd_settime,
	__NR_futex,
	__NR_membarrier,
	__NR_nanosleep,
	__NR_clock_nanosleep,
	__NR_clock_gettime,
	__NR_clock_getres,
	__NR_gettimeofday,
	__NR_sched_yield,
	__NR_sched_getaffinity,
	__NR_restart_syscall,
	__NR_wait4,
	__NR_waitid,
	/* facts about us and the host */
	__NR_getrusage,
	__NR_getpid,
	__NR_gettid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getrandom,
	__NR_getcpu,
	__NR_uname,
	__NR_sysinfo,
	__NR_capget,
	__NR_prlimit64,
	/* memory */
	__NR_brk,
	__NR_mremap,
	__NR_munmap,
	__NR_madvise,
	/* signals and the end */
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_sigaltstack,
	__NR_kill,
	__NR_tgkill,
	__NR_exit,
	__NR_exit_group,
	__NR_rseq,
	__NR_set_robust_list,
#ifdef __x86_64__ /* calls that newer machines do not have */
	__NR_poll,
	__NR_epoll_wait,
	__NR_stat,
	__NR_lstat,
	__NR_access,
	__NR_readlink,
	__NR_time,
#endif
};

static const int allowed_to_reader[] = {
	__NR_read,	 __NR_pread64,	  __NR_write,	  __NR_lseek,	      __NR_close,
	__NR_fcntl,	 __NR_dup,	  __NR_fstat,	  __NR_newfstatat,    __NR_statx,
	__NR_readlinkat, __NR_brk,	  __NR_mremap,	  __NR_munmap,	      __NR_madvise,
	__NR_sysinfo,	 __NR_futex,	  __NR_getrandom, __NR_clock_gettime, __NR_rt_sigreturn,
	__NR_exit,	 __NR_exit_group,
#ifdef __x86_64__
	__NR_stat,	 __NR_lstat,	  __NR_readlink,
#endif
};

/* Calls that are allowed by an argument: refused if any of the bits is set... */
static const struct {
	int number;
	unsigned int argument; /* 0..5 */
	unsigned int bits;
} refused_bits[] = {
	{__NR_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC},
	{__NR_mmap, 2, PROT_EXEC},
	{__NR_mprotect, 2, PROT_EXEC},
#ifdef __x86_64__
	{__NR_open, 1, O_ACCMODE | O_CREAT | O_TRUNC},
#endif
};

/* ... or allowed with one value only, or with any but that. */
static const struct {
	int number;
	unsigned int argument;
	unsigned int value;
	unsigned int if_equal, if_not;
} values[] = {
	/* The policy attaches programs that are loaded already again. */
	{__NR_bpf, 0, BPF_RAW_TRACEPOINT_OPEN, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM},
	{__NR_ioctl, 1, TIOCSTI, SECCOMP_RET_ERRNO | EPERM,
	 SECCOMP_RET_ALLOW}, /* types into the terminal */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_INSTRUCTIONS (8 + 2 * COUNT(allowed) + 5 * COUNT(refused_bits) + 5 * COUNT(values))

struct filter_text {
	struct sock_filter code[MAX_INSTRUCTIONS];
	unsigned short len;
};

static void emit(struct filter_text *text, unsigned short code, unsigned int k,
		 unsigned char if_true, unsigned char if_false)
{
	text->code[text->len++] = (struct sock_filter){code, if_true, if_false, k};
}

static void emit_load(struct filter_text *text, size_t offset)
{
	emit(text, BPF_LD | BPF_W | BPF_ABS, (unsigned int)offset, 0, 0);
}

/* The low half: flags and commands have no more. Little-endian, as both machines are. */
static size_t argument_offset(unsigned int argument)
{
	return offsetof(struct seccomp_data, args) + 8 * (size_t)argument;
}

/* Each block begins with the number loaded, and leaves it so where it does not return. */
static void build(struct filter_text *text, const int *numbers, size_t number_count,
		  size_t value_count)
{
	const unsigned short is = BPF_JMP | BPF_JEQ | BPF_K, any = BPF_JMP | BPF_JSET | BPF_K,
			     give = BPF_RET | BPF_K;

	emit_load(text, offsetof(struct seccomp_data, arch));
	emit(text, is, FILTER_ARCH, 1, 0);
	emit(text, give, SECCOMP_RET_KILL_PROCESS, 0, 0);
	emit_load(text, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < number_count; i++) {
		emit(text, is, (unsigned int)numbers[i], 0, 1);
		emit(text, give, SECCOMP_RET_ALLOW, 0, 0);
	}
	for (size_t i = 0; i < COUNT(refused_bits); i++) {
		emit(text, is, (unsigned int)refused_bits[i].number, 0, 4);
		emit_load(text, argument_offset(refused_bits[i].argument));
		emit(text, any, refused_bits[i].bits, 0, 1);
		emit(text, give, SECCOMP_RET_ERRNO | EPERM, 0, 0);
		emit(text, give, SECCOMP_RET_ALLOW, 0, 0);
	}
	for (size_t i = 0; i < value_count; i++) {
		emit(text, is, (unsigned int)values[i].number, 0, 4);
		emit_load(text, argument_offset(values[i].argument));
		emit(text, is, values[i].value, 0, 1);
		emit(text, give, values[i].if_equal, 0, 0);
		emit(text, give, values[i].if_not, 0, 0);
	}
	emit(text, give, SECCOMP_RET_ERRNO | EPERM, 0, 0);
}

static int apply(const struct filter_text *text, struct cap_err *err)
{
	struct sock_fprog program;
	long rc;

	program = (struct sock_fprog){.len = text->len, .filter = (struct sock_filter *)text->code};
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	if (rc == 0)
		return 0;
	if (rc < 0 && (errno == ENOSYS || errno == EINVAL)) /* a kernel without seccomp */
		return 0;
	if (rc > 0) /* the id of a thread that has a filter of its own */
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_InsufficientPermissions,
				"the system calls of thread %ld cannot be "
				"limited (seccomp)",
				rc);
	return cap_fail_errno(err, errno, "limit our own system calls (seccomp)");
}

int rec_syscall_filter_apply(struct cap_err *err)
{
	struct filter_text text = {.len = 0};

	build(&text, allowed, COUNT(allowed), COUNT(values));
	return apply(&text, err);
}

int rec_syscall_filter_reader(struct cap_err *err)
{
	struct filter_text text = {.len = 0};

	build(&text, allowed_to_reader, COUNT(allowed_to_reader), 0);
	return apply(&text, err);
}

#else

int rec_syscall_filter_reader(struct cap_err *err)
{
	(void)err;
	return 0;
}

int rec_syscall_filter_apply(struct cap_err *err)
{
	(void)err;
	return 0;
}

#endif

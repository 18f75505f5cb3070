#include "recorder/names/name_sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder/guard/privileges.h"
#include "recorder/guard/syscall_filter.h"
#include "recorder/host/own_cost.h"

#define CPU_SECONDS 60		    /* for a recording of any length */
#define MEMORY_BYTES (384ull << 20) /* beside what the recorder had at the fork */
#define MAX_FILES 1024		    /* half of them are objects kept open */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* sanitizers need an address space of their own */
#endif

static void limit(int resource, unsigned long long most)
{
	struct rlimit limits;

	if (getrlimit(resource, &limits) < 0)
		return;
	if (limits.rlim_max > most)
		limits.rlim_max = most;
	limits.rlim_cur = limits.rlim_max;
	(void)setrlimit(resource, &limits); /* lowering it is always allowed */
}

static int keep_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	const __u32 wanted =
		1u << CAP_SYS_PTRACE | 1u << CAP_DAC_READ_SEARCH; /* both are below 32 */
	__u32 kept;

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	kept = data[0].permitted & wanted;
	memset(data, 0, sizeof(data));
	data[0].permitted = data[0].effective = kept;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

void rec_name_close_others(int keep_fd)
{
	int most = (int)sysconf(_SC_OPEN_MAX);

	if (syscall(SYS_close_range, 0, (unsigned)keep_fd - 1, 0) == 0 &&
	    syscall(SYS_close_range, (unsigned)keep_fd + 1, ~0u, 0) == 0)
		return;
	for (int fd = 0; fd < most && fd < 65536; fd++) /* before 5.9 */
		if (fd != keep_fd)
			(void)close(fd); /* the recorder's */
}

int rec_name_confine(pid_t parent)
{
	u64 own_bytes = rec_own_rss_bytes();
	struct cap_err err = {0};
	int rc;

	rec_privileges_drop_bounding_set();
	rc = keep_capabilities();
	if (rc == 0)
		rc = rec_privileges_confine(&err);
	if (rc < 0)
		return rc;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* cannot fail with this value */
	if (getppid() != parent)
		return -ESRCH;
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CPU, CPU_SECONDS);
	limit(RLIMIT_NOFILE, MAX_FILES);
	if (!SANITIZED) {
		limit(RLIMIT_DATA, own_bytes + MEMORY_BYTES);
		limit(RLIMIT_AS, own_bytes + 4 * MEMORY_BYTES);
	}
	return rec_syscall_filter_reader(&err);
}

/*
 * Plain system calls: libcap would be another dependency of the privileged program, and its wrapper
 * for all threads uses a signal, which must not interrupt a thread that writes.
 */
#include "recorder/guard/privileges.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/host/kernel_files.h"

#define STATUS_BYTES 8192 /* of /proc/self/task/N/status; about 1500 are used */

void rec_privileges_hide(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail with this value */
}

int rec_privileges_confine(struct cap_err *err)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none); /* lowering it is always allowed */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return cap_fail_errno(err, errno, "set no_new_privs");
	return 0;
}

/* Fails without CAP_SETPCAP. Then the bounding set stays, which matters little: it limits what
 * execve can grant, and with no_new_privs execve grants nothing. */
void rec_privileges_drop_bounding_set(void)
{
	for (unsigned long capability = 0;; capability++) {
		int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);

		if (held < 0)
			return; /* past the last one this kernel knows */
		if (held == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return;
	}
}

int rec_privileges_drop(struct cap_err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	rec_privileges_drop_bounding_set();	    /* first: it takes a capability */
	if (syscall(SYS_capset, &header, none) < 0) /* takes ambient ones along */
		return cap_fail(err, CAP_EPRIVILEGE, "could not drop capabilities: capset: %s",
				strerror(errno));
	return 0;
}

/* The value of "Name:\tvalue\n" in a status file; its length in *ret_len. NULL if there is none. */
static const char *status_value(const char *status, const char *name, size_t *ret_len)
{
	const size_t name_len = strlen(name);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, name_len) == 0 && line[name_len] == ':') {
			line += name_len + 1;
			line += strspn(line, " \t");
			*ret_len = strcspn(line, "\n");
			return line;
		}
	}
	return NULL;
}

/* The status of one thread: are its sets empty, and can it gain nothing? Fields that this kernel
 * lacks are skipped, but at least one must be present. */
static int check_status(const char *status, const char *thread, struct cap_err *err)
{
	static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapAmb"};
	const char *value;
	bool seen = false;
	size_t len;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		value = status_value(status, sets[i], &len);
		if (value && strspn(value, "0") < len)
			return cap_fail(err, CAP_EPRIVILEGE,
					"could not drop capabilities: thread %s still has %s %.*s",
					thread, sets[i], (int)len, value);
		seen = seen || value;
	}
	value = status_value(status, "NoNewPrivs", &len);
	if (value && *value != '1')
		return cap_fail(err, CAP_EPRIVILEGE,
				"could not drop capabilities: thread %s may gain new ones", thread);
	if (!seen)
		return cap_fail(
			err, CAP_EPRIVILEGE,
			"cannot check that capabilities were dropped: thread %s has no such status",
			thread);
	return 0;
}

static void closedirp(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory); /* only read */
}

static int check_threads(struct cap_err *err)
{
	CLEANUP(closedirp) DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;

	if (!tasks && errno == ENOMEM)
		return cap_fail_errno(err, ENOMEM, "check that capabilities were dropped");
	if (!tasks)
		return cap_fail(err, CAP_EPRIVILEGE,
				"cannot check that capabilities were dropped: /proc/self/task: %s; "
				"mount /proc",
				strerror(errno));
	while ((entry = readdir(tasks)) != NULL) {
		char path[sizeof(entry->d_name) + sizeof("/status")], status[STATUS_BYTES];
		ssize_t len;
		int rc;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/status", entry->d_name);
		len = rec_read_text_at(dirfd(tasks), path, status, sizeof(status));
		if (len == -ENOENT || len == -ESRCH)
			continue; /* the thread ended */
		if (len < 0)
			return cap_fail(err, CAP_EPRIVILEGE,
					"cannot check that capabilities were dropped: "
					"/proc/self/task/%s: %s",
					path, strerror((int)-len));
		rc = check_status(status, entry->d_name, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int rec_privileges_drop_all(struct cap_err *err)
{
	int rc = rec_privileges_drop(err);

	return rc < 0 ? rc : check_threads(err);
}

bool rec_capability_held(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return true; /* not told; what needs it will tell */
	return data[capability / 32].effective & (1u << (capability % 32));
}

/* Opened like a configuration file: what others can write or replace is not parsed while
 * privileged. */
#include "recorder/live/live_btf.h"
#include "recorder/base/error_names.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/table/events.h"
#include "recorder/live/live_errors.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define MAX_BYTES (64u << 20) /* today's kernels have 5 to 10 MiB */
#define MIN_BYTES 24	      /* its header */

static int check_file(const char *file, int fd, struct cap_err *err)
{
	struct stat info;
	u16 magic = 0;

	if (fstat(fd, &info) < 0)
		return cap_fail(err, CAP_EUSAGE, "--btf '%s': %s", file, strerror(errno));
	if (!S_ISREG(info.st_mode))
		return cap_fail(err, CAP_EUSAGE, "--btf '%s': not a regular file", file);
	if (info.st_uid != 0 && info.st_uid != getuid())
		return cap_fail(err, CAP_EUSAGE,
				"--btf '%s': owned by user %u; only files of root or of the user "
				"who starts the recording are read: sudo chown root '%s'",
				file, info.st_uid, file);
	if (info.st_mode & (S_IWGRP | S_IWOTH))
		return cap_fail(err, CAP_EUSAGE,
				"--btf '%s': writable by others (mode %04o): chmod go-w '%s'", file,
				info.st_mode & 07777, file);
	if (info.st_size > MAX_BYTES)
		return cap_fail(err, CAP_EUSAGE, "--btf '%s': larger than %u MiB", file,
				MAX_BYTES >> 20);
	if (info.st_size < MIN_BYTES ||
	    pread(fd, &magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) || magic != BTF_MAGIC)
		return cap_fail(err, CAP_EUSAGE,
				"--btf '%s': contains no type information; copy " KERNEL_BTF
				" of the same kernel, or make it from its debug file: pahole "
				"--btf_encode_detached=FILE vmlinux",
				file);
	return 0;
}

static int open_file(const char *file, struct live_btf *btf, struct cap_err *err)
{
	int rc;

	btf->fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (btf->fd < 0)
		return cap_fail(err, CAP_EUSAGE, "--btf '%s': %s", file,
				errno == ELOOP ? "is a symbolic link; name the file itself"
					       : strerror(errno));
	rc = check_file(file, btf->fd, err);
	if (rc == 0)
		(void)snprintf(btf->path, sizeof(btf->path), "/proc/self/fd/%d", btf->fd);
	return rc;
}

/* A file is parsed here for better messages; loading parses it again. The kernel's own is parsed
 * only when loading, since that takes some ten milliseconds. */
static int check_types(const char *file, const struct live_btf *btf, struct cap_err *err)
{
	struct btf *types = btf__parse(btf->path, NULL);
	int rc = 0;

	if (!types && errno == ENOMEM)
		rc = cap_fail_errno(err, ENOMEM, "read type information");
	else if (!types)
		rc = rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_IncompatibleKernel,
			      "--btf '%s' is cut or damaged (%s); copy it again "
			      "from a host with the same kernel",
			      file, strerror(errno));
	else if (btf__find_by_name_kind(types, "task_struct", BTF_KIND_STRUCT) < 0)
		rc = rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_IncompatibleKernel,
			      "--btf '%s' is not of a kernel: it has no "
			      "task_struct",
			      file);
	btf__free(types);
	return rc;
}

int live_btf_open(const char *file, struct live_btf *ret_btf, struct cap_err *err)
{
	struct live_btf btf = {.fd = -1, .in_kernel = access(KERNEL_BTF, R_OK) == 0};
	int rc = 0;

	if (file)
		rc = open_file(file, &btf, err);
	else if (!btf.in_kernel)
		rc = live_fail_btf(err, strerror(errno));
	if (rc == 0 && file)
		rc = check_types(file, &btf, err);
	if (rc < 0) {
		live_btf_done(&btf);
		return rc;
	}
	*ret_btf = btf;
	return 0;
}

void live_btf_done(struct live_btf *btf)
{
	if (btf->path[0] || btf->fd > 0)
		cap_closep(&btf->fd);
	btf->fd = -1;
	btf->path[0] = 0;
}

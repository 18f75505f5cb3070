/* Opens a configuration file safely: a file that others can write must not control a privileged
 * recorder. */
#include "recorder/options/config_yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

static bool is_privileged(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (!geteuid() || geteuid() != getuid() || getegid() != getgid())
		return true;
	if (syscall(SYS_capget, &header, data) < 0)
		return true; /* not known: be careful */
	return data[0].permitted || data[1].permitted;
}

static int check_file(const char *path, const struct stat *st, struct cap_err *err)
{
	if (!S_ISREG(st->st_mode))
		return cap_fail(err, CAP_EUSAGE, "%s: not a regular file", path);
	if (st->st_size > REC_CONFIG_MAX_BYTES)
		return cap_fail(err, CAP_EUSAGE, "%s: larger than %u bytes", path,
				REC_CONFIG_MAX_BYTES);
	if (!is_privileged())
		return 0;
	if (st->st_uid && st->st_uid != getuid())
		return cap_fail(err, CAP_EUSAGE,
				"%s: owned by user %u; a privileged recorder reads only files of "
				"root or of the user who started it: sudo chown root '%s'",
				path, st->st_uid, path);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return cap_fail(err, CAP_EUSAGE,
				"%s: writable by others (mode %04o), so a privileged recorder does "
				"not trust it: chmod go-w '%s'",
				path, st->st_mode & 07777, path);
	return 0;
}

/* All of fd, at most capacity bytes. */
static ssize_t read_all(int fd, char *bytes, size_t capacity)
{
	size_t len = 0;

	while (len < capacity) {
		ssize_t got = read(fd, bytes + len, capacity - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

int rec_config_load(const char *path, struct rec_options *options, u64 *ret_set_mask,
		    struct cap_err *err)
{
	CLEANUP(cap_closep) int fd = -1;
	CLEANUP(cap_freep) char *bytes = NULL;
	struct stat st;
	ssize_t len;
	int rc;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return cap_fail(err, CAP_EUSAGE, "%s: is a symbolic link; name the file itself",
				path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return cap_fail(err, CAP_EUSAGE, "%s: %s", path, strerror(errno));
	rc = check_file(path, &st, err);
	if (rc < 0)
		return rc;
	bytes = malloc(REC_CONFIG_MAX_BYTES + 1);
	if (!bytes)
		return cap_fail(err, -ENOMEM, "out of memory");
	len = read_all(fd, bytes, REC_CONFIG_MAX_BYTES + 1);
	if (len < 0)
		return cap_fail(err, CAP_EUSAGE, "%s: %s", path, strerror((int)-len));
	if (len > REC_CONFIG_MAX_BYTES) /* it grew */
		return cap_fail(err, CAP_EUSAGE, "%s: larger than %u bytes", path,
				REC_CONFIG_MAX_BYTES);
	return rec_config_parse(path, bytes, (size_t)len, options, ret_set_mask, err);
}

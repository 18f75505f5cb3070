#include "recorder/host/file_systems.h"

#include <string.h>

static bool is_among(const char *const *names, size_t count, const char *type, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (len >= strlen(names[i]) && !strncmp(type, names[i], strlen(names[i])))
			return true;
	return false;
}

bool rec_file_system_may_wait(const char *type, size_t len)
{
	/* "fuse" also begins fuse.sshfs and fuseblk, "nfs" nfs4, and so on */
	static const char *const slow[] = {"fuse", "nfs",	"cifs",	    "smb",
					   "9p",   "ceph",	"afs",	    "lustre",
					   "coda", "glusterfs", "orangefs", "autofs"};

	return is_among(slow, sizeof(slow) / sizeof(*slow), type, len);
}

bool rec_file_system_has_files(const char *type, size_t len)
{
	static const char *const kernel[] = {"proc",	   "sysfs",    "debugfs", "tracefs",
					     "securityfs", "cgroup",   "bpf",	  "devpts",
					     "efivarfs",   "configfs", "binder",  "mqueue"};

	return !is_among(kernel, sizeof(kernel) / sizeof(*kernel), type, len);
}

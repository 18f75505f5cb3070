#include "formats/base/unnamed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int cap_unnamed_file(struct cap_err *err)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!dir || !*dir)
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/kymo-stdin-XXXXXX", dir) >= (int)sizeof(path))
		return cap_fail(err, -ENAMETOOLONG, "TMPDIR is too long");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return cap_fail_errno(
			err, errno, "no temporary file in '%s' (set TMPDIR to another place)", dir);
	(void)unlink(path); /* unlinked at once; a leftover name would only be untidy */
	return fd;
}

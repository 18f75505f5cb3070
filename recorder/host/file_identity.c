/* The path is held by O_PATH until it is certain which file it leads to, so that no device is
 * opened and no FIFO waited for. */
#include "recorder/host/file_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/base/units.h"

static void read_build_id(int fd, struct rec_file_identity *identity)
{
	u8 bytes[REC_ELF_PAGE_BYTES];
	struct rec_elf_page page;
	ssize_t got = pread(fd, bytes, sizeof(bytes), 0);

	if (got <= 0 || rec_elf_page_parse(bytes, (size_t)got, &page) < 0)
		return;
	for (size_t i = 0; i < page.note_count && !identity->build_id_bytes; i++) {
		if (page.notes[i].file_offset > INT64_MAX)
			continue;
		got = pread(fd, bytes, page.notes[i].size_bytes, (off_t)page.notes[i].file_offset);
		if (got > 0)
			identity->build_id_bytes =
				rec_elf_note_build_id(bytes, (size_t)got, identity->build_id);
	}
}

int rec_file_identify(const char *path, const struct rec_file_key *key,
		      struct rec_dev_verdicts *verdicts, struct rec_file_identity *ret_identity)
{
	enum rec_device_kind kind = rec_device_kind(verdicts, -1, key->dev_major, key->dev_minor);
	CLEANUP(cap_closep) int path_fd = -1;
	CLEANUP(cap_closep) int fd = -1;
	struct rec_file_identity identity = {0};
	struct statx stat;
	char name[32];

	if (kind != REC_DEVICE_LOCAL && kind != REC_DEVICE_MEMORY)
		return -ENOENT;
	path_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (path_fd < 0 || statx(path_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
				 STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME, &stat) < 0)
		return -ENOENT;
	if (!S_ISREG(stat.stx_mode) || stat.stx_ino != key->inode ||
	    stat.stx_dev_major != key->dev_major || stat.stx_dev_minor != key->dev_minor)
		return -ENOENT;
	identity.file_bytes = stat.stx_size;
	identity.file_mtime_ns = (u64)stat.stx_mtime.tv_sec * REC_NS_PER_S + stat.stx_mtime.tv_nsec;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0) /* else without build-id: size and time are certain */
		read_build_id(fd, &identity);
	*ret_identity = identity;
	return 0;
}

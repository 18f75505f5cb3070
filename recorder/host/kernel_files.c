/* Reads small files whole: sysfs and procfs generate them on each read. */
#include "recorder/host/kernel_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "formats/base/cleanup.h"

#define NOTE_GNU_BUILD_ID 3

ssize_t rec_read_text_at(int dir_fd, const char *name, char *ret_text, size_t size)
{
	CLEANUP(cap_closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		ssize_t got = read(fd, ret_text + len, size - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		len += (size_t)got;
	}
	ret_text[len] = '\0';
	return (ssize_t)len;
}

ssize_t rec_read_line(const char *path, char *ret_text, size_t size)
{
	ssize_t len = rec_read_text_at(AT_FDCWD, path, ret_text, size);

	if (len < 0)
		return len;
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return (ssize_t)strlen(ret_text);
}

size_t rec_notes_build_id(const u8 *notes, size_t len, u8 ret_build_id[REC_BUILD_ID_BYTES])
{
	struct {
		u32 name_bytes, data_bytes, type;
	} note;

	while (len >= sizeof(note)) {
		u64 name_room, data_room;

		memcpy(&note, notes, sizeof(note));
		name_room = ((u64)note.name_bytes + 3) & ~3ull;
		data_room = ((u64)note.data_bytes + 3) & ~3ull;
		if (name_room + note.data_bytes > len - sizeof(note))
			return 0;
		notes += sizeof(note);
		if (note.type == NOTE_GNU_BUILD_ID && note.name_bytes == 4 &&
		    !memcmp(notes, "GNU", 4) && note.data_bytes <= REC_BUILD_ID_BYTES) {
			memcpy(ret_build_id, notes + name_room, note.data_bytes);
			return note.data_bytes;
		}
		len -= sizeof(note);
		if (name_room + data_room > len)
			return 0; /* the last note's padding is missing */
		notes += name_room + data_room;
		len -= name_room + data_room;
	}
	return 0;
}

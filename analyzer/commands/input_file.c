/* Looks at the first bytes only. */
#include "analyzer/commands/input_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/archive/archive_input.h"
#include "formats/base/block_header.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

#define DATABASE_HEAD "SQLite format 3"
#define CAPTURE_NAME ".kymo"

bool kymo_is_input(const char *path)
{
	CLEANUP(cap_closep) int fd = -1;
	u8 head[CAP_HEADER_BYTES];
	size_t len = strlen(path), name_len = strlen(CAPTURE_NAME);
	struct stat st;

	if (strcmp(path, "-") == 0)
		return true;
	/* where it is damaged, missing or not to be read, the command says what is wrong */
	if (len > name_len && strcmp(path + len - name_len, CAPTURE_NAME) == 0)
		return true;
	if (stat(path, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode))
		return S_ISFIFO(st.st_mode);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return false;
	return kymo_is_archive(head) || cap_block_header_probable(head) ||
	       memcmp(head, DATABASE_HEAD, sizeof(DATABASE_HEAD)) == 0;
}

/* One pass over the text; a later line about the same address replaces an earlier one, since code
 * moves and is replaced. */
#include "recorder/names/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/host/kernel_files.h"
#include "recorder/host/maps_parse.h"

#define STATUS_BYTES 8192

/* Hexadecimal, with or without 0x, ended by a blank. */
static bool take_hex(char **text, u64 *ret_value)
{
	char *end;

	if (**text == '-' || **text == '+' || **text == ' ')
		return false;
	errno = 0;
	*ret_value = strtoull(*text, &end, 16);
	if (end == *text || errno == ERANGE || *end != ' ')
		return false;
	*text = end + strspn(end, " ");
	return true;
}

bool rec_perf_map_parse(char *line, struct rec_perf_map_line *ret_line)
{
	char *at = line;

	if (!take_hex(&at, &ret_line->start) || !take_hex(&at, &ret_line->size_bytes))
		return false;
	ret_line->name = at;
	ret_line->name_bytes = strlen(at);
	if (ret_line->name_bytes > REC_PERF_MAP_MAX_NAME_BYTES)
		ret_line->name_bytes = REC_PERF_MAP_MAX_NAME_BYTES;
	return ret_line->name_bytes > 0 && ret_line->size_bytes > 0 &&
	       ret_line->start + ret_line->size_bytes > ret_line->start;
}

/* The last number of a line "Name:\t1\t2" of a status file, or the one at index. */
static bool status_number(const char *status, const char *name, bool last, unsigned long *ret_value)
{
	const char *line = strstr(status, name), *end;
	bool found = false;

	if (!line)
		return false;
	line += strlen(name);
	end = line + strcspn(line, "\n");
	while (line < end) {
		char *after;
		unsigned long value = strtoul(line, &after, 10);

		if (after == line || after > end)
			break;
		*ret_value = value;
		found = true;
		line = after;
		if (!last)
			break;
	}
	return found;
}

int rec_perf_map_open(u32 tgid, char ret_path[REC_PERF_MAP_PATH_BYTES])
{
	CLEANUP(rec_target_root_done) struct rec_target_root root = {.fd = -1, .mountinfo_fd = -1};
	char status[STATUS_BYTES], path[48];
	unsigned long own_pid = tgid, user;
	struct stat facts;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%u/status", tgid);
	len = rec_read_text_at(AT_FDCWD, path, status, sizeof(status));
	/* The name stands in the first line, escaped: no line of it can be made up. */
	if (len < 0 || !status_number(status, "\nUid:", false, &user))
		return len < 0 ? (int)len : -ESRCH;
	(void)status_number(status, "\nNSpid:", true, &own_pid);
	(void)snprintf(ret_path, REC_PERF_MAP_PATH_BYTES, "/tmp/perf-%lu.map", own_pid);
	if (!rec_target_root_open(tgid, &root))
		return -EACCES;
	fd = rec_target_open(&root, ret_path);
	if (fd < 0)
		return fd;
	if (fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode) ||
	    (facts.st_uid != 0 && facts.st_uid != user) || (facts.st_mode & S_IWOTH)) {
		(void)close(fd); /* only opened */
		return -EPERM;
	}
	return fd;
}

/* The first address at or after start. */
static size_t first_from(const struct rec_perf_map_find *finds, size_t count, u64 start)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (finds[middle].address < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int take_line(const struct rec_perf_map_line *line, struct rec_perf_map_find *finds,
		     size_t count, u64 *steps)
{
	for (size_t i = first_from(finds, count, line->start);
	     i < count && finds[i].address - line->start < line->size_bytes; i++, (*steps)++) {
		struct rec_perf_map_find *find = &finds[i];
		char *name;

		if (find->size_bytes && find->start == line->start &&
		    find->name_bytes == line->name_bytes &&
		    !memcmp(find->name, line->name, line->name_bytes)) {
			find->size_bytes = line->size_bytes;
			continue;
		}
		name = malloc(line->name_bytes);
		if (!name)
			return -ENOMEM;
		memcpy(name, line->name, line->name_bytes);
		free(find->name);
		find->name = name;
		find->name_bytes = line->name_bytes;
		find->start = line->start;
		find->size_bytes = line->size_bytes;
	}
	return 0;
}

int rec_perf_map_search(int fd, struct rec_perf_map_find *finds, size_t count)
{
	struct rec_line_reader lines;
	u64 bytes = 0, steps = 0;
	char *line;
	int rc = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	rec_lines_init(&lines, fd);
	while (bytes < REC_PERF_MAP_MAX_BYTES && (rc = rec_lines_next(&lines, &line)) > 0) {
		struct rec_perf_map_line parsed;

		bytes += strlen(line) + 1;
		if (!rec_perf_map_parse(line, &parsed))
			continue;
		if (take_line(&parsed, finds, count, &steps) < 0)
			return -ENOMEM;
		/* Lines that all cover all addresses would make a megabyte of text take minutes. */
		if (steps > 64 * (count + 1024) + bytes)
			return -E2BIG;
	}
	return rc < 0 ? rc : 0;
}

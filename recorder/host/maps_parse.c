/* Parses /proc as hostile text: fields are located from the end of the line that a process cannot
 * influence. */
#include "recorder/host/maps_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Hexadecimal or decimal digits without sign or space, then the byte `stop`, which is skipped. */
static bool take_number(const char **text, int base, char stop, u64 *ret_value)
{
	u64 value = 0;
	const char *p = *text;

	for (;; p++) {
		int digit = *p >= '0' && *p <= '9'   ? *p - '0'
			    : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
						     : 99;

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(value, (u64)base, &value) ||
		    __builtin_add_overflow(value, (u64)digit, &value))
			return false;
	}
	if (p == *text || *p != stop)
		return false;
	*text = p + (stop != '\0');
	*ret_value = value;
	return true;
}

static size_t unescape_newlines(char *path)
{
	char *out = path;

	for (const char *in = path; *in;) {
		if (!strncmp(in, "\\012", 4)) {
			*out++ = '\n';
			in += 4;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
	return (size_t)(out - path);
}

int rec_maps_parse_line(char *line, struct rec_maps_line *ret_line)
{
	struct rec_maps_line parsed = {0};
	const char *at = line;
	u64 major, minor;
	char *path;

	if (!take_number(&at, 16, '-', &parsed.start_address) ||
	    !take_number(&at, 16, ' ', &parsed.end_address) ||
	    parsed.end_address <= parsed.start_address)
		return -EBADMSG;
	if (strnlen(at, 5) < 5 || at[4] != ' ')
		return -EBADMSG;
	parsed.executable = at[2] == 'x';
	at += 5;
	if (!take_number(&at, 16, ' ', &parsed.file_offset) || !take_number(&at, 16, ':', &major) ||
	    !take_number(&at, 16, ' ', &minor))
		return -EBADMSG;
	/* Anonymous memory: the line may end after the inode. */
	if (!take_number(&at, 10, ' ', &parsed.inode) && !take_number(&at, 10, '\0', &parsed.inode))
		return -EBADMSG;
	if (major > UINT32_MAX || minor > UINT32_MAX)
		return -EBADMSG;
	parsed.dev_major = (u32)major;
	parsed.dev_minor = (u32)minor;
	/* Padding only: a name never begins with a space, since paths begin with "/" and others
	 * with "[". */
	path = line + (at - line);
	path += strspn(path, " ");
	parsed.path = path;
	parsed.path_len = unescape_newlines(path);
	*ret_line = parsed;
	return 0;
}

int rec_stat_start_ticks(const char *stat, u64 *ret_ticks)
{
	const char *at = strrchr(stat, ')'); /* numbers follow: the last one ends the name */
	u64 value;

	if (!at || at[1] != ' ')
		return -EBADMSG;
	at += 2;
	for (int field = 3; field < 22; field++) { /* may be negative: skipped as words */
		at = strchr(at, ' ');
		if (!at)
			return -EBADMSG;
		at++;
	}
	if (!take_number(&at, 10, ' ', &value))
		return -EBADMSG;
	*ret_ticks = value;
	return 0;
}

const char *rec_cgroup_path(const char *text, size_t *ret_len)
{
	const char *found = NULL;

	while (*text) {
		size_t line_len = strcspn(text, "\n");
		const char *controllers = memchr(text, ':', line_len);
		const char *path = controllers ? memchr(controllers + 1, ':',
							line_len - (size_t)(controllers + 1 - text))
					       : NULL;
		bool is_v2 = line_len >= 3 && !strncmp(text, "0::", 3);

		if (path && (!found || is_v2)) {
			found = path + 1;
			*ret_len = line_len - (size_t)(found - text);
		}
		if (is_v2)
			break;
		text += line_len + (text[line_len] == '\n');
	}
	return found;
}

const char *rec_mountinfo_type(const char *line, u32 dev_major, u32 dev_minor, size_t *ret_len)
{
	const char *at = line, *separator;
	u64 number, major, minor;

	if (!take_number(&at, 10, ' ', &number) || !take_number(&at, 10, ' ', &number) ||
	    !take_number(&at, 10, ':', &major) || !take_number(&at, 10, ' ', &minor))
		return NULL;
	if (major != dev_major || minor != dev_minor)
		return NULL;
	separator = strstr(at, " - "); /* paths before it have their spaces escaped */
	if (!separator)
		return NULL;
	*ret_len = strcspn(separator + 3, " ");
	return separator + 3;
}

void rec_lines_init(struct rec_line_reader *ret_reader, int fd)
{
	ret_reader->fd = fd;
	ret_reader->at = ret_reader->len = 0;
	ret_reader->cut_rest = false;
}

/* Moves the rest to the front and appends more. Bytes read, 0 at the end, -errno. */
static ssize_t fill(struct rec_line_reader *reader)
{
	ssize_t got;

	memmove(reader->bytes, reader->bytes + reader->at, reader->len - reader->at);
	reader->len -= reader->at;
	reader->at = 0;
	do {
		/* One byte stays free, to terminate a last line that has no newline. */
		got = read(reader->fd, reader->bytes + reader->len,
			   sizeof(reader->bytes) - 1 - reader->len);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	reader->len += (size_t)got;
	return got;
}

int rec_lines_next(struct rec_line_reader *reader, char **ret_line)
{
	for (;;) {
		char *line = reader->bytes + reader->at;
		size_t rest = reader->len - reader->at;
		char *newline = memchr(line, '\n', rest);
		bool is_full = !newline && rest == sizeof(reader->bytes) - 1;
		bool is_tail = reader->cut_rest;
		ssize_t got;

		if (newline || is_full) {
			reader->at += newline ? (size_t)(newline - line) + 1 : rest;
			reader->cut_rest = is_full;
			if (is_tail)
				continue;
			line[newline ? (size_t)(newline - line) : rest] = '\0';
			*ret_line = line;
			return 1;
		}
		got = fill(reader);
		if (got < 0)
			return (int)got;
		if (got)
			continue;
		if (reader->at == reader->len)
			return 0;
		line = reader->bytes + reader->at;
		reader->bytes[reader->len] = '\0';
		reader->at = reader->len;
		if (is_tail)
			return 0;
		*ret_line = line;
		return 1;
	}
}

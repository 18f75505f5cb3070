#pragma once
/* Parser for text of /proc: what a process can put into it (names, paths) must not change how the
 * rest is parsed. Works on bytes, opens nothing. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

struct rec_maps_line {
	u64 start_address, end_address, file_offset, inode;
	u32 dev_major, dev_minor;
	bool executable;
	char *path; /* into the line, terminated; "" for anonymous memory */
	size_t path_len;
};

/*
 * One line of /proc/PID/maps, terminated, without its newline; the path is unescaped in place
 * (\012: the kernel writes a newline so, and nothing else). " (deleted)" stays: a file may have
 * that name. 0 or -EBADMSG.
 */
int rec_maps_parse_line(char *line, struct rec_maps_line *ret_line);

/* Start time of /proc/PID/stat (field 22) in clock ticks after boot. The name in it may hold spaces
 * and ")". 0 or -EBADMSG. */
int rec_stat_start_ticks(const char *stat, u64 *ret_ticks);

/*
 * The path of /proc/PID/cgroup: of the "0::" line (cgroup 2), else of the first. Points into text
 * and is not terminated. NULL: there is none.
 */
const char *rec_cgroup_path(const char *text, size_t *ret_len);

/*
 * Type of the file system with device major:minor in one line of /proc/PID/mountinfo; NULL if the
 * line is of another. Not terminated.
 */
const char *rec_mountinfo_type(const char *line, u32 dev_major, u32 dev_minor, size_t *ret_len);

/* Lines of a descriptor, however long: what does not fit is cut off. */
struct rec_line_reader {
	int fd;
	size_t at, len;
	bool cut_rest; /* of a line that was too long */
	char bytes[16384];
};

void rec_lines_init(struct rec_line_reader *ret_reader, int fd);
/* 1: *ret_line is the next line, terminated, without newline, valid until the next call; 0: the
 * end; -errno. */
int rec_lines_next(struct rec_line_reader *reader, char **ret_line);

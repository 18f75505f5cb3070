#pragma once
/*
 * Opens files that traced processes have, as these see them, for reading. Everything about the path
 * may be hostile: links are followed by hand and never lead out of the root, nothing but regular
 * files is opened, and no file system is asked that may keep us waiting (FUSE, network).
 */
#include <stdbool.h>

#include "formats/table/events.h"

struct rec_target_root {
	int fd;		  /* O_PATH; -1: none */
	int mountinfo_fd; /* -1: none; then no path is followed */
};

/* The root directory of a process; tgid 0: our own. False: it ended, or we may not. */
bool rec_target_root_open(u32 tgid, struct rec_target_root *ret_root);
void rec_target_root_done(struct rec_target_root *root); /* for CLEANUP too */

/* A descriptor, read-only, or -errno. path: absolute, below the root. */
int rec_target_open(const struct rec_target_root *root, const char *path);
/* The program that a process runs, also where its file was deleted. */
int rec_target_open_program(u32 tgid);

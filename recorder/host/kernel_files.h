#pragma once
/* Small files of /proc and /sys, which the kernel makes. */
#include <stddef.h>
#include <sys/types.h>

#include "formats/table/events.h"

#define REC_BUILD_ID_BYTES 20

/* The file's bytes and a terminator, cut at size - 1. dir_fd as for openat. Bytes read or -errno.
 */
ssize_t rec_read_text_at(int dir_fd, const char *name, char *ret_text, size_t size);

/* The same for an absolute path and a single line: without what follows the first newline. */
ssize_t rec_read_line(const char *path, char *ret_text, size_t size);

/* The GNU build-id among ELF notes. Bytes, at most REC_BUILD_ID_BYTES; 0: there is none. */
size_t rec_notes_build_id(const u8 *notes, size_t len, u8 ret_build_id[REC_BUILD_ID_BYTES]);

#pragma once
/*
 * Captures in zip files (of `kymo bundle`) and in gzip files. They come from strangers: what is too
 * big for its archive, would lead out of it, or is not the only capture in it, is refused.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "formats/base/ints.h"

/* Is this how a zip or gzip file begins? At least 4 bytes. */
bool kymo_is_archive(const u8 *head);

/*
 * If path is such a file, its capture, decompressed, as a file without a name: *ret_fd, for the
 * caller to close. *ret_fd is -1 if it is none, or not a regular file. 0; -errno, CAP_EREFUSED,
 * CAP_ELIMIT, CAP_EDAMAGED, CAP_ENOTCAPTURE, CAP_EUSAGE.
 */
int kymo_archive_open(const char *path, int *ret_fd, struct cap_err *err);

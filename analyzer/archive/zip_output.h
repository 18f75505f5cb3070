#pragma once
/* Writes a zip file of a few members. */
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/base/ints.h"

struct kymo_zip_member {
	const char *name;
	const void *bytes; /* NULL: */
	int fd;		   /* a whole file, which is stored as it is: it is compressed already */
	size_t len;
};

/* To fd, from front to back. *ret_bytes is its size; fd -1: only that. 0, -ENOMEM, -errno. */
int kymo_zip_write(int fd, const struct kymo_zip_member *members, size_t count, u64 *ret_bytes,
		   struct cap_err *err);

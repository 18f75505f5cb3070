#pragma once
/* Lines put into the order of time, however many there are: what does not fit into memory goes to
 * temporary files without a name, and is merged from there. */
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/base/ints.h"

struct kymo_line_sort;

/* memory_bytes: of lines, before some are written to a file. NULL: no memory. */
struct kymo_line_sort *kymo_line_sort_new(size_t memory_bytes);
struct kymo_line_sort *kymo_line_sort_free(struct kymo_line_sort *sort);
void kymo_line_sort_freep(struct kymo_line_sort **sort); /* for CLEANUP */

/* 0, -ENOMEM, or -errno of a temporary file. */
int kymo_line_sort_add(struct kymo_line_sort *sort, u64 time_ns, const char *text, size_t len,
		       struct cap_err *err);

/* Gives all lines, the earliest first, those of one time in the order in which they were added; the
 * sort is empty then. A negative return of fn ends it and is returned. */
typedef int (*kymo_line_fn)(void *context, u64 time_ns, const char *text, size_t len,
			    struct cap_err *err);
int kymo_line_sort_run(struct kymo_line_sort *sort, kymo_line_fn fn, void *context,
		       struct cap_err *err);

#pragma once
/*
 * Names of user functions that the capture itself holds: the recorder looked them up on the
 * recorded host, in the very files. So they hold wherever the capture is read.
 */
#include <stdint.h>

#include "formats/base/cap_error.h"

struct sqlite3;
struct kymo_captured_names;

enum kymo_names_source {
	KYMO_NAMES_OF_ROWS,    /* the table of symbols */
	KYMO_NAMES_OF_CAPTURE, /* the capture that is open, without a walk */
};

/* Takes them from the rows of a database, or from the capture that is open (source says which). 0,
 * -ENOMEM, or the database's error. */
int kymo_captured_names_open(struct sqlite3 *handle, enum kymo_names_source source,
			     struct kymo_captured_names **ret_names, struct cap_err *err);
struct kymo_captured_names *kymo_captured_names_free(struct kymo_captured_names *names);

/*
 * The function that covers a file offset of a module, demangled. build_id: hex, NULL: not known,
 * then path counts. 1: *ret_name is set, valid until the next call, and *ret_into is how far into
 * it the offset lies; 0: there is none; or negative.
 */
int kymo_captured_names_find(struct kymo_captured_names *names, const char *build_id,
			     const char *path, uint64_t file_offset, const char **ret_name,
			     uint64_t *ret_into, struct cap_err *err);
/* Has the capture any names of the module? 1, 0 or negative. */
int kymo_captured_names_has(struct kymo_captured_names *names, const char *build_id,
			    const char *path, struct cap_err *err);

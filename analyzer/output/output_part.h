#pragma once
/*
 * A file that is whole or not there at all: written as NAME.part, readable for its owner only, and
 * given its name at the end.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"

struct kymo_part {
	const char *output;
	char *path; /* OUTPUT.part */
	bool force; /* replace an existing output */
	bool ours;
	int fd; /* for writing; holds the lock on the part. Init to -1 */
};

/*
 * 0 and *ret_part, whose strings are its own but for output. -EEXIST where the output is there (and
 * not force) or is no regular file, or where another process writes the part; CAP_EUSAGE if the
 * output is one of the inputs. A part that was left by a killed process is taken over. `what` names
 * who would leave one ("import").
 */
int kymo_part_create(const char *output, bool force, const char *what, const char *const *inputs,
		     size_t input_count, struct kymo_part *ret_part, struct cap_err *err);

/* To disk, then the name. */
int kymo_part_publish(struct kymo_part *part, struct cap_err *err);

/* Takes away what was not published. */
void kymo_part_done(struct kymo_part *part); /* for CLEANUP */

#pragma once
/* Folded stacks, root first: one line per distinct stack, "process;frame;frame count". */
#include <stdio.h>

#include "analyzer/output/report_writer.h"
#include "analyzer/stats/stack_tree.h"

struct kymo_folded_unit { /* what the weights of a tree are shown as */
	const char *name; /* of the column */
	u64 divisor;
};

/* Writes the stacks of a finished tree whose names are folded names, in order of the tree; those
 * that come to 0 of the unit are left out. 0, -ENOMEM, or the error of writing. */
int kymo_folded_write(FILE *out, const struct kymo_tree *tree, const struct kymo_folded_unit *unit,
		      struct cap_err *err);

/* The same as table "folded_stacks" (folded, and the unit's name) of a document. */
int kymo_folded_to_writer(struct kymo_writer *writer, const struct kymo_tree *tree,
			  const struct kymo_folded_unit *unit, struct cap_err *err);

#pragma once
/* Folded stacks, root first: one line per distinct stack, "process;frame;frame count". */
#include <stdio.h>

#include "analyzer/output/report_writer.h"
#include "analyzer/stats/stack_tree.h"

/* Writes the stacks of a finished tree whose names are folded names, in order of the tree. 0,
 * -ENOMEM, or the error of writing. */
int kymo_folded_write(FILE *out, const struct kymo_tree *tree, struct cap_err *err);

/* The same as table "folded_stacks" (folded, samples; weight instead of samples where they are
 * weighed by period) of a document. */
int kymo_folded_to_writer(struct kymo_writer *writer, const struct kymo_tree *tree, bool by_period,
			  struct cap_err *err);

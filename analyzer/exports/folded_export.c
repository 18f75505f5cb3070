/* Folded stacks, as `kymo folded` and `kymo offcpu --folded` write them, of any kind of stacks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/stack_table.h"
#include "analyzer/exports/export_formats.h"
#include "analyzer/output/folded_name.h"
#include "analyzer/reports/folded_report.h"
#include "analyzer/stats/stack_tree.h"
#include "formats/base/cleanup.h"

static u32 add_name(struct kymo_tree *tree, u32 node, const struct kymo_folded_name *name)
{
	return kymo_tree_child(tree, node, KYMO_FRAME_USER, name->text, name->len);
}

static u32 add_frame(struct kymo_tree *tree, u32 node, const struct kymo_book_frame *frame,
		     struct kymo_folded_name *name)
{
	if (frame && frame->cut)
		return kymo_tree_child(tree, node, KYMO_FRAME_USER, KYMO_CUT_NAME,
				       strlen(KYMO_CUT_NAME));
	if (kymo_folded_name_set(name, frame ? frame->name : "",
				 frame && frame->known ? frame->name_len : 0, true) < 0 ||
	    (frame && frame->kernel && kymo_folded_name_append(name, "_[k]") < 0))
		return 0;
	return add_name(tree, node, name);
}

/* 0, or -ENOMEM. */
static int add_stack(struct kymo_tree *tree, const struct kymo_export *export,
		     const struct kymo_stack_sum *sum, const struct kymo_stack_measure *measure,
		     struct kymo_folded_name *name)
{
	const struct kymo_book_task *task =
		sum->task == KYMO_BOOK_NONE ? NULL : kymo_book_task(export->book, sum->task);
	const char *root = !task ? "" : measure->of->by_process ? task->process : task->comm;
	u32 path[KYMO_BOOK_MAX_DEPTH], node;
	size_t depth = kymo_book_path(export->book, sum->stack, path);

	if (kymo_folded_name_set(name, root, strlen(root), false) < 0)
		return -ENOMEM;
	node = add_name(tree, 0, name);
	if (depth == 0 && node != 0)
		node = kymo_tree_child(tree, node, KYMO_FRAME_USER, "[no stack]",
				       strlen("[no stack]"));
	while (depth > 0 && node != 0) {
		u32 frame = path[--depth];

		node = add_frame(tree, node,
				 frame == KYMO_BOOK_NONE ? NULL
							 : kymo_book_frame(export->book, frame),
				 name);
	}
	if (node == 0)
		return -ENOMEM;
	kymo_tree_add(tree, node, measure->varies ? sum->weight : sum->count);
	return 0;
}

int kymo_export_folded(const struct kymo_export *export, struct cap_err *err)
{
	CLEANUP(kymo_stack_sums_done) struct kymo_stack_sums sums = {0};
	CLEANUP(kymo_folded_name_done) struct kymo_folded_name name = {0};
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
	const struct kymo_stack_measure *measure =
		&export->measures[__builtin_ctz(export->classes)]; /* there is one */
	struct kymo_folded_unit unit = {"", 1};
	int rc;

	if (!tree)
		return cap_fail(err, -ENOMEM, "out of memory for stacks");
	if (measure->of->unit == KYMO_STACK_UNIT_NS) /* as other tools have waits: microseconds */
		unit.divisor = 1000;
	rc = kymo_stack_sums_read(export->db, export->filter, measure, export->book, &sums, err);
	for (size_t i = 0; i < sums.count && rc == 0; i++) {
		rc = add_stack(tree, export, &sums.list[i], measure, &name);
		*export->written += sums.list[i].count;
	}
	if (rc == 0)
		rc = kymo_tree_finish(tree);
	if (rc < 0)
		return rc == -ENOMEM ? cap_fail(err, rc, "out of memory for stacks") : rc;
	return kymo_folded_write(export->out, tree, &unit, err);
}

/* The line of a stack is kept while the tree is walked: each node cuts it at its depth and adds its
 * name. */
#include "analyzer/reports/folded_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct line {
	char *text;
	size_t capacity;
	size_t *ends; /* by depth: where the line ends after that frame */
	size_t depth_capacity;
};

static void line_done(struct line *line)
{
	free(line->text);
	free(line->ends);
}

/* Makes the line that of node, whose parent's the line's beginning is. Returns its length, or
 * SIZE_MAX when out of memory. */
static size_t line_set(struct line *line, const struct kymo_tree_node *node)
{
	size_t begin, need;

	if (node->depth >= line->depth_capacity) {
		size_t capacity = (size_t)node->depth * 2 + 64;
		size_t *ends = reallocarray(line->ends, capacity, sizeof(*ends));

		if (!ends)
			return SIZE_MAX;
		line->ends = ends;
		line->depth_capacity = capacity;
	}
	begin = node->depth > 1 ? line->ends[node->depth - 1] : 0;
	need = begin + 1 + node->name_len + 1;
	if (need > line->capacity) {
		char *grown = realloc(line->text, need * 2);

		if (!grown)
			return SIZE_MAX;
		line->text = grown;
		line->capacity = need * 2;
	}
	if (begin > 0)
		line->text[begin++] = ';';
	memcpy(line->text + begin, node->name, node->name_len);
	line->ends[node->depth] = begin + node->name_len;
	return begin + node->name_len;
}

typedef void (*line_fn)(void *context, const char *text, size_t len, uint64_t weight);

static int for_each_line(const struct kymo_tree *tree, u64 divisor, line_fn fn, void *context)
{
	__attribute__((cleanup(line_done))) struct line line = {0};

	for (uint32_t at = kymo_tree_next(tree, 0); at != 0; at = kymo_tree_next(tree, at)) {
		const struct kymo_tree_node *node = kymo_tree_node(tree, at);
		size_t len = line_set(&line, node);

		if (len == SIZE_MAX)
			return -ENOMEM;
		if (node->self >= divisor)
			fn(context, line.text, len, node->self / divisor);
	}
	return 0;
}

static void write_line(void *context, const char *text, size_t len, uint64_t weight)
{
	FILE *out = context;

	(void)fwrite(text, 1, len, out); /* ferror is asked at the end */
	(void)fprintf(out, " %" PRIu64 "\n", weight);
}

int kymo_folded_write(FILE *out, const struct kymo_tree *tree, const struct kymo_folded_unit *unit,
		      struct cap_err *err)
{
	if (for_each_line(tree, unit->divisor, write_line, out) < 0)
		return cap_fail(err, -ENOMEM, "folded stacks");
	errno = 0;
	if (fflush(out) != 0 || ferror(out))
		return cap_fail_errno(err, errno ? errno : EIO, "write folded stacks");
	return 0;
}

static void sink_line(void *context, const char *text, size_t len, uint64_t weight)
{
	struct kymo_value values[] = {
		{.type = KYMO_TEXT, .text = text, .text_bytes = len},
		kymo_int((s64)weight),
	};

	kymo_writer_row(context, values);
}

int kymo_folded_to_writer(struct kymo_writer *writer, const struct kymo_tree *tree,
			  const struct kymo_folded_unit *unit, struct cap_err *err)
{
	const struct kymo_column columns[] = {{.name = "folded"}, {.name = unit->name}};

	kymo_writer_table_begin(writer, "folded_stacks", columns, 2);
	if (for_each_line(tree, unit->divisor, sink_line, writer) < 0)
		return cap_fail(err, -ENOMEM, "folded stacks");
	kymo_writer_table_end(writer);
	return 0;
}

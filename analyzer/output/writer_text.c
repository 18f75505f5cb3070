/*
 * Aligned text for people. Rows are held until their widths are known, but never more than
 * TEXT_HELD_ROWS: the rest of a long table streams with the widths of its beginning.
 */
#include "analyzer/output/safe_text.h"
#include "analyzer/output/writer_ops.h"
#include "analyzer/output/value_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_HELD_ROWS 512
#define TEXT_FIELD_WIDTH 22
#define LABEL_BYTES 64

struct text_cell {
	char *text; /* NULL where out of memory */
	size_t text_bytes;
	bool right; /* numbers stand at the right */
};

struct text_state {
	struct text_cell *cells; /* TEXT_HELD_ROWS * column_count */
	size_t rows;
	size_t *widths;
	bool streaming;
	bool wrote_any;
};

static struct text_state *state_of(struct kymo_writer *writer)
{
	if (!writer->state)
		writer->state = calloc(1, sizeof(struct text_state));
	if (!writer->state && writer->error == 0)
		writer->error = -ENOMEM;
	return writer->state;
}

static void indent(struct kymo_writer *writer)
{
	for (unsigned i = 0; i < writer->depth; i++)
		(void)fputs("  ", writer->out);
}

static bool take_end(char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	if (len <= end_len || strcmp(text + len - end_len, end) != 0)
		return false;
	text[len - end_len] = '\0';
	return true;
}

/*
 * The name of a field as its label: "duration" for duration_ns, which is shown as "30.057 s".
 * JSON and views keep the unit in the name, because they hold the plain number.
 */
static const char *label_of(const char *name, enum kymo_show show, char ret_label[LABEL_BYTES])
{
	bool bytes = show == KYMO_SHOW_BYTES;

	if ((show != KYMO_SHOW_NS && !bytes) || strlen(name) + sizeof("_size") > LABEL_BYTES)
		return name;
	if (bytes && strncmp(name, "bytes_", 6) == 0)
		(void)snprintf(ret_label, LABEL_BYTES, "data_%s", name + 6);
	else
		(void)snprintf(ret_label, LABEL_BYTES, "%s", name);
	(void)take_end(ret_label, "_ns");
	if (take_end(ret_label, "_bytes"))
		(void)strncat(ret_label, "_size", LABEL_BYTES - strlen(ret_label) - 1);
	return ret_label;
}

static void text_field(struct kymo_writer *writer, const char *name, enum kymo_show show,
		       const struct kymo_value *value)
{
	struct text_state *state = state_of(writer);
	char number[KYMO_NUMBER_BYTES], space[LABEL_BYTES];
	const char *label = label_of(name, show, space);
	int pad = TEXT_FIELD_WIDTH - (int)strlen(label) - 2 * (int)writer->depth;

	if (!state || show == KYMO_SHOW_HIDDEN)
		return;
	state->wrote_any = true;
	indent(writer);
	kymo_print_safe(writer->out, label, strlen(label));
	(void)fprintf(writer->out, ":%*s", pad > 1 ? pad : 1, "");
	if (value->type == KYMO_TEXT) {
		kymo_print_safe(writer->out, value->text, value->text_bytes);
	} else {
		kymo_format_shown(value, show, number);
		(void)fputs(number, writer->out);
	}
	(void)fputc('\n', writer->out);
}

static void text_heading(struct kymo_writer *writer, const char *name)
{
	struct text_state *state = state_of(writer);

	if (state && state->wrote_any)
		(void)fputc('\n', writer->out);
	if (state)
		state->wrote_any = true;
	if (name && *name) {
		indent(writer);
		kymo_print_safe(writer->out, name, strlen(name));
		(void)fputc('\n', writer->out);
	}
}

static void text_object_end(struct kymo_writer *writer)
{
	(void)writer;
}

static struct text_cell make_cell(struct kymo_writer *writer, const struct kymo_value *value,
				  enum kymo_show show)
{
	struct text_cell cell = {.right = value->type != KYMO_TEXT};
	char number[1 + KYMO_NUMBER_BYTES]; /* a mark before it */

	if (value->type == KYMO_TEXT) {
		cell.text_bytes = value->text_bytes;
		cell.text = malloc(cell.text_bytes + 1);
		if (cell.text)
			memcpy(cell.text, value->text, cell.text_bytes);
	} else {
		bool marked = value->mark && value->type != KYMO_NULL;

		number[0] = value->mark;
		kymo_format_shown(value, show, number + marked);
		cell.text_bytes = strlen(number);
		cell.text = strdup(number);
	}
	if (!cell.text) {
		cell.text_bytes = 0;
		writer->error = -ENOMEM;
	}
	return cell;
}

static void print_cells(struct kymo_writer *writer, const struct text_state *state,
			const struct text_cell *cells)
{
	size_t last = writer->column_count;

	while (last > 0 && writer->columns[last - 1].show == KYMO_SHOW_HIDDEN)
		last--;
	indent(writer);
	for (size_t i = 0; i < last; i++) {
		size_t width;
		int pad;

		if (writer->columns[i].show == KYMO_SHOW_HIDDEN)
			continue;
		width = kymo_safe_width(cells[i].text ? cells[i].text : "", cells[i].text_bytes);
		pad = state->widths[i] > width ? (int)(state->widths[i] - width) : 0;
		if (cells[i].right)
			(void)fprintf(writer->out, "%*s", pad, "");
		kymo_print_safe(writer->out, cells[i].text ? cells[i].text : "",
				cells[i].text_bytes);
		if (i + 1 < last)
			(void)fprintf(writer->out, "%*s", cells[i].right ? 2 : pad + 2, "");
	}
	(void)fputc('\n', writer->out);
}

static void print_head(struct kymo_writer *writer, const struct text_state *state)
{
	struct text_cell *titles = calloc(writer->column_count + 1, sizeof(*titles));

	if (!titles) {
		writer->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < writer->column_count; i++) {
		const struct kymo_column *column = &writer->columns[i];

		titles[i].text = (char *)(column->title ? column->title : column->name);
		titles[i].text_bytes = strlen(titles[i].text);
		/* a heading is aligned with the numbers of its column */
		titles[i].right = state->rows > 0 && state->cells[i].right;
	}
	print_cells(writer, state, titles);
	free(titles);
}

static void free_row(struct text_cell *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(cells[i].text);
}

static void flush_held(struct kymo_writer *writer, struct text_state *state)
{
	if (!state->cells || !state->widths)
		return;
	print_head(writer, state);
	for (size_t row = 0; row < state->rows; row++) {
		struct text_cell *cells = &state->cells[row * writer->column_count];

		print_cells(writer, state, cells);
		free_row(cells, writer->column_count);
	}
	state->rows = 0;
}

static void text_table_begin(struct kymo_writer *writer, const char *name)
{
	struct text_state *state = state_of(writer);

	if (!state)
		return;
	text_heading(writer, writer->tables > 1 || state->wrote_any ? name : NULL);
	state->rows = 0;
	state->streaming = false;
	state->cells = calloc(TEXT_HELD_ROWS * writer->column_count + 1, sizeof(*state->cells));
	state->widths = calloc(writer->column_count + 1, sizeof(*state->widths));
	if (!state->cells || !state->widths) {
		writer->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < writer->column_count; i++) {
		const struct kymo_column *column = &writer->columns[i];

		const char *title = column->title ? column->title : column->name;

		state->widths[i] = kymo_safe_width(title, strlen(title));
	}
}

static void text_row(struct kymo_writer *writer, const struct kymo_value *values)
{
	struct text_state *state = writer->state;
	struct text_cell *cells;

	if (!state || !state->cells || !state->widths)
		return;
	cells = &state->cells[state->rows * writer->column_count];
	for (size_t i = 0; i < writer->column_count; i++) {
		size_t width;

		cells[i] = make_cell(writer, &values[i], writer->columns[i].show);
		width = kymo_safe_width(cells[i].text ? cells[i].text : "", cells[i].text_bytes);
		if (!state->streaming && width > state->widths[i])
			state->widths[i] = width;
	}
	if (state->streaming) {
		print_cells(writer, state, cells);
		free_row(cells, writer->column_count);
	} else if (++state->rows == TEXT_HELD_ROWS) {
		flush_held(writer, state);
		state->streaming = true;
	}
}

static void text_table_end(struct kymo_writer *writer)
{
	struct text_state *state = writer->state;

	if (!state)
		return;
	if (!state->streaming)
		flush_held(writer, state);
	free(state->cells);
	free(state->widths);
	state->cells = NULL;
	state->widths = NULL;
}

static void text_finish(struct kymo_writer *writer)
{
	(void)writer;
}

static void text_free(struct kymo_writer *writer)
{
	struct text_state *state = writer->state;

	if (!state)
		return;
	if (state->cells)
		free_row(state->cells, state->rows * writer->column_count);
	free(state->cells);
	free(state->widths);
	free(state);
}

const struct kymo_writer_ops kymo_writer_text_ops = {
	.field = text_field,
	.object_begin = text_heading,
	.object_end = text_object_end,
	.table_begin = text_table_begin,
	.row = text_row,
	.table_end = text_table_end,
	.finish = text_finish,
	.free = text_free,
};

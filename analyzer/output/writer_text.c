/*
 * Aligned text for people. Rows are held until their widths are known, but never more than
 * TEXT_HELD_ROWS: the rest of a long table streams with the widths of its beginning.
 */
#include "analyzer/output/safe_text.h"
#include "analyzer/output/table_layout.h"
#include "analyzer/output/writer_ops.h"
#include "analyzer/output/value_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_HELD_ROWS 512
#define TEXT_GAP 2 /* between columns */
#define TEXT_FIELD_WIDTH 22
#define LABEL_BYTES 64

struct text_state {
	struct kymo_value *cells; /* TEXT_HELD_ROWS * column_count; their texts are ours */
	size_t rows;
	struct kymo_layout_column *layout; /* of each column, once the held rows are known */
	bool brief;			   /* numbers have three digits, so that lines fit */
	bool streaming;
	bool wrote_any;
	s64 rows_seen; /* of this table, also beyond its limit */
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

static void text_line(struct kymo_writer *writer, const char *text)
{
	size_t len = strlen(text);

	indent(writer);
	if (writer->line_columns > 0)
		(void)kymo_print_fitting(writer->out, text, len, writer->line_columns);
	else
		kymo_print_safe(writer->out, text, len);
	(void)fputc('\n', writer->out);
}

/* -------- tables -------- */

/* Like the value, with a text of its own. */
static struct kymo_value keep_value(struct kymo_writer *writer, const struct kymo_value *value)
{
	struct kymo_value kept = *value;
	char *text;

	if (value->type != KYMO_TEXT)
		return kept;
	text = malloc(value->text_bytes + 1);
	if (text)
		memcpy(text, value->text, value->text_bytes);
	else
		writer->error = -ENOMEM;
	kept.text = text;
	kept.text_bytes = text ? value->text_bytes : 0;
	return kept;
}

static void free_row(struct kymo_value *cells, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (cells[i].type == KYMO_TEXT)
			free((char *)cells[i].text);
	}
}

/* What stands in the cell, and how long it is. A number is written into space. */
static const char *shown_cell(const struct kymo_value *value, enum kymo_show show, bool brief,
			      char space[1 + KYMO_NUMBER_BYTES], size_t *ret_bytes)
{
	bool marked = value->mark && value->type != KYMO_NULL;

	if (value->type == KYMO_TEXT) {
		*ret_bytes = value->text_bytes;
		return value->text ? value->text : "";
	}
	space[0] = value->mark;
	kymo_format_shown(value, brief && show == KYMO_SHOW_NS ? KYMO_SHOW_SHORT_NS : show,
			  space + marked);
	*ret_bytes = strlen(space);
	return space;
}

static size_t cell_width(const struct kymo_value *value, enum kymo_show show, bool brief)
{
	char space[1 + KYMO_NUMBER_BYTES];
	size_t bytes;
	const char *text = shown_cell(value, show, brief, space, &bytes);

	return kymo_safe_width(text, bytes);
}

static void print_row(struct kymo_writer *writer, const struct text_state *state,
		      const struct kymo_value *cells, bool is_head)
{
	size_t last = writer->column_count;

	while (last > 0 && !state->layout[last - 1].shown)
		last--;
	indent(writer);
	for (size_t i = 0; i < last; i++) {
		char space[1 + KYMO_NUMBER_BYTES];
		size_t width = state->layout[i].width, used, bytes;
		/* a heading is aligned with the numbers of its column */
		bool right = is_head ? state->rows > 0 && state->cells[i].type != KYMO_TEXT
				     : cells[i].type != KYMO_TEXT;
		const char *text;

		if (!state->layout[i].shown)
			continue;
		text = shown_cell(&cells[i], writer->columns[i].show, state->brief, space, &bytes);
		used = kymo_safe_width(text, bytes);
		if (right && used < width)
			(void)fprintf(writer->out, "%*s", (int)(width - used), "");
		if (used > width && writer->line_columns > 0 && cells[i].type == KYMO_TEXT)
			used = kymo_print_fitting(writer->out, text, bytes, width);
		else
			kymo_print_safe(writer->out, text, bytes);
		if (i + 1 < last)
			(void)fprintf(writer->out, "%*s",
				      TEXT_GAP + (right || used > width ? 0 : (int)(width - used)),
				      "");
	}
	(void)fputc('\n', writer->out);
}

static const char *title_of(const struct kymo_column *column)
{
	return column->title ? column->title : column->name;
}

static void print_head(struct kymo_writer *writer, const struct text_state *state)
{
	struct kymo_value *titles = calloc(writer->column_count + 1, sizeof(*titles));

	if (!titles) {
		writer->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < writer->column_count; i++)
		titles[i] = kymo_text(title_of(&writer->columns[i]));
	print_row(writer, state, titles, true);
	free(titles);
}

static void measure_column(const struct kymo_writer *writer, const struct text_state *state,
			   size_t column)
{
	struct kymo_layout_column *layout = &state->layout[column];
	enum kymo_show show = writer->columns[column].show;
	const char *title = title_of(&writer->columns[column]);

	*layout = (struct kymo_layout_column){
		.name = writer->columns[column].name,
		.width = kymo_safe_width(title, strlen(title)),
		.is_text = true,
		.shown = show != KYMO_SHOW_HIDDEN,
	};
	layout->brief = layout->width;
	for (size_t row = 0; row < state->rows && layout->shown; row++) {
		const struct kymo_value *cell = &state->cells[row * writer->column_count + column];
		size_t width = cell_width(cell, show, false), brief = cell_width(cell, show, true);

		layout->width = width > layout->width ? width : layout->width;
		layout->brief = brief > layout->brief ? brief : layout->brief;
		layout->is_text &= cell->type == KYMO_TEXT || cell->type == KYMO_NULL;
	}
}

static void flush_held(struct kymo_writer *writer, struct text_state *state)
{
	size_t indented = 2 * (size_t)writer->depth;

	if (!state->cells || !state->layout)
		return;
	for (size_t i = 0; i < writer->column_count; i++)
		measure_column(writer, state, i);
	if (writer->line_columns > indented)
		state->brief = kymo_layout_fit(state->layout, writer->column_count, TEXT_GAP,
					       writer->line_columns - indented, writer->expendable);
	print_head(writer, state);
	for (size_t row = 0; row < state->rows; row++) {
		struct kymo_value *cells = &state->cells[row * writer->column_count];

		print_row(writer, state, cells, false);
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
	state->rows_seen = 0;
	state->streaming = state->brief = false;
	state->cells = calloc(TEXT_HELD_ROWS * writer->column_count + 1, sizeof(*state->cells));
	state->layout = calloc(writer->column_count + 1, sizeof(*state->layout));
	if (!state->cells || !state->layout)
		writer->error = -ENOMEM;
}

static void text_row(struct kymo_writer *writer, const struct kymo_value *values)
{
	struct text_state *state = writer->state;
	struct kymo_value *cells;

	if (!state || !state->cells || !state->layout)
		return;
	if (state->rows_seen++ >= writer->row_limit && writer->row_limit >= 0)
		return;
	if (state->streaming) {
		print_row(writer, state, values, false);
		return;
	}
	cells = &state->cells[state->rows * writer->column_count];
	for (size_t i = 0; i < writer->column_count; i++)
		cells[i] = keep_value(writer, &values[i]);
	if (++state->rows == TEXT_HELD_ROWS) {
		flush_held(writer, state);
		state->streaming = true;
	}
}

static void text_table_end(struct kymo_writer *writer)
{
	struct text_state *state = writer->state;
	char text[KYMO_MORE_BYTES];

	if (!state)
		return;
	if (!state->streaming)
		flush_held(writer, state);
	if (writer->row_limit >= 0 && state->rows_seen > writer->row_limit)
		text_line(writer, kymo_more_text(state->rows_seen - writer->row_limit, text));
	free(state->cells);
	free(state->layout);
	state->cells = NULL;
	state->layout = NULL;
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
	free(state->layout);
	free(state);
}

const struct kymo_writer_ops kymo_writer_text_ops = {
	.field = text_field,
	.object_begin = text_heading,
	.object_end = text_object_end,
	.table_begin = text_table_begin,
	.row = text_row,
	.table_end = text_table_end,
	.line = text_line,
	.finish = text_finish,
	.free = text_free,
};

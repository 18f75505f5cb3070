/*
 * CSV as RFC 4180 has it: the first table of the document, with a head line. Text is shown as
 * safe_text.h says, so a record is always one line. A text that a spreadsheet would run as a
 * formula (it begins with = + - @, tab or CR) is quoted and gets an apostrophe in front.
 */
#include "analyzer/output/line_buffer.h"
#include "analyzer/output/safe_text.h"
#include "analyzer/output/writer_ops.h"

#include <string.h>

static void write_text(FILE *out, const char *text, size_t text_bytes)
{
	bool formula = text_bytes > 0 && memchr("=+-@\t\r", text[0], 6) != NULL;

	(void)fputc('"', out);
	if (formula)
		(void)fputc('\'', out);
	for (size_t at = 0; at < text_bytes;) {
		struct kymo_visible visible = kymo_visible_next(text + at, text_bytes - at);

		if (visible.text[0] == '"')
			(void)fputc('"', out);
		(void)fwrite(visible.text, 1, visible.len, out);
		at += visible.consumed;
	}
	(void)fputc('"', out);
}

static bool needs_quotes(const char *text, size_t text_bytes)
{
	if (text_bytes == 0 || memchr("=+-@ '", text[0], 6) || text[text_bytes - 1] == ' ')
		return true;
	for (size_t i = 0; i < text_bytes; i++) {
		u8 byte = (u8)text[i];

		if (byte < 0x20 || byte == '"' || byte == ',' || byte == ';' || byte >= 0x7f)
			return true;
	}
	return false;
}

static void put_cell(struct kymo_line *line, const struct kymo_value *value)
{
	char number[KYMO_NUMBER_BYTES];

	switch (value->type) {
	case KYMO_NULL:
		break; /* nothing between the commas; an empty text is "" */
	case KYMO_TEXT:
		if (needs_quotes(value->text, value->text_bytes)) {
			kymo_line_flush(line);
			write_text(line->out, value->text, value->text_bytes);
		} else {
			kymo_line_put(line, value->text, value->text_bytes);
		}
		break;
	case KYMO_INT:
		kymo_line_int(line, value->integer);
		break;
	default:
		kymo_format_plain(value, number);
		if (strcmp(number, "null") != 0)
			kymo_line_put(line, number, strlen(number));
	}
}

static void csv_row(struct kymo_writer *writer, const struct kymo_value *values)
{
	struct kymo_line line;

	if (writer->tables > 1)
		return;
	line.out = writer->out;
	line.used = 0;
	for (size_t i = 0; i < writer->column_count; i++) {
		if (i > 0)
			kymo_line_put(&line, ",", 1);
		put_cell(&line, &values[i]);
	}
	kymo_line_put(&line, "\r\n", 2);
	kymo_line_flush(&line);
}

static void csv_table_begin(struct kymo_writer *writer, const char *name)
{
	struct kymo_line line;

	(void)name;
	if (writer->tables > 1)
		return;
	line.out = writer->out;
	line.used = 0;
	for (size_t i = 0; i < writer->column_count; i++) {
		struct kymo_value title = kymo_text(writer->columns[i].name);

		if (i > 0)
			kymo_line_put(&line, ",", 1);
		put_cell(&line, &title);
	}
	kymo_line_put(&line, "\r\n", 2);
	kymo_line_flush(&line);
}

static void csv_field(struct kymo_writer *writer, const char *name, enum kymo_show show,
		      const struct kymo_value *value)
{
	(void)writer, (void)name, (void)show, (void)value;
}

static void csv_object_begin(struct kymo_writer *writer, const char *name)
{
	(void)writer, (void)name;
}

static void csv_nothing(struct kymo_writer *writer)
{
	(void)writer;
}

const struct kymo_writer_ops kymo_writer_csv_ops = {
	.field = csv_field,
	.object_begin = csv_object_begin,
	.object_end = csv_nothing,
	.table_begin = csv_table_begin,
	.row = csv_row,
	.table_end = csv_nothing,
	.finish = csv_nothing,
};

/* One JSON document: an object of fields, objects and arrays of objects. */
#include "analyzer/output/json_string.h"
#include "analyzer/output/writer_ops.h"
#include "analyzer/output/value_format.h"

#include <string.h>

static void begin_member(struct kymo_writer *writer, const char *name)
{
	if (writer->items[writer->depth]++ == 0)
		(void)fputs(writer->depth == 0 ? "{\n" : "\n", writer->out);
	else
		(void)fputs(",\n", writer->out);
	for (unsigned i = 0; i <= writer->depth; i++)
		(void)fputs("  ", writer->out);
	kymo_json_key(writer->out, name, "");
	(void)fputc(' ', writer->out);
}

static void write_value(struct kymo_writer *writer, const struct kymo_value *value)
{
	char number[KYMO_NUMBER_BYTES];

	if (value->type == KYMO_TEXT) {
		kymo_json_string(writer->out, value->text, value->text_bytes);
		return;
	}
	kymo_format_plain(value, number);
	(void)fputs(number, writer->out);
}

static void json_field(struct kymo_writer *writer, const char *name, enum kymo_show show,
		       const struct kymo_value *value)
{
	(void)show;
	begin_member(writer, name);
	write_value(writer, value);
	if (value->type == KYMO_TEXT)
		kymo_json_flag(writer->out, ", ", name, "_hex", value->text, value->text_bytes);
}

static void json_object_begin(struct kymo_writer *writer, const char *name)
{
	begin_member(writer, name);
	(void)fputc('{', writer->out);
}

static void json_object_end(struct kymo_writer *writer)
{
	if (writer->items[writer->depth] > 0) {
		(void)fputc('\n', writer->out);
		for (unsigned i = 0; i < writer->depth; i++)
			(void)fputs("  ", writer->out);
	}
	(void)fputc('}', writer->out);
}

static void json_table_begin(struct kymo_writer *writer, const char *name)
{
	begin_member(writer, name);
	(void)fputc('[', writer->out);
	writer->items[writer->depth + 1] = 0;
}

static void json_row(struct kymo_writer *writer, const struct kymo_value *values)
{
	(void)fputs(writer->items[writer->depth + 1]++ == 0 ? "\n" : ",\n", writer->out);
	for (unsigned i = 0; i < writer->depth + 2; i++)
		(void)fputs("  ", writer->out);
	for (size_t i = 0; i < writer->column_count; i++) {
		(void)fputs(i == 0 ? "{" : ", ", writer->out);
		kymo_json_key(writer->out, writer->columns[i].name, "");
		(void)fputc(' ', writer->out);
		write_value(writer, &values[i]);
		if (values[i].type == KYMO_TEXT)
			kymo_json_flag(writer->out, ", ", writer->columns[i].name, "_hex",
				       values[i].text, values[i].text_bytes);
	}
	(void)fputs(writer->column_count == 0 ? "{}" : "}", writer->out);
}

static void json_table_end(struct kymo_writer *writer)
{
	if (writer->items[writer->depth + 1] > 0) {
		(void)fputc('\n', writer->out);
		for (unsigned i = 0; i <= writer->depth; i++)
			(void)fputs("  ", writer->out);
	}
	(void)fputc(']', writer->out);
}

static void json_finish(struct kymo_writer *writer)
{
	(void)fputs(writer->items[0] > 0 ? "\n}\n" : "{}\n", writer->out);
}

const struct kymo_writer_ops kymo_writer_json_ops = {
	.field = json_field,
	.object_begin = json_object_begin,
	.object_end = json_object_end,
	.table_begin = json_table_begin,
	.row = json_row,
	.table_end = json_table_end,
	.finish = json_finish,
};

/* One JSON document: an object of fields, objects and arrays of objects. */
#include "analyzer/output/json_string.h"
#include "analyzer/output/writer_ops.h"
#include "analyzer/output/value_format.h"

#include <string.h>

static void begin_member(struct kymo_sink *sink, const char *name)
{
	if (sink->items[sink->depth]++ == 0)
		(void)fputs(sink->depth == 0 ? "{\n" : "\n", sink->out);
	else
		(void)fputs(",\n", sink->out);
	for (unsigned i = 0; i <= sink->depth; i++)
		(void)fputs("  ", sink->out);
	kymo_json_key(sink->out, name, "");
	(void)fputc(' ', sink->out);
}

static void write_value(struct kymo_sink *sink, const struct kymo_value *value)
{
	char number[KYMO_NUMBER_BYTES];

	if (value->type == KYMO_TEXT) {
		kymo_json_string(sink->out, value->text, value->text_bytes);
		return;
	}
	kymo_format_plain(value, number);
	(void)fputs(number, sink->out);
}

static void json_field(struct kymo_sink *sink, const char *name, enum kymo_show show,
		       const struct kymo_value *value)
{
	(void)show;
	begin_member(sink, name);
	write_value(sink, value);
	if (value->type == KYMO_TEXT)
		kymo_json_flag(sink->out, ", ", name, "_hex", value->text, value->text_bytes);
}

static void json_object_begin(struct kymo_sink *sink, const char *name)
{
	begin_member(sink, name);
	(void)fputc('{', sink->out);
}

static void json_object_end(struct kymo_sink *sink)
{
	if (sink->items[sink->depth] > 0) {
		(void)fputc('\n', sink->out);
		for (unsigned i = 0; i < sink->depth; i++)
			(void)fputs("  ", sink->out);
	}
	(void)fputc('}', sink->out);
}

static void json_table_begin(struct kymo_sink *sink, const char *name)
{
	begin_member(sink, name);
	(void)fputc('[', sink->out);
	sink->items[sink->depth + 1] = 0;
}

static void json_row(struct kymo_sink *sink, const struct kymo_value *values)
{
	(void)fputs(sink->items[sink->depth + 1]++ == 0 ? "\n" : ",\n", sink->out);
	for (unsigned i = 0; i < sink->depth + 2; i++)
		(void)fputs("  ", sink->out);
	for (size_t i = 0; i < sink->column_count; i++) {
		(void)fputs(i == 0 ? "{" : ", ", sink->out);
		kymo_json_key(sink->out, sink->columns[i].name, "");
		(void)fputc(' ', sink->out);
		write_value(sink, &values[i]);
		if (values[i].type == KYMO_TEXT)
			kymo_json_flag(sink->out, ", ", sink->columns[i].name, "_hex",
				       values[i].text, values[i].text_bytes);
	}
	(void)fputs(sink->column_count == 0 ? "{}" : "}", sink->out);
}

static void json_table_end(struct kymo_sink *sink)
{
	if (sink->items[sink->depth + 1] > 0) {
		(void)fputc('\n', sink->out);
		for (unsigned i = 0; i <= sink->depth; i++)
			(void)fputs("  ", sink->out);
	}
	(void)fputc(']', sink->out);
}

static void json_finish(struct kymo_sink *sink)
{
	(void)fputs(sink->items[0] > 0 ? "\n}\n" : "{}\n", sink->out);
}

const struct kymo_sink_ops kymo_sink_json_ops = {
	.field = json_field,
	.object_begin = json_object_begin,
	.object_end = json_object_end,
	.table_begin = json_table_begin,
	.row = json_row,
	.table_end = json_table_end,
	.finish = json_finish,
};

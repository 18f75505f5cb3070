/*
 * Lines of JSON: each row of the first table is an object on a line of its own, for jq and for
 * programs that read as they go. Millions of rows are written so: the keys of a table are made
 * once, and nothing goes through printf.
 */
#include <errno.h>
#include <stdlib.h>

#include "analyzer/output/json_string.h"
#include "analyzer/output/line_buffer.h"
#include "analyzer/output/writer_ops.h"
#include "formats/base/cleanup.h"

struct keys { /* the text before each value: {"name": or ,"name": */
	char *text;
	size_t *ends;
};

static void keys_free(struct kymo_writer *writer)
{
	struct keys *keys = writer->state;

	if (keys) {
		free(keys->text);
		free(keys->ends);
	}
	free(keys);
	writer->state = NULL;
}

static int make_keys(struct kymo_writer *writer)
{
	struct keys *keys = calloc(1, sizeof(*keys));
	size_t len = 0;
	FILE *text;

	writer->state = keys;
	if (!keys)
		return -ENOMEM;
	keys->ends = calloc(writer->column_count + 1, sizeof(*keys->ends));
	text = open_memstream(&keys->text, &len);
	if (!keys->ends || !text) {
		if (text)
			(void)fclose(text);
		return -ENOMEM;
	}
	for (size_t i = 0; i < writer->column_count; i++) {
		(void)fputc(i == 0 ? '{' : ',', text);
		kymo_json_key(text, writer->columns[i].name, "");
		(void)fflush(text);
		keys->ends[i] = len;
	}
	return fclose(text) == 0 ? 0 : -ENOMEM;
}

static void ndjson_table_begin(struct kymo_writer *writer, const char *name)
{
	(void)name;
	if (writer->tables == 1 && make_keys(writer) < 0 && writer->error == 0)
		writer->error = -ENOMEM;
}

static void put_value(struct kymo_line *line, const struct kymo_value *value, const char *name)
{
	char number[KYMO_NUMBER_BYTES];

	switch (value->type) {
	case KYMO_TEXT:
		kymo_line_flush(line);
		kymo_json_string(line->out, value->text, value->text_bytes);
		kymo_json_flag(line->out, ",", name, "_hex", value->text, value->text_bytes);
		break;
	case KYMO_INT:
		kymo_line_int(line, value->integer);
		break;
	case KYMO_NULL:
		kymo_line_put(line, "null", 4);
		break;
	default:
		kymo_format_plain(value, number);
		kymo_line_put(line, number, strlen(number));
	}
}

static void ndjson_row(struct kymo_writer *writer, const struct kymo_value *values)
{
	const struct keys *keys = writer->state;
	struct kymo_line line;
	size_t at = 0;

	if (writer->tables > 1 || writer->error != 0)
		return;
	line.out = writer->out;
	line.used = 0;
	for (size_t i = 0; i < writer->column_count; i++) {
		kymo_line_put(&line, keys->text + at, keys->ends[i] - at);
		at = keys->ends[i];
		put_value(&line, &values[i], writer->columns[i].name);
	}
	if (writer->column_count == 0)
		kymo_line_put(&line, "{", 1);
	kymo_line_put(&line, "}\n", 2);
	kymo_line_flush(&line);
}

static void ndjson_field(struct kymo_writer *writer, const char *name, enum kymo_show show,
			 const struct kymo_value *value)
{
	(void)writer, (void)name, (void)show, (void)value;
}

static void ndjson_object_begin(struct kymo_writer *writer, const char *name)
{
	(void)writer, (void)name;
}

static void ndjson_nothing(struct kymo_writer *writer)
{
	(void)writer;
}

const struct kymo_writer_ops kymo_writer_ndjson_ops = {
	.field = ndjson_field,
	.object_begin = ndjson_object_begin,
	.object_end = ndjson_nothing,
	.table_begin = ndjson_table_begin,
	.row = ndjson_row,
	.table_end = ndjson_nothing,
	.finish = ndjson_nothing,
	.free = keys_free,
};

/* The front of all writers: life cycle, nesting, errors. The formats are in writer_text.c,
 * writer_csv.c, writer_json.c and writer_ndjson.c. */
#include "analyzer/output/report_writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/value_format.h"
#include "analyzer/output/writer_ops.h"

int kymo_writer_new(enum kymo_format format, FILE *out, struct kymo_writer **ret_sink)
{
	struct kymo_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->format = format;
	writer->out = out;
	writer->row_limit = -1;
	writer->ops = format == KYMO_FORMAT_JSON     ? &kymo_writer_json_ops
		      : format == KYMO_FORMAT_NDJSON ? &kymo_writer_ndjson_ops
		      : format == KYMO_FORMAT_CSV    ? &kymo_writer_csv_ops
						     : &kymo_writer_text_ops;
	*ret_sink = writer;
	return 0;
}

struct kymo_writer *kymo_writer_free(struct kymo_writer *writer)
{
	if (!writer)
		return NULL;
	if (writer->ops->free)
		writer->ops->free(writer);
	free(writer);
	return NULL;
}

void kymo_writer_freep(struct kymo_writer **writer)
{
	*writer = kymo_writer_free(*writer);
}

enum kymo_format kymo_writer_format(const struct kymo_writer *writer)
{
	return writer->format;
}

void kymo_writer_fit(struct kymo_writer *writer, size_t columns)
{
	writer->line_columns = columns;
}

void kymo_writer_expendable(struct kymo_writer *writer, const char *names)
{
	writer->expendable = names;
}

void kymo_writer_limit(struct kymo_writer *writer, s64 rows)
{
	writer->row_limit = rows;
}

struct kymo_value kymo_text(const char *text)
{
	if (!text)
		return (struct kymo_value){.type = KYMO_NULL};
	return (struct kymo_value){.type = KYMO_TEXT, .text = text, .text_bytes = strlen(text)};
}

/* Keeps the reason of the first failed write: later ones, and stdio, no longer know it.
 */
static void note_error(struct kymo_writer *writer)
{
	if (writer->error == 0 && ferror(writer->out))
		writer->error = errno > 0 ? -errno : -EIO;
}

void kymo_writer_line(struct kymo_writer *writer, const char *text)
{
	assert(!writer->in_table);
	if (writer->ops->line)
		writer->ops->line(writer, text);
	note_error(writer);
}

const char *kymo_more_text(s64 rows, char ret_text[KYMO_MORE_BYTES])
{
	const struct kymo_value value = kymo_int(rows);
	char number[KYMO_NUMBER_BYTES];

	kymo_format_shown(&value, KYMO_SHOW_COUNT, number);
	(void)snprintf(ret_text, KYMO_MORE_BYTES, "%.32s more (-n 0 shows all)", number);
	return ret_text;
}

void kymo_writer_field(struct kymo_writer *writer, const char *name, enum kymo_show show,
		       const struct kymo_value *value)
{
	assert(!writer->in_table);
	writer->ops->field(writer, name, show, value);
	note_error(writer);
}

void kymo_writer_field_int(struct kymo_writer *writer, const char *name, enum kymo_show show,
			   s64 value)
{
	kymo_writer_field(writer, name, show,
			  &(struct kymo_value){.type = KYMO_INT, .integer = value});
}

void kymo_writer_field_real(struct kymo_writer *writer, const char *name, enum kymo_show show,
			    double value)
{
	kymo_writer_field(writer, name, show,
			  &(struct kymo_value){.type = KYMO_REAL, .real = value});
}

void kymo_writer_field_text(struct kymo_writer *writer, const char *name, const char *text)
{
	struct kymo_value value = kymo_text(text);

	kymo_writer_field(writer, name, KYMO_SHOW_PLAIN, &value);
}

void kymo_writer_field_bool(struct kymo_writer *writer, const char *name, bool value)
{
	kymo_writer_field(writer, name, KYMO_SHOW_PLAIN,
			  &(struct kymo_value){.type = KYMO_BOOL, .integer = value});
}

void kymo_writer_object_begin(struct kymo_writer *writer, const char *name)
{
	assert(!writer->in_table && writer->depth < KYMO_SINK_MAX_DEPTH);
	writer->ops->object_begin(writer, name);
	writer->depth++;
	writer->items[writer->depth] = 0;
}

void kymo_writer_object_end(struct kymo_writer *writer)
{
	assert(!writer->in_table && writer->depth > 0);
	writer->ops->object_end(writer);
	writer->depth--;
}

void kymo_writer_table_begin(struct kymo_writer *writer, const char *name,
			     const struct kymo_column *columns, size_t column_count)
{
	assert(!writer->in_table);
	writer->columns = columns;
	writer->column_count = column_count;
	writer->in_table = true;
	writer->tables++;
	writer->ops->table_begin(writer, name);
}

void kymo_writer_row(struct kymo_writer *writer, const struct kymo_value *values)
{
	assert(writer->in_table);
	writer->ops->row(writer, values);
	note_error(writer);
}

int kymo_writer_error(const struct kymo_writer *writer)
{
	return writer->error;
}

void kymo_writer_table_end(struct kymo_writer *writer)
{
	assert(writer->in_table);
	writer->ops->table_end(writer);
	note_error(writer);
	writer->in_table = false;
}

int kymo_output_error(FILE *out)
{
	struct pollfd pipe = {.fd = fileno(out), .events = POLLOUT};
	int errno_code;

	errno = 0;
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	errno_code = errno > 0 ? errno : EIO;
	if (poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR))
		errno_code = EPIPE;
	return -errno_code;
}

int kymo_writer_finish(struct kymo_writer *writer, struct cap_err *err)
{
	int rc;

	while (writer->depth > 0)
		kymo_writer_object_end(writer);
	writer->ops->finish(writer);
	rc = kymo_output_error(writer->out);
	if (writer->error == 0 || rc == -EPIPE)
		writer->error = rc;
	if (writer->error == 0)
		return 0;
	return cap_fail_errno(err, -writer->error, "write the output");
}

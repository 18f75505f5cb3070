/* The front of all sinks: life cycle, nesting, errors. The formats stand in sink_text.c, sink_csv.c
 * and sink_json.c. */
#include "analyzer/output/report_writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/writer_ops.h"

int kymo_sink_new(enum kymo_format format, FILE *out, struct kymo_sink **ret_sink)
{
	struct kymo_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->format = format;
	sink->out = out;
	sink->ops = format == KYMO_FORMAT_JSON	? &kymo_sink_json_ops
		    : format == KYMO_FORMAT_CSV ? &kymo_sink_csv_ops
						: &kymo_sink_text_ops;
	*ret_sink = sink;
	return 0;
}

struct kymo_sink *kymo_sink_free(struct kymo_sink *sink)
{
	if (!sink)
		return NULL;
	if (sink->ops->free)
		sink->ops->free(sink);
	free(sink);
	return NULL;
}

void kymo_sink_freep(struct kymo_sink **sink)
{
	*sink = kymo_sink_free(*sink);
}

enum kymo_format kymo_sink_format(const struct kymo_sink *sink)
{
	return sink->format;
}

struct kymo_value kymo_text(const char *text)
{
	if (!text)
		return (struct kymo_value){.type = KYMO_NULL};
	return (struct kymo_value){.type = KYMO_TEXT, .text = text, .text_bytes = strlen(text)};
}

/* Keeps the reason of the first write that failed: later ones, and stdio, do not tell it any more.
 */
static void note_error(struct kymo_sink *sink)
{
	if (sink->error == 0 && ferror(sink->out))
		sink->error = errno > 0 ? -errno : -EIO;
}

void kymo_sink_field(struct kymo_sink *sink, const char *name, enum kymo_show show,
		     const struct kymo_value *value)
{
	assert(!sink->in_table);
	sink->ops->field(sink, name, show, value);
	note_error(sink);
}

void kymo_sink_field_int(struct kymo_sink *sink, const char *name, enum kymo_show show, s64 value)
{
	kymo_sink_field(sink, name, show, &(struct kymo_value){.type = KYMO_INT, .integer = value});
}

void kymo_sink_field_real(struct kymo_sink *sink, const char *name, enum kymo_show show,
			  double value)
{
	kymo_sink_field(sink, name, show, &(struct kymo_value){.type = KYMO_REAL, .real = value});
}

void kymo_sink_field_text(struct kymo_sink *sink, const char *name, const char *text)
{
	struct kymo_value value = kymo_text(text);

	kymo_sink_field(sink, name, KYMO_SHOW_PLAIN, &value);
}

void kymo_sink_field_bool(struct kymo_sink *sink, const char *name, bool value)
{
	kymo_sink_field(sink, name, KYMO_SHOW_PLAIN,
			&(struct kymo_value){.type = KYMO_BOOL, .integer = value});
}

void kymo_sink_object_begin(struct kymo_sink *sink, const char *name)
{
	assert(!sink->in_table && sink->depth < KYMO_SINK_MAX_DEPTH);
	sink->ops->object_begin(sink, name);
	sink->depth++;
	sink->items[sink->depth] = 0;
}

void kymo_sink_object_end(struct kymo_sink *sink)
{
	assert(!sink->in_table && sink->depth > 0);
	sink->ops->object_end(sink);
	sink->depth--;
}

void kymo_sink_table_begin(struct kymo_sink *sink, const char *name,
			   const struct kymo_column *columns, size_t column_count)
{
	assert(!sink->in_table);
	sink->columns = columns;
	sink->column_count = column_count;
	sink->in_table = true;
	sink->tables++;
	sink->ops->table_begin(sink, name);
}

void kymo_sink_row(struct kymo_sink *sink, const struct kymo_value *values)
{
	assert(sink->in_table);
	sink->ops->row(sink, values);
	note_error(sink);
}

int kymo_sink_error(const struct kymo_sink *sink)
{
	return sink->error;
}

void kymo_sink_table_end(struct kymo_sink *sink)
{
	assert(sink->in_table);
	sink->ops->table_end(sink);
	note_error(sink);
	sink->in_table = false;
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

int kymo_sink_finish(struct kymo_sink *sink, struct cap_err *err)
{
	int rc;

	while (sink->depth > 0)
		kymo_sink_object_end(sink);
	sink->ops->finish(sink);
	rc = kymo_output_error(sink->out);
	if (sink->error == 0 || rc == -EPIPE)
		sink->error = rc;
	if (sink->error == 0)
		return 0;
	return cap_fail_errno(err, -sink->error, "write the output");
}

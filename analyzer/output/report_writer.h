#pragma once
/*
 * Output of reports: aligned text for people, CSV, JSON, or lines of JSON. A report names its
 * fields and tables once; the writer decides how they look. A document is a sequence of fields,
 * objects of fields, and tables. Text and CSV of hostile captures are safe to show in a terminal or
 * a spreadsheet.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "formats/base/cap_error.h"
#include "formats/table/events.h"

enum kymo_format {
	KYMO_FORMAT_TEXT = 0,
	KYMO_FORMAT_CSV,
	KYMO_FORMAT_JSON,
	KYMO_FORMAT_NDJSON, /* the rows of the first table, one object a line */
};

enum kymo_show { /* how text shows a number; CSV and JSON always hold the plain number */
		 KYMO_SHOW_PLAIN = 0,
		 KYMO_SHOW_NS,	     /* 1.234 ms */
		 KYMO_SHOW_SHORT_NS, /* 1.23 ms, 12.3 ms, 123 ms */
		 KYMO_SHOW_SECONDS,  /* 1.234 */
		 KYMO_SHOW_BYTES,    /* 1.2 MiB */
		 KYMO_SHOW_PERCENT,  /* 12.34 % */
		 KYMO_SHOW_COUNT,    /* 1,234,567 */
		 KYMO_SHOW_HIDDEN,   /* not in text */
};

enum kymo_value_type { KYMO_NULL = 0, KYMO_INT, KYMO_REAL, KYMO_TEXT, KYMO_BOOL };

struct kymo_value {
	enum kymo_value_type type;
	s64 integer; /* KYMO_INT, KYMO_BOOL */
	double real;
	const char *text; /* KYMO_TEXT: any bytes; belongs to the caller */
	size_t text_bytes;
	char mark; /* text shows it before a number: '~' an estimate, '<' '>' a bound; 0: nothing */
};

struct kymo_column {
	const char *name;  /* the key in JSON and the head line in CSV: the view's column name */
	const char *title; /* head line in text; NULL: the name */
	enum kymo_show show;
};

struct kymo_writer;

/* out still belongs to the caller. 0 or -ENOMEM. */
int kymo_writer_new(enum kymo_format format, FILE *out, struct kymo_writer **ret_sink);
struct kymo_writer *kymo_writer_free(struct kymo_writer *writer);
void kymo_writer_freep(struct kymo_writer **writer);
enum kymo_format kymo_writer_format(const struct kymo_writer *writer);

/* Text alone looks at these; the other formats always hold everything. */

/* Lines of tables fit into so many columns; 0, which is the default: any length. */
void kymo_writer_fit(struct kymo_writer *writer, size_t columns);
/* The columns that tables from now on do without where a line has no room: names with blanks
 * between, the first to go first. Not copied. */
void kymo_writer_expendable(struct kymo_writer *writer, const char *names);
/* Tables from now on end after so many rows, and say how many more there are; -1, which is the
 * default: all rows. */
void kymo_writer_limit(struct kymo_writer *writer, s64 rows);
/* A line about what follows or what was left out. Cut to the width that lines must fit. */
void kymo_writer_line(struct kymo_writer *writer, const char *text);

/* "N more (-n 0 shows all)", as the last line of a table that does not show all of its rows. */
#define KYMO_MORE_BYTES 64
const char *kymo_more_text(s64 rows, char ret_text[KYMO_MORE_BYTES]);

/* A field of the document or of the object that is open. CSV leaves fields out: it holds one table.
 */
void kymo_writer_field(struct kymo_writer *writer, const char *name, enum kymo_show show,
		       const struct kymo_value *value);
void kymo_writer_field_int(struct kymo_writer *writer, const char *name, enum kymo_show show,
			   s64 value);
void kymo_writer_field_real(struct kymo_writer *writer, const char *name, enum kymo_show show,
			    double value);
void kymo_writer_field_text(struct kymo_writer *writer, const char *name,
			    const char *text); /* NULL: null */
void kymo_writer_field_bool(struct kymo_writer *writer, const char *name, bool value);

/* Objects hold fields and tables. Text shows the name as a heading. */
void kymo_writer_object_begin(struct kymo_writer *writer, const char *name);
void kymo_writer_object_end(struct kymo_writer *writer);

/* A table: JSON array of objects, CSV with a head line, aligned text. columns must live until the
 * table ends. In CSV and in lines of JSON only the first table is written. */
void kymo_writer_table_begin(struct kymo_writer *writer, const char *name,
			     const struct kymo_column *columns, size_t column_count);
void kymo_writer_row(struct kymo_writer *writer, const struct kymo_value *values);
void kymo_writer_table_end(struct kymo_writer *writer);
/* The first error so far, 0 if none. Callers that write millions of rows check it, to stop when
 * nobody reads.
 */
int kymo_writer_error(const struct kymo_writer *writer);

/* Flushes out. 0, or why writing failed: -EPIPE if the reader of a pipe went away, else -errno. */
int kymo_output_error(FILE *out);

/* Closes the document and flushes. 0, or the error of writing (-EPIPE, -ENOSPC, ...) or of memory
 * from any earlier call. */
int kymo_writer_finish(struct kymo_writer *writer, struct cap_err *err);

static inline struct kymo_value kymo_int(s64 value)
{
	return (struct kymo_value){.type = KYMO_INT, .integer = value};
}

static inline struct kymo_value kymo_real(double value)
{
	return (struct kymo_value){.type = KYMO_REAL, .real = value};
}

static inline struct kymo_value kymo_bool(bool value)
{
	return (struct kymo_value){.type = KYMO_BOOL, .integer = value};
}

/* text may be NULL: null. Not copied. */
struct kymo_value kymo_text(const char *text);

#pragma once
/* Between writer_front.c and the formats: what each must provide. Not for reports. */
#include "analyzer/output/report_writer.h"

#define KYMO_SINK_MAX_DEPTH 8

struct kymo_writer_ops {
	void (*field)(struct kymo_writer *writer, const char *name, enum kymo_show show,
		      const struct kymo_value *value);
	void (*object_begin)(struct kymo_writer *writer, const char *name);
	void (*object_end)(struct kymo_writer *writer);
	void (*table_begin)(struct kymo_writer *writer, const char *name);
	void (*row)(struct kymo_writer *writer, const struct kymo_value *values);
	void (*table_end)(struct kymo_writer *writer);
	void (*line)(struct kymo_writer *writer, const char *text); /* NULL: has none */
	void (*finish)(struct kymo_writer *writer);
	void (*free)(struct kymo_writer *writer);
};

struct kymo_writer {
	const struct kymo_writer_ops *ops;
	enum kymo_format format;
	FILE *out;
	int error; /* the first one, negative */
	const struct kymo_column *columns;
	size_t column_count;
	bool in_table;
	unsigned depth; /* of objects */
	u64 items[KYMO_SINK_MAX_DEPTH +
		  2]; /* JSON: members written per level; a table adds a level */
	u64 tables;
	size_t line_columns;	/* text: what fits a line; 0: any length */
	s64 row_limit;		/* text: rows of a table; -1: all */
	const char *expendable; /* text: names of columns that narrow lines do without */
	void *state;		/* of the format */
};

extern const struct kymo_writer_ops kymo_writer_text_ops, kymo_writer_csv_ops, kymo_writer_json_ops,
	kymo_writer_ndjson_ops;

/* kymo schema: tables, views and columns, and what --json writes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/db/schema_list.h"
#include "analyzer/db/schema_version.h"
#include "analyzer/output/pager.h"
#include "formats/base/cleanup.h"
#include "formats/base/near_word.h"

#define ABOUT_BYTES 240
#define KIND_COLUMNS 9 /* of the list: "table", and the blanks around it */

static const struct document {
	const char *command, *always, *sometimes;
} documents[] = {
#define DOCUMENT(command, always, sometimes) {#command, always, sometimes},
#include "analyzer/commands/documents.def"
#undef DOCUMENT
};

static const char *kind_of(const struct kymo_listed_table *table)
{
	return table->is_view ? "view" : "table";
}

/* Nothing is said: null in JSON, nothing in text. */
static struct kymo_value word(const struct kymo_writer *writer, const char *text)
{
	bool is_json = kymo_writer_format(writer) == KYMO_FORMAT_JSON;

	return kymo_text(text[0] || !is_json ? text : NULL);
}

static void write_columns(struct kymo_writer *writer, const struct kymo_listed_table *table)
{
	static const struct kymo_column shown[] = {
		{"name", "column", KYMO_SHOW_PLAIN},
		{"type", NULL, KYMO_SHOW_PLAIN},
		{"unit", NULL, KYMO_SHOW_PLAIN},
		{"about", NULL, KYMO_SHOW_PLAIN},
	};

	kymo_writer_table_begin(writer, "columns", shown, 4);
	for (size_t i = 0; i < table->column_count; i++) {
		const struct kymo_listed_column *column = &table->columns[i];
		struct kymo_value values[] = {kymo_text(column->name), word(writer, column->type),
					      word(writer, column->unit),
					      word(writer, column->about)};

		kymo_writer_row(writer, values);
	}
	kymo_writer_table_end(writer);
}

static void write_table(struct kymo_writer *writer, const struct kymo_listed_table *table)
{
	kymo_writer_field_text(writer, "kind", kind_of(table));
	kymo_writer_field_text(writer, "about", table->about[0] ? table->about : NULL);
	kymo_writer_field_text(writer, "example", table->example);
	write_columns(writer, table);
}

static void write_json(struct kymo_writer *writer, const struct kymo_schema_list *list,
		       const char *only)
{
	static const struct kymo_column shown[] = {
		{"command", NULL, KYMO_SHOW_PLAIN},
		{"always", NULL, KYMO_SHOW_PLAIN},
		{"sometimes", NULL, KYMO_SHOW_PLAIN},
	};

	kymo_writer_field_int(writer, "schema_version", KYMO_SHOW_PLAIN, KYMO_SCHEMA_VERSION);
	kymo_writer_object_begin(writer, "tables");
	for (size_t i = 0; i < list->count; i++) {
		if (only && strcmp(list->tables[i].name, only) != 0)
			continue;
		kymo_writer_object_begin(writer, list->tables[i].name);
		write_table(writer, &list->tables[i]);
		kymo_writer_object_end(writer);
	}
	kymo_writer_object_end(writer);
	kymo_writer_table_begin(writer, "documents", shown, 3);
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct kymo_value values[] = {kymo_text(documents[i].command),
					      kymo_text(documents[i].always),
					      kymo_text(documents[i].sometimes)};

		kymo_writer_row(writer, values);
	}
	kymo_writer_table_end(writer);
}

/* The first sentence, and of that what fits into the line. */
static void shorten(const char *about, size_t columns, char ret_text[ABOUT_BYTES])
{
	const char *end = strstr(about, ". ");
	size_t len = end ? (size_t)(end - about) : strlen(about), most = ABOUT_BYTES - 1;

	if (columns > 0 && columns < most)
		most = columns;
	if (len <= most)
		(void)snprintf(ret_text, ABOUT_BYTES, "%.*s", (int)len, about);
	else
		(void)snprintf(ret_text, ABOUT_BYTES, "%.*s..", (int)most - 2, about);
}

static void write_list(struct kymo_writer *writer, const struct kymo_schema_list *list,
		       size_t columns)
{
	static const struct kymo_column shown[] = {
		{"name", NULL, KYMO_SHOW_PLAIN},
		{"kind", NULL, KYMO_SHOW_PLAIN},
		{"about", NULL, KYMO_SHOW_PLAIN},
	};
	size_t longest = 0;

	kymo_writer_line(writer, "`kymo schema NAME` shows the columns of a table or view, and a "
				 "query");
	for (size_t i = 0; i < list->count; i++)
		if (strlen(list->tables[i].name) > longest)
			longest = strlen(list->tables[i].name);
	kymo_writer_table_begin(writer, "tables", shown, 3);
	for (size_t i = 0; i < list->count; i++) {
		const struct kymo_listed_table *table = &list->tables[i];
		char about[ABOUT_BYTES];
		struct kymo_value values[] = {
			kymo_text(table->name),
			kymo_text(table->is_rows ? "rows" : kind_of(table)),
			{0},
		};

		shorten(table->about,
			columns > longest + KIND_COLUMNS ? columns - longest - KIND_COLUMNS : 0,
			about);
		values[2] = kymo_text(about);
		kymo_writer_row(writer, values);
	}
	kymo_writer_table_end(writer);
}

static const struct kymo_listed_table *find(const struct kymo_schema_list *list, const char *name,
					    struct cap_err *err)
{
	CLEANUP(cap_freep) const char **names = calloc(list->count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->tables[i].name, name) == 0)
			return &list->tables[i];
		if (names)
			names[i] = list->tables[i].name;
	}
	near = names ? cap_word_nearest(name, names) : NULL;
	(void)(near ? cap_fail(err, CAP_EUSAGE, "no table or view '%s'; did you mean %s?", name,
			       near)
		    : cap_fail(err, CAP_EUSAGE, "no table or view '%s'; `kymo schema` lists them",
			       name));
	return NULL;
}

int kymo_schema_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_schema_list_done) struct kymo_schema_list list = {0};
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	const struct kymo_listed_table *table = NULL;
	struct kymo_common common;
	int first, rc;

	rc = kymo_parse_options(run, &(struct kymo_parse){0}, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = kymo_schema_list_read(&list, err);
	if (rc < 0)
		return rc;
	if (first < argc) {
		table = find(&list, argv[first], err);
		if (!table)
			return CAP_EUSAGE;
	}
	if (kymo_writer_new(common.format, run->out, &writer) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	if (common.format == KYMO_FORMAT_JSON) {
		write_json(writer, &list, table ? table->name : NULL);
		return kymo_writer_finish(writer, err);
	}
	if (!common.no_pager)
		kymo_pager_begin(run);
	kymo_writer_fit(writer, run->columns);
	if (table)
		write_table(writer, table);
	else
		write_list(writer, &list, run->columns);
	return kymo_writer_finish(writer, err);
}

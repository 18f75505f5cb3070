/* The texts are embedded at build time. They are read as their authors write them: a heading names
 * a table, parentheses behind `column` explain it. */
#include "analyzer/db/schema_list.h"

#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/row_columns.h"
#include "analyzer/db/connection.h"
#include "analyzer/db/query.h"
#include "analyzer/db/schema_db.h"
#include "formats/base/cleanup.h"
#include "formats/table/schema.h"

extern const char kymo_schema_doc[], kymo_events_doc[]; /* SCHEMA.md, events.def */

/* A piece of a text, with line breaks and runs of blanks made one blank. NULL: no memory. */
static char *copy_piece(const char *begin, size_t len)
{
	char *copy = malloc(len + 1);
	size_t used = 0;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (!isspace((unsigned char)begin[i]))
			copy[used++] = begin[i];
		else if (used > 0 && copy[used - 1] != ' ')
			copy[used++] = ' ';
	}
	while (used > 0 && strchr(" :;,.", copy[used - 1]))
		used--;
	copy[used] = '\0';
	return copy;
}

struct piece {
	const char *begin;
	size_t len;
};

/* -------- SCHEMA.md -------- */

static struct piece section_of(const char *table)
{
	char heading[KYMO_COLUMN_NAME_BYTES + 8];
	const char *at, *end, *other;

	(void)snprintf(heading, sizeof(heading), "\n### %s\n", table);
	at = strstr(kymo_schema_doc, heading);
	if (!at)
		return (struct piece){"", 0};
	at += strlen(heading);
	end = strstr(at, "\n### ");
	other = strstr(at, "\n## ");
	if (!end || (other && other < end))
		end = other;
	return (struct piece){at, end ? (size_t)(end - at) : strlen(at)};
}

/* What a section says before the list of its columns, which follows a colon: "The same by process:
 * `name`, ...". */
static struct piece head_of(struct piece section)
{
	const char *list = memmem(section.begin, section.len, ": `", 3);
	const char *quote = memchr(section.begin, '`', section.len);

	if (quote == section.begin && section.len > 0) /* it begins with a column */
		return (struct piece){"", 0};
	return list ? (struct piece){section.begin, (size_t)(list - section.begin)} : section;
}

/* "`column` (this)" */
static struct piece column_of(struct piece section, const char *column)
{
	char quoted[KYMO_COLUMN_NAME_BYTES + 8];
	const char *at, *begin;
	int depth = 1;

	(void)snprintf(quoted, sizeof(quoted), "`%s` (", column);
	at = memmem(section.begin, section.len, quoted, strlen(quoted));
	if (!at)
		return (struct piece){"", 0};
	begin = at += strlen(quoted);
	while (at < section.begin + section.len && depth > 0) {
		depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
		at++;
	}
	return (struct piece){begin, (size_t)(at - begin) - (depth == 0)};
}

/* -------- SQL: a comment above CREATE VIEW -------- */

static struct piece comment_of_view(const char *text, const char *view)
{
	char create[KYMO_COLUMN_NAME_BYTES + 32];
	const char *at, *begin;

	(void)snprintf(create, sizeof(create), "\nCREATE VIEW %s AS", view);
	at = strstr(text, create);
	begin = at;
	while (begin && begin > text) { /* over the lines above that begin with -- */
		const char *line = begin;

		while (line > text && line[-1] != '\n')
			line--;
		if (strncmp(line, "-- ", 3) != 0)
			break;
		begin = line;
		if (line == text)
			break;
		begin--;
	}
	if (!at || begin >= at)
		return (struct piece){"", 0};
	return (struct piece){begin, (size_t)(at - begin)};
}

static char *view_comment(const char *view)
{
	for (size_t i = 0; kymo_schema_texts[i]; i++) {
		struct piece piece = comment_of_view(kymo_schema_texts[i], view);
		char *text, *dashes;

		if (piece.len == 0)
			continue;
		text = copy_piece(piece.begin, piece.len);
		while (text && (dashes = strstr(text, "-- ")))
			memmove(dashes, dashes + 3, strlen(dashes + 3) + 1);
		return text;
	}
	return strdup("");
}

/* -------- events.def: a comment above EVENT_BEGIN, and one behind a FIELD -------- */

/* The inside of the comment that ends right before at, or begins right behind it. */
static struct piece comment_before(const char *text, const char *at)
{
	const char *end = at, *begin;

	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	if (end - text < 2 || end[-1] != '/' || end[-2] != '*')
		return (struct piece){"", 0};
	end -= 2;
	for (begin = end; begin > text && (begin[0] != '/' || begin[1] != '*'); begin--)
		;
	return (struct piece){begin + 2, (size_t)(end - begin) - 2};
}

static char *row_type_comment(const char *type)
{
	char name[KYMO_COLUMN_NAME_BYTES + 8], *text, *star;
	const char *at = kymo_events_doc;
	struct piece piece = {"", 0};

	(void)snprintf(name, sizeof(name), ", %s, ", type);
	while ((at = strstr(at, "\nEVENT_BEGIN("))) {
		const char *end = strchr(at + 1, '\n');

		if (end && memmem(at, (size_t)(end - at), name, strlen(name))) {
			piece = comment_before(kymo_events_doc, at);
			break;
		}
		at++;
	}
	text = copy_piece(piece.begin, piece.len);
	while (text && (star = strstr(text, " * "))) /* begins of the comment's lines */
		memmove(star + 1, star + 3, strlen(star + 3) + 1);
	if (text && (star = strstr(text, ". "))) /* the rest is for who works on the recorder */
		*star = '\0';
	return text;
}

static struct piece field_comment(const char *type, const struct cap_field *field)
{
	char head[KYMO_COLUMN_NAME_BYTES + 32];
	const char *at, *line_end, *begin, *end;

	(void)snprintf(head, sizeof(head), "\nFIELD(%s, %u, ", type, field->id);
	at = strstr(kymo_events_doc, head);
	line_end = at ? strchr(at + 1, '\n') : NULL;
	if (!line_end)
		return (struct piece){"", 0};
	begin = memmem(at, (size_t)(line_end - at), "/* ", 3);
	end = begin ? memmem(begin, (size_t)(line_end - begin), " */", 3) : NULL;
	return end ? (struct piece){begin + 3, (size_t)(end - begin) - 3} : (struct piece){"", 0};
}

/* -------- the list -------- */

/* By the end of its name: SCHEMA.md, "Conventions". */
static const char *unit_of(const char *column)
{
	static const char *const units[] = {"ns", "s", "bytes", "percent", "count", "hz"};
	const char *last = strrchr(column, '_');

	for (size_t i = 0; last && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(last + 1, units[i]) == 0)
			return units[i];
	return "";
}

static const char *type_of(const char *declared)
{
	static const char *const types[] = {"INTEGER", "REAL", "TEXT"};

	for (size_t i = 0; declared && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(declared, types[i]) == 0)
			return types[i];
	return "";
}

/* The field of a row type that a column shows: task_id shows task. */
static const struct cap_field *field_of(const struct cap_type *type, const char *column)
{
	const struct cap_field *field = type ? cap_type_field(type, column) : NULL;
	char name[KYMO_COLUMN_NAME_BYTES];
	size_t len = strlen(column);

	if (field || !type || len < 4 || len >= sizeof(name) ||
	    strcmp(column + len - 3, "_id") != 0)
		return field;
	(void)snprintf(name, sizeof(name), "%.*s", (int)len - 3, column);
	return cap_type_field(type, name);
}

static int add_column(struct kymo_listed_table *table, const struct cap_type *type,
		      struct kymo_query *columns)
{
	struct kymo_listed_column *grown = reallocarray(table->columns, table->column_count + 1,
							sizeof(*grown)),
				  *column;
	const char *name = kymo_query_text(columns, 0, NULL);
	const struct cap_field *field = field_of(type, name);
	struct piece about = column_of(section_of(table->name), name);

	if (!grown)
		return -ENOMEM;
	table->columns = grown;
	column = &grown[table->column_count++];
	if (about.len == 0 && field)
		about = field_comment(type->name, field);
	*column = (struct kymo_listed_column){
		.name = strdup(name),
		.type = type_of(kymo_query_text(columns, 1, NULL)),
		.unit = unit_of(name),
		.about = copy_piece(about.begin, about.len),
	};
	return column->name && column->about ? 0 : -ENOMEM;
}

/* The most of something first, else the first in time. */
static char *make_example(const struct kymo_listed_table *table)
{
	static const char *const orders[] = {"share_percent", "total_ns", "weight_ns",
					     "samples",	      "calls",	  "row_count"};
	const char *order = NULL, *way = " DESC";
	char *example;

	for (size_t i = 0; !order && i < sizeof(orders) / sizeof(orders[0]); i++)
		for (size_t j = 0; !order && j < table->column_count; j++)
			if (strcmp(table->columns[j].name, orders[i]) == 0)
				order = orders[i];
	for (size_t j = 0; !order && j < table->column_count; j++)
		if (strcmp(table->columns[j].name, "time_ns") == 0) {
			order = "time_ns";
			way = "";
		}
	if (asprintf(&example, "SELECT * FROM %s%s%s%s LIMIT 10", table->name,
		     order ? " ORDER BY " : "", order ? order : "", order ? way : "") < 0)
		return NULL;
	return example;
}

static int describe(struct kymo_listed_table *table, const struct cap_type *type, sqlite3 *db,
		    struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *columns = NULL;
	struct piece head = head_of(section_of(table->name));
	int rc = kymo_query_new(db, "SELECT name, type FROM pragma_table_info(:table)", &columns,
				err);

	if (rc == 0)
		rc = kymo_query_bind_text(columns, ":table", table->name);
	while (rc == 0 && (rc = kymo_query_step(columns, err)) == 1)
		rc = add_column(table, type, columns);
	if (rc < 0)
		return rc == -ENOMEM ? cap_fail(err, rc, "out of memory") : rc;
	table->about = head.len > 0 ? copy_piece(head.begin, head.len)
		       : type	    ? row_type_comment(type->name)
				    : view_comment(table->name);
	table->example = make_example(table);
	return table->about && table->example ? 0 : cap_fail(err, -ENOMEM, "out of memory");
}

static const struct cap_type *row_type_of(const char *table)
{
	const struct cap_schema *schema = cap_schema_builtin();

	for (size_t i = 0; i < schema->type_count; i++)
		if (strcmp(kymo_row_table_name(&schema->types[i]), table) == 0)
			return &schema->types[i];
	return NULL;
}

int kymo_schema_list_read(struct kymo_schema_list *ret_list, struct cap_err *err)
{
	CLEANUP(kymo_connection_closep) sqlite3 *db = NULL;
	CLEANUP(kymo_query_freep) struct kymo_query *names = NULL;
	int rc = kymo_connection_open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db,
				      err);

	*ret_list = (struct kymo_schema_list){0};
	if (rc == 0)
		rc = kymo_schema_create(db, err);
	if (rc == 0)
		rc = kymo_query_new(db,
				    "SELECT name, type = 'view' FROM sqlite_schema WHERE type IN"
				    " ('table', 'view') ORDER BY type, name",
				    &names, err);
	while (rc == 0 && (rc = kymo_query_step(names, err)) == 1) {
		struct kymo_listed_table *grown =
			reallocarray(ret_list->tables, ret_list->count + 1, sizeof(*grown));
		const struct cap_type *type;

		if (!grown)
			return cap_fail(err, -ENOMEM, "out of memory");
		ret_list->tables = grown;
		grown += ret_list->count++;
		type = row_type_of(kymo_query_text(names, 0, NULL));
		*grown = (struct kymo_listed_table){.name = strdup(kymo_query_text(names, 0, NULL)),
						    .is_view = kymo_query_int(names, 1) != 0,
						    .is_rows = type != NULL};
		rc = grown->name ? describe(grown, type, db, err)
				 : cap_fail(err, -ENOMEM, "out of memory");
	}
	return rc;
}

void kymo_schema_list_done(struct kymo_schema_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct kymo_listed_table *table = &list->tables[i];

		for (size_t j = 0; j < table->column_count; j++) {
			free(table->columns[j].name);
			free(table->columns[j].about);
		}
		free(table->columns);
		free(table->name);
		free(table->about);
		free(table->example);
	}
	free(list->tables);
	*list = (struct kymo_schema_list){0};
}

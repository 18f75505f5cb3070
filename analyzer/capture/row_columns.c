/* A reference is named after its field, so that a row may have several. */
#include "analyzer/capture/row_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_BEGIN(...)
#define FIELD(ev, id, ctype, name, kind, ...)                               \
	_Static_assert(sizeof(#name "_stack_id") <= KYMO_COLUMN_NAME_BYTES, \
		       "raise KYMO_COLUMN_NAME_BYTES for " #ev "." #name);
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END

/* Turns a field's name into that of a reference: task -> task_id, waker -> waker_task_id, stack ->
 * stack_id, block_stack -> block_stack_id. */
static const char *suffix_of(const struct cap_field *field)
{
	const char *last = strrchr(field->name, '_');

	last = last ? last + 1 : field->name;
	if (field->kind == CAP_KIND_TASK)
		return strcmp(last, "task") == 0 ? "_id" : "_task_id";
	if (field->kind == CAP_KIND_STACK)
		return strcmp(last, "stack") == 0 ? "_id" : "_stack_id";
	return "";
}

static void add_column(struct kymo_row_columns *columns, const char *name, const char *suffix,
		       unsigned int field, u8 kind)
{
	struct kymo_row_column *column = &columns->list[columns->count++];

	column->field = field;
	column->kind = kind;
	(void)snprintf(column->name, sizeof(column->name), "%s%s", name, suffix);
}

void kymo_row_columns(const struct cap_type *type, struct kymo_row_columns *ret_columns)
{
	struct kymo_row_columns *columns = ret_columns;

	columns->count = 0;
	add_column(columns, "capture_id", "", KYMO_FIELD_CAPTURE_ID, CAP_KIND_UINT);
	for (unsigned int i = 0; i < type->field_count; i++) {
		const struct cap_field *field = &type->fields[i];

		if (strcmp(field->name, "reserved") != 0)
			add_column(columns, field->name, suffix_of(field), i, field->kind);
	}
}

bool kymo_row_column_is_stack(const char *table, const char *column)
{
	const struct cap_schema *schema = cap_schema_builtin();

	for (size_t i = 0; table && column && i < schema->type_count; i++) {
		struct kymo_row_columns columns;

		if (strcasecmp(kymo_row_table_name(&schema->types[i]), table) != 0)
			continue;
		kymo_row_columns(&schema->types[i], &columns);
		for (size_t c = 0; c < columns.count; c++) {
			if (columns.list[c].kind == CAP_KIND_STACK &&
			    strcasecmp(columns.list[c].name, column) == 0)
				return true;
		}
	}
	return false;
}

const char *kymo_row_table_name(const struct cap_type *type)
{
	switch (type->id) {
	case EV_PROCESS:
		return "process_seen";
	case EV_MODULE:
		return "kernel_module";
	default:
		return type->name;
	}
}

char *kymo_row_columns_sql(const struct cap_type *type)
{
	struct kymo_row_columns columns;
	char *text = NULL;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);

	if (!out)
		return NULL;
	kymo_row_columns(type, &columns);
	for (size_t i = 0; i < columns.count; i++) {
		const struct kymo_row_column *column = &columns.list[i];
		bool is_text = column->kind == CAP_KIND_STRING || column->kind == CAP_KIND_BYTES;

		(void)fprintf(out, "%s%s %s", i > 0 ? ", " : "", column->name,
			      is_text ? "TEXT" : "INTEGER");
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *kymo_row_select_sql(const struct cap_type *type, u32 capture_id, u64 fields)
{
	struct kymo_row_columns columns;
	char *text = NULL;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);

	if (!out)
		return NULL;
	kymo_row_columns(type, &columns);
	(void)fprintf(out, "%u", capture_id);
	for (size_t i = 1; i < columns.count; i++) {
		const struct kymo_row_column *column = &columns.list[i];

		(void)fprintf(out, ", %s", fields >> column->field & 1 ? column->name : "NULL");
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

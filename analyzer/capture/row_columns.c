/* Names of SQL columns, derived from the field's kind. */
#include "analyzer/capture/row_columns.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kymo_row_columns(const struct cap_type *type, struct kymo_row_columns *ret_columns)
{
	struct kymo_row_columns *columns = ret_columns;

	columns->count = 0;
	columns->list[columns->count++] = (struct kymo_row_column){
		.name = "capture_id", .field = KYMO_FIELD_CAPTURE_ID, .kind = CAP_KIND_UINT};
	for (unsigned int i = 0; i < type->field_count; i++) {
		const struct cap_field *field = &type->fields[i];
		const char *name = field->name;

		if (strcmp(name, "reserved") == 0)
			continue;
		if (field->kind == CAP_KIND_TASK)
			name = "task_id";
		else if (field->kind == CAP_KIND_STACK)
			name = "stack_id";
		columns->list[columns->count++] =
			(struct kymo_row_column){.name = name, .field = i, .kind = field->kind};
	}
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

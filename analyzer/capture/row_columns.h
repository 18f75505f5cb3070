#pragma once
/* The SQL side of events.def: which table and columns a row type has. The same for the tables of a
 * database and the virtual tables over a capture. */
#include <stdbool.h>
#include <stddef.h>

#include "analyzer/capture/row_fields.h"
#include "formats/table/schema.h"

#define KYMO_FIELD_CAPTURE_ID 255u /* no field: which capture the row is from */

#define KYMO_COLUMN_NAME_BYTES 64 /* of any column; checked in row_columns.c */

struct kymo_row_column {
	char name[KYMO_COLUMN_NAME_BYTES];
	unsigned int field; /* ROW_<event>_<field>, or KYMO_FIELD_CAPTURE_ID */
	u8 kind;	    /* enum cap_kind */
};

struct kymo_row_columns {
	struct kymo_row_column list[ROW_MAX_FIELDS + 1];
	size_t count;
};

void kymo_row_columns(const struct cap_type *type, struct kymo_row_columns *ret_columns);

/* Whether this is a column of a row table that refers to a stack. False for NULL. */
bool kymo_row_column_is_stack(const char *table, const char *column);

/* The table of a type: its name, unless a dictionary table has that. */
const char *kymo_row_table_name(const struct cap_type *type);

/* "name TYPE, name TYPE, ...": the inside of CREATE TABLE; malloc'd, NULL when out of memory. */
char *kymo_row_columns_sql(const struct cap_type *type);

/*
 * "7, name, NULL, ...": the columns in order, to stand after SELECT, with the capture's number in
 * place of capture_id, and NULL in place of fields whose bit is not set. malloc'd, NULL when out of
 * memory.
 */
char *kymo_row_select_sql(const struct cap_type *type, u32 capture_id, u64 fields);

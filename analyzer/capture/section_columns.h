#pragma once
/* Lazily decoded columns of one section, addressed by their place in the built-in type. For
 * chunk_cursor.c and the first pass. */
#include "analyzer/capture/row_fields.h"
#include "formats/read/capture_reader.h"

struct kymo_section_columns {
	const struct cap_rows *rows;
	const struct cap_section *section;
	const struct cap_type *type; /* built-in */
	u64 *values[ROW_MAX_FIELDS];
	size_t capacity[ROW_MAX_FIELDS];
	u8 state[ROW_MAX_FIELDS];
	u64 rejected;
	bool out_of_memory;
};

void kymo_section_columns_done(struct kymo_section_columns *columns);

/* Turns to another section; memory is kept. */
void kymo_section_columns_set(struct kymo_section_columns *columns, const struct cap_rows *rows,
			      const struct cap_section *section, const struct cap_type *type);

/* NULL if the column is missing, damaged, of another kind than ours, or out of memory. */
const u64 *kymo_section_column(struct kymo_section_columns *columns, unsigned int field);

/* For callers that treat NULL as zeros: returns a column of zeros. NULL only when out of memory. */
const u64 *kymo_section_column_or_zero(struct kymo_section_columns *columns, unsigned int field);

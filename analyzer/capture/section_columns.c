/* A file may describe its types in any way: a column is used only if its kind is the expected one.
 */
#include "analyzer/capture/section_columns.h"

#include <stdlib.h>
#include <string.h>

enum column_state { COLUMN_UNSEEN = 0, COLUMN_READY, COLUMN_MISSING };

#define EVENT_BEGIN(id, upper, name, block, event_class, tail)
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(ev, row_bytes, ring_bytes) \
	_Static_assert(ROW_COUNT_##ev <= ROW_MAX_FIELDS, "raise ROW_MAX_FIELDS for " #ev);
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END

void kymo_section_columns_done(struct kymo_section_columns *columns)
{
	for (unsigned int i = 0; i < ROW_MAX_FIELDS; i++)
		free(columns->values[i]);
	memset(columns, 0, sizeof(*columns));
}

void kymo_section_columns_set(struct kymo_section_columns *columns, const struct cap_rows *rows,
			      const struct cap_section *section, const struct cap_type *type)
{
	columns->rows = rows;
	columns->section = section;
	columns->type = type;
	memset(columns->state, COLUMN_UNSEEN, sizeof(columns->state));
}

static bool make_room(struct kymo_section_columns *columns, unsigned int field)
{
	/* never 0: a section without rows has columns, too, and NULL means something else */
	size_t wanted = columns->section->row_count ? columns->section->row_count : 1;
	u64 *values;

	if (wanted <= columns->capacity[field])
		return true;
	values = realloc(columns->values[field], wanted * sizeof(*values));
	if (!values) {
		columns->out_of_memory = true;
		return false;
	}
	columns->values[field] = values;
	columns->capacity[field] = wanted;
	return true;
}

const u64 *kymo_section_column(struct kymo_section_columns *columns, unsigned int field)
{
	const struct cap_column *column;

	if (columns->state[field] == COLUMN_READY)
		return columns->values[field];
	if (columns->state[field] == COLUMN_MISSING || field >= columns->type->field_count)
		return NULL;
	columns->state[field] = COLUMN_MISSING;
	column = cap_section_column(columns->section, columns->type->fields[field].id);
	if (!column || !make_room(columns, field))
		return NULL;
	if (!column->field || column->field->kind != columns->type->fields[field].kind ||
	    cap_column_decode(columns->rows, columns->section, column, columns->values[field]) <
		    0) {
		columns->rejected++;
		return NULL;
	}
	columns->state[field] = COLUMN_READY;
	return columns->values[field];
}

const u64 *kymo_section_column_or_zero(struct kymo_section_columns *columns, unsigned int field)
{
	const u64 *values = kymo_section_column(columns, field);

	if (values)
		return values;
	if (!make_room(columns, field))
		return NULL;
	memset(columns->values[field], 0,
	       columns->section->row_count * sizeof(*columns->values[field]));
	return columns->values[field]; /* the state stays MISSING: others still see NULL */
}

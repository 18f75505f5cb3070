/* Columns are decoded a second time here: rows of totals and of counts are few. */
#include "analyzer/capture/counted_tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/table/schema.h"

void kymo_counted_tally_done(struct kymo_counted_tally *tally)
{
	for (size_t i = 0; i < 4; i++)
		free(tally->values[i]);
	free(tally->cells);
	cap_word_map_done(&tally->map);
	memset(tally, 0, sizeof(*tally));
}

void kymo_counted_tally_begin(struct kymo_counted_tally *tally)
{
	tally->count = 0;
	cap_word_map_clear(&tally->map);
}

static struct kymo_tally_cell *cell_of(struct kymo_counted_tally *tally, u64 event_class, u64 cpu)
{
	u32 number = cap_word_map_get(&tally->map, event_class, cpu);

	if (number)
		return &tally->cells[number - 1];
	if (tally->count == tally->capacity) {
		u32 capacity = tally->capacity ? tally->capacity * 2 : 16;
		struct kymo_tally_cell *cells = realloc(tally->cells, capacity * sizeof(*cells));

		if (!cells)
			return NULL;
		tally->cells = cells;
		tally->capacity = capacity;
	}
	if (cap_word_map_put(&tally->map, event_class, cpu, tally->count + 1) < 0)
		return NULL;
	tally->cells[tally->count] = (struct kymo_tally_cell){0};
	return &tally->cells[tally->count++];
}

/* Fields by id; zeros where a column is missing or damaged. */
static int decode(struct kymo_counted_tally *tally, const struct cap_rows *rows,
		  const struct cap_section *section, const u16 ids[4])
{
	u32 count = section->row_count;

	for (size_t i = 0; i < 4; i++) {
		const struct cap_column *column = cap_section_column(section, ids[i]);

		if (count > tally->value_capacity) {
			u64 *values = realloc(tally->values[i], count * sizeof(*values));

			if (!values)
				return -ENOMEM;
			tally->values[i] = values;
		}
		if (!column || cap_column_decode(rows, section, column, tally->values[i]) < 0)
			memset(tally->values[i], 0, count * sizeof(u64));
	}
	if (count > tally->value_capacity)
		tally->value_capacity = count;
	return 0;
}

static int take_counts(struct kymo_counted_tally *tally, const struct cap_rows *rows,
		       const struct cap_section *section, u64 *calls)
{
	const struct cap_type *type = cap_schema_type(cap_schema_builtin(), section->type_id);
	const u16 count_id = type->fields[2].id, cpu_id = cap_type_field(type, "cpu")->id;
	const u16 ids[4] = {count_id, cpu_id, count_id, cpu_id};
	const u32 event_class = cap_class_counted_in(section->type_id);

	if (decode(tally, rows, section, ids) < 0)
		return -ENOMEM;
	for (u32 i = 0; i < section->row_count; i++) {
		struct kymo_tally_cell *cell = cell_of(tally, event_class, tally->values[1][i]);

		if (!cell)
			return -ENOMEM;
		if (__builtin_add_overflow(cell->rows, tally->values[0][i], &cell->rows))
			cell->rows = UINT64_MAX;
		if (__builtin_add_overflow(*calls, tally->values[0][i], calls))
			*calls = UINT64_MAX;
	}
	return 0;
}

static int take_totals(struct kymo_counted_tally *tally, const struct cap_rows *rows,
		       const struct cap_section *section)
{
	static const u16 ids[4] = {1, 6, 7, 8}; /* time_ns, event_class, cpu, counted_count */

	if (!cap_section_column(section, ids[3]))
		return 0; /* of 1.0 */
	if (decode(tally, rows, section, ids) < 0)
		return -ENOMEM;
	for (u32 i = 0; i < section->row_count; i++) {
		struct kymo_tally_cell *cell =
			cell_of(tally, tally->values[1][i], tally->values[2][i]);

		if (!cell)
			return -ENOMEM;
		if (tally->values[0][i] < cell->time_ns)
			continue;
		cell->time_ns = tally->values[0][i];
		cell->counted = tally->values[3][i];
	}
	return 0;
}

int kymo_counted_tally_rows(struct kymo_counted_tally *tally, const struct cap_rows *rows,
			    u64 *ret_calls)
{
	bool any_totals = false;
	u64 calls = 0;
	int rc = 0;

	for (u32 i = 0; rc == 0 && i < rows->section_count; i++) {
		const struct cap_section *section = &rows->sections[i];

		if (cap_class_counted_in(section->type_id) < EV_CLASS_COUNT)
			rc = take_counts(tally, rows, section, &calls);
		else if (section->type_id == EV_CLASS_TOTAL)
			rc = take_totals(tally, rows, section);
		any_totals |= section->type_id == EV_CLASS_TOTAL;
	}
	/* totals speak of all rows up to the end of their block */
	for (u32 i = 0; any_totals && i < tally->count; i++)
		tally->cells[i].rows_at_totals = tally->cells[i].rows;
	*ret_calls = calls;
	return rc;
}

u64 kymo_counted_tally_missing(const struct kymo_counted_tally *tally)
{
	u64 missing = 0;

	for (u32 i = 0; i < tally->count; i++) {
		const struct kymo_tally_cell *cell = &tally->cells[i];

		if (cell->counted > cell->rows_at_totals &&
		    __builtin_add_overflow(missing, cell->counted - cell->rows_at_totals, &missing))
			missing = UINT64_MAX;
	}
	return missing;
}

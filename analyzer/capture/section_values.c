/* See the header. */
#include "analyzer/capture/section_values.h"

#include <errno.h>
#include <stdlib.h>

int kymo_section_values_decode(struct kymo_section_values *values, const struct cap_rows *rows,
			       const struct cap_section *section)
{
	for (u32 i = 0; i < section->column_count && i < CAP_MAX_COLUMNS; i++) {
		struct kymo_decoded_column *column = &values->columns[i];

		if (section->row_count > column->capacity) {
			u64 *grown =
				reallocarray(column->values, section->row_count, sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			column->values = grown;
			column->capacity = section->row_count;
		}
		column->usable =
			cap_column_decode(rows, section, &section->columns[i], column->values) == 0;
		values->rejected += !column->usable;
	}
	return 0;
}

void kymo_section_values_done(struct kymo_section_values *values)
{
	for (size_t i = 0; i < CAP_MAX_COLUMNS; i++)
		free(values->columns[i].values);
}

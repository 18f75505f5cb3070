#include "objects/unwind/cfi_table.h"

#include <stdlib.h>

const struct kymo_cfi_row *kymo_cfi_row_at(const struct kymo_cfi_table *table, u64 address)
{
	u32 low = 0, high = table->row_count;

	if (address < table->start || address >= table->end || high == 0)
		return NULL;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (table->rows[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	return &table->rows[low];
}

struct kymo_cfi_table *kymo_cfi_table_free(struct kymo_cfi_table *table)
{
	if (!table)
		return NULL;
	free(table->rows);
	free(table->rules);
	free(table->bytes);
	free(table);
	return NULL;
}

void kymo_cfi_table_freep(struct kymo_cfi_table **table)
{
	*table = kymo_cfi_table_free(*table);
}

/* Memory of intern tables; the probing itself is inline in the header. */
#include "formats/write/intern_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int intern_table_init(struct intern_table *table, u32 capacity)
{
	u32 slots = 16;

	while (slots < capacity * 2 && slots < 1u << 30)
		slots *= 2;
	table->slots = calloc(slots, sizeof(*table->slots));
	if (!table->slots)
		return -ENOMEM;
	table->mask = slots - 1;
	table->count = 0;
	return 0;
}

void intern_table_done(struct intern_table *table)
{
	free(table->slots);
	table->slots = NULL;
}

void intern_table_clear(struct intern_table *table)
{
	if (table->count)
		memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof(*table->slots));
	table->count = 0;
}

int intern_table_make_room(struct intern_table *table,
			   u64 (*hash_of)(const void *context, u32 index), const void *context)
{
	struct intern_table bigger;

	if (table->count < (table->mask + 1) / 2)
		return 0;
	if (intern_table_init(&bigger, table->mask + 1))
		return -ENOMEM;
	for (u32 i = 0; i <= table->mask; i++) {
		struct intern_slot slot = table->slots[i];
		u64 hash;
		u32 at;

		if (!slot.index)
			continue;
		hash = hash_of(context, slot.index);
		at = intern_first(&bigger, hash);
		while (bigger.slots[at].index)
			at = intern_next(&bigger, at);
		intern_put(&bigger, at, hash, slot.index);
	}
	free(table->slots);
	*table = bigger;
	return 0;
}

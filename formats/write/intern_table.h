#pragma once
/*
 * Open-addressing table from hashes to small indices (1, 2, 3, ...), for interning. Keys
 * live with the caller; the table keeps 32 bits of each hash beside the index so that most
 * mismatches cost no look at the key. Linear probing, load <= 1/2.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

struct intern_slot {
	u32 hash;  /* high half */
	u32 index; /* 0: free */
};

struct intern_table {
	struct intern_slot *slots;
	u32 mask; /* slot count - 1 */
	u32 count;
};

/* Room for at least `capacity` entries (any number). 0 or -ENOMEM. */
int intern_table_init(struct intern_table *table, u32 capacity);
void intern_table_done(struct intern_table *table);
void intern_table_clear(struct intern_table *table);

/* Doubles the table if one more entry would pass half load. 0 or -ENOMEM. Needs every entry's full
 * hash again. */
int intern_table_make_room(struct intern_table *table,
			   u64 (*hash_of)(const void *context, u32 index), const void *context);

/* First slot to look at for a hash; then intern_next until the slot is free. */
static inline u32 intern_first(const struct intern_table *table, u64 hash)
{
	return (u32)hash & table->mask;
}

static inline u32 intern_next(const struct intern_table *table, u32 at)
{
	return (at + 1) & table->mask;
}

static inline void intern_put(struct intern_table *table, u32 at, u64 hash, u32 index)
{
	table->slots[at] = (struct intern_slot){.hash = (u32)(hash >> 32), .index = index};
	table->count++;
}

#pragma once
/* Counts per pair of words. Open addressing, half load; made for inner loops, so adding is inline
 * but for growth. */
#include <stddef.h>

#include "formats/table/events.h"
#include "formats/base/hash.h"

struct kymo_count {
	u64 a, b;
	u64 count; /* 0: free */
};

struct kymo_count_map {
	struct kymo_count *slots;
	u64 mask;
	u64 used;
	u64 seed;
};

void kymo_count_map_done(struct kymo_count_map *map);
/* Room for one more. 0 or -ENOMEM. */
int kymo_count_map_grow(struct kymo_count_map *map);

/* Moves the used slots to the front of a malloc'd array, sorted by (a, b), and empties the map.
 * *ret_counts is NULL if there are none. */
void kymo_count_map_take(struct kymo_count_map *map, struct kymo_count **ret_counts,
			 size_t *ret_count);

/* Adds n > 0 to the count of (a, b). 0, or -1 when out of memory. */
static inline int kymo_count_map_add(struct kymo_count_map *map, u64 a, u64 b, u64 n)
{
	u64 at;

	if ((!map->slots || map->used * 2 > map->mask) && kymo_count_map_grow(map) < 0)
		return -1;
	at = cap_hash_mix(a, b, map->seed) & map->mask;
	while (map->slots[at].count != 0 && (map->slots[at].a != a || map->slots[at].b != b))
		at = (at + 1) & map->mask;
	if (map->slots[at].count == 0) {
		map->slots[at].a = a;
		map->slots[at].b = b;
		map->used++;
	}
	map->slots[at].count += n;
	return 0;
}

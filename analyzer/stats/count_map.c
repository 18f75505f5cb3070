/* Growth and sorting of count maps. */
#include "analyzer/stats/count_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/stats/id_map.h"

#define FIRST_SLOTS 1024u

void kymo_count_map_done(struct kymo_count_map *map)
{
	free(map->slots);
	memset(map, 0, sizeof(*map));
}

int kymo_count_map_grow(struct kymo_count_map *map)
{
	u64 slots = map->slots ? (map->mask + 1) * 2 : FIRST_SLOTS;
	struct kymo_count_map bigger = {
		.mask = slots - 1, .seed = kymo_hash_seed(), .used = map->used};

	bigger.slots = calloc(slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (u64 i = 0; map->slots && i <= map->mask; i++) {
		u64 at = cap_hash_mix(map->slots[i].a, map->slots[i].b, bigger.seed) & bigger.mask;

		if (map->slots[i].count == 0)
			continue;
		while (bigger.slots[at].count != 0)
			at = (at + 1) & bigger.mask;
		bigger.slots[at] = map->slots[i];
	}
	free(map->slots);
	*map = bigger;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct kymo_count *x = left, *y = right;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

void kymo_count_map_take(struct kymo_count_map *map, struct kymo_count **ret_counts,
			 size_t *ret_count)
{
	struct kymo_count *counts = map->slots;
	size_t count = 0;

	for (u64 i = 0; counts && i <= map->mask; i++) {
		if (counts[i].count != 0)
			counts[count++] = counts[i];
	}
	if (count > 0)
		qsort(counts, count, sizeof(*counts), compare);
	memset(map, 0, sizeof(*map));
	*ret_counts = counts;
	*ret_count = count;
}

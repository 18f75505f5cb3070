/* Linear probing; grows by doubling. */
#include "analyzer/stats/id_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "formats/base/hash.h"

#define FIRST_SLOTS 256u
#define KEPT_SLOTS (64u << 10)

u64 kymo_hash_seed(void)
{
	const u8 *random = (const u8 *)getauxval(AT_RANDOM);
	u64 seed = 0x6b796d6f;

	if (random)
		memcpy(&seed, random, sizeof(seed));
	return seed;
}

void kymo_id_map_done(struct kymo_id_map *map)
{
	free(map->slots);
	memset(map, 0, sizeof(*map));
}

void kymo_id_map_clear(struct kymo_id_map *map)
{
	if (map->count == 0)
		return;
	if (map->mask >= KEPT_SLOTS) {
		kymo_id_map_done(map);
		return;
	}
	memset(map->slots, 0, (map->mask + 1) * sizeof(*map->slots));
	map->count = 0;
}

static struct kymo_id_slot *find(const struct kymo_id_map *map, u64 a, u64 b)
{
	u64 at = cap_hash_mix(a, b, map->seed) & map->mask;

	while (map->slots[at].value != 0 && (map->slots[at].a != a || map->slots[at].b != b))
		at = (at + 1) & map->mask;
	return &map->slots[at];
}

u32 kymo_id_map_get(const struct kymo_id_map *map, u64 a, u64 b)
{
	return map->slots ? find(map, a, b)->value : 0;
}

static int grow(struct kymo_id_map *map)
{
	u64 slots = map->slots ? (map->mask + 1) * 2 : FIRST_SLOTS;
	struct kymo_id_map bigger = {
		.mask = slots - 1, .count = map->count, .seed = kymo_hash_seed()};

	bigger.slots = calloc(slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (u64 i = 0; map->slots && i <= map->mask; i++) {
		if (map->slots[i].value != 0)
			*find(&bigger, map->slots[i].a, map->slots[i].b) = map->slots[i];
	}
	free(map->slots);
	*map = bigger;
	return 0;
}

int kymo_id_map_put(struct kymo_id_map *map, u64 a, u64 b, u32 value)
{
	struct kymo_id_slot *slot;

	if ((!map->slots || map->count * 2 > map->mask) && grow(map) < 0)
		return -ENOMEM;
	slot = find(map, a, b);
	if (slot->value == 0)
		map->count++;
	*slot = (struct kymo_id_slot){.a = a, .b = b, .value = value};
	return 0;
}

/* Growth and sorting of the hash map; doubles when half full. */
#include "formats/base/word_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define FIRST_SLOTS 256u
#define KEPT_SLOTS (64u << 10)

u64 cap_hash_seed(void)
{
	const u8 *random = (const u8 *)getauxval(AT_RANDOM);
	u64 seed = 0x6b796d6f;

	if (random)
		memcpy(&seed, random, sizeof(seed));
	return seed;
}

void cap_word_map_done(struct cap_word_map *map)
{
	free(map->slots);
	memset(map, 0, sizeof(*map));
}

void cap_word_map_clear(struct cap_word_map *map)
{
	if (map->used == 0)
		return;
	if (map->mask >= KEPT_SLOTS) {
		cap_word_map_done(map);
		return;
	}
	memset(map->slots, 0, (map->mask + 1) * sizeof(*map->slots));
	map->used = 0;
}

int cap_word_map_grow(struct cap_word_map *map)
{
	u64 slots = map->slots ? (map->mask + 1) * 2 : FIRST_SLOTS;
	struct cap_word_map larger = {
		.mask = slots - 1, .used = map->used, .seed = cap_hash_seed()};

	larger.slots = calloc(slots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (u64 i = 0; map->slots && i <= map->mask; i++) {
		const struct cap_word_slot *slot = &map->slots[i];

		if (slot->value != 0)
			*cap_word_map_slot(&larger, slot->a, slot->b) = *slot;
	}
	free(map->slots);
	*map = larger;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct cap_word_slot *x = left, *y = right;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

void cap_word_map_take(struct cap_word_map *map, struct cap_word_slot **ret_slots,
		       size_t *ret_count)
{
	struct cap_word_slot *slots = map->slots;
	size_t count = 0;

	for (u64 i = 0; slots && i <= map->mask; i++) {
		if (slots[i].value != 0)
			slots[count++] = slots[i];
	}
	if (count > 0)
		qsort(slots, count, sizeof(*slots), compare);
	memset(map, 0, sizeof(*map));
	*ret_slots = slots;
	*ret_count = count;
}

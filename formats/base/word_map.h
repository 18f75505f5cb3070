#pragma once
/*
 * The one hash map of both sides: from a pair of words to a number > 0. Open addressing, linear
 * probing, at most half full: a lookup visits two or three slots. Keys come from captures and
 * hosts: the hash is seeded per process. Lookup and insertion are inline, for inner loops; only
 * growth is not. All zero is an empty map.
 */
#include <errno.h>
#include <stddef.h>

#include "formats/base/hash_mix.h"
#include "formats/base/ints.h"

struct cap_word_slot {
	u64 a, b;
	u64 value; /* 0: free */
};

struct cap_word_map {
	struct cap_word_slot *slots;
	u64 mask;
	u64 used;
	u64 seed;
};

void cap_word_map_done(struct cap_word_map *map);
/* Forgets all entries; a table that grew big is freed. */
void cap_word_map_clear(struct cap_word_map *map);
/* Room for one more. 0 or -ENOMEM. */
int cap_word_map_grow(struct cap_word_map *map);
/* Moves the used slots to the front of a malloc'd array, sorted by (a, b), and empties the map.
 * *ret_slots is NULL if there are none. */
void cap_word_map_take(struct cap_word_map *map, struct cap_word_slot **ret_slots,
		       size_t *ret_count);

/* A number that differs from run to run, for seeding hashes of untrusted keys. */
u64 cap_hash_seed(void);

/* The slot of the key, or the free slot where it belongs. The map must have slots. */
static inline struct cap_word_slot *cap_word_map_slot(const struct cap_word_map *map, u64 a, u64 b)
{
	u64 at = cap_hash_mix(a, b, map->seed) & map->mask;

	while (map->slots[at].value != 0 && (map->slots[at].a != a || map->slots[at].b != b))
		at = (at + 1) & map->mask;
	return &map->slots[at];
}

/* 0 if the key is not there. */
static inline u64 cap_word_map_get(const struct cap_word_map *map, u64 a, u64 b)
{
	return map->slots ? cap_word_map_slot(map, a, b)->value : 0;
}

/* The slot of the key, created if needed: then its value is 0, and the caller must set one. NULL:
 * no memory. */
static inline struct cap_word_slot *cap_word_map_make(struct cap_word_map *map, u64 a, u64 b)
{
	struct cap_word_slot *slot;

	if ((!map->slots || map->used * 2 > map->mask) && cap_word_map_grow(map) < 0)
		return NULL;
	slot = cap_word_map_slot(map, a, b);
	if (slot->value == 0) {
		slot->a = a;
		slot->b = b;
		map->used++;
	}
	return slot;
}

/* Adds n > 0 to the value of the key. 0 or -ENOMEM. */
static inline int cap_word_map_add(struct cap_word_map *map, u64 a, u64 b, u64 n)
{
	struct cap_word_slot *slot = cap_word_map_make(map, a, b);

	if (slot)
		slot->value += n;
	return slot ? 0 : -ENOMEM;
}

/* Sets the value of the key, > 0. 0 or -ENOMEM. */
static inline int cap_word_map_put(struct cap_word_map *map, u64 a, u64 b, u64 value)
{
	struct cap_word_slot *slot = cap_word_map_make(map, a, b);

	if (slot)
		slot->value = value;
	return slot ? 0 : -ENOMEM;
}

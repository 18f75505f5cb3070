#pragma once
/* Hash map from a pair of words to a small number > 0. Open addressing, half load. Keys come from
 * captures: the hash is seeded per process. */
#include "formats/table/events.h"

struct kymo_id_slot {
	u64 a, b;
	u32 value; /* 0: free */
};

struct kymo_id_map {
	struct kymo_id_slot *slots;
	u64 mask;
	u64 count;
	u64 seed;
};

void kymo_id_map_done(struct kymo_id_map *map);
/* Forgets all entries; a table that grew big is freed. */
void kymo_id_map_clear(struct kymo_id_map *map);

/* 0 if the key is not there. */
u32 kymo_id_map_get(const struct kymo_id_map *map, u64 a, u64 b);

/* Adds or replaces; value > 0. 0 or -ENOMEM. */
int kymo_id_map_put(struct kymo_id_map *map, u64 a, u64 b, u32 value);

/* A number that differs from run to run, for seeding hashes of untrusted keys. */
u64 kymo_hash_seed(void);

#pragma once
/* XXH3-64, the format's only hash: block checksums, schema id, intern tables. Inlined: no library
 * to link. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "formats/base/hash_mix.h"

static inline u64 cap_hash(const void *bytes, size_t len)
{
	return XXH3_64bits(bytes, len);
}

/* For intern tables, whose keys an attacker may choose: seeded per process. */
static inline u64 cap_hash_seeded(const void *bytes, size_t len, u64 seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

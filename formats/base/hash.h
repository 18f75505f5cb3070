#pragma once
/* XXH3-64, the format's only hash: block checksums, schema id, intern tables. Inlined: no library
 * to link. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "formats/base/ints.h"

static inline u64 cap_hash(const void *bytes, size_t len)
{
	return XXH3_64bits(bytes, len);
}

/* For intern tables, whose keys an attacker may choose: the seed is drawn per process. */
static inline u64 cap_hash_seeded(const void *bytes, size_t len, u64 seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

/* A strong mix of two words; multiplication constants of splitmix64 (Steele, Lea, Flood 2014). */
static inline u64 cap_hash_mix(u64 a, u64 b, u64 seed)
{
	u64 x = (a ^ seed) * 0xbf58476d1ce4e5b9ull;

	x ^= x >> 31;
	x = (x + b) * 0x94d049bb133111ebull;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ull;
	return x ^ (x >> 32);
}

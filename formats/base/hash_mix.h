#pragma once
/* Mixing words for tables by number. */
#include "formats/base/ints.h"

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

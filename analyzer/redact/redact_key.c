#include "analyzer/redact/redact_key.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "formats/base/bytes.h"

enum { DOMAIN_BITS = 0x6970 }; /* "ip" */

int kymo_redact_key_new(struct kymo_redact_key *ret_key)
{
	return getrandom(ret_key, sizeof(*ret_key), 0) == (ssize_t)sizeof(*ret_key) ? 0 : -errno;
}

static u64 rotated(u64 value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void sip_rounds(u64 v[4], int rounds)
{
	for (int i = 0; i < rounds; i++) {
		v[0] += v[1];
		v[1] = rotated(v[1], 13) ^ v[0];
		v[0] = rotated(v[0], 32);
		v[2] += v[3];
		v[3] = rotated(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotated(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotated(v[1], 17) ^ v[2];
		v[2] = rotated(v[2], 32);
	}
}

static void sip_take(u64 v[4], u64 word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

u64 kymo_redact_hash(const struct kymo_redact_key *key, u64 domain, const void *bytes, size_t len)
{
	u64 v[4] = {key->k0 ^ 0x736f6d6570736575ull, key->k1 ^ 0x646f72616e646f6dull,
		    key->k0 ^ 0x6c7967656e657261ull, key->k1 ^ 0x7465646279746573ull};
	const u8 *at = bytes;
	size_t left = len;

	sip_take(v, domain);
	for (; left >= 8; left -= 8, at += 8)
		sip_take(v, cap_load_u64(at));
	sip_take(v, cap_load_le(at, (unsigned int)left) | (u64)len << 56);
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void kymo_redact_bytes(const struct kymo_redact_key *key, u64 domain, u8 *bytes, size_t len)
{
	u64 seed = kymo_redact_hash(key, domain, bytes, len);

	for (size_t i = 0; i < len; i += 8) {
		u64 words[2] = {seed, i};
		u64 word = kymo_redact_hash(key, domain + 1, words, sizeof(words));

		cap_store_le(bytes + i, word, len - i < 8 ? (unsigned int)(len - i) : 8);
	}
}

/* -------- addresses -------- */

static bool stays(const u8 *address, unsigned int bits)
{
	static const u8 zero[15];

	if (bits == 32)
		return address[0] == 127 || address[0] == 0;
	return memcmp(address, zero, sizeof(zero)) == 0 && address[15] <= 1;
}

/* Each bit is turned or not by a hash of those before it. */
static void turn_bits(const struct kymo_redact_key *key, u8 *address, unsigned int bits)
{
	u8 from[16] = {0}, prefix[18] = {0};

	memcpy(from, address, bits / 8);
	for (unsigned int i = 0; i < bits; i++) {
		u8 mask = (u8)(0x80 >> i % 8);

		prefix[16] = (u8)i;
		prefix[17] = (u8)bits;
		if (kymo_redact_hash(key, DOMAIN_BITS, prefix, sizeof(prefix)) & 1)
			address[i / 8] ^= mask;
		prefix[i / 8] |= from[i / 8] & mask;
	}
}

void kymo_redact_ip(const struct kymo_redact_key *key, u8 *address, unsigned int bits)
{
	if (stays(address, bits))
		return;
	/* A permutation without those that stay: it goes on until it is at none of them. */
	do
		turn_bits(key, address, bits);
	while (stays(address, bits));
}

#pragma once
/* Numbers that nobody can trace back: SipHash-2-4 under a random key, which is never stored. */
#include <stddef.h>

#include "formats/base/ints.h"

struct kymo_redact_key {
	u64 k0, k1;
};

int kymo_redact_key_new(struct kymo_redact_key *ret_key); /* 0 or -errno: no random numbers */

/* domain keeps uses of one key apart. */
u64 kymo_redact_hash(const struct kymo_redact_key *key, u64 domain, const void *bytes, size_t len);

/* Replaces bytes by as many others: the same for the same ones. */
void kymo_redact_bytes(const struct kymo_redact_key *key, u64 domain, u8 *bytes, size_t len);

/*
 * Replaces an address of `bits` bits (32 or 128): two that share their first n bits still do, and
 * no more. Loopback and unspecified addresses stay, and no other becomes one of them.
 */
void kymo_redact_ip(const struct kymo_redact_key *key, u8 *address, unsigned int bits);

#pragma once
/* A bounded set of addresses (0 is never in it): open addressing, grows by doubling up to a fixed
 * number. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

#define REC_ADDRESS_SET_MAX 32768u

struct rec_address_set {
	u64 *slots;		  /* 0: empty */
	size_t slot_count, count; /* slot_count: a power of two, or 0 */
};

/* True if the address was not in the set and now is; false also where it is full or memory is
 * short. */
bool rec_address_set_add(struct rec_address_set *set, u64 address);
bool rec_address_set_has(const struct rec_address_set *set, u64 address);
void rec_address_set_done(struct rec_address_set *set);

#pragma once
/*
 * Where code lies in a redacted capture. Addresses that were covered by any mapping of any process
 * are moved together, in their order, to the lowest place they can have: so every mapping and every
 * frame of it stay what they are to each other, and nothing is left of where the kernel put them.
 */
#include <stdbool.h>

#include "formats/base/ints.h"

struct kymo_address_layout;

struct kymo_address_layout *kymo_address_layout_new(void); /* NULL: out of memory */
struct kymo_address_layout *kymo_address_layout_free(struct kymo_address_layout *layout);

/* A range that has code; anonymous: of no file. Wrapping and empty ones are ignored. 0 or -ENOMEM.
 */
int kymo_address_layout_add(struct kymo_address_layout *layout, u64 start, u64 size_bytes,
			    bool anonymous);
void kymo_address_layout_seal(struct kymo_address_layout *layout);

/* The new place of an address. Of one that no range covers: a place that none covers. */
u64 kymo_address_layout_move(const struct kymo_address_layout *layout, u64 address);

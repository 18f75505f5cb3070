/* Linear probing at a load of at most a half: two or three slots are looked at per address. */
#include "recorder/host/address_set.h"

#include <stdlib.h>

#define FIRST_SLOTS 1024u

static size_t find_slot(const struct rec_address_set *set, u64 address)
{
	size_t mask = set->slot_count - 1;
	size_t at = (size_t)((address * 0x9e3779b97f4a7c15ull) >> 32) & mask;

	while (set->slots[at] && set->slots[at] != address)
		at = (at + 1) & mask;
	return at;
}

static bool grow(struct rec_address_set *set)
{
	struct rec_address_set larger = {
		.slot_count = set->slot_count ? set->slot_count * 2 : FIRST_SLOTS,
		.count = set->count,
	};

	larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < set->slot_count; i++)
		if (set->slots[i])
			larger.slots[find_slot(&larger, set->slots[i])] = set->slots[i];
	free(set->slots);
	*set = larger;
	return true;
}

bool rec_address_set_has(const struct rec_address_set *set, u64 address)
{
	return set->slot_count && address && set->slots[find_slot(set, address)] == address;
}

bool rec_address_set_add(struct rec_address_set *set, u64 address)
{
	size_t at;

	if (!address || rec_address_set_has(set, address) || set->count == REC_ADDRESS_SET_MAX)
		return false;
	if (set->count * 2 >= set->slot_count && !grow(set))
		return false;
	at = find_slot(set, address);
	set->slots[at] = address;
	set->count++;
	return true;
}

void rec_address_set_done(struct rec_address_set *set)
{
	free(set->slots);
	*set = (struct rec_address_set){0};
}

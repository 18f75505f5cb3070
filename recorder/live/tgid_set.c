/* A set of process numbers that only grows. */
#include "recorder/live/tgid_set.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 256

static size_t slot_of(const struct live_tgid_set *set, u32 tgid)
{
	size_t slot = (tgid * 2654435761u) & (set->slot_count - 1);

	while (set->slots[slot] && set->slots[slot] != tgid)
		slot = (slot + 1) & (set->slot_count - 1);
	return slot;
}

static int grow(struct live_tgid_set *set)
{
	struct live_tgid_set larger = {.slot_count =
					       set->slot_count ? set->slot_count * 2 : FIRST_SLOTS,
				       .used = set->used};

	larger.slots = calloc(larger.slot_count, sizeof(u32));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->slot_count; i++)
		if (set->slots[i])
			larger.slots[slot_of(&larger, set->slots[i])] = set->slots[i];
	free(set->slots);
	*set = larger;
	return 0;
}

int live_tgid_set_add(struct live_tgid_set *set, u32 tgid)
{
	size_t slot;

	if (set->used * 2 >= set->slot_count) {
		int rc = grow(set);

		if (rc < 0)
			return rc;
	}
	slot = slot_of(set, tgid);
	if (!set->slots[slot]) {
		set->slots[slot] = tgid;
		set->used++;
	}
	return 0;
}

bool live_tgid_set_has(const struct live_tgid_set *set, u32 tgid)
{
	return set->slot_count && set->slots[slot_of(set, tgid)] == tgid;
}

void live_tgid_set_done(struct live_tgid_set *set)
{
	free(set->slots);
	*set = (struct live_tgid_set){0};
}

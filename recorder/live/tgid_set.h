#pragma once
/* The processes that a recording by pid has seen, kept after they ended: their mappings are read
 * later than they happened. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

struct live_tgid_set {
	u32 *slots;	   /* open addressing; 0: free */
	size_t slot_count; /* a power of two, or 0 */
	size_t used;
};

/* 0 or -ENOMEM. tgid > 0. */
int live_tgid_set_add(struct live_tgid_set *set, u32 tgid);
bool live_tgid_set_has(const struct live_tgid_set *set, u32 tgid);
void live_tgid_set_done(struct live_tgid_set *set);

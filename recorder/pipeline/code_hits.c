/* A small table of recent addresses takes nearly all repetitions; a set of places takes the rest.
 */
#include "recorder/pipeline/code_hits.h"

#include <stdlib.h>
#include <string.h>

#include "formats/base/word_map.h"

#define RECENT 8192u	       /* a power of two */
#define MAX_WAITING 32768u     /* addresses between two settlings */
#define MAX_STEPS (4ull << 20) /* ranges looked at in one settling: some milliseconds */

struct seen_address {
	u64 address;
	u32 tgid;
	bool again; /* its mapping may have come after it: it is looked for once more */
};

struct rec_code_hits {
	struct rec_file_map *map;
	struct seen_address *recent; /* by hash */
	struct seen_address *waiting;
	size_t waiting_count;
	struct cap_word_map places; /* (object and tgid, offset) -> 1 */
	struct rec_code_hit *fresh;
	size_t fresh_count, fresh_capacity, taken_count;
	u64 left_out;
};

struct rec_code_hits *rec_code_hits_new(void)
{
	struct rec_code_hits *hits = calloc(1, sizeof(*hits));

	if (!hits)
		return NULL;
	hits->map = rec_file_map_new();
	hits->recent = calloc(RECENT, sizeof(*hits->recent));
	hits->waiting = malloc(MAX_WAITING * sizeof(*hits->waiting));
	return hits->map && hits->recent && hits->waiting ? hits : rec_code_hits_free(hits);
}

struct rec_code_hits *rec_code_hits_free(struct rec_code_hits *hits)
{
	if (!hits)
		return NULL;
	(void)rec_file_map_free(hits->map);
	cap_word_map_done(&hits->places);
	free(hits->recent);
	free(hits->waiting);
	free(hits->fresh);
	free(hits);
	return NULL;
}

struct rec_file_map *rec_code_hits_files(const struct rec_code_hits *hits)
{
	return hits ? hits->map : NULL;
}

void rec_code_hits_add(struct rec_code_hits *hits, u32 tgid, u64 address)
{
	struct seen_address *slot;

	if (!hits || address == 0)
		return;
	slot = &hits->recent[cap_hash_mix(address, tgid, 0) & (RECENT - 1)];
	if (slot->address == address && slot->tgid == tgid)
		return;
	*slot = (struct seen_address){.address = address, .tgid = tgid};
	if (hits->waiting_count == MAX_WAITING) {
		hits->left_out++;
		return;
	}
	hits->waiting[hits->waiting_count++] = *slot;
}

static void keep(struct rec_code_hits *hits, const struct rec_code_place *place, u32 tgid)
{
	bool has_file = rec_file_map_object(hits->map, place->object)->kind != REC_CODE_NO_FILE;
	struct rec_code_hit hit = {
		.object = place->object, .tgid = has_file ? 0 : tgid, .offset = place->offset};
	struct cap_word_slot *slot;

	if (cap_word_map_get(&hits->places, (u64)hit.tgid << 32 | hit.object, hit.offset))
		return;
	if (hits->places.used >= REC_CODE_MAX_HITS) {
		hits->left_out++;
		return;
	}
	if (hits->fresh_count == hits->fresh_capacity) {
		size_t capacity = hits->fresh_capacity ? hits->fresh_capacity * 2 : 1024;
		struct rec_code_hit *larger = reallocarray(hits->fresh, capacity, sizeof(*larger));

		if (!larger) {
			hits->left_out++;
			return;
		}
		hits->fresh = larger;
		hits->fresh_capacity = capacity;
	}
	slot = cap_word_map_make(&hits->places, (u64)hit.tgid << 32 | hit.object, hit.offset);
	if (!slot) {
		hits->left_out++;
		return;
	}
	slot->value = 1;
	hits->fresh[hits->fresh_count++] = hit;
}

void rec_code_hits_settle(struct rec_code_hits *hits)
{
	struct rec_code_place places[REC_CODE_MAX_PLACES];
	size_t kept = 0;
	u64 steps = 0;

	if (!hits)
		return;
	if (hits->taken_count) { /* what was given out is done with */
		hits->fresh_count -= hits->taken_count;
		memmove(hits->fresh, hits->fresh + hits->taken_count,
			hits->fresh_count * sizeof(*hits->fresh));
		hits->taken_count = 0;
	}
	for (size_t i = 0; i < hits->waiting_count; i++) {
		struct seen_address *seen = &hits->waiting[i];
		size_t count;

		if (steps > MAX_STEPS) {
			hits->left_out += hits->waiting_count - i;
			break;
		}
		count = rec_file_map_find(hits->map, seen->tgid, seen->address, places, &steps);
		for (size_t place = 0; place < count; place++)
			keep(hits, &places[place], seen->tgid);
		if (count == 0 && !seen->again) {
			seen->again = true;
			hits->waiting[kept++] = *seen;
		}
	}
	hits->waiting_count = kept;
	rec_file_map_settle(hits->map);
}

static int by_place(const void *left, const void *right)
{
	const struct rec_code_hit *a = left, *b = right;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

const struct rec_code_hit *rec_code_hits_take(struct rec_code_hits *hits, size_t *ret_count)
{
	const struct rec_code_hit *first = hits->fresh + hits->taken_count;
	size_t count = hits->fresh_count - hits->taken_count;

	if (count)
		qsort(hits->fresh + hits->taken_count, count, sizeof(*hits->fresh), by_place);
	hits->taken_count = hits->fresh_count;
	*ret_count = count;
	return first;
}

bool rec_code_hits_has_new(const struct rec_code_hits *hits)
{
	return hits->fresh_count > hits->taken_count;
}

u64 rec_code_hits_left_out(const struct rec_code_hits *hits)
{
	return hits->left_out + rec_file_map_refused(hits->map);
}

/*
 * A process has sorted ranges of the program it runs and of the two before: a program's first
 * mappings are told before its exec is, so what came last before an exec may be either's. A bitmap
 * by hash of 2 MiB pieces answers for most words, which point nowhere near code.
 */
#include "recorder/pipeline/code_map.h"

#include <stdlib.h>
#include <string.h>

#include "formats/base/hash_mix.h"

#define BUCKETS 4096u /* a power of two */
#define MAX_SETS 65536u
#define MAX_RANGES 16384u      /* of a program */
#define MAX_ALL_RANGES 524288u /* of all: 8 MiB */
#define PROGRAMS 3
#define FILTER_BITS 1024u /* a power of two */
#define PIECE_SHIFT 21

struct range {
	u64 start, end;
};

struct ranges {
	struct range *items; /* sorted, disjoint, not touching */
	u32 count, size;
};

struct rec_code_set {
	struct rec_code_set *next;
	u64 start_ns; /* 0: not known */
	u32 tgid;
	bool complete;	    /* all of its memory was seen from its begin */
	bool has_new_image; /* to be seen to by settle */
	u32 ended;	    /* 0: it lives; else one more than how often settle found it dead */
	struct ranges programs[PROGRAMS]; /* the first is the present one */
	u64 filter[FILTER_BITS / 64];
};

struct rec_code_map {
	struct rec_code_set *buckets[BUCKETS];
	u32 set_count, range_count;
	u32 unsettled; /* sets that settle has to look at */
};

struct rec_code_map *rec_code_map_new(void)
{
	return calloc(1, sizeof(struct rec_code_map));
}

static void drop_ranges(struct rec_code_map *map, struct ranges *ranges)
{
	map->range_count -= ranges->count;
	free(ranges->items);
	*ranges = (struct ranges){0};
}

static void free_set(struct rec_code_map *map, struct rec_code_set *set)
{
	for (u32 i = 0; i < PROGRAMS; i++)
		drop_ranges(map, &set->programs[i]);
	free(set);
	map->set_count--;
}

struct rec_code_map *rec_code_map_free(struct rec_code_map *map)
{
	if (!map)
		return NULL;
	for (u32 i = 0; i < BUCKETS; i++) {
		while (map->buckets[i]) {
			struct rec_code_set *set = map->buckets[i];

			map->buckets[i] = set->next;
			free_set(map, set);
		}
	}
	free(map);
	return NULL;
}

static struct rec_code_set *find_set(const struct rec_code_map *map, u32 tgid)
{
	struct rec_code_set *set = map->buckets[tgid & (BUCKETS - 1)];

	while (set && set->tgid != tgid)
		set = set->next;
	return set;
}

static struct rec_code_set *find_or_add_set(struct rec_code_map *map, u32 tgid)
{
	struct rec_code_set *set = find_set(map, tgid);
	struct rec_code_set **bucket = &map->buckets[tgid & (BUCKETS - 1)];

	if (set || map->set_count >= MAX_SETS)
		return set;
	set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	set->tgid = tgid;
	set->next = *bucket;
	*bucket = set;
	map->set_count++;
	return set;
}

/* A process that took over the number of one whose end was missed starts anew. */
static struct rec_code_set *begin_set(struct rec_code_map *map, u32 tgid, u64 start_ns)
{
	struct rec_code_set *set = find_or_add_set(map, tgid);

	if (!set)
		return NULL;
	if (set->start_ns && set->start_ns != start_ns) {
		for (u32 i = 0; i < PROGRAMS; i++)
			drop_ranges(map, &set->programs[i]);
		memset(set->filter, 0, sizeof(set->filter));
		set->ended = 0;
	}
	set->start_ns = start_ns;
	set->complete = true;
	return set;
}

static u32 filter_bit(u64 address)
{
	return (u32)cap_hash_mix(address >> PIECE_SHIFT, 0, 0) & (FILTER_BITS - 1);
}

static void filter_add(struct rec_code_set *set, const struct range *range)
{
	u64 pieces = ((range->end - 1) >> PIECE_SHIFT) - (range->start >> PIECE_SHIFT) + 1;

	if (pieces >= FILTER_BITS) {
		memset(set->filter, 0xff, sizeof(set->filter));
		return;
	}
	for (u64 i = 0; i < pieces; i++) {
		u32 bit = filter_bit(range->start + (i << PIECE_SHIFT));

		set->filter[bit / 64] |= 1ull << bit % 64;
	}
}

/* The first range that ends after address. */
static u32 first_after(const struct ranges *ranges, u64 address)
{
	u32 low = 0, high = ranges->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (ranges->items[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Makes room for one more. False: no memory, or a limit. */
static bool make_room(const struct rec_code_map *map, struct ranges *ranges)
{
	u32 size = ranges->size ? ranges->size * 2 : 16;
	struct range *bigger;

	if (ranges->count >= MAX_RANGES || map->range_count >= MAX_ALL_RANGES)
		return false;
	if (ranges->count < ranges->size)
		return true;
	bigger = realloc(ranges->items, size * sizeof(*bigger));
	if (!bigger)
		return false;
	ranges->items = bigger;
	ranges->size = size;
	return true;
}

/* Adds a range, and joins it with those that it touches. False: it does not fit. */
static bool add_range(struct rec_code_map *map, struct ranges *ranges, struct range range)
{
	u32 from = first_after(ranges, range.start ? range.start - 1 : 0), to = from;

	while (to < ranges->count && ranges->items[to].start <= range.end)
		to++;
	if (from == to) {
		if (!make_room(map, ranges))
			return false;
		memmove(&ranges->items[from + 1], &ranges->items[from],
			(ranges->count - from) * sizeof(range));
		ranges->items[from] = range;
		ranges->count++;
		map->range_count++;
		return true;
	}
	if (ranges->items[from].start < range.start)
		range.start = ranges->items[from].start;
	if (ranges->items[to - 1].end > range.end)
		range.end = ranges->items[to - 1].end;
	ranges->items[from] = range;
	memmove(&ranges->items[from + 1], &ranges->items[to], (ranges->count - to) * sizeof(range));
	ranges->count -= to - from - 1;
	map->range_count -= to - from - 1;
	return true;
}

static void set_add(struct rec_code_map *map, struct rec_code_set *set, struct range range)
{
	if (!add_range(map, &set->programs[0], range))
		set->complete = false;
	filter_add(set, &range);
}

void rec_code_map_listed(struct rec_code_map *map, u32 tgid, u64 start_ns)
{
	(void)begin_set(map, tgid, start_ns); /* one that does not fit is unknown */
}

void rec_code_map_add(struct rec_code_map *map, u32 tgid, u64 start_address, u64 size_bytes)
{
	struct range range = {.start = start_address, .end = start_address + size_bytes};
	struct rec_code_set *set;

	if (range.end <= range.start)
		return;
	set = find_or_add_set(map, tgid);
	if (set)
		set_add(map, set, range);
}

void rec_code_map_fork(struct rec_code_map *map, u32 parent_tgid, u32 child_tgid,
		       u64 child_start_ns)
{
	const struct rec_code_set *parent = find_set(map, parent_tgid);
	struct rec_code_set *child;

	if (!parent || !parent->complete || parent_tgid == child_tgid)
		return;
	child = begin_set(map, child_tgid, child_start_ns);
	for (u32 i = 0; child && i < PROGRAMS; i++)
		for (u32 k = 0; k < parent->programs[i].count; k++)
			set_add(map, child, parent->programs[i].items[k]);
}

void rec_code_map_exec(struct rec_code_map *map, u32 tgid, u64 start_ns)
{
	struct rec_code_set *set = begin_set(map, tgid, start_ns);

	if (!set || set->has_new_image)
		return;
	set->has_new_image = true;
	map->unsettled++;
}

void rec_code_map_exit(struct rec_code_map *map, u32 tgid)
{
	struct rec_code_set *set = find_set(map, tgid);

	if (!set || set->ended)
		return;
	set->ended = 1;
	map->unsettled++;
}

static void rotate(struct rec_code_map *map, struct rec_code_set *set)
{
	set->has_new_image = false;
	drop_ranges(map, &set->programs[PROGRAMS - 1]);
	memmove(&set->programs[1], &set->programs[0], (PROGRAMS - 1) * sizeof(set->programs[0]));
	set->programs[0] = (struct ranges){0};
	memset(set->filter, 0, sizeof(set->filter));
	for (u32 i = 1; i < PROGRAMS; i++)
		for (u32 k = 0; k < set->programs[i].count; k++)
			filter_add(set, &set->programs[i].items[k]);
}

/* A process is forgotten the second time: samples of it may still be in a ring the first time,
 * behind those that were drained before its end was read. */
void rec_code_map_settle(struct rec_code_map *map)
{
	u32 again = 0;

	for (u32 i = 0; map->unsettled && i < BUCKETS; i++) {
		struct rec_code_set **link = &map->buckets[i];

		while (*link) {
			struct rec_code_set *set = *link;

			if (set->has_new_image)
				rotate(map, set);
			if (set->ended < 2) {
				set->ended += set->ended == 1;
				again += set->ended == 2;
				link = &set->next;
				continue;
			}
			*link = set->next;
			free_set(map, set);
		}
	}
	map->unsettled = again;
}

const struct rec_code_set *rec_code_map_find(const struct rec_code_map *map, u32 tgid, u64 start_ns)
{
	const struct rec_code_set *set = find_set(map, tgid);

	return set && set->complete && set->start_ns == start_ns ? set : NULL;
}

bool rec_code_set_has(const struct rec_code_set *set, u64 address)
{
	u32 bit = filter_bit(address);

	if (!(set->filter[bit / 64] >> bit % 64 & 1))
		return false;
	for (u32 i = 0; i < PROGRAMS; i++) {
		const struct ranges *ranges = &set->programs[i];
		u32 at = first_after(ranges, address);

		if (at < ranges->count && ranges->items[at].start <= address)
			return true;
	}
	return false;
}

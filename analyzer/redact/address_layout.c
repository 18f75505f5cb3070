/*
 * Two things of an address count beyond its order. Below 4 GiB lie 32-bit programs. And anonymous
 * memory that begins and ends at multiples of 2 MiB, over code of a file, is presumed to hold that
 * code: such memory must stay so, and no other may become so. An old place always fits, since each
 * new one is at most the old one: so the search for a place ends.
 */
#include "analyzer/redact/address_layout.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_BYTES 4096ull
#define HUGE_PAGE_BYTES (2ull << 20)
#define FIRST_PLACE (1ull << 16)
#define HIGH_PLACE (1ull << 32)

struct range {
	u64 start, end; /* start <= a < end */
	bool anonymous;
};

struct island { /* ranges that touch each other */
	u64 start, end;
	u64 place; /* where start goes */
};

struct kymo_address_layout {
	struct range *ranges;
	size_t count, size;
	struct island *islands;
	size_t island_count;
	u64 nowhere; /* in none of the new ranges */
};

struct kymo_address_layout *kymo_address_layout_new(void)
{
	return calloc(1, sizeof(struct kymo_address_layout));
}

struct kymo_address_layout *kymo_address_layout_free(struct kymo_address_layout *layout)
{
	if (!layout)
		return NULL;
	free(layout->ranges);
	free(layout->islands);
	free(layout);
	return NULL;
}

/* Drops what is in the list twice: libraries lie at one place in many processes. */
static void squeeze(struct kymo_address_layout *layout);

int kymo_address_layout_add(struct kymo_address_layout *layout, u64 start, u64 size_bytes,
			    bool anonymous)
{
	if (size_bytes == 0 || start + size_bytes < start)
		return 0;
	if (layout->count == layout->size && layout->count > 0)
		squeeze(layout);
	if (layout->count * 2 >= layout->size) {
		size_t size = layout->size ? layout->size * 2 : 1024;
		struct range *bigger = reallocarray(layout->ranges, size, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		layout->ranges = bigger;
		layout->size = size;
	}
	layout->ranges[layout->count++] =
		(struct range){.start = start, .end = start + size_bytes, .anonymous = anonymous};
	return 0;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return a->anonymous - b->anonymous;
}

static void squeeze(struct kymo_address_layout *layout)
{
	size_t kept = 0;

	if (layout->count == 0)
		return;
	qsort(layout->ranges, layout->count, sizeof(*layout->ranges), compare_ranges);
	for (size_t i = 0; i < layout->count; i++) {
		if (kept == 0 || compare_ranges(&layout->ranges[kept - 1], &layout->ranges[i]) != 0)
			layout->ranges[kept++] = layout->ranges[i];
	}
	layout->count = kept;
}

static bool is_huge(u64 start, u64 end)
{
	return start % HUGE_PAGE_BYTES == 0 && end % HUGE_PAGE_BYTES == 0;
}

/* Are the anonymous ranges of an island as huge as before, `shift` bytes further down? */
static bool fits(const struct range *ranges, size_t count, u64 shift)
{
	for (size_t i = 0; i < count; i++) {
		const struct range *range = &ranges[i];

		if (range->anonymous && is_huge(range->start, range->end) !=
						is_huge(range->start - shift, range->end - shift))
			return false;
	}
	return true;
}

/* The lowest place from `lowest` on, which is not above the old one. */
static u64 find_place(const struct range *ranges, size_t count, u64 lowest)
{
	u64 start = ranges[0].start;
	u64 place = lowest + (start - lowest) % PAGE_BYTES;
	u64 huge = lowest + (start - lowest) % HUGE_PAGE_BYTES;

	for (int i = 0; i < 4 && place <= start; i++, place += PAGE_BYTES) {
		if (fits(ranges, count, start - place))
			return place;
	}
	return fits(ranges, count, start - huge) ? huge : start;
}

/* A page between islands, where there was one: what was apart stays apart. */
static u64 place_after(const struct island *island)
{
	return island->place + (island->end - island->start) + PAGE_BYTES;
}

static u64 find_nowhere(const struct kymo_address_layout *layout)
{
	u64 nowhere = 16;

	for (size_t i = 0; i < layout->island_count; i++) {
		const struct island *island = &layout->islands[i];
		u64 end = island->place + (island->end - island->start);

		if (nowhere < island->place)
			break;
		if (nowhere < end)
			nowhere = end + 16;
	}
	return nowhere;
}

void kymo_address_layout_seal(struct kymo_address_layout *layout)
{
	u64 lowest = FIRST_PLACE;
	size_t first = 0;

	squeeze(layout);
	layout->islands = calloc(layout->count ? layout->count : 1, sizeof(*layout->islands));
	if (!layout->islands)
		layout->count = 0; /* then everything is nowhere: less is told, not more */
	while (first < layout->count) {
		struct island *island = &layout->islands[layout->island_count];
		size_t last = first;

		*island = (struct island){.start = layout->ranges[first].start,
					  .end = layout->ranges[first].end};
		while (++last < layout->count && layout->ranges[last].start <= island->end) {
			if (layout->ranges[last].end > island->end)
				island->end = layout->ranges[last].end;
		}
		if (island->start >= HIGH_PLACE && lowest < HIGH_PLACE)
			lowest = HIGH_PLACE;
		if (lowest > island->start) /* close to the one before, or at the very bottom */
			lowest = island->start;
		island->place = find_place(layout->ranges + first, last - first, lowest);
		lowest = place_after(island);
		layout->island_count++;
		first = last;
	}
	layout->nowhere = find_nowhere(layout);
}

u64 kymo_address_layout_move(const struct kymo_address_layout *layout, u64 address)
{
	size_t low = 0, high = layout->island_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (layout->islands[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == layout->island_count || layout->islands[low].start > address)
		return layout->nowhere;
	return layout->islands[low].place + (address - layout->islands[low].start);
}

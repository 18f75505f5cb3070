/* Sorted ranges in an array: intact files have one, damaged ones a few. */
#include "formats/base/number_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/limits.h"

/* The first range that ends at number or after it. */
static u32 range_at(const struct number_set *set, u64 number)
{
	u32 low = 0, high = set->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (set->ranges[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool number_set_has(const struct number_set *set, u64 number)
{
	u32 at = range_at(set, number);

	return at < set->count && set->ranges[at].first <= number;
}

static void remove_range(struct number_set *set, u32 at)
{
	memmove(&set->ranges[at], &set->ranges[at + 1],
		(set->count - at - 1) * sizeof(*set->ranges));
	set->count--;
}

static int insert_range(struct number_set *set, u32 at, u64 number)
{
	if (set->count == set->size) {
		u32 size = set->size ? set->size * 2 : 8;
		struct number_range *bigger = realloc(set->ranges, size * sizeof(*set->ranges));

		if (!bigger)
			return -ENOMEM;
		set->ranges = bigger;
		set->size = size;
	}
	memmove(&set->ranges[at + 1], &set->ranges[at], (set->count - at) * sizeof(*set->ranges));
	set->ranges[at] = (struct number_range){number, number};
	set->count++;
	if (set->count > CAP_MAX_RANGES) {
		set->ranges[1].first = set->ranges[0].first;
		remove_range(set, 0);
	}
	return 0;
}

int number_set_add(struct number_set *set, u64 number)
{
	u32 at = range_at(set, number);
	bool after = at > 0 && set->ranges[at - 1].last + 1 == number;
	bool before = at < set->count && set->ranges[at].first == number + 1;

	if (at < set->count && set->ranges[at].first <= number)
		return 0;
	if (after && before) {
		set->ranges[at - 1].last = set->ranges[at].last;
		remove_range(set, at);
	} else if (after) {
		set->ranges[at - 1].last = number;
	} else if (before) {
		set->ranges[at].first = number;
	} else {
		return insert_range(set, at, number);
	}
	return 0;
}

void number_set_clear(struct number_set *set)
{
	set->count = 0;
}

void number_set_done(struct number_set *set)
{
	free(set->ranges);
	*set = (struct number_set){0};
}

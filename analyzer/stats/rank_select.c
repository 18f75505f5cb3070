/* Radix selection over passes. */
#include "analyzer/stats/rank_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPLITS 64u
#define ROUND_ENTRIES \
	(1u << 20) /* distinct counts of one round: 48 MiB at most while the table grows */
#define DIRECT_ENTRIES 4096u /* a range with no more is counted value by value */

void kymo_rank_select_done(struct kymo_rank_select *select)
{
	free(select->targets);
	free(select->ranges);
	free(select->first_range);
	cap_word_map_done(&select->counts);
	memset(select, 0, sizeof(*select));
}

int kymo_rank_select_want(struct kymo_rank_select *select, const struct kymo_rank_target *target)
{
	if (select->target_count == select->target_capacity) {
		size_t capacity = select->target_capacity ? select->target_capacity * 2 : 64;
		struct kymo_rank_target *targets =
			realloc(select->targets, capacity * sizeof(*targets));

		if (!targets)
			return -ENOMEM;
		select->targets = targets;
		select->target_capacity = capacity;
	}
	select->targets[select->target_count++] = *target;
	return 0;
}

static u64 entries_of(const struct kymo_rank_target *target)
{
	u64 width = target->high - target->low; /* one less: it may be 2^64 */

	return target->count <= width ? target->count : width + 1;
}

static void add_range(struct kymo_rank_select *select, struct kymo_rank_target *target, u64 entries)
{
	struct kymo_rank_range *range = &select->ranges[select->range_count];

	*range = (struct kymo_rank_range){.group = target->group,
					  .low = target->low,
					  .high = target->high,
					  .count = target->count};
	if (entries > DIRECT_ENTRIES)
		range->split_width = (target->high - target->low) / SPLITS + 1;
	target->range = (u32)select->range_count++;
}

int kymo_rank_select_begin(struct kymo_rank_select *select)
{
	u64 budget = ROUND_ENTRIES;
	u32 group = 0;

	if (!select->ranges) {
		select->ranges = calloc(select->target_count + 1, sizeof(*select->ranges));
		select->first_range =
			calloc(select->group_count + 1ul, sizeof(*select->first_range));
		if (!select->ranges || !select->first_range)
			return -ENOMEM;
	}
	select->range_count = 0;
	for (size_t i = 0; i < select->target_count; i++) {
		struct kymo_rank_target *target = &select->targets[i];
		const struct kymo_rank_range *last =
			select->range_count ? &select->ranges[select->range_count - 1] : NULL;
		u64 entries = entries_of(target);

		while (group <= target->group)
			select->first_range[group++] = (u32)select->range_count;
		target->range = UINT32_MAX;
		if (target->low == target->high) {
			target->value = target->low;
			continue;
		}
		if (last && last->group == target->group && last->low == target->low &&
		    last->high == target->high) {
			target->range = (u32)select->range_count - 1;
			continue;
		}
		if (entries > DIRECT_ENTRIES ? budget < SPLITS : budget < entries)
			continue; /* in a later round */
		budget -= entries > DIRECT_ENTRIES ? SPLITS : entries;
		add_range(select, target, entries);
	}
	while (group <= select->group_count)
		select->first_range[group++] = (u32)select->range_count;
	return select->range_count > 0;
}

/* Narrows a target to the counted piece that holds its rank. counts: those of its range, sorted. */
static int narrow(const struct kymo_rank_range *range, const struct cap_word_slot *counts,
		  size_t count, struct kymo_rank_target *target)
{
	for (size_t i = 0; i < count; i++) {
		u64 low = counts[i].b, high = counts[i].b;

		if (target->before + counts[i].value < target->rank) {
			target->before += counts[i].value;
			continue;
		}
		if (range->split_width) {
			low = range->low + counts[i].b * range->split_width;
			high = range->high - low < range->split_width
				       ? range->high
				       : low + range->split_width - 1;
		}
		target->low = low;
		target->high = high;
		target->count = counts[i].value;
		target->value = low;
		return 0;
	}
	return -EIO;
}

int kymo_rank_select_end(struct kymo_rank_select *select)
{
	struct cap_word_slot *counts;
	size_t count, at = 0;
	int rc = 0;

	cap_word_map_take(&select->counts, &counts, &count);
	for (size_t i = 0; rc == 0 && i < select->target_count; i++) {
		struct kymo_rank_target *target = &select->targets[i];
		size_t end;

		if (target->range == UINT32_MAX)
			continue;
		while (at < count && counts[at].a < target->range)
			at++;
		end = at;
		while (end < count && counts[end].a == target->range)
			end++;
		rc = narrow(&select->ranges[target->range], counts + at, end - at, target);
	}
	free(counts);
	return rc;
}

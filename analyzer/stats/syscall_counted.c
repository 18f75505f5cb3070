/* See the header. Numbers come from captures and may contradict each other: a sum that its power of
 * two cannot hold says nothing beyond the bounds of that power. */
#include "analyzer/stats/syscall_counted.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void kymo_counted_done(struct kymo_counted *counted)
{
	free(counted->cells);
	cap_word_map_done(&counted->map);
	memset(counted, 0, sizeof(*counted));
}

void kymo_counted_bounds(u32 bucket, u64 *ret_low_ns, u64 *ret_high_ns)
{
	*ret_low_ns = bucket == 0 ? 0 : 1ull << bucket;
	*ret_high_ns = (2ull << bucket) - 1; /* of bucket 63: all ones */
}

/* What the sum of `calls` durations in low..high implies for the shortest and the longest. */
static void tighten(struct kymo_counted_cell *cell, u64 low, u64 high)
{
	u64 calls = cell->calls, total = cell->total_ns, rest;
	unsigned __int128 least = (unsigned __int128)calls * low;
	unsigned __int128 most = (unsigned __int128)calls * high;

	cell->least_low_ns = cell->most_low_ns = low;
	cell->least_high_ns = cell->most_high_ns = high;
	if (total < least || total > most)
		return;
	rest = (u64)(total - (least - low)); /* for the longest, if all others are the shortest */
	if (rest < high)
		cell->most_high_ns = rest;
	if (most - high < total && total - (u64)(most - high) > low)
		cell->least_low_ns = total - (u64)(most - high);
	cell->least_high_ns = total / calls;
	cell->most_low_ns = total / calls + (total % calls != 0);
}

static struct kymo_counted_cell *find(struct kymo_counted *counted, u32 group, u32 bucket)
{
	u32 number = cap_word_map_get(&counted->map, group, bucket);

	if (number)
		return &counted->cells[number - 1];
	if (counted->count == counted->capacity) {
		size_t capacity = counted->capacity ? counted->capacity * 2 : 64;
		struct kymo_counted_cell *cells =
			realloc(counted->cells, capacity * sizeof(*cells));

		if (!cells)
			return NULL;
		counted->cells = cells;
		counted->capacity = capacity;
	}
	if (cap_word_map_put(&counted->map, group, bucket, (u32)counted->count + 1) < 0)
		return NULL;
	counted->cells[counted->count] = (struct kymo_counted_cell){.group = group,
								    .bucket = bucket,
								    .least_low_ns = UINT64_MAX,
								    .least_high_ns = UINT64_MAX};
	return &counted->cells[counted->count++];
}

int kymo_counted_merge(struct kymo_counted *counted, u32 group,
		       const struct kymo_counted_cell *from)
{
	struct kymo_counted_cell *to = find(counted, group, from->bucket);

	if (!to)
		return -ENOMEM;
	to->calls = kymo_counted_sum(to->calls, from->calls);
	to->total_ns = kymo_counted_sum(to->total_ns, from->total_ns);
	if (from->least_low_ns < to->least_low_ns)
		to->least_low_ns = from->least_low_ns;
	if (from->least_high_ns < to->least_high_ns)
		to->least_high_ns = from->least_high_ns;
	if (from->most_low_ns > to->most_low_ns)
		to->most_low_ns = from->most_low_ns;
	if (from->most_high_ns > to->most_high_ns)
		to->most_high_ns = from->most_high_ns;
	return 0;
}

int kymo_counted_add(struct kymo_counted *counted, u32 group, u32 bucket, u64 calls, u64 total_ns)
{
	struct kymo_counted_cell row = {
		.bucket = bucket < KYMO_COUNTED_BUCKETS ? bucket : KYMO_COUNTED_BUCKETS - 1,
		.calls = kymo_counted_sum(calls, 0),
		.total_ns = kymo_counted_sum(total_ns, 0)};
	u64 low, high;

	kymo_counted_bounds(row.bucket, &low, &high);
	tighten(&row, low, high);
	return kymo_counted_merge(counted, group, &row);
}

static int compare(const void *left, const void *right)
{
	const struct kymo_counted_cell *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return a->bucket < b->bucket ? -1 : a->bucket > b->bucket;
}

void kymo_counted_sort(struct kymo_counted *counted)
{
	if (counted->count > 0)
		qsort(counted->cells, counted->count, sizeof(*counted->cells), compare);
	cap_word_map_done(&counted->map);
}

/* -------- estimates -------- */

/* Share of the counted calls at or below x: straight from (low, 0) over (mean, w) to (high, 1),
 * where w is such that the mean comes out. */
static double share_below(double x, double low, double mean, double high)
{
	double weight = high > low ? (high - mean) / (high - low) : 1;

	if (x >= high)
		return 1;
	if (x >= mean)
		return weight + (high > mean ? (1 - weight) * (x - mean) / (high - mean) : 0);
	return mean > low ? weight * (x - low) / (mean - low) : 0;
}

static double calls_below(const struct kymo_counted_cell *cell,
			  const struct kymo_counted_steps *single, double x, double mean)
{
	u64 low, high;
	double calls;

	kymo_counted_bounds(cell->bucket, &low, &high);
	calls = (double)cell->calls * share_below(x, (double)low, mean, (double)high);
	for (size_t i = 0; i < single->count; i++) {
		single->bounds((u32)single->list[i].b, &low, &high);
		if (x < (double)low)
			break;
		calls += (double)single->list[i].value *
			 fmin(1, (x - (double)low + 1) / ((double)(high - low) + 1));
	}
	return calls;
}

u64 kymo_counted_estimate(const struct kymo_counted_cell *cell,
			  const struct kymo_counted_steps *single, u64 rank)
{
	u64 bucket_low, bucket_high, value;
	double low, high, mean, wanted = (double)rank - 0.5;

	/* as of one call alone: a capture may have very many such kinds */
	if (single->count == 0 && cell->least_low_ns == cell->most_high_ns)
		return cell->least_low_ns;
	kymo_counted_bounds(cell->bucket, &bucket_low, &bucket_high);
	low = (double)bucket_low;
	high = (double)bucket_high;
	mean = fmin(fmax((double)cell->total_ns / (double)cell->calls, low), high);
	for (u32 i = 0; i < cell->bucket + 4; i++) { /* to parts of a ns */
		double middle = low + (high - low) / 2;

		if (calls_below(cell, single, middle, mean) < wanted)
			low = middle;
		else
			high = middle;
	}
	/* 2^64 is a double, and no u64 */
	value = high >= (double)bucket_high ? bucket_high : (u64)(high + 0.5);
	return value < bucket_low ? bucket_low : value > bucket_high ? bucket_high : value;
}

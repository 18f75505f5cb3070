/* Logs, because a call then touches two places that are in cache for the next one: the count of
 * its step, and the end of its group's log. */
#include "analyzer/stats/kept_durations.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/cleanup.h"

#define FIRST_LOG 8u
#define COUNTED_CALLS 1024u /* a group with so many gets counts, which take 8 KiB */
#define WIDE_BYTES 48u	    /* of an entry of a half loaded map */

/* -------- steps -------- */

void kymo_step_bounds(u32 step, u64 *ret_low_ns, u64 *ret_high_ns)
{
	u32 shift = step < 2u << KYMO_STEP_BITS ? 0 : (step >> KYMO_STEP_BITS) - 1;
	u64 mantissa = step - ((u64)shift << KYMO_STEP_BITS);

	*ret_low_ns = mantissa << shift;
	*ret_high_ns = *ret_low_ns + ((1ull << shift) - 1);
}

u32 kymo_step_log2(u32 step)
{
	u64 low, high;

	kymo_step_bounds(step, &low, &high);
	return low == 0 ? 0 : 63u - (u32)__builtin_clzll(low);
}

/* -------- adding -------- */

void kymo_kept_done(struct kymo_kept *kept)
{
	for (u32 i = 0; i < kept->group_count; i++) {
		free(kept->groups[i].log);
		free(kept->groups[i].counts);
		free(kept->groups[i].shorts);
	}
	free(kept->groups);
	cap_word_map_done(&kept->steps);
	cap_word_map_done(&kept->wide);
	free(kept->wide_list);
	memset(kept, 0, sizeof(*kept));
}

int kymo_kept_add_counted(struct kymo_kept *kept, u32 group, u32 step)
{
	return cap_word_map_add(&kept->steps, group, step, 1) < 0 ? -ENOMEM : 0;
}

int kymo_kept_add_wide(struct kymo_kept *kept, u32 group, u64 ns)
{
	u64 before = kept->wide.used;

	if (kymo_kept_add_counted(kept, group, kymo_step_of(ns)) < 0)
		return -ENOMEM;
	if (kept->wide_dropped)
		return 0;
	if (cap_word_map_add(&kept->wide, group, ns, 1) < 0)
		return -ENOMEM;
	kept->bytes += (kept->wide.used - before) * WIDE_BYTES;
	return 0;
}

static int add_groups(struct kymo_kept *kept, u32 group)
{
	u32 count = group + group / 2 + 64;
	struct kymo_kept_group *groups = realloc(kept->groups, count * sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	memset(groups + kept->group_count, 0, (count - kept->group_count) * sizeof(*groups));
	kept->groups = groups;
	kept->group_count = count;
	return 0;
}

static int start_counts(struct kymo_kept_group *at)
{
	at->counts = calloc(KYMO_STEPS, sizeof(*at->counts));
	if (!at->counts)
		return -ENOMEM;
	for (u32 i = 0; i < at->used; i++)
		at->counts[kymo_step_of(at->log[i])]++;
	return 0;
}

int kymo_kept_grow(struct kymo_kept *kept, u32 group)
{
	struct kymo_kept_group *at;
	u32 capacity, *log;

	if (group >= kept->group_count && add_groups(kept, group) < 0)
		return -ENOMEM;
	at = &kept->groups[group];
	if (at->used < at->capacity || at->dropped)
		return 0;
	if (at->used >= COUNTED_CALLS && !at->counts && start_counts(at) < 0)
		return -ENOMEM;
	/* by half: of many logs at once a quarter is then empty, not a third */
	capacity = at->capacity + at->capacity / 2 + FIRST_LOG;
	log = capacity > at->capacity ? realloc(at->log, capacity * sizeof(*log)) : NULL;
	if (!log)
		return -ENOMEM;
	kept->bytes += (u64)(capacity - at->capacity) * sizeof(*log);
	at->log = log;
	at->capacity = capacity;
	return 0;
}

/* -------- bounding -------- */

struct wanted { /* how ranks are asked for */
	const u32 *permille;
	size_t permille_count;
	double change; /* see mark_near */
};

static void add_counts(const struct kymo_kept_group *at, double *counts)
{
	for (u32 step = 0; at->counts && step < KYMO_STEPS; step++)
		counts[step] += at->counts[step] & ~KYMO_STEP_DROPPED;
	for (u32 i = 0; !at->counts && i < at->used; i++)
		counts[kymo_step_of(at->log[i])]++;
}

static u32 step_at(const double *counts, double rank)
{
	double before = 0;
	u32 step = 0;

	while (step + 1 < KYMO_STEPS && before + counts[step] < rank)
		before += counts[step++];
	return step;
}

/*
 * Marks the steps into which a wanted rank may yet move: by chance as far as five standard
 * deviations, and past a share of the calls above it where these change their nature.
 */
static void mark_near(const double *counts, const struct wanted *wanted, u8 near[KYMO_STEPS])
{
	double total = 0;

	for (u32 step = 0; step < KYMO_STEPS; step++)
		total += counts[step];
	for (size_t q = 0; total > 0 && q < wanted->permille_count; q++) {
		double share = wanted->permille[q] / 1000.0;
		double chance = 5 * sqrt(share * (1 - share) * total);
		double change = total * (1 - share) * wanted->change;
		double margin = (chance > change ? chance : change) + 1;
		u32 low = step_at(counts, total * share - margin);
		u32 high = step_at(counts, total * share + margin);

		/* beyond the shortest and the longest so far others may come */
		if (total * share - margin <= 1)
			low = 0;
		if (total * share + margin >= total)
			high = KYMO_STEPS - 1;
		low = low > 0 ? low - 1 : 0;
		high = high + 1 < KYMO_STEPS ? high + 1 : high;
		memset(near + low, 1, high - low + 1);
	}
}

static void shrink_log(struct kymo_kept *kept, struct kymo_kept_group *at)
{
	u32 *log = realloc(at->log, (at->used + 1ul) * sizeof(*log));

	if (!log)
		return; /* it stays as big as it was */
	kept->bytes -= (u64)at->capacity * sizeof(*log);
	at->log = log;
	at->capacity = at->used + 1;
	kept->bytes += (u64)at->capacity * sizeof(*log);
}

/* Many short durations of a group are counted by value from here on. */
static int start_shorts(struct kymo_kept *kept, struct kymo_kept_group *at)
{
	u32 count = 0, used = 0;

	for (u32 i = 0; i < at->used; i++)
		count += at->log[i] < KYMO_SHORT_NS;
	if (at->shorts || count < KYMO_SHORT_NS)
		return 0;
	at->shorts = calloc(KYMO_SHORT_NS, sizeof(*at->shorts));
	if (!at->shorts)
		return -ENOMEM;
	kept->bytes += KYMO_SHORT_NS * sizeof(*at->shorts);
	for (u32 i = 0; i < at->used; i++) {
		if (at->log[i] < KYMO_SHORT_NS)
			at->shorts[at->log[i]]++;
		else
			at->log[used++] = at->log[i];
	}
	at->used = used;
	shrink_log(kept, at);
	return 0;
}

/* For a group with counts: what is not near is dropped from here on, and from its log. */
static void drop_far(struct kymo_kept *kept, struct kymo_kept_group *at, const u8 near[KYMO_STEPS])
{
	u32 used = 0;

	for (u32 step = 0; step < KYMO_STEPS; step++) {
		if (!near[step])
			at->counts[step] |= KYMO_STEP_DROPPED;
	}
	for (u32 i = 0; i < at->used; i++) {
		if (!(at->counts[kymo_step_of(at->log[i])] & KYMO_STEP_DROPPED))
			at->log[used++] = at->log[i];
	}
	at->used = used;
	shrink_log(kept, at);
}

struct scratch {
	u32 *order; /* groups, by total */
	double *of_group, *of_total;
	u8 *near_total, *near;
};

static void scratch_done(struct scratch *scratch)
{
	free(scratch->order);
	free(scratch->of_group);
	free(scratch->of_total);
	free(scratch->near_total);
	free(scratch->near);
}

static int compare_totals(const void *left, const void *right, void *context)
{
	const u32 *total_of = context;
	u32 a = total_of[*(const u32 *)left], b = total_of[*(const u32 *)right];

	return a < b ? -1 : a > b;
}

/* order[0 .. count - 1]: the groups of one total. */
static void bound_total(struct kymo_kept *kept, const struct wanted *wanted,
			struct scratch *scratch, const u32 *order, size_t count)
{
	memset(scratch->of_total, 0, KYMO_STEPS * sizeof(double));
	memset(scratch->near_total, 0, KYMO_STEPS);
	for (size_t i = 0; i < count; i++)
		add_counts(&kept->groups[order[i]], scratch->of_total);
	mark_near(scratch->of_total, wanted, scratch->near_total);
	for (size_t i = 0; i < count; i++) {
		struct kymo_kept_group *at = &kept->groups[order[i]];

		if (!at->counts)
			continue;
		memset(scratch->of_group, 0, KYMO_STEPS * sizeof(double));
		memcpy(scratch->near, scratch->near_total, KYMO_STEPS);
		add_counts(at, scratch->of_group);
		mark_near(scratch->of_group, wanted, scratch->near);
		drop_far(kept, at, scratch->near);
	}
}

static int drop_all(struct kymo_kept *kept)
{
	cap_word_map_done(&kept->wide);
	kept->wide_dropped = true;
	for (u32 group = 0; group < kept->group_count; group++) {
		struct kymo_kept_group *at = &kept->groups[group];

		for (u32 step = 0; at->counts && step < KYMO_STEPS; step++)
			at->counts[step] |= KYMO_STEP_DROPPED;
		for (u32 i = 0; !at->counts && i < at->used; i++) {
			if (kymo_kept_add_counted(kept, group, kymo_step_of(at->log[i])) < 0)
				return -ENOMEM;
		}
		at->dropped = !at->counts;
		free(at->log);
		free(at->shorts);
		at->log = at->shorts = NULL;
		at->used = 0;
		at->capacity = 0;
	}
	kept->bytes = 0;
	return 0;
}

int kymo_kept_bound(struct kymo_kept *kept, u64 bytes, const u32 *total_of, const u32 *permille,
		    size_t permille_count)
{
	static const double changes[] = {0.25, 0.05, 0};
	CLEANUP(scratch_done)
	struct scratch scratch = {.order = calloc(kept->group_count + 1ul, sizeof(u32)),
				  .of_group = calloc(KYMO_STEPS, sizeof(double)),
				  .of_total = calloc(KYMO_STEPS, sizeof(double)),
				  .near_total = malloc(KYMO_STEPS),
				  .near = malloc(KYMO_STEPS)};
	size_t count = 0;

	if (!scratch.order || !scratch.of_group || !scratch.of_total || !scratch.near_total ||
	    !scratch.near)
		return -ENOMEM;
	for (u32 i = 0; i < kept->group_count; i++) {
		if (kept->groups[i].used > 0 || kept->groups[i].counts)
			scratch.order[count++] = i;
	}
	qsort_r(scratch.order, count, sizeof(u32), compare_totals, (void *)total_of);
	for (size_t i = 0; i < count; i++) {
		if (start_shorts(kept, &kept->groups[scratch.order[i]]) < 0)
			return -ENOMEM;
	}
	for (size_t m = 0; kept->bytes > bytes && m < 3; m++) {
		const struct wanted wanted = {permille, permille_count, changes[m]};

		for (size_t at = 0, end; at < count; at = end) {
			for (end = at; end < count &&
				       total_of[scratch.order[end]] == total_of[scratch.order[at]];)
				end++;
			bound_total(kept, &wanted, &scratch, scratch.order + at, end - at);
		}
	}
	return kept->bytes > bytes ? drop_all(kept) : 0;
}

/* -------- answers -------- */

int kymo_kept_settle(struct kymo_kept *kept)
{
	for (u32 group = 0; group < kept->group_count; group++) {
		struct kymo_kept_group *at = &kept->groups[group];

		for (u32 step = 0; at->counts && step < KYMO_STEPS; step++) {
			u32 count = at->counts[step] & ~KYMO_STEP_DROPPED;

			if (count > 0 && cap_word_map_add(&kept->steps, group, step, count) < 0)
				return -ENOMEM;
		}
		for (u32 i = 0; !at->counts && i < at->used; i++) {
			if (kymo_kept_add_counted(kept, group, kymo_step_of(at->log[i])) < 0)
				return -ENOMEM;
		}
	}
	cap_word_map_take(&kept->wide, &kept->wide_list, &kept->wide_count);
	return 0;
}

/* Values in a list that grows. */
struct values {
	struct cap_word_slot *list; /* b: value */
	size_t count, capacity;
};

static void values_done(struct values *values)
{
	free(values->list);
}

static bool add_value(struct values *values, u64 value, u64 count)
{
	if (values->count == values->capacity) {
		size_t capacity = values->capacity ? values->capacity * 2 : 256;
		struct cap_word_slot *list = realloc(values->list, capacity * sizeof(*list));

		if (!list)
			return false;
		values->list = list;
		values->capacity = capacity;
	}
	values->list[values->count++] = (struct cap_word_slot){.b = value, .value = count};
	return true;
}

static bool add_logged(struct values *values, const struct kymo_kept_group *at, u32 step)
{
	u64 low, high;

	if (at->dropped || (at->counts && at->counts[step] > KYMO_STEP_DROPPED))
		return false;
	kymo_step_bounds(step, &low, &high);
	for (u64 ns = low; at->shorts && ns <= high && ns < KYMO_SHORT_NS; ns++) {
		if (at->shorts[ns] && !add_value(values, ns, at->shorts[ns]))
			return false;
	}
	for (u32 i = 0; i < at->used; i++) {
		if (at->log[i] >= low && at->log[i] <= high && !add_value(values, at->log[i], 1))
			return false;
	}
	return true;
}

static bool add_wide(struct values *values, const struct kymo_kept *kept, u32 group, u64 low,
		     u64 high)
{
	size_t at = 0, end = kept->wide_count;

	while (at < end) {
		size_t middle = at + (end - at) / 2;
		const struct cap_word_slot *entry = &kept->wide_list[middle];

		if (entry->a < group || (entry->a == group && entry->b < low))
			at = middle + 1;
		else
			end = middle;
	}
	for (; at < kept->wide_count && kept->wide_list[at].a == group &&
	       kept->wide_list[at].b <= high;
	     at++) {
		if (!add_value(values, kept->wide_list[at].b, kept->wide_list[at].value))
			return false;
	}
	return !kept->wide_dropped;
}

static int compare_values(const void *left, const void *right)
{
	const struct cap_word_slot *a = left, *b = right;

	return a->b < b->b ? -1 : a->b > b->b;
}

bool kymo_kept_value(const struct kymo_kept *kept, const u32 *groups, size_t group_count, u32 step,
		     u64 rank, u64 *ret_ns)
{
	CLEANUP(values_done) struct values values = {0};
	u64 low, high;

	kymo_step_bounds(step, &low, &high);
	for (size_t g = 0; g < group_count; g++) {
		if (high > UINT32_MAX
			    ? !add_wide(&values, kept, groups[g], low, high)
			    : groups[g] < kept->group_count &&
				      !add_logged(&values, &kept->groups[groups[g]], step))
			return false;
	}
	if (values.count > 0)
		qsort(values.list, values.count, sizeof(*values.list), compare_values);
	for (size_t i = 0; i < values.count; i++) {
		if (rank <= values.list[i].value) {
			*ret_ns = values.list[i].b;
			return rank > 0;
		}
		rank -= values.list[i].value;
	}
	return false;
}

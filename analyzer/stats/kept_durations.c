/* Logs, because a call then touches two places that are in cache for the next one: the count of
 * its step, and the end of its group's log. */
#include "analyzer/stats/kept_durations.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/cleanup.h"

#define FIRST_LOG 8u	    /* not counted in kymo_kept.bytes */
#define COUNTED_CALLS 1024u /* a group with so many gets counts, which take 4 KiB */
#define ROOM_SHARE 8u	    /* of the bound that must be free after each bounding */
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
		free(kept->groups[i].dense);
		free(kept->groups[i].dense_at);
	}
	free(kept->groups);
	cap_word_map_done(&kept->steps);
	cap_word_map_done(&kept->wide);
	free(kept->wide_list);
	memset(kept, 0, sizeof(*kept));
}

int kymo_kept_add_counted(struct kymo_kept *kept, u32 group, u32 step)
{
	if (group < kept->group_count && step < KYMO_KEPT_STEPS && kept->groups[group].counts)
		kept->groups[group].counts[step] |= KYMO_STEP_DROPPED; /* it is full */
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

/* What a log of that capacity adds to kymo_kept.bytes. */
static u64 log_bytes(u32 capacity)
{
	return capacity > FIRST_LOG ? (u64)(capacity - FIRST_LOG) * sizeof(u32) : 0;
}

static int start_counts(struct kymo_kept_group *at)
{
	at->counts = calloc(KYMO_KEPT_STEPS, sizeof(*at->counts));
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
	kept->bytes += log_bytes(capacity) - log_bytes(at->capacity);
	at->log = log;
	at->capacity = capacity;
	return 0;
}

/* -------- bounding -------- */

struct wanted { /* how ranks are asked for */
	const u32 *permille;
	size_t permille_count;
	double change; /* see mark_near */
	bool dense;    /* keep numbers of values instead of durations: smaller, but slower */
};

static void add_counts(const struct kymo_kept_group *at, double *counts)
{
	for (u32 step = 0; at->counts && step < KYMO_KEPT_STEPS; step++)
		counts[step] += at->counts[step] & KYMO_STEP_COUNT;
	for (u32 i = 0; !at->counts && i < at->used; i++)
		counts[kymo_step_of(at->log[i])]++;
}

static u32 step_at(const double *counts, double rank)
{
	double before = 0;
	u32 step = 0;

	while (step + 1 < KYMO_KEPT_STEPS && before + counts[step] < rank)
		before += counts[step++];
	return step;
}

/*
 * Marks the steps into which a wanted rank may yet move: by chance as far as five standard
 * deviations, and past a share of the calls above it where these change their nature.
 */
static void mark_near(const double *counts, const struct wanted *wanted, u8 near[KYMO_KEPT_STEPS])
{
	double total = 0;

	for (u32 step = 0; step < KYMO_KEPT_STEPS; step++)
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
			high = KYMO_KEPT_STEPS - 1;
		low = low > 0 ? low - 1 : 0;
		high = high + 1 < KYMO_KEPT_STEPS ? high + 1 : high;
		memset(near + low, 1, high - low + 1);
	}
}

static void shrink_log(struct kymo_kept *kept, struct kymo_kept_group *at)
{
	u32 *log = realloc(at->log, (at->used + 1ul) * sizeof(*log));

	if (!log)
		return; /* it stays as big as it was */
	kept->bytes -= log_bytes(at->capacity);
	at->log = log;
	at->capacity = at->used + 1;
	kept->bytes += log_bytes(at->capacity);
}

static u32 step_width(u32 step)
{
	u64 low, high;

	kymo_step_bounds(step, &low, &high);
	return (u32)(high - low) + 1;
}

/* With more: a step becomes dense where a number for each of its values takes no more than its
 * durations. */
static bool is_dense(const struct kymo_kept_group *at, u32 step, bool more)
{
	u32 count = at->counts[step];

	return !(count & KYMO_STEP_DROPPED) &&
	       (count & KYMO_STEP_DENSE || (more && count >= step_width(step)));
}

/* Sets places for the dense steps, and returns how many numbers these take. */
static u32 place_dense(const struct kymo_kept_group *at, bool more, u32 places[KYMO_KEPT_STEPS])
{
	u32 used = 0;

	for (u32 step = 0; step < KYMO_KEPT_STEPS; step++) {
		u64 low, high;

		if (!is_dense(at, step, more))
			continue;
		kymo_step_bounds(step, &low, &high);
		places[step] = used - (u32)low;
		used += step_width(step);
	}
	return used;
}

/* Moves what is dense already. */
static void move_dense(struct kymo_kept_group *at, u32 *dense, const u32 places[KYMO_KEPT_STEPS])
{
	for (u32 step = 0; step < KYMO_KEPT_STEPS; step++) {
		u64 low, high;

		if (!is_dense(at, step, false))
			continue;
		kymo_step_bounds(step, &low, &high);
		memcpy(&dense[(u32)low + places[step]], &at->dense[(u32)low + at->dense_at[step]],
		       step_width(step) * sizeof(*dense));
	}
}

static u64 dense_bytes(const struct kymo_kept_group *at)
{
	return at->dense ? (at->dense_count + KYMO_KEPT_STEPS) * sizeof(u32) : 0;
}

/* For a group with counts: frees what was dropped; more: as many steps as can be become dense. */
static int pack(struct kymo_kept *kept, struct kymo_kept_group *at, bool more)
{
	CLEANUP(cap_freep) u32 *places = calloc(KYMO_KEPT_STEPS, sizeof(*places));
	CLEANUP(cap_freep) u32 *dense = NULL;
	u32 dense_count = places ? place_dense(at, more, places) : 0, used = 0;

	if (dense_count > 0)
		dense = calloc(dense_count, sizeof(*dense));
	if (!places || (dense_count > 0 && !dense))
		return -ENOMEM;
	move_dense(at, dense, places);
	for (u32 i = 0; i < at->used; i++) {
		u32 ns = at->log[i], step = kymo_step_of(ns);

		if (is_dense(at, step, more))
			dense[ns + places[step]]++;
		else if (!(at->counts[step] & KYMO_STEP_DROPPED))
			at->log[used++] = ns;
	}
	at->used = used;
	shrink_log(kept, at);
	for (u32 step = 0; step < KYMO_KEPT_STEPS; step++) {
		if (is_dense(at, step, more))
			at->counts[step] |= KYMO_STEP_DENSE;
	}
	kept->bytes -= dense_bytes(at);
	free(at->dense);
	free(at->dense_at);
	at->dense = TAKE(dense);
	at->dense_at = at->dense ? TAKE(places) : NULL;
	at->dense_count = dense_count;
	kept->bytes += dense_bytes(at);
	return 0;
}

/* For a group with counts: what is not near is dropped from here on, and from what is kept. */
static int drop_far(struct kymo_kept *kept, struct kymo_kept_group *at, bool more,
		    const u8 near[KYMO_KEPT_STEPS])
{
	for (u32 step = 0; step < KYMO_KEPT_STEPS; step++) {
		if (!near[step])
			at->counts[step] |= KYMO_STEP_DROPPED;
	}
	return pack(kept, at, more);
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
static int bound_total(struct kymo_kept *kept, const struct wanted *wanted, struct scratch *scratch,
		       const u32 *order, size_t count)
{
	int rc = 0;

	memset(scratch->of_total, 0, KYMO_KEPT_STEPS * sizeof(double));
	memset(scratch->near_total, 0, KYMO_KEPT_STEPS);
	for (size_t i = 0; i < count; i++)
		add_counts(&kept->groups[order[i]], scratch->of_total);
	mark_near(scratch->of_total, wanted, scratch->near_total);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct kymo_kept_group *at = &kept->groups[order[i]];

		if (!at->counts)
			continue;
		memset(scratch->of_group, 0, KYMO_KEPT_STEPS * sizeof(double));
		memcpy(scratch->near, scratch->near_total, KYMO_KEPT_STEPS);
		add_counts(at, scratch->of_group);
		mark_near(scratch->of_group, wanted, scratch->near);
		rc = drop_far(kept, at, wanted->dense, scratch->near);
	}
	return rc;
}

static int drop_all(struct kymo_kept *kept)
{
	cap_word_map_done(&kept->wide);
	kept->wide_dropped = true;
	for (u32 group = 0; group < kept->group_count; group++) {
		struct kymo_kept_group *at = &kept->groups[group];

		for (u32 step = 0; at->counts && step < KYMO_KEPT_STEPS; step++)
			at->counts[step] |= KYMO_STEP_DROPPED;
		for (u32 i = 0; !at->counts && i < at->used; i++) {
			if (kymo_kept_add_counted(kept, group, kymo_step_of(at->log[i])) < 0)
				return -ENOMEM;
		}
		at->dropped = !at->counts;
		free(at->log);
		free(at->dense);
		free(at->dense_at);
		at->log = at->dense = at->dense_at = NULL;
		at->used = at->capacity = at->dense_count = 0;
	}
	kept->bytes = 0;
	return 0;
}

/* Fills scratch->order with the groups that hold durations, by total, and returns their number. */
static size_t list_groups(const struct kymo_kept *kept, const u32 *total_of,
			  struct scratch *scratch)
{
	size_t count = 0;

	for (u32 i = 0; i < kept->group_count; i++) {
		if (kept->groups[i].used > 0 || kept->groups[i].counts)
			scratch->order[count++] = i;
	}
	qsort_r(scratch->order, count, sizeof(u32), compare_totals, (void *)total_of);
	return count;
}

int kymo_kept_bound(struct kymo_kept *kept, u64 bytes, const u32 *total_of, const u32 *permille,
		    size_t permille_count)
{
	static const double changes[] = {0.25, 0.05, 0};
	CLEANUP(scratch_done)
	struct scratch scratch = {.order = calloc(kept->group_count + 1ul, sizeof(u32)),
				  .of_group = calloc(KYMO_KEPT_STEPS, sizeof(double)),
				  .of_total = calloc(KYMO_KEPT_STEPS, sizeof(double)),
				  .near_total = malloc(KYMO_KEPT_STEPS),
				  .near = malloc(KYMO_KEPT_STEPS)};
	size_t count;

	if (!scratch.order || !scratch.of_group || !scratch.of_total || !scratch.near_total ||
	    !scratch.near)
		return -ENOMEM;
	count = list_groups(kept, total_of, &scratch);
	for (size_t m = 0; kept->bytes > bytes / 2 && m < sizeof(changes) / sizeof(changes[0]);
	     m++) {
		const struct wanted wanted = {permille, permille_count, changes[m], m > 0};

		for (size_t at = 0, end; at < count; at = end) {
			for (end = at; end < count &&
				       total_of[scratch.order[end]] == total_of[scratch.order[at]];)
				end++;
			if (bound_total(kept, &wanted, &scratch, scratch.order + at, end - at) < 0)
				return -ENOMEM;
		}
	}
	return kept->bytes > bytes - bytes / ROOM_SHARE ? drop_all(kept) : 0;
}

/* -------- answers -------- */

int kymo_kept_settle(struct kymo_kept *kept)
{
	for (u32 group = 0; group < kept->group_count; group++) {
		struct kymo_kept_group *at = &kept->groups[group];

		for (u32 step = 0; at->counts && step < KYMO_KEPT_STEPS; step++) {
			u32 count = at->counts[step] & KYMO_STEP_COUNT;

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
	u32 counted = at->counts ? at->counts[step] : 0;
	bool dense = counted & KYMO_STEP_DENSE;
	u64 low, high;

	if (at->dropped || counted & KYMO_STEP_DROPPED)
		return !at->dropped && (counted & KYMO_STEP_COUNT) == 0;
	kymo_step_bounds(step, &low, &high);
	for (u64 ns = low; dense && ns <= high; ns++) {
		u32 count = at->dense[(u32)ns + at->dense_at[step]];

		if (count > 0 && !add_value(values, ns, count))
			return false;
	}
	for (u32 i = 0; !dense && i < at->used; i++) {
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

/*
 * Pass 1: sums per (capture, process, call), and a histogram with 32 steps per power of two. It
 * tells, for each wanted rank, a range of values of 3 % width. The passes after it find the exact
 * value in that range (rank_select.h). Totals over processes come from adding up, but have ranks of
 * their own.
 */
#include "analyzer/reports/syscall_aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/import/id_map.h"
#include "analyzer/reports/count_map.h"
#include "analyzer/reports/rank_select.h"
#include "formats/cleanup.h"

#define STEP_BITS 5u /* histogram steps per power of two: 32 */
#define NEAR_GROUPS 1024u

const u32 kymo_quantile_permille[KYMO_QUANTILES] = {500, 900, 990, 999};

struct group_list {
	struct kymo_syscall_group *list;
	u32 count, capacity;
};

struct kymo_syscall_aggregate {
	struct group_list processes, totals;
	struct kymo_syscall_count *errors, *histogram;
	size_t error_count, histogram_count;
};

struct near_group { /* a group that was asked for lately */
	u64 a, b;
	u32 number; /* index + 1; 0: none */
};

/* What only the passes need. A group number counts processes first, then totals. */
struct kymo_syscall_counting {
	struct kymo_syscall_aggregate *aggregate;
	struct kymo_id_map process_map, total_map; /* -> index + 1 */
	struct near_group near[NEAR_GROUPS];	   /* before process_map: most calls are repeated */
	u32 *total_of;				   /* per process group */
	struct kymo_count_map buckets;		   /* (process group, bucket) */
	struct kymo_count_map errors;		   /* (process group, errno) */
	struct kymo_rank_select select;
};

/* -------- buckets -------- */

static inline u32 bucket_of(u64 ns)
{
	u32 power;

	if (ns < 2u << STEP_BITS)
		return (u32)ns;
	power = 63u - (u32)__builtin_clzll(ns);
	return ((power - STEP_BITS) << STEP_BITS) + (u32)(ns >> (power - STEP_BITS));
}

static void bucket_bounds(u32 bucket, u64 *ret_low, u64 *ret_high)
{
	u32 shift = bucket < 2u << STEP_BITS ? 0 : (bucket >> STEP_BITS) - 1;
	u64 step = bucket - ((u64)shift << STEP_BITS);

	*ret_low = step << shift;
	*ret_high = *ret_low + ((1ull << shift) - 1);
}

static u32 log2_of_bucket(u32 bucket)
{
	u64 low, high;

	bucket_bounds(bucket, &low, &high);
	return low == 0 ? 0 : 63u - (u32)__builtin_clzll(low);
}

/* -------- groups -------- */

/* Index of the group, new or known. Negative: -ENOMEM. */
static s64 find_group(struct group_list *groups, struct kymo_id_map *map,
		      const struct kymo_syscall_group *key)
{
	u64 a = (u64)key->capture_id << 32 | key->process_id;
	u64 b = (u64)key->sysno << 1 | key->compat;
	u32 found = kymo_id_map_get(map, a, b);

	if (found)
		return found - 1;
	if (groups->count == groups->capacity) {
		u32 capacity = groups->capacity ? groups->capacity * 2 : 64;
		struct kymo_syscall_group *list = realloc(groups->list, capacity * sizeof(*list));

		if (!list)
			return -ENOMEM;
		groups->list = list;
		groups->capacity = capacity;
	}
	if (kymo_id_map_put(map, a, b, groups->count + 1) < 0)
		return -ENOMEM;
	groups->list[groups->count] = (struct kymo_syscall_group){.capture_id = key->capture_id,
								  .process_id = key->process_id,
								  .sysno = key->sysno,
								  .compat = key->compat,
								  .min_ns = UINT64_MAX};
	return groups->count++;
}

/* The process group of call i: its index + 1, or 0 if it is not known. *ret_near is where to note
 * it. */
static inline u32 near_group(struct kymo_syscall_counting *work,
			     const struct kymo_syscall_batch *batch, size_t i,
			     struct near_group **ret_near)
{
	u64 a = (u64)batch->capture_id << 32 | batch->process_id[i];
	u64 b = (u64)(u32)batch->sysno[i] << 1 | !!(batch->flags[i] & EV_SYSCALL_COMPAT);
	struct near_group *near =
		&work->near[(batch->process_id[i] * 131u + (u32)batch->sysno[i]) % NEAR_GROUPS];

	*ret_near = near;
	if (near->number != 0 && near->a == a && near->b == b)
		return near->number;
	*near = (struct near_group){
		.a = a, .b = b, .number = kymo_id_map_get(&work->process_map, a, b)};
	return near->number;
}

/* The same, made if it is new. Negative: -ENOMEM. */
static inline s64 make_group(struct kymo_syscall_counting *work,
			     const struct kymo_syscall_batch *batch, size_t i)
{
	struct kymo_syscall_group key;
	struct near_group *near;
	u32 number = near_group(work, batch, i, &near);
	s64 index;

	if (number)
		return number - 1;
	key.capture_id = batch->capture_id;
	key.process_id = batch->process_id[i];
	key.sysno = (u32)batch->sysno[i];
	key.compat = (batch->flags[i] & EV_SYSCALL_COMPAT) != 0;
	index = find_group(&work->aggregate->processes, &work->process_map, &key);
	near->number = index < 0 ? 0 : (u32)index + 1;
	return index;
}

static inline bool is_unfinished(u64 flags)
{
	return flags & (EV_SYSCALL_UNFINISHED | EV_SYSCALL_ENTRY_UNKNOWN | EV_SYSCALL_NO_RETURN);
}

/* -------- pass 1 -------- */

int kymo_syscall_counting_add(void *context, const struct kymo_syscall_batch *batch,
			      struct cap_err *err)
{
	struct kymo_syscall_counting *work = context;

	for (size_t i = 0; i < batch->count; i++) {
		u64 ns = batch->duration_ns[i];
		s64 index = make_group(work, batch, i);
		struct kymo_syscall_group *group;

		if (index < 0)
			return cap_fail(err, -ENOMEM, "out of memory for groups of system calls");
		group = &work->aggregate->processes.list[index];
		group->calls++;
		if (batch->error[i] != 0) {
			group->errors++;
			if (kymo_count_map_add(&work->errors, (u64)index, batch->error[i], 1) < 0)
				return cap_fail(err, -ENOMEM,
						"out of memory for errors of system calls");
		}
		if (is_unfinished(batch->flags[i])) {
			group->unfinished++;
			continue;
		}
		group->finished++;
		group->total_ns += ns;
		group->min_ns = ns < group->min_ns ? ns : group->min_ns;
		group->max_ns = ns > group->max_ns ? ns : group->max_ns;
		if (kymo_count_map_add(&work->buckets, (u64)index, bucket_of(ns), 1) < 0)
			return cap_fail(err, -ENOMEM,
					"out of memory for histograms of system calls");
	}
	return 0;
}

static int add_totals(struct kymo_syscall_counting *work)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;

	work->total_of = calloc(aggregate->processes.count + 1ul, sizeof(*work->total_of));
	if (!work->total_of)
		return -ENOMEM;
	for (u32 i = 0; i < aggregate->processes.count; i++) {
		const struct kymo_syscall_group *from = &aggregate->processes.list[i];
		struct kymo_syscall_group key = *from;
		struct kymo_syscall_group *total;
		s64 index;

		key.process_id = 0;
		index = find_group(&aggregate->totals, &work->total_map, &key);
		if (index < 0)
			return -ENOMEM;
		work->total_of[i] = (u32)index;
		total = &aggregate->totals.list[index];
		total->calls += from->calls;
		total->finished += from->finished;
		total->unfinished += from->unfinished;
		total->errors += from->errors;
		total->total_ns += from->total_ns;
		total->min_ns = from->min_ns < total->min_ns ? from->min_ns : total->min_ns;
		total->max_ns = from->max_ns > total->max_ns ? from->max_ns : total->max_ns;
	}
	return 0;
}

/* -------- results of pass 1 -------- */

static struct kymo_syscall_count count_of(const struct kymo_syscall_group *group, u32 value,
					  u64 calls)
{
	return (struct kymo_syscall_count){.capture_id = group->capture_id,
					   .process_id = group->process_id,
					   .sysno = group->sysno,
					   .compat = group->compat,
					   .value = value,
					   .calls = calls};
}

static int take_errors(struct kymo_syscall_counting *work)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;
	CLEANUP(cap_freep) struct kymo_count *counts = NULL;
	size_t count;

	kymo_count_map_take(&work->errors, &counts, &count);
	aggregate->errors = calloc(count + 1, sizeof(*aggregate->errors));
	if (!aggregate->errors)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		aggregate->errors[i] = count_of(&aggregate->processes.list[counts[i].a],
						(u32)counts[i].b, counts[i].count);
	aggregate->error_count = count;
	return 0;
}

static int take_histogram(struct kymo_syscall_counting *work, const struct kymo_count *counts,
			  size_t count)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;
	struct kymo_syscall_count *list = calloc(count + 1, sizeof(*list));
	size_t used = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		u32 log2 = log2_of_bucket((u32)counts[i].b);
		bool same = i > 0 && counts[i - 1].a == counts[i].a && list[used - 1].value == log2;

		if (same)
			list[used - 1].calls += counts[i].count;
		else
			list[used++] = count_of(&aggregate->processes.list[counts[i].a], log2,
						counts[i].count);
	}
	aggregate->histogram = list;
	aggregate->histogram_count = used;
	return 0;
}

/* -------- ranks -------- */

/* Targets of one group, whose buckets (sorted) are given. The first and the last rank are known
 * already: most groups are small, and need no more. */
static int add_targets(struct kymo_rank_select *select, u32 number,
		       struct kymo_syscall_group *group, const struct kymo_count *buckets,
		       size_t count)
{
	u64 before = 0, finished = group->finished;
	size_t at = 0;

	for (u32 q = 0; q < KYMO_QUANTILES; q++) {
		u64 permille = kymo_quantile_permille[q];
		/* ceil(finished * permille / 1000) without overflow */
		u64 rank = finished / 1000 * permille + (finished % 1000 * permille + 999) / 1000;
		struct kymo_rank_target target = {.group = number, .quantile = q, .rank = rank};

		if (rank == 1 || rank == finished) {
			group->quantile_ns[q] = rank == 1 ? group->min_ns : group->max_ns;
			continue;
		}
		while (at + 1 < count && before + buckets[at].count < rank)
			before += buckets[at++].count;
		target.before = before;
		target.count = buckets[at].count;
		bucket_bounds((u32)buckets[at].b, &target.low, &target.high);
		if (kymo_rank_select_want(select, &target) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_group_targets(struct kymo_syscall_counting *work, struct group_list *groups,
			     u32 first_group, const struct kymo_count *counts, size_t count)
{
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < count;) {
		size_t end = at;
		u64 index = counts[at].a;

		while (end < count && counts[end].a == index)
			end++;
		rc = add_targets(&work->select, first_group + (u32)index, &groups->list[index],
				 counts + at, end - at);
		at = end;
	}
	return rc;
}

/* Sets up the targets from the histograms of all groups, and the log2 histogram. */
static int prepare_ranks(struct kymo_syscall_counting *work)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;
	u32 processes = aggregate->processes.count;
	CLEANUP(kymo_count_map_done) struct kymo_count_map total_buckets = {0};
	CLEANUP(cap_freep) struct kymo_count *counts = NULL, *total_counts = NULL;
	size_t count, total_count;

	kymo_count_map_take(&work->buckets, &counts, &count);
	for (size_t i = 0; i < count; i++) {
		if (kymo_count_map_add(&total_buckets, work->total_of[counts[i].a], counts[i].b,
				       counts[i].count) < 0)
			return -ENOMEM;
	}
	kymo_count_map_take(&total_buckets, &total_counts, &total_count);
	work->select.group_count = processes + aggregate->totals.count;
	if (take_histogram(work, counts, count) < 0 ||
	    add_group_targets(work, &aggregate->processes, 0, counts, count) < 0 ||
	    add_group_targets(work, &aggregate->totals, processes, total_counts, total_count) < 0)
		return -ENOMEM;
	return 0;
}

static int select_batch(void *context, const struct kymo_syscall_batch *batch, struct cap_err *err)
{
	struct kymo_syscall_counting *work = context;
	u32 processes = work->aggregate->processes.count;

	for (size_t i = 0; i < batch->count; i++) {
		struct near_group *near;
		u32 found;

		if (is_unfinished(batch->flags[i]))
			continue;
		found = near_group(work, batch, i, &near);
		if (found == 0)
			return cap_fail(err, -EIO, "the input changed while it was read");
		if (kymo_rank_select_add(&work->select, found - 1, batch->duration_ns[i]) < 0 ||
		    kymo_rank_select_add(&work->select, processes + work->total_of[found - 1],
					 batch->duration_ns[i]) < 0)
			return cap_fail(err, -ENOMEM, "out of memory for percentiles");
	}
	return 0;
}

static int run_rounds(struct kymo_syscall_counting *work, const struct kymo_syscall_source *source,
		      struct cap_err *err)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;
	u32 processes = aggregate->processes.count;
	int rc;

	while ((rc = kymo_rank_select_begin(&work->select)) == 1) {
		rc = source->run(source->context, select_batch, work, err);
		if (rc < 0)
			return rc;
		if (kymo_rank_select_end(&work->select) < 0)
			return cap_fail(err, -EIO, "the input changed while it was read");
	}
	if (rc < 0)
		return cap_fail(err, rc, "out of memory for percentiles");
	for (size_t i = 0; i < work->select.target_count; i++) {
		const struct kymo_rank_target *target = &work->select.targets[i];
		struct kymo_syscall_group *group =
			target->group < processes
				? &aggregate->processes.list[target->group]
				: &aggregate->totals.list[target->group - processes];

		group->quantile_ns[target->quantile] = target->value;
	}
	return 0;
}

/* -------- life -------- */

static int compare_groups(const void *left, const void *right)
{
	const struct kymo_syscall_group *a = left, *b = right;

	if (a->capture_id != b->capture_id)
		return a->capture_id < b->capture_id ? -1 : 1;
	if (a->process_id != b->process_id)
		return a->process_id < b->process_id ? -1 : 1;
	if (a->compat != b->compat)
		return a->compat < b->compat ? -1 : 1;
	return a->sysno < b->sysno ? -1 : a->sysno > b->sysno;
}

static int compare_counts(const void *left, const void *right)
{
	const struct kymo_syscall_count *a = left, *b = right;

	if (a->capture_id != b->capture_id)
		return a->capture_id < b->capture_id ? -1 : 1;
	if (a->process_id != b->process_id)
		return a->process_id < b->process_id ? -1 : 1;
	if (a->compat != b->compat)
		return a->compat < b->compat ? -1 : 1;
	if (a->sysno != b->sysno)
		return a->sysno < b->sysno ? -1 : 1;
	return a->value < b->value ? -1 : a->value > b->value;
}

static void sort_results(struct kymo_syscall_aggregate *aggregate)
{
	struct group_list *lists[] = {&aggregate->processes, &aggregate->totals};

	for (size_t i = 0; i < 2; i++) {
		if (lists[i]->count > 0)
			qsort(lists[i]->list, lists[i]->count, sizeof(*lists[i]->list),
			      compare_groups);
	}
	qsort(aggregate->errors, aggregate->error_count, sizeof(*aggregate->errors),
	      compare_counts);
	qsort(aggregate->histogram, aggregate->histogram_count, sizeof(*aggregate->histogram),
	      compare_counts);
}

struct kymo_syscall_counting *kymo_syscall_counting_new(void)
{
	struct kymo_syscall_counting *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->aggregate = calloc(1, sizeof(*work->aggregate));
	return work->aggregate ? work : kymo_syscall_counting_free(work);
}

struct kymo_syscall_counting *kymo_syscall_counting_free(struct kymo_syscall_counting *work)
{
	if (!work)
		return NULL;
	(void)kymo_syscall_aggregate_free(work->aggregate);
	kymo_id_map_done(&work->process_map);
	kymo_id_map_done(&work->total_map);
	free(work->total_of);
	kymo_count_map_done(&work->buckets);
	kymo_count_map_done(&work->errors);
	kymo_rank_select_done(&work->select);
	free(work);
	return NULL;
}

void kymo_syscall_counting_freep(struct kymo_syscall_counting **counting)
{
	*counting = kymo_syscall_counting_free(*counting);
}

int kymo_syscall_counting_finish(struct kymo_syscall_counting *work,
				 const struct kymo_syscall_source *source,
				 struct kymo_syscall_aggregate **ret_aggregate, struct cap_err *err)
{
	int rc;

	if (add_totals(work) < 0 || take_errors(work) < 0 || prepare_ranks(work) < 0)
		return cap_fail(err, -ENOMEM, "out of memory for percentiles");
	rc = run_rounds(work, source, err);
	if (rc < 0)
		return rc;
	sort_results(work->aggregate);
	*ret_aggregate = TAKE(work->aggregate);
	return 0;
}

int kymo_syscall_aggregate_new(const struct kymo_syscall_source *source,
			       struct kymo_syscall_aggregate **ret_aggregate, struct cap_err *err)
{
	CLEANUP(kymo_syscall_counting_freep)
	struct kymo_syscall_counting *work = kymo_syscall_counting_new();
	int rc;

	if (!work)
		return cap_fail(err, -ENOMEM, "out of memory");
	rc = source->run(source->context, kymo_syscall_counting_add, work, err);
	return rc < 0 ? rc : kymo_syscall_counting_finish(work, source, ret_aggregate, err);
}

struct kymo_syscall_aggregate *kymo_syscall_aggregate_free(struct kymo_syscall_aggregate *aggregate)
{
	if (!aggregate)
		return NULL;
	free(aggregate->processes.list);
	free(aggregate->totals.list);
	free(aggregate->errors);
	free(aggregate->histogram);
	free(aggregate);
	return NULL;
}

void kymo_syscall_aggregate_freep(struct kymo_syscall_aggregate **aggregate)
{
	*aggregate = kymo_syscall_aggregate_free(*aggregate);
}

const struct kymo_syscall_group *kymo_syscall_totals(const struct kymo_syscall_aggregate *aggregate,
						     size_t *ret_count)
{
	*ret_count = aggregate->totals.count;
	return aggregate->totals.list;
}

const struct kymo_syscall_group *
kymo_syscall_by_process(const struct kymo_syscall_aggregate *aggregate, size_t *ret_count)
{
	*ret_count = aggregate->processes.count;
	return aggregate->processes.list;
}

const struct kymo_syscall_count *kymo_syscall_errors(const struct kymo_syscall_aggregate *aggregate,
						     size_t *ret_count)
{
	*ret_count = aggregate->error_count;
	return aggregate->errors;
}

const struct kymo_syscall_count *
kymo_syscall_histogram(const struct kymo_syscall_aggregate *aggregate, size_t *ret_count)
{
	*ret_count = aggregate->histogram_count;
	return aggregate->histogram;
}

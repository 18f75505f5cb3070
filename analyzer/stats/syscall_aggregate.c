/*
 * The first pass keeps sums per (capture, process, call), and the durations themselves, as small as
 * they get (kept_durations.h). Usually these give the value at each wanted rank. If there were too
 * many, the histogram gives a range of values of 3 % width, and further passes find the exact value
 * in it (rank_select.h). Totals over processes come from adding up, but have ranks of their own.
 */
#include "analyzer/stats/syscall_aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/word_map.h"
#include "analyzer/stats/kept_durations.h"
#include "analyzer/stats/rank_select.h"
#include "analyzer/stats/syscall_counted.h"
#include "analyzer/stats/syscall_ranks.h"
#include "formats/base/cleanup.h"

#define NEAR_GROUPS 1024u
#define KEPT_BYTES \
	(16ull << 20) /* of durations; beyond it those far from wanted ranks are dropped */

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
	struct cap_word_map process_map, total_map; /* -> index + 1 */
	struct near_group near[NEAR_GROUPS]; /* before process_map: most calls are repeated */
	u32 *total_of;			     /* per process group */
	u32 total_count, total_capacity;
	struct kymo_kept kept; /* durations of process groups */
	u64 kept_bytes;
	struct cap_word_map errors; /* (process group, errno) */
	struct kymo_counted counted, total_counted;
	struct kymo_rank_input ranks[2]; /* of the process groups, of the totals */
	struct kymo_rank_select select;
};

/* -------- groups -------- */

/* Index of the group, new or known. Negative: -ENOMEM. */
static s64 find_group(struct group_list *groups, struct cap_word_map *map,
		      const struct kymo_syscall_group *key)
{
	u64 a = (u64)key->capture_id << 32 | key->process_id;
	u64 b = (u64)key->sysno << 1 | key->compat;
	u32 found = cap_word_map_get(map, a, b);

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
	if (cap_word_map_put(map, a, b, groups->count + 1) < 0)
		return -ENOMEM;
	groups->list[groups->count] = (struct kymo_syscall_group){.capture_id = key->capture_id,
								  .process_id = key->process_id,
								  .sysno = key->sysno,
								  .compat = key->compat,
								  .min_ns = UINT64_MAX};
	return groups->count++;
}

/* The group of a process, with its total. Negative: -ENOMEM. */
static s64 find_process_group(struct kymo_syscall_counting *work,
			      const struct kymo_syscall_group *key)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;
	struct kymo_syscall_group total_key = *key;
	s64 index = find_group(&aggregate->processes, &work->process_map, key), total;

	if (index < 0 || (u64)index < work->total_count)
		return index;
	if (aggregate->processes.capacity > work->total_capacity) {
		u32 *total_of =
			realloc(work->total_of, aggregate->processes.capacity * sizeof(*total_of));

		if (!total_of)
			return -ENOMEM;
		work->total_of = total_of;
		work->total_capacity = aggregate->processes.capacity;
	}
	total_key.process_id = 0;
	total = find_group(&aggregate->totals, &work->total_map, &total_key);
	if (total < 0)
		return total;
	work->total_of[index] = (u32)total;
	work->total_count = (u32)index + 1;
	return index;
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
		.a = a, .b = b, .number = cap_word_map_get(&work->process_map, a, b)};
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
	index = find_process_group(work, &key);
	near->number = index < 0 ? 0 : (u32)index + 1;
	return index;
}

static inline bool is_unfinished(u64 flags)
{
	return flags & (EV_SYSCALL_UNFINISHED | EV_SYSCALL_NO_RETURN) ||
	       (flags & (EV_SYSCALL_ENTRY_UNKNOWN | EV_SYSCALL_BLOCKED)) ==
		       EV_SYSCALL_ENTRY_UNKNOWN;
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
			if (cap_word_map_add(&work->errors, (u64)index, batch->error[i], 1) < 0)
				return cap_fail(err, -ENOMEM,
						"out of memory for errors of system calls");
		}
		if (is_unfinished(batch->flags[i])) {
			group->unfinished++;
			continue;
		}
		if (batch->flags[i] & EV_SYSCALL_BLOCKED)
			group->estimated |= KYMO_BOUND_ALL;
		group->finished++;
		group->total_ns += ns;
		group->min_ns = ns < group->min_ns ? ns : group->min_ns;
		group->max_ns = ns > group->max_ns ? ns : group->max_ns;
		if (kymo_kept_add(&work->kept, (u32)index, ns) < 0)
			return cap_fail(err, -ENOMEM,
					"out of memory for durations of system calls");
	}
	if (work->kept.bytes > work->kept_bytes &&
	    kymo_kept_bound(&work->kept, work->kept_bytes, work->total_of, kymo_quantile_permille,
			    KYMO_QUANTILES) < 0)
		return cap_fail(err, -ENOMEM, "out of memory for durations of system calls");
	return 0;
}

static int add_count(struct kymo_syscall_counting *work, const struct kymo_syscall_counts *counts,
		     size_t i)
{
	const struct kymo_syscall_group key = {.capture_id = counts->capture_id,
					       .process_id = counts->process_id[i],
					       .sysno = (u32)counts->sysno[i],
					       .compat =
						       (counts->flags[i] & EV_SYSCALL_COMPAT) != 0};
	u64 calls = kymo_counted_sum(counts->call_count[i], 0);
	struct kymo_syscall_group *group;
	s64 index;

	if (calls == 0)
		return 0;
	index = find_process_group(work, &key);
	if (index < 0)
		return -ENOMEM;
	group = &work->aggregate->processes.list[index];
	group->calls = kymo_counted_sum(group->calls, calls);
	group->counted = kymo_counted_sum(group->counted, calls);
	if (counts->error[i] != 0) {
		group->errors = kymo_counted_sum(group->errors, calls);
		if (cap_word_map_add(&work->errors, (u64)index, counts->error[i], calls) < 0)
			return -ENOMEM;
	}
	/* All counted calls ended; one without its entry has only its time off the CPU. */
	if (counts->flags[i] & EV_SYSCALL_ENTRY_UNKNOWN)
		group->estimated |= KYMO_BOUND_ALL;
	if (counts->flags[i] & EV_SYSCALL_NO_RETURN) {
		group->unfinished = kymo_counted_sum(group->unfinished, calls);
		return 0;
	}
	group->finished = kymo_counted_sum(group->finished, calls);
	group->counted_finished = kymo_counted_sum(group->counted_finished, calls);
	group->total_ns += counts->total_ns[i];
	return kymo_counted_add(&work->counted, (u32)index,
				counts->bucket[i] < KYMO_COUNTED_BUCKETS ? (u32)counts->bucket[i]
									 : KYMO_COUNTED_BUCKETS,
				calls, counts->total_ns[i]);
}

static int add_counts(void *context, const struct kymo_syscall_counts *counts, struct cap_err *err)
{
	for (size_t i = 0; i < counts->count; i++) {
		if (add_count(context, counts, i) < 0)
			return cap_fail(err, -ENOMEM, "out of memory for counts of system calls");
	}
	return 0;
}

static int add_totals(struct kymo_syscall_counting *work)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;

	for (u32 i = 0; i < aggregate->processes.count; i++) {
		const struct kymo_syscall_group *from = &aggregate->processes.list[i];
		struct kymo_syscall_group *total = &aggregate->totals.list[work->total_of[i]];

		total->calls = kymo_counted_sum(total->calls, from->calls);
		total->finished = kymo_counted_sum(total->finished, from->finished);
		total->unfinished = kymo_counted_sum(total->unfinished, from->unfinished);
		total->errors = kymo_counted_sum(total->errors, from->errors);
		total->total_ns += from->total_ns;
		total->min_ns = from->min_ns < total->min_ns ? from->min_ns : total->min_ns;
		total->max_ns = from->max_ns > total->max_ns ? from->max_ns : total->max_ns;
		total->estimated |= from->estimated & KYMO_BOUND_ALL;
		total->counted = kymo_counted_sum(total->counted, from->counted);
		total->counted_finished =
			kymo_counted_sum(total->counted_finished, from->counted_finished);
	}
	for (size_t i = 0; i < work->counted.count; i++) {
		const struct kymo_counted_cell *cell = &work->counted.cells[i];

		if (kymo_counted_merge(&work->total_counted, work->total_of[cell->group], cell) < 0)
			return -ENOMEM;
	}
	kymo_counted_sort(&work->counted);
	kymo_counted_sort(&work->total_counted);
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
	CLEANUP(cap_freep) struct cap_word_slot *counts = NULL;
	size_t count;

	cap_word_map_take(&work->errors, &counts, &count);
	aggregate->errors = calloc(count + 1, sizeof(*aggregate->errors));
	if (!aggregate->errors)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		aggregate->errors[i] = count_of(&aggregate->processes.list[counts[i].a],
						(u32)counts[i].b, counts[i].value);
	aggregate->error_count = count;
	return 0;
}

/* Both lists are sorted by group, then power of two. */
static int take_histogram(struct kymo_syscall_counting *work, const struct kymo_rank_input *input)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;
	const struct kymo_counted *counted = input->counted;
	struct kymo_syscall_count *list =
		calloc(input->step_count + counted->count + 1, sizeof(*list));
	size_t used = 0, at = 0;
	u64 last_group = UINT64_MAX;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < input->step_count || at < counted->count;) {
		const struct kymo_counted_cell *cell =
			at < counted->count ? &counted->cells[at] : NULL;
		const struct cap_word_slot *step = i < input->step_count ? &input->steps[i] : NULL;
		u32 log2 = step ? kymo_step_log2((u32)step->b) : 0;
		bool is_step = step && (!cell || step->a < cell->group ||
					(step->a == cell->group && log2 <= cell->bucket));
		u64 group = is_step ? step->a : cell->group;
		u64 calls = is_step ? step->value : cell->calls;

		log2 = is_step ? log2 : cell->bucket;
		i += is_step;
		at += !is_step;
		if (group == last_group && list[used - 1].value == log2)
			list[used - 1].calls = kymo_counted_sum(list[used - 1].calls, calls);
		else
			list[used++] = count_of(&aggregate->processes.list[group], log2, calls);
		last_group = group;
	}
	aggregate->histogram = list;
	aggregate->histogram_count = used;
	return 0;
}

/* -------- ranks -------- */

/* Which process groups belong to which total: first_member has an entry per total and one more. */
static int list_members(const struct kymo_syscall_counting *work, u32 **ret_members,
			u32 **ret_first_member)
{
	u32 processes = work->aggregate->processes.count, totals = work->aggregate->totals.count;
	u32 *members = calloc(processes + 1ul, sizeof(*members));
	u32 *first = calloc(totals + 2ul, sizeof(*first));

	*ret_members = members;
	*ret_first_member = first;
	if (!members || !first)
		return -ENOMEM;
	for (u32 i = 0; i < processes; i++)
		first[work->total_of[i] + 2]++;
	for (u32 i = 2; i < totals + 2; i++)
		first[i] += first[i - 1];
	for (u32 i = 0; i < processes; i++)
		members[first[work->total_of[i] + 1]++] = i;
	return 0;
}

/* Looks up the targets of processes, and of totals, in the kept durations. */
static int answer_ranks(struct kymo_syscall_counting *work, size_t first_total)
{
	u32 processes = work->aggregate->processes.count;
	CLEANUP(cap_freep) u32 *members = NULL;
	CLEANUP(cap_freep) u32 *first_member = NULL;
	CLEANUP(cap_freep) u32 *each = calloc(processes + 1ul, sizeof(*each));

	if (!each || list_members(work, &members, &first_member) < 0)
		return -ENOMEM;
	for (u32 i = 0; i <= processes; i++)
		each[i] = i;
	kymo_rank_answers(&work->select, 0, first_total, &work->kept, 0, each, each);
	kymo_rank_answers(&work->select, first_total, work->select.target_count, &work->kept,
			  processes, members, first_member);
	return 0;
}

/* Sets up the targets from the histograms of all groups, answers those that are known already, and
 * makes the log2 histogram. */
static int prepare_ranks(struct kymo_syscall_counting *work)
{
	struct kymo_syscall_aggregate *aggregate = work->aggregate;
	CLEANUP(cap_word_map_done) struct cap_word_map total_steps = {0};
	CLEANUP(cap_freep) struct cap_word_slot *steps = NULL, *steps_of_totals = NULL;
	struct kymo_rank_input processes = {.groups = aggregate->processes.list,
					    .group_count = aggregate->processes.count,
					    .counted = &work->counted};
	struct kymo_rank_input totals = {.groups = aggregate->totals.list,
					 .group_count = aggregate->totals.count,
					 .counted = &work->total_counted};
	size_t first_total;

	work->ranks[0] = processes;
	work->ranks[1] = totals;
	if (kymo_kept_settle(&work->kept) < 0)
		return -ENOMEM;
	cap_word_map_take(&work->kept.steps, &steps, &processes.step_count);
	for (size_t i = 0; i < processes.step_count; i++) {
		if (cap_word_map_add(&total_steps, work->total_of[steps[i].a], steps[i].b,
				     steps[i].value) < 0)
			return -ENOMEM;
	}
	cap_word_map_take(&total_steps, &steps_of_totals, &totals.step_count);
	processes.steps = steps;
	totals.steps = steps_of_totals;
	work->select.group_count = processes.group_count + totals.group_count;
	if (take_histogram(work, &processes) < 0 ||
	    kymo_rank_targets(&work->select, 0, &processes) < 0)
		return -ENOMEM;
	first_total = work->select.target_count;
	if (kymo_rank_targets(&work->select, processes.group_count, &totals) < 0 ||
	    answer_ranks(work, first_total) < 0)
		return -ENOMEM;
	kymo_kept_done(&work->kept); /* before the rounds, which take memory of their own */
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
	kymo_rank_bounds(&work->ranks[0]);
	kymo_rank_bounds(&work->ranks[1]);
	return 0;
}

/* -------- life -------- */

/* The keys of both results, in order. */
#define KEYS(of) ((const u32[]){(of)->capture_id, (of)->process_id, (of)->compat, (of)->sysno})
#define KEY_COUNT 4

static int compare_keys(const u32 a[KEY_COUNT], const u32 b[KEY_COUNT])
{
	for (int i = 0; i < KEY_COUNT; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

static int compare_groups(const void *left, const void *right)
{
	const struct kymo_syscall_group *a = left, *b = right;

	return compare_keys(KEYS(a), KEYS(b));
}

static int compare_counts(const void *left, const void *right)
{
	const struct kymo_syscall_count *a = left, *b = right;
	int order = compare_keys(KEYS(a), KEYS(b));

	return order != 0 ? order : a->value < b->value ? -1 : a->value > b->value;
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
	work->kept_bytes = KEPT_BYTES;
	work->aggregate = calloc(1, sizeof(*work->aggregate));
	return work->aggregate ? work : kymo_syscall_counting_free(work);
}

void kymo_syscall_counting_keep(struct kymo_syscall_counting *work, u64 bytes)
{
	work->kept_bytes = bytes;
}

struct kymo_syscall_counting *kymo_syscall_counting_free(struct kymo_syscall_counting *work)
{
	if (!work)
		return NULL;
	(void)kymo_syscall_aggregate_free(work->aggregate);
	cap_word_map_done(&work->process_map);
	cap_word_map_done(&work->total_map);
	free(work->total_of);
	kymo_kept_done(&work->kept);
	cap_word_map_done(&work->errors);
	kymo_counted_done(&work->counted);
	kymo_counted_done(&work->total_counted);
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
	int rc =
		source->run_counts ? source->run_counts(source->context, add_counts, work, err) : 0;

	if (rc < 0)
		return rc;
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

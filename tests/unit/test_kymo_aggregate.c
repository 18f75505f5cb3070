/* Percentiles are exact: against sorting everything, for distributions that are narrow, wide,
 * equal, tiny, and too wide for one round. */
#include "unit_main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/stats/syscall_aggregate.h"
#include "analyzer/stats/syscall_ranks.h"
#include "random_rows.h"

#define MAX_CALLS 60000
#define PROCESSES 7
#define SYSNOS 3

struct calls {
	size_t count;
	u64 duration_ns[MAX_CALLS], sysno[MAX_CALLS], flags[MAX_CALLS], error[MAX_CALLS];
	u32 process_id[MAX_CALLS];
	unsigned passes, fail_in_pass;
	u64 kept_bytes; /* of durations */
	size_t batch;
};

static int run(void *context, kymo_syscall_batch_fn fn, void *fn_context, struct cap_err *err)
{
	struct calls *calls = context;

	if (++calls->passes == calls->fail_in_pass)
		return cap_fail(err, -EIO, "no more");
	for (size_t at = 0; at < calls->count; at += calls->batch) {
		size_t count = calls->count - at < calls->batch ? calls->count - at : calls->batch;
		const struct kymo_syscall_batch batch = {.count = count,
							 .duration_ns = calls->duration_ns + at,
							 .sysno = calls->sysno + at,
							 .flags = calls->flags + at,
							 .error = calls->error + at,
							 .process_id = calls->process_id + at,
							 .capture_id = 1};
		int rc = fn(fn_context, &batch, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int compare(const void *left, const void *right)
{
	u64 a = *(const u64 *)left, b = *(const u64 *)right;

	return a < b ? -1 : a > b;
}

/* The group as the definition has it: sort, and take the value at rank ceil(p * n). */
static void check_group(const struct calls *calls, const struct kymo_syscall_group *group)
{
	u64 *sorted = malloc((calls->count + 1) * sizeof(*sorted));
	u64 total = 0, unfinished = 0, errors = 0;
	size_t n = 0;

	for (size_t i = 0; i < calls->count; i++) {
		if (calls->sysno[i] != group->sysno ||
		    (calls->flags[i] & EV_SYSCALL_COMPAT) / EV_SYSCALL_COMPAT != group->compat ||
		    (group->process_id && calls->process_id[i] != group->process_id))
			continue;
		errors += calls->error[i] != 0;
		if (calls->flags[i] & 7) {
			unfinished++;
			continue;
		}
		sorted[n++] = calls->duration_ns[i];
		total += calls->duration_ns[i];
	}
	qsort(sorted, n, sizeof(*sorted), compare);
	assert_int_equal(group->calls, n + unfinished);
	assert_int_equal(group->finished, n);
	assert_int_equal(group->unfinished, unfinished);
	assert_int_equal(group->errors, errors);
	assert_int_equal(group->total_ns, total);
	if (n > 0) {
		assert_int_equal(group->min_ns, sorted[0]);
		assert_int_equal(group->max_ns, sorted[n - 1]);
	}
	for (unsigned q = 0; q < KYMO_QUANTILES && n > 0; q++) {
		size_t rank = (n * kymo_quantile_permille[q] + 999) / 1000;

		if (group->quantile_ns[q] != sorted[rank - 1])
			fail_msg("process %u call %u p%u of %zu: %llu, expected %llu",
				 group->process_id, group->sysno, kymo_quantile_permille[q], n,
				 (unsigned long long)group->quantile_ns[q],
				 (unsigned long long)sorted[rank - 1]);
	}
	free(sorted);
}

static void check_counts(const struct calls *calls, const struct kymo_syscall_aggregate *aggregate)
{
	const struct kymo_syscall_count *counts;
	u64 sum = 0, expected = 0;
	size_t count;

	counts = kymo_syscall_histogram(aggregate, &count);
	for (size_t i = 0; i < count; i++) {
		u64 calls_here = 0;

		for (size_t k = 0; k < calls->count; k++) {
			u64 ns = calls->duration_ns[k];
			u32 log2 = ns == 0 ? 0 : 63u - (u32)__builtin_clzll(ns);

			calls_here += calls->process_id[k] == counts[i].process_id &&
				      calls->sysno[k] == counts[i].sysno &&
				      !(calls->flags[k] & 7) &&
				      !(calls->flags[k] & 16) == !counts[i].compat &&
				      log2 == counts[i].value;
		}
		assert_int_equal(counts[i].calls, calls_here);
		sum += counts[i].calls;
	}
	for (size_t k = 0; k < calls->count; k++)
		expected += !(calls->flags[k] & 7);
	assert_int_equal(sum, expected);
	counts = kymo_syscall_errors(aggregate, &count);
	for (size_t i = 0, k = 0; i < count; i++, k = 0) {
		u64 calls_here = 0;

		for (; k < calls->count; k++)
			calls_here += calls->process_id[k] == counts[i].process_id &&
				      calls->sysno[k] == counts[i].sysno &&
				      !(calls->flags[k] & 16) == !counts[i].compat &&
				      calls->error[k] == counts[i].value;
		assert_int_equal(counts[i].calls, calls_here);
	}
}

static int aggregate_of(struct calls *calls, struct kymo_syscall_aggregate **ret_aggregate,
			struct cap_err *err)
{
	const struct kymo_syscall_source source = {.run = run, .context = calls};
	struct kymo_syscall_counting *counting = kymo_syscall_counting_new();
	int rc;

	kymo_syscall_counting_keep(counting, calls->kept_bytes);
	rc = run(calls, kymo_syscall_counting_add, counting, err);
	if (rc == 0)
		rc = kymo_syscall_counting_finish(counting, &source, ret_aggregate, err);
	(void)kymo_syscall_counting_free(counting);
	return rc;
}

static void check(struct calls *calls)
{
	struct kymo_syscall_aggregate *aggregate = NULL;
	const struct kymo_syscall_group *groups;
	struct cap_err err = {0};
	size_t count;

	calls->passes = 0;
	assert_int_equal(aggregate_of(calls, &aggregate, &err), 0);
	groups = kymo_syscall_totals(aggregate, &count);
	for (size_t i = 0; i < count; i++)
		check_group(calls, &groups[i]);
	groups = kymo_syscall_by_process(aggregate, &count);
	for (size_t i = 0; i < count; i++)
		check_group(calls, &groups[i]);
	check_counts(calls, aggregate);
	kymo_syscall_aggregate_free(aggregate);
}

enum shape { NARROW, WIDE, EQUAL, EXTREME, DISTINCT };

static void fill(struct calls *calls, struct rng *rng, enum shape shape, size_t count)
{
	static const u64 extremes[] = {0, 1, 31, 32, 63, 64, 65, UINT32_MAX, INT64_MAX, UINT64_MAX};

	calls->count = count;
	calls->batch = rng_below(rng, 4096) + 1;
	for (size_t i = 0; i < count; i++) {
		calls->sysno[i] = rng_below(rng, SYSNOS);
		calls->process_id[i] = (u32)rng_below(rng, PROCESSES) + 1;
		calls->flags[i] = rng_below(rng, 20) == 0 ? rng_below(rng, 32) : 0;
		calls->error[i] = rng_below(rng, 10) == 0 ? rng_below(rng, 5) + 1 : 0;
		switch (shape) {
		case NARROW:
			calls->duration_ns[i] = 300 + rng_below(rng, 40);
			break;
		case WIDE:
			calls->duration_ns[i] = rng_next(rng) >> rng_below(rng, 64);
			break;
		case EQUAL:
			calls->duration_ns[i] = 123456789;
			break;
		case EXTREME:
			calls->duration_ns[i] = extremes[rng_below(rng, 10)];
			break;
		case DISTINCT: /* all in one step of the histogram, no two alike: it must be
				  narrowed */
			calls->duration_ns[i] = (1ull << 50) + rng_below(rng, 1ull << 44);
			break;
		}
	}
}

static void agrees_with_sorting(void **state)
{
	static const u64 bounds[] = {UINT64_MAX, 20000, 3000, 0};
	static const size_t sizes[] = {0, 1, 2, 3, 9, 10, 11, 100, 999, 1000, 1001, 20000};
	struct calls *calls = calloc(1, sizeof(*calls));
	struct rng rng = {test_seed()};

	(void)state;
	for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++) {
		calls->kept_bytes = bounds[b];
		for (enum shape shape = NARROW; shape <= DISTINCT; shape++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
				fill(calls, &rng, shape, sizes[i]);
				check(calls);
			}
		}
	}
	calls->kept_bytes = 0;
	fill(calls, &rng, DISTINCT, MAX_CALLS);
	check(calls);
	assert_true(calls->passes >= 3); /* one to count, one to narrow, one to look */
	free(calls);
}

/* What is kept of 60000 calls fits, or what no rank can move into is dropped: one pass does. */
static void one_pass_does(void **state)
{
	struct calls *calls = calloc(1, sizeof(*calls));
	struct rng rng = {test_seed()};

	(void)state;
	calls->kept_bytes = 8 << 20;
	for (enum shape shape = NARROW; shape <= DISTINCT; shape++) {
		fill(calls, &rng, shape, MAX_CALLS);
		check(calls);
		assert_int_equal(calls->passes, 1);
	}
	/* calls of one kind that are short and alike, more than may be kept one by one */
	calls->kept_bytes = 150000;
	for (enum shape shape = NARROW; shape <= WIDE; shape++) {
		fill(calls, &rng, shape, MAX_CALLS);
		for (size_t i = 0; i < calls->count; i++) {
			calls->process_id[i] = 1;
			calls->sysno[i] = calls->flags[i] = 0;
			if (shape == WIDE)
				calls->duration_ns[i] = 20000 + calls->duration_ns[i] % 1000000;
		}
		check(calls);
		assert_int_equal(calls->passes, 1);
	}
	/* of many groups: no room for each call, but for each value of those that are alike */
	fill(calls, &rng, NARROW, MAX_CALLS);
	check(calls);
	assert_int_equal(calls->passes, 1);
	/* less than even that takes: everything is dropped, and read again */
	calls->kept_bytes = 20000;
	check(calls);
	assert_int_equal(calls->passes, 2);
	free(calls);
}

static void errors_of_the_source_come_through(void **state)
{
	struct calls *calls = calloc(1, sizeof(*calls));
	struct kymo_syscall_aggregate *aggregate = NULL;
	struct rng rng = {test_seed()};

	(void)state;
	fill(calls, &rng, WIDE, 5000);
	for (calls->fail_in_pass = 1; calls->fail_in_pass <= 2; calls->fail_in_pass++) {
		struct cap_err err = {0};

		calls->passes = 0;
		assert_int_equal(aggregate_of(calls, &aggregate, &err), -EIO);
		assert_string_equal(err.text, "no more");
		assert_null(aggregate);
	}
	free(calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_sorting),
		cmocka_unit_test(one_pass_does),
		cmocka_unit_test(errors_of_the_source_come_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

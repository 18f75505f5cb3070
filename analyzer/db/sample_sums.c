/* The sums are those of view sample_quality and of stack_samples; a test compares. */
#include "analyzer/db/sample_sums.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/db/query.h"
#include "formats/base/word_map.h"
#include "formats/base/cleanup.h"

#define FIRST_SAMPLES 1000u /* view sampling has the same number */

struct sum {
	u32 task, stack; /* numbers of the capture */
	u64 samples, no_user, no_kernel, truncated, with_period;
	double periods; /* as SQL's total() adds them */
};

struct kymo_sample_sums {
	struct kymo_filter filter;
	struct cap_word_map map; /* (task, stack) -> index + 1 */
	struct sum *list;
	u32 count, capacity;
	u32 periods_seen; /* of the first samples that tell theirs */
	s64 longest_ns;	  /* of these */
};

struct kymo_sample_sums *kymo_sample_sums_new(const struct kymo_filter *filter)
{
	struct kymo_sample_sums *sums = calloc(1, sizeof(*sums));

	if (sums && filter)
		sums->filter = *filter;
	return sums;
}

struct kymo_sample_sums *kymo_sample_sums_free(struct kymo_sample_sums *sums)
{
	if (!sums)
		return NULL;
	cap_word_map_done(&sums->map);
	free(sums->list);
	free(sums);
	return NULL;
}

static struct sum *find_sum(struct kymo_sample_sums *sums, u32 task, u32 stack)
{
	u32 found = cap_word_map_get(&sums->map, task, stack);

	if (found)
		return &sums->list[found - 1];
	if (sums->count == sums->capacity) {
		u32 capacity = sums->capacity ? sums->capacity * 2 : 1024;
		struct sum *list = realloc(sums->list, capacity * sizeof(*list));

		if (!list)
			return NULL;
		sums->list = list;
		sums->capacity = capacity;
	}
	if (cap_word_map_put(&sums->map, task, stack, sums->count + 1) < 0)
		return NULL;
	sums->list[sums->count] = (struct sum){.task = task, .stack = stack};
	return &sums->list[sums->count++];
}

/* As view sampling does: of the first samples, whether a filter wants them or not. */
static void note_period(struct kymo_sample_sums *sums, s64 period)
{
	if (period <= 0 || sums->periods_seen == FIRST_SAMPLES)
		return;
	sums->periods_seen++;
	sums->longest_ns = period > sums->longest_ns ? period : sums->longest_ns;
}

/* As SQL compares the numbers: with a sign. A time that is not known is in no span. */
static bool is_wanted(const struct kymo_filter *filter, const u64 *times, u32 row)
{
	if (!filter->has_from && !filter->has_to)
		return true;
	return times && (!filter->has_from || (s64)times[row] >= filter->from_ns) &&
	       (!filter->has_to || (s64)times[row] < filter->to_ns);
}

static bool is_kernel_thread(const struct kymo_capture *capture, u32 task)
{
	const struct kymo_tasks *tasks = &capture->tasks;

	return task && tasks->processes[tasks->tasks[task].process].kernel_thread;
}

int kymo_sample_sums_add(struct kymo_sample_sums *sums, const struct kymo_capture *capture,
			 struct kymo_chunk_cursor *cursor, struct cap_err *err)
{
	const u64 *times = kymo_chunk_cursor_column(cursor, ROW_cpu_sample_time_ns);
	const u64 *tasks = kymo_chunk_cursor_column(cursor, ROW_cpu_sample_task);
	const u64 *flags = kymo_chunk_cursor_column(cursor, ROW_cpu_sample_flags);
	const u64 *periods = kymo_chunk_cursor_column(cursor, ROW_cpu_sample_period);

	if (kymo_chunk_cursor_failed(cursor))
		return cap_fail(err, -ENOMEM, "out of memory for samples");
	for (u32 i = 0; i < kymo_chunk_cursor_rows(cursor); i++) {
		s64 task = tasks ? kymo_chunk_cursor_task(cursor, tasks[i]) : 0;
		s64 stack = kymo_chunk_cursor_stack(cursor, ROW_cpu_sample_stack, i);
		u64 bits = flags ? flags[i] : 0;
		struct sum *sum;

		note_period(sums, periods ? (s64)periods[i] : 0);
		if (!is_wanted(&sums->filter, times, i))
			continue;
		sum = task < 0 || stack < 0 ? NULL : find_sum(sums, (u32)task, (u32)stack);
		if (!sum)
			return cap_fail(err, -ENOMEM, "out of memory for samples");
		sum->samples++;
		sum->no_user +=
			(bits & EV_SAMPLE_USER_FAILED) && !is_kernel_thread(capture, sum->task);
		sum->no_kernel += (bits & EV_SAMPLE_KERNEL_FAILED) && (bits & EV_SAMPLE_IN_KERNEL);
		sum->truncated +=
			(bits & (EV_SAMPLE_USER_TRUNCATED | EV_SAMPLE_KERNEL_TRUNCATED)) != 0;
		if (periods && (s64)periods[i] > 0) {
			sum->with_period++;
			sum->periods += (double)periods[i];
		}
	}
	return 0;
}

static int store_one(struct kymo_query *insert, const struct kymo_ids *base, const struct sum *sum,
		     struct cap_err *err)
{
	const struct kymo_bound_int values[] = {
		{":capture", base->capture},
		{":task", sum->task ? base->task + sum->task : 0},
		{":stack", sum->stack ? base->stack + sum->stack : 0},
		{":samples", sum->samples},
		{":user", sum->no_user},
		{":kernel", sum->no_kernel},
		{":cut", sum->truncated},
		{":with", sum->with_period},
	};

	(void)kymo_query_bind_real(insert, ":periods", sum->periods); /* running tells */
	return kymo_query_run_with(insert, values, sizeof(values) / sizeof(values[0]), err);
}

static int store_period(const struct kymo_sample_sums *sums, const struct kymo_capture *capture,
			sqlite3 *db, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *insert = NULL;
	int rc = kymo_query_new(db, "INSERT INTO temp.sample_period VALUES(:capture, :longest)",
				&insert, err);

	if (rc == 0)
		rc = kymo_query_bind_int(insert, ":capture", capture->base.capture);
	if (rc == 0)
		rc = kymo_query_bind_int(insert, ":longest", sums->longest_ns);
	return rc < 0 ? rc : kymo_query_step(insert, err);
}

int kymo_sample_sums_store(const struct kymo_sample_sums *sums, const struct kymo_capture *capture,
			   sqlite3 *db, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *insert = NULL;
	int rc = kymo_query_exec(
		db,
		"CREATE TEMP TABLE sample_sums(capture_id INTEGER, task_id INTEGER, stack_id "
		"INTEGER, samples INTEGER, no_user INTEGER, no_kernel INTEGER, truncated INTEGER, "
		"with_period INTEGER, periods REAL);"
		"CREATE TEMP TABLE sample_period(capture_id INTEGER, longest INTEGER)",
		err);

	if (rc == 0)
		rc = kymo_query_new(db,
				    "INSERT INTO temp.sample_sums VALUES(:capture, :task, :stack, "
				    ":samples, :user, :kernel, :cut, :with, :periods)",
				    &insert, err);
	for (u32 i = 0; rc == 0 && i < sums->count; i++)
		rc = store_one(insert, &capture->base, &sums->list[i], err);
	return rc < 0 || sums->periods_seen == 0 ? rc : store_period(sums, capture, db, err);
}

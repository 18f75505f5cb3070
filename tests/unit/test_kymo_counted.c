/* Counted calls join single events: every number that is said to be exact equals a plain recount of
 * what was put in, every bound holds, every estimate lies where the truth does. */
#include "made_capture.h"

#include "analyzer/stats/syscall_ranks.h"

#define PROCESSES 3
#define SYSNOS 4
#define SLICES 6
#define SLICE_NS 1000000ull
#define BUCKETS 64
#define MAX_CALLS 6000

static const char *const names[] = {"alpha", "beta", "gamma"};

struct call { /* as it was made; whether it is stored or counted is decided afterwards */
	u64 return_ns, duration_ns;
	u32 process, sysno, flags, error, cpu;
	bool counted;
};

struct truth {
	struct call calls[MAX_CALLS];
	size_t count;
};

static void make_truth(struct truth *truth, struct rng *rng, unsigned counted_percent)
{
	truth->count = 1 + rng_below(rng, MAX_CALLS);
	for (size_t i = 0; i < truth->count; i++) {
		struct call *call = &truth->calls[i];

		*call = (struct call){
			.return_ns = 2000 + rng_below(rng, SLICES * SLICE_NS),
			.duration_ns = rng_next(rng) >> (30 + rng_below(rng, 34)),
			.process = (u32)rng_below(rng, PROCESSES),
			.sysno = (u32)rng_below(rng, SYSNOS),
			.flags = rng_below(rng, 30)  ? 0
				 : rng_below(rng, 2) ? EV_SYSCALL_COMPAT
						     : EV_SYSCALL_NO_RETURN,
			.error = rng_below(rng, 6) ? 0 : 1 + (u32)rng_below(rng, 5),
			.cpu = (u32)rng_below(rng, 2),
		};
		/* one that is always stored, one that is always counted, others mixed */
		call->counted = call->sysno == 0   ? false
				: call->sysno == 1 ? true
						   : rng_below(rng, 100) < counted_percent;
	}
}

static u32 log2_of(u64 ns)
{
	return ns == 0 ? 0 : 63u - (u32)__builtin_clzll(ns);
}

static void add_single(struct making *making, const struct call *call)
{
	const struct ev_syscall row = {
		.time_ns = call->return_ns,
		.duration_ns = call->duration_ns,
		.task = add_task(making, 100 + call->process, names[call->process]),
		.sysno = call->sysno,
		.flags = call->flags,
		.cpu = (u16)call->cpu,
		.error = (u16)call->error};

	assert_int_equal(cap_chunk_add(making->chunk, EV_SYSCALL, &row), 0);
}

static bool same_key(const struct call *a, const struct call *b)
{
	return a->process == b->process && a->sysno == b->sysno && a->flags == b->flags &&
	       a->error == b->error && a->cpu == b->cpu &&
	       log2_of(a->duration_ns) == log2_of(b->duration_ns);
}

/* The counted calls of a slice as rows; some keys in two rows, as two slots of a table give. */
static void add_counts(struct making *making, struct rng *rng, const struct truth *truth,
		       unsigned slice)
{
	u64 from_ns = 2000 + slice * SLICE_NS - 1, to_ns = from_ns + SLICE_NS;
	CLEANUP(cap_freep) bool *done = calloc(truth->count, sizeof(*done));

	for (size_t i = 0; i < truth->count; i++) {
		const struct call *first = &truth->calls[i];
		struct ev_syscall_count row = {
			.time_ns = to_ns,
			.from_ns = from_ns,
			.task = add_task(making, 100 + first->process, names[first->process]),
			.sysno = first->sysno,
			.flags = first->flags,
			.bucket = log2_of(first->duration_ns),
			.cpu = (u16)first->cpu,
			.error = (u16)first->error};
		u64 most = rng_below(rng, 4) ? UINT64_MAX : 1 + rng_below(rng, 3);

		if (!first->counted || first->return_ns <= from_ns || first->return_ns > to_ns)
			continue;
		for (size_t k = i; k < truth->count && row.call_count < most; k++) {
			const struct call *call = &truth->calls[k];

			if (done[k] || !call->counted || call->return_ns <= from_ns ||
			    call->return_ns > to_ns || !same_key(first, call))
				continue;
			done[k] = true;
			row.call_count++;
			row.total_ns += call->duration_ns;
		}
		if (row.call_count > 0)
			assert_int_equal(cap_chunk_add(making->chunk, EV_SYSCALL_COUNT, &row), 0);
	}
}

static void add_class_totals(struct making *making, const struct truth *truth)
{
	for (u32 cpu = 0; cpu < 2; cpu++) {
		struct ev_class_total row = {
			.time_ns = 2000 + SLICES * SLICE_NS, .event_class = 1, .cpu = cpu};

		for (size_t i = 0; i < truth->count; i++) {
			if (truth->calls[i].cpu != cpu)
				continue;
			row.attempted_count++;
			row.counted_count += truth->calls[i].counted;
			row.stored_count += !truth->calls[i].counted;
		}
		assert_int_equal(cap_chunk_add(making->chunk, EV_CLASS_TOTAL, &row), 0);
	}
}

static void make_capture(const char *path, struct rng *rng, const struct truth *truth)
{
	struct making making;

	begin(&making, path);
	for (size_t i = 0; i < truth->count; i++) {
		if (!truth->calls[i].counted)
			add_single(&making, &truth->calls[i]);
	}
	if (cap_chunk_rows(making.chunk) > 0)
		end_block(&making, CAP_BLOCK_CHUNK);
	for (unsigned slice = 0; slice < SLICES; slice++) {
		add_counts(&making, rng, truth, slice);
		if (slice + 1 == SLICES)
			add_class_totals(&making, truth);
		if (cap_chunk_rows(making.chunk) > 0)
			end_block(&making, CAP_BLOCK_STATS);
	}
	end(&making);
}

/* -------- recount -------- */

struct recount {
	u64 calls, finished, errors, unfinished, total_ns, counted;
	u64 durations[MAX_CALLS];
	u64 buckets[BUCKETS];
};

static int compare_u64(const void *left, const void *right)
{
	u64 a = *(const u64 *)left, b = *(const u64 *)right;

	return a < b ? -1 : a > b;
}

/* from_ns and to_ns: as a filter has them, on slice borders. */
static void recount(const struct truth *truth, const struct kymo_syscall_group *group,
		    const struct kymo_filter *filter, const u32 *process_ids,
		    struct recount *ret_count)
{
	memset(ret_count, 0, sizeof(*ret_count));
	for (size_t i = 0; i < truth->count; i++) {
		const struct call *call = &truth->calls[i];

		if (call->sysno != group->sysno ||
		    !(call->flags & EV_SYSCALL_COMPAT) != !group->compat)
			continue;
		if (group->process_id && process_ids[call->process] != group->process_id)
			continue;
		if (filter->pid >= 0 && filter->pid != 100 + call->process)
			continue;
		if (filter->comm && strcmp(filter->comm, names[call->process]) != 0)
			continue;
		if (filter->has_from && (s64)call->return_ns < filter->from_ns)
			continue;
		if (filter->has_to && (s64)call->return_ns >= filter->to_ns)
			continue;
		ret_count->calls++;
		ret_count->counted += call->counted;
		ret_count->errors += call->error != 0;
		if (call->flags & EV_SYSCALL_NO_RETURN) {
			ret_count->unfinished++;
			continue;
		}
		ret_count->durations[ret_count->finished++] = call->duration_ns;
		ret_count->total_ns += call->duration_ns;
		ret_count->buckets[log2_of(call->duration_ns)]++;
	}
	qsort(ret_count->durations, ret_count->finished, sizeof(u64), compare_u64);
}

static void check_group(const struct kymo_syscall_group *group, const struct recount *count)
{
	assert_int_equal(group->calls, count->calls);
	assert_int_equal(group->finished, count->finished);
	assert_int_equal(group->unfinished, count->unfinished);
	assert_int_equal(group->errors, count->errors);
	assert_int_equal(group->total_ns, count->total_ns);
	assert_int_equal(group->counted, count->counted);
	if (count->finished == 0)
		return;
	if (group->estimated & KYMO_BOUND_MIN)
		assert_true(group->min_ns <= count->durations[0]);
	else
		assert_int_equal(group->min_ns, count->durations[0]);
	if (group->estimated & KYMO_BOUND_MAX)
		assert_true(group->max_ns >= count->durations[count->finished - 1]);
	else
		assert_int_equal(group->max_ns, count->durations[count->finished - 1]);
	assert_int_equal(log2_of(group->max_ns), log2_of(count->durations[count->finished - 1]));
	for (u32 q = 0; q < KYMO_QUANTILES; q++) {
		size_t rank = (count->finished * kymo_quantile_permille[q] + 999) / 1000;
		u64 truth = count->durations[rank - 1], found = group->quantile_ns[q];

		/* the power of two is never wrong; without the mark nothing is */
		if (log2_of(found) != log2_of(truth) ||
		    (!(group->estimated & KYMO_ESTIMATED_QUANTILE(q)) && found != truth))
			fail_msg("process %u call %u p%u of %" PRIu64 " (%" PRIu64
				 " counted): %" PRIu64 ", the truth is %" PRIu64,
				 group->process_id, group->sysno, kymo_quantile_permille[q],
				 count->finished, count->counted, found, truth);
		assert_true(found >= group->min_ns && found <= group->max_ns);
	}
	if (count->counted == 0)
		assert_int_equal(group->estimated, 0);
}

static void check_histogram(const struct kymo_syscall_aggregate *aggregate,
			    const struct kymo_syscall_group *group, const struct recount *count)
{
	const struct kymo_syscall_count *list;
	u64 sum = 0;
	size_t entries;

	list = kymo_syscall_histogram(aggregate, &entries);
	for (size_t i = 0; i < entries; i++) {
		if (list[i].process_id != group->process_id || list[i].sysno != group->sysno ||
		    list[i].compat != group->compat)
			continue;
		assert_int_equal(list[i].calls, count->buckets[list[i].value]);
		sum += list[i].calls;
	}
	assert_int_equal(sum, count->finished);
}

static void check_errors(const struct truth *truth, const struct kymo_syscall_aggregate *aggregate,
			 u64 expected)
{
	const struct kymo_syscall_count *list;
	u64 sum = 0;
	size_t entries;

	(void)truth;
	list = kymo_syscall_errors(aggregate, &entries);
	for (size_t i = 0; i < entries; i++)
		sum += list[i].calls;
	assert_int_equal(sum, expected);
}

static void check_aggregate(struct kymo_db *db, const struct truth *truth,
			    const struct kymo_filter *filter)
{
	CLEANUP(kymo_syscall_aggregate_freep) struct kymo_syscall_aggregate *aggregate = NULL;
	CLEANUP(cap_freep) struct recount *count = malloc(sizeof(*count));
	const struct kymo_syscall_group *groups;
	u64 calls[2] = {0}, total_ns[2] = {0}, counted[2] = {0}, errors = 0, outside;
	u32 process_ids[PROCESSES] = {0};
	size_t entries;

	for (u32 i = 0; i < PROCESSES; i++) {
		char sql[80];
		s64 id = 0;

		(void)snprintf(sql, sizeof(sql), "SELECT id FROM process WHERE tgid = %u", 100 + i);
		assert_int_equal(kymo_query_one_int(kymo_db_handle(db), sql, &id, NULL), 0);
		process_ids[i] = (u32)id;
	}
	assert_int_equal(kymo_db_syscall_aggregate(db, filter, &aggregate, &outside, NULL), 0);
	assert_int_equal(outside, 0);
	for (int by_process = 0; by_process < 2; by_process++) {
		groups = by_process ? kymo_syscall_by_process(aggregate, &entries)
				    : kymo_syscall_totals(aggregate, &entries);
		for (size_t i = 0; i < entries; i++) {
			recount(truth, &groups[i], filter, process_ids, count);
			check_group(&groups[i], count);
			if (by_process)
				check_histogram(aggregate, &groups[i], count);
			else
				errors += groups[i].errors;
			calls[by_process] += groups[i].calls;
			total_ns[by_process] += groups[i].total_ns;
			counted[by_process] += groups[i].counted;
		}
	}
	assert_int_equal(calls[0], calls[1]);
	assert_int_equal(total_ns[0], total_ns[1]);
	assert_int_equal(counted[0], counted[1]);
	check_errors(truth, aggregate, errors);
}

static const struct kymo_filter open_filter = {
	.pid = -1, .capture_id = 1, .from_ns = INT64_MIN, .to_ns = INT64_MAX};

static void join_is_a_recount(void **state)
{
	static const unsigned percents[] = {0, 1, 50, 99, 100};
	static struct truth truth;
	const char *const paths[] = {"join.kymo"};
	struct rng rng = {test_seed()};

	(void)state;
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		struct kymo_filter by_pid = open_filter, by_comm = open_filter, late = open_filter;
		const struct kymo_filter *filters[] = {&open_filter, &by_pid, &by_comm, &late};

		make_truth(&truth, &rng, percents[i]);
		make_capture(paths[0], &rng, &truth);
		import_ok(paths, 1, "join.db");
		by_pid.pid = 101;
		by_comm.comm = "gamma";
		late.has_from = late.has_to = true; /* slices 2 and 3 */
		late.from_ns = 2000 + 2 * SLICE_NS;
		late.to_ns = 2000 + 4 * SLICE_NS;
		for (int source = 0; source < 2; source++) {
			CLEANUP(kymo_db_closep)
			struct kymo_db *db = open_ok(source ? "join.db" : paths[0]);

			for (size_t f = 0; f < sizeof(filters) / sizeof(filters[0]); f++)
				check_aggregate(db, &truth, filters[f]);
		}
	}
}

static void stored_summaries_are_the_definition(void **state)
{
	static struct truth truth;
	const char *const paths[] = {"stored.kymo"};
	struct rng rng = {test_seed() + 1};
	struct kymo_db *capture, *database;

	(void)state;
	make_truth(&truth, &rng, 60);
	make_capture(paths[0], &rng, &truth);
	import_ok(paths, 1, "stored.db");
	capture = open_ok(paths[0]);
	database = open_ok("stored.db");
	expect_same(capture, database, "");
#define EXACT "capture_id, sysno, compat, calls, finished, unfinished, errors, total_ns, counted"
	expect_rows(database,
		    "SELECT " EXACT " FROM syscall_summary EXCEPT SELECT " EXACT
		    " FROM syscall_summary_definition",
		    "");
	expect_rows(database,
		    "SELECT " EXACT " FROM syscall_summary_definition EXCEPT SELECT " EXACT
		    " FROM syscall_summary",
		    "");
#undef EXACT
	expect_rows(database,
		    "SELECT attempted_count = stored_count + counted_count + lost_count, "
		    "counted_count = (SELECT sum(call_count) FROM syscall_count), "
		    "counted_count = (SELECT sum(calls) FROM counted_spans), "
		    "counted_count = (SELECT sum(calls) FROM counted_calls), "
		    "counted_count = (SELECT events_counted FROM capture), "
		    "stored_count = (SELECT events_stored FROM capture), "
		    "(SELECT events_damaged FROM capture) FROM class_totals",
		    "1|1|1|1|1|1|0\n");
	kymo_db_close(capture);
	kymo_db_close(database);
}

/* A row of counts is in the time asked for if its whole span is. */
static void spans_partly_inside_are_left_out_and_told(void **state)
{
	static struct truth truth;
	const char *const paths[] = {"partly.kymo"};
	struct rng rng = {test_seed() + 2};
	struct kymo_filter filter = open_filter;
	u64 expected = 0;

	(void)state;
	make_truth(&truth, &rng, 60);
	make_capture(paths[0], &rng, &truth);
	import_ok(paths, 1, "partly.db");
	filter.has_from = true;
	filter.from_ns = 2000 + 2 * SLICE_NS + SLICE_NS / 2; /* in the middle of slice 2 */
	for (size_t i = 0; i < truth.count; i++)
		expected += truth.calls[i].counted &&
			    truth.calls[i].return_ns > 2000 + 2 * SLICE_NS - 1 &&
			    truth.calls[i].return_ns <= 2000 + 3 * SLICE_NS - 1;
	for (int source = 0; source < 2; source++) {
		CLEANUP(kymo_syscall_aggregate_freep)
		struct kymo_syscall_aggregate *aggregate = NULL;
		CLEANUP(kymo_db_closep)
		struct kymo_db *db = open_ok(source ? "partly.db" : paths[0]);
		u64 outside = 0;

		assert_int_equal(kymo_db_syscall_aggregate(db, &filter, &aggregate, &outside, NULL),
				 0);
		assert_int_equal(outside, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(join_is_a_recount),
		cmocka_unit_test(stored_summaries_are_the_definition),
		cmocka_unit_test(spans_partly_inside_are_left_out_and_told),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

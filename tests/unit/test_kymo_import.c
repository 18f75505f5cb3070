/*
 * From captures to databases: what a database says is what the capture says, alone or with others,
 * and nothing half-made stands under the final name.
 */
#include "analyzer/db/filter_resolve.h"
#include "made_capture.h"

static void a_database_says_what_the_capture_says(void **state)
{
	const char *const paths[] = {"calls.kymo"};
	struct kymo_db *capture, *database;

	(void)state;
	make_calls("calls.kymo", test_seed(), 7, 3000);
	import_ok(paths, 1, "calls.db");
	capture = open_ok("calls.kymo");
	database = open_ok("calls.db");
	assert_true(kymo_db_is_capture(capture));
	assert_false(kymo_db_is_capture(database));
	expect_same(capture, database, "");
	expect_rows(database, "SELECT count(*) FROM syscall", "21000\n");
	expect_rows(database,
		    "SELECT * FROM syscall_summary EXCEPT SELECT * FROM syscall_summary_definition",
		    "");
	expect_rows(database,
		    "SELECT * FROM syscall_summary_definition EXCEPT SELECT * FROM syscall_summary",
		    "");
	expect_rows(database, "SELECT sum(calls) FROM syscall_process_summary", "21000\n");
	expect_rows(database, "SELECT events_stored, complete, end_reason, host FROM capture",
		    "21000|1|normal|calls.kymo\n");
	expect_rows(database, "PRAGMA integrity_check", "ok\n");
	kymo_db_close(capture);
	kymo_db_close(database);
}

static void small_captures_of_every_row_type(void **state)
{
	const char *const paths[] = {"small.kymo"};
	u64 seed = test_seed();

	(void)state;
	for (u64 i = 0; i < 10; i++) {
		struct small_capture plan = {
			.seed = seed + i, .chunks = 3, .rows = 40, .unfinished = i & 1};
		int fd = open(paths[0], O_CREAT | O_TRUNC | O_RDWR, 0600);
		struct kymo_db *capture, *database;

		assert_int_equal(small_capture_write(&plan, fd, NULL), 0);
		close(fd);
		import_ok(paths, 1, "small.db");
		capture = open_ok("small.kymo");
		database = open_ok("small.db");
		expect_same(capture, database, "");
		expect_rows(database, "SELECT complete FROM capture", i & 1 ? "0\n" : "1\n");
		kymo_db_close(capture);
		kymo_db_close(database);
	}
}

static void several_captures_share_a_database(void **state)
{
	const char *const paths[] = {"one.kymo", "two.kymo", "one.kymo"};
	struct kymo_filter filter = {.pid = -1, .has_from = true, .from_ns = 5};
	struct kymo_db *database;
	struct cap_err err;

	(void)state;
	make_calls("one.kymo", test_seed(), 2, 500);
	make_calls("two.kymo", test_seed() + 1, 3, 700);
	import_ok(paths, 3, "three.db");
	database = open_ok("three.db");
	expect_rows(database, "SELECT id, path, events_stored FROM capture",
		    "1|one.kymo|1000\n2|two.kymo|2100\n3|one.kymo|1000\n");
	expect_rows(database, "SELECT capture_id, count(*) FROM syscall GROUP BY 1",
		    "1|1000\n2|2100\n3|1000\n");
	expect_rows(database, "SELECT count(*), count(DISTINCT id) FROM task", "9|9\n");
	expect_rows(database,
		    "SELECT count(*) FROM syscall s LEFT JOIN task t ON t.id = s.task_id"
		    " LEFT JOIN process p ON p.id = t.process_id"
		    " WHERE t.capture_id IS NOT s.capture_id OR p.capture_id IS NOT s.capture_id",
		    "0\n");
	expect_rows(database,
		    "SELECT * FROM syscall_summary EXCEPT SELECT * FROM syscall_summary_definition",
		    "");
	expect_rows(
		database,
		"SELECT name, calls, p50_ns, p99_ns, total_ns FROM syscalls WHERE capture_id = 1"
		" EXCEPT SELECT name, calls, p50_ns, p99_ns, total_ns FROM syscalls WHERE "
		"capture_id = 3",
		"");
	assert_int_equal(kymo_filter_resolve(database, &filter, &err),
			 CAP_EUSAGE); /* which start? */
	filter.capture_id = 9;
	assert_int_equal(kymo_filter_resolve(database, &filter, &err), CAP_EUSAGE);
	filter.capture_id = 2;
	assert_int_equal(kymo_filter_resolve(database, &filter, &err), 0);
	assert_int_equal(filter.from_ns, 1005);
	kymo_db_close(database);
}

static void filters_ask_the_same_of_both(void **state)
{
	static const struct kymo_filter filters[] = {
		{.pid = 101},
		{.pid = -1, .comm = "gamma"},
		{.pid = -1, .has_from = true, .from_ns = 20000, .has_to = true, .to_ns = 90001},
		{.pid = 102,
		 .comm = "gamma",
		 .has_to = true,
		 .to_is_absolute = true,
		 .to_ns = 50000},
		{.pid = 77777},
	};
	const char *const paths[] = {"filter.kymo"};
	struct kymo_db *dbs[2];

	(void)state;
	make_calls("filter.kymo", test_seed(), 3, 400);
	import_ok(paths, 1, "filter.db");
	dbs[0] = open_ok("filter.kymo");
	dbs[1] = open_ok("filter.db");
	for (size_t i = 0; i < 2 * sizeof(filters) / sizeof(filters[0]); i++) {
		struct kymo_filter filter = filters[i / 2];
		struct kymo_syscall_aggregate *aggregate = NULL;
		CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
		char conditions[KYMO_FILTER_SQL_BYTES], sql[KYMO_FILTER_SQL_BYTES + 200];
		const struct kymo_syscall_group *groups;
		u64 calls = 0;
		size_t count;

		assert_int_equal(kymo_filter_resolve(dbs[i % 2], &filter, NULL), 0);
		kymo_filter_sql(&filter, "s", "t", conditions);
		(void)snprintf(
			sql, sizeof(sql),
			"SELECT count(*) FROM syscall s JOIN task t ON t.id = s.task_id WHERE %s",
			conditions);
		assert_int_equal(kymo_query_new(kymo_db_handle(dbs[i % 2]), sql, &query, NULL), 0);
		assert_int_equal(kymo_filter_bind(&filter, query), 0);
		assert_int_equal(kymo_query_step(query, NULL), 1);
		assert_int_equal(
			kymo_db_syscall_aggregate(dbs[i % 2], &filter, &aggregate, NULL, NULL), 0);
		groups = kymo_syscall_totals(aggregate, &count);
		for (size_t g = 0; g < count; g++)
			calls += groups[g].calls;
		assert_int_equal(calls, kymo_query_int(query, 0));
		assert_true((calls > 0) == (filter.pid != 77777));
		kymo_syscall_aggregate_free(aggregate);
	}
	kymo_db_close(dbs[0]);
	kymo_db_close(dbs[1]);
}

static int interrupt_at_half(void *context, const struct kymo_import_progress *progress)
{
	if (progress->fraction < 0.3)
		return 0;
	if (*(const int *)context == SIGKILL)
		(void)raise(SIGKILL);
	return -EINTR;
}

static void expect_files(bool output, bool part)
{
	assert_int_equal(access("killed.db", F_OK) == 0, output);
	assert_int_equal(access("killed.db.part", F_OK) == 0, part);
}

static void a_killed_import_leaves_only_the_part(void **state)
{
	const char *const paths[] = {"calls.kymo"};
	int signal_number = SIGKILL;
	struct kymo_import_options options = {.paths = paths,
					      .path_count = 1,
					      .output = "killed.db",
					      .progress = interrupt_at_half,
					      .progress_context = &signal_number};
	struct kymo_import_result result;
	struct cap_err err;
	int status;
	pid_t child;

	(void)state;
	make_calls("calls.kymo", test_seed(), 10, 3000);
	child = fork();
	if (child == 0)
		_exit(kymo_import_files(&options, &result, &err) == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	expect_files(false, true);

	signal_number =
		SIGINT; /* asked to stop in time, it leaves nothing, of the killed one neither */
	assert_int_equal(kymo_import_files(&options, &result, &err), -EINTR);
	expect_files(false, false);

	options.progress = NULL;
	assert_int_equal(kymo_import_files(&options, &result, &err), 0);
	expect_files(true, false);
	assert_int_equal(kymo_import_files(&options, &result, &err), -EEXIST);
	options.output = "calls.kymo";
	options.force = true;
	assert_int_equal(kymo_import_files(&options, &result, &err), CAP_EUSAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_database_says_what_the_capture_says),
		cmocka_unit_test(small_captures_of_every_row_type),
		cmocka_unit_test(several_captures_share_a_database),
		cmocka_unit_test(filters_ask_the_same_of_both),
		cmocka_unit_test(a_killed_import_leaves_only_the_part),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

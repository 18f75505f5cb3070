/*
 * From captures to answers: what a database says is what the capture says, directly or imported,
 * alone or with others; nothing half-made stands under the final name; files of others are refused;
 * rows with impossible values do no harm.
 */
#include "unit_main.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "analyzer/db/open_db.h"
#include "analyzer/db/syscall_question.h"
#include "analyzer/import/import_files.h"
#include "formats/cleanup.h"
#include "random_rows.h"

/* -------- writing captures -------- */

static char folder[] = "/tmp/test_kymo_import.XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

struct making { /* a capture as it is written */
	struct cap_writer *writer;
	struct cap_chunk *chunk;
	struct cap_totals totals;
	int fd;
};

static void begin(struct making *making, const char *path)
{
	struct cap_file_info info = {.monotonic_ns = 1000,
				     .realtime_ns = 1700000000000000000ull,
				     .cpu_count = 2,
				     .page_shift = 12,
				     .hostname = path};
	struct cap_writer_options options = {.fd = -1};
	struct cap_err err;

	memset(making, 0, sizeof(*making));
	making->fd = options.fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	assert_true(options.fd >= 0);
	assert_int_equal(cap_writer_new(&options, &info, &making->writer, &err), 0);
	assert_int_equal(cap_writer_begin(making->writer, &err), 0);
	making->chunk = cap_chunk_new();
	assert_non_null(making->chunk);
}

static void end_block(struct making *making, enum cap_block_type block)
{
	struct cap_err err;

	if (block == CAP_BLOCK_CHUNK)
		making->totals.stored_count += cap_chunk_rows(making->chunk);
	assert_int_equal(cap_chunk_failed(making->chunk), 0);
	assert_int_equal(cap_writer_rows(making->writer, block, making->chunk,
					 block == CAP_BLOCK_CHUNK ? &making->totals : NULL, &err),
			 0);
	cap_chunk_reset(making->chunk);
}

static void end(struct making *making)
{
	struct cap_err err;

	assert_int_equal(cap_writer_end(making->writer, CAP_END_NORMAL, &making->totals, &err), 0);
	cap_writer_free(making->writer);
	cap_chunk_free(making->chunk);
	close(making->fd);
}

static u32 add_task(struct making *making, u32 tgid, const char *comm)
{
	struct cap_task task = {
		.leader_start_ns = tgid * 10ull, .tgid = tgid, .tid = tgid, .exec_id = 1};

	memcpy(task.comm, comm, strlen(comm));
	return cap_chunk_task(making->chunk, &task);
}

static u32 add_string(struct making *making, const char *text)
{
	return cap_chunk_string(making->chunk, text, strlen(text));
}

static void add_calls(struct making *making, struct rng *rng, unsigned count, u64 time_ns)
{
	static const char *const names[] = {"alpha", "beta", "gamma"};

	for (unsigned i = 0; i < count; i++) {
		u32 who = (u32)rng_below(rng, 3);
		struct ev_syscall call = {.time_ns = time_ns + i * 100ull,
					  .duration_ns = rng_next(rng) >> (40 + rng_below(rng, 20)),
					  .task = add_task(making, 100 + who, names[who]),
					  .sysno = (u32)rng_below(rng, 5),
					  .flags = rng_below(rng, 50) ? 0 : 1u << rng_below(rng, 5),
					  .cpu = (u16)rng_below(rng, 2)};

		if (rng_below(rng, 8) == 0)
			call.error = (u16)(1 + rng_below(rng, 12));
		else
			call.ret = (s64)rng_below(rng, 4096) - 10;
		assert_int_equal(cap_chunk_add(making->chunk, EV_SYSCALL, &call), 0);
	}
}

static void make_calls(const char *path, u64 seed, unsigned chunks, unsigned per_chunk)
{
	struct rng rng = {seed};
	struct making making;

	begin(&making, path);
	for (unsigned i = 0; i < chunks; i++) {
		add_calls(&making, &rng, per_chunk, 2000 + (u64)i * per_chunk * 100);
		end_block(&making, CAP_BLOCK_CHUNK);
	}
	end(&making);
}

/* -------- asking -------- */

static struct kymo_db *open_ok(const char *path)
{
	struct kymo_db *db = NULL;
	struct cap_err err = {0};

	if (kymo_db_open(path, NULL, &db, &err) < 0)
		fail_msg("open '%s': %s", path, err.text);
	return db;
}

/* All rows of a query as text, one per line. */
static char *rows_of(struct kymo_db *db, const char *sql)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct cap_err err = {0};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, &err);

	while (rc == 0 && (rc = kymo_query_step(query, &err)) == 1) {
		rc = 0;
		for (int i = 0; i < kymo_query_column_count(query); i++) {
			const char *value = kymo_query_text(query, i, NULL);

			fprintf(out, "%s%s", i ? "|" : "", value ? value : "NULL");
		}
		fputc('\n', out);
	}
	if (rc < 0)
		fail_msg("%s: %s", sql, err.text);
	fclose(out);
	return text;
}

static void expect_rows(struct kymo_db *db, const char *sql, const char *expected)
{
	CLEANUP(cap_freep) char *found = rows_of(db, sql);

	if (strcmp(found, expected) != 0)
		fail_msg("%s\nfound:\n%sexpected:\n%s", sql, found, expected);
}

/* Every table and view, sorted, is the same in both. */
static void expect_same(struct kymo_db *left, struct kymo_db *right, const char *where)
{
	CLEANUP(cap_freep)
	char *names = rows_of(left, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
				    " AND name NOT LIKE 'sqlite_%' ORDER BY name");
	char *save = NULL;

	for (char *name = strtok_r(names, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
		CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
		char sql[400];
		int at;

		(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", name);
		assert_int_equal(kymo_query_new(kymo_db_handle(left), sql, &query, NULL), 0);
		at = snprintf(sql, sizeof(sql), "SELECT * FROM %s %s ORDER BY 1", name, where);
		for (int i = 2; i <= kymo_query_column_count(query); i++)
			at += snprintf(sql + at, sizeof(sql) - (size_t)at, ", %d", i);
		CLEANUP(cap_freep) char *a = rows_of(left, sql);
		CLEANUP(cap_freep) char *b = rows_of(right, sql);

		if (strcmp(a, b) != 0)
			fail_msg("%s differs:\n%.2000s\nand\n%.2000s", name, a, b);
	}
}

static void import_ok(const char *const *paths, size_t count, const char *output)
{
	const struct kymo_import_options options = {
		.paths = paths, .path_count = count, .output = output, .force = true};
	struct kymo_import_result result;
	struct cap_err err = {0};

	if (kymo_import_files(&options, &result, &err) < 0)
		fail_msg("import into %s: %s", output, err.text);
}

/* -------- tests -------- */

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

/* One process with the layout `base`, one mapping of 0x10000 bytes at file offset 0x2000. */
static void add_layout(struct making *making, u32 tgid, u64 base)
{
	struct ev_mapping mapping = {.time_ns = 1500,
				     .start_address = base,
				     .size_bytes = 0x10000,
				     .file_offset = 0x2000,
				     .task = add_task(making, tgid, "prog"),
				     .build_id = cap_chunk_string(making->chunk, "\x01\xab", 2),
				     .path = add_string(making, "/opt/a b/prog;x")};

	assert_int_equal(cap_chunk_add(making->chunk, EV_MAPPING, &mapping), 0);
}

/* kernel leaf <- kernel entry <- user leaf <- user caller <- outside of all mappings */
static void add_sample(struct making *making, u32 tgid, u64 base, bool in_kernel, u64 time_ns)
{
	struct cap_chunk *chunk = making->chunk;
	u32 node = cap_chunk_stack(chunk, 0, cap_chunk_frame(chunk, CAP_SPACE_USER, 0, 0x77));
	struct ev_cpu_sample sample = {
		.time_ns = time_ns, .period = 10, .task = add_task(making, tgid, "prog")};

	node = cap_chunk_stack(chunk, node,
			       cap_chunk_frame(chunk, CAP_SPACE_USER, 0, base + 0x101));
	node = cap_chunk_stack(chunk, node,
			       cap_chunk_frame(chunk, CAP_SPACE_USER, 0, base + 0x200));
	if (in_kernel) {
		node = cap_chunk_stack(chunk, node,
				       cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 0x1050));
		node = cap_chunk_stack(
			chunk, node,
			cap_chunk_frame(chunk, CAP_SPACE_MODULE, add_string(making, "ext4"), 0x30));
	}
	sample.stack = node;
	assert_int_equal(cap_chunk_add(chunk, EV_CPU_SAMPLE, &sample), 0);
}

static void add_symbol(struct making *making, const char *object, u64 offset, u64 size,
		       const char *name)
{
	struct ev_symbol symbol = {.offset_bytes = offset,
				   .size_bytes = size,
				   .object = add_string(making, object),
				   .name = add_string(making, name)};

	assert_int_equal(cap_chunk_add(making->chunk, EV_SYMBOL, &symbol), 0);
}

static void make_stacks(const char *path)
{
	struct making making;

	begin(&making, path);
	/* samples first: the mappings that explain them stand behind them in the file */
	add_sample(&making, 100, 0x7f0000000000, false, 2000);
	add_sample(&making, 100, 0x7f0000000000, true, 2010);
	add_sample(&making, 200, 0x550000000000, false, 2020); /* the same program elsewhere */
	add_sample(&making, 200, 0x7f0000000000, false, 2030); /* where it has nothing */
	end_block(&making, CAP_BLOCK_CHUNK);
	add_layout(&making, 100, 0x7f0000000000);
	add_layout(&making, 200, 0x550000000000);
	end_block(&making, CAP_BLOCK_MAPS);
	add_symbol(&making, "kernel", 0x1000, 0x4f + 1, "entry");
	add_symbol(&making, "ext4", 0x20, 0x20, "ext4\xff_read;\x1b[31m");
	end_block(&making, CAP_BLOCK_SYMBOLS);
	end(&making);
}

static void stacks_resolve_through_mappings(void **state)
{
	const char *const paths[] = {"stacks.kymo"};
	struct kymo_db *capture, *database;

	(void)state;
	make_stacks("stacks.kymo");
	import_ok(paths, 1, "stacks.db");
	capture = open_ok("stacks.kymo");
	database = open_ok("stacks.db");
	expect_same(capture, database, "");
	/* callers count one byte back; where the kernel was entered counts as it is */
	expect_rows(
		database,
		"SELECT folded, samples, weight FROM folded_stacks ORDER BY samples DESC, folded",
		"prog;[unknown];prog:x+0x2100;prog:x+0x2200|2|20\n"
		"prog;[unknown];[unknown];[unknown]|1|10\n"
		"prog;[unknown];prog:x+0x2100;prog:x+0x2200;entry_[k];ext4\xef\xbf\xbd_read:\x1b["
		"31m_[k]|1|10\n");
	expect_rows(database, "SELECT name, path, build_id FROM module WHERE space = 'user'",
		    "prog;x|/opt/a b/prog;x|01ab\n");
	expect_rows(
		database,
		"SELECT symbol, symbol_offset_bytes FROM frame WHERE symbol LIKE 'e%' ORDER BY 1",
		"entry|79\next4\xef\xbf\xbd_read;\x1b[31m|16\n");
	expect_rows(database,
		    "SELECT name, self_samples, total_samples FROM hot_functions WHERE name = "
		    "'prog;x+0x2200'",
		    "prog;x+0x2200|2|3\n");
	kymo_db_close(capture);
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
		assert_int_equal(kymo_db_syscall_aggregate(dbs[i % 2], &filter, &aggregate, NULL),
				 0);
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

	options.progress = NULL; /* the next one does not touch what it does not know */
	assert_int_equal(kymo_import_files(&options, &result, &err), -EEXIST);
	assert_non_null(strstr(err.text, "killed.db.part"));
	expect_files(false, true);

	options.force = true; /* asked to stop in time, it leaves nothing */
	options.progress = interrupt_at_half;
	signal_number = SIGINT;
	assert_int_equal(kymo_import_files(&options, &result, &err), -EINTR);
	expect_files(false, false);

	options.force = false;
	options.progress = NULL;
	assert_int_equal(kymo_import_files(&options, &result, &err), 0);
	expect_files(true, false);
	assert_int_equal(kymo_import_files(&options, &result, &err), -EEXIST);
	options.output = "calls.kymo";
	options.force = true;
	assert_int_equal(kymo_import_files(&options, &result, &err), CAP_EUSAGE);
}

static void patch(const char *path, off_t offset, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	close(fd);
}

static void expect_refused(const char *path, int code, const char *words)
{
	struct kymo_db *db = NULL;
	struct cap_err err = {0};
	int rc = kymo_db_open(path, NULL, &db, &err);

	if (rc != code || !strstr(err.text, words) || !strstr(err.text, path))
		fail_msg("'%s': %d '%s', expected %d '%s'", path, rc, err.text, code, words);
}

static void files_of_others_are_refused(void **state)
{
	const char *const paths[] = {"calls.kymo"};
	static const u8 other_id[4] = {'G', 'P', 'K', 'G'}, newer[4] = {0, 0, 0, 9};
	char noise[8192];
	int fd;

	(void)state;
	make_calls("calls.kymo", 1, 1, 2000);
	import_ok(paths, 1, "other.db");
	patch("other.db", 68, other_id, 4);
	expect_refused("other.db", CAP_ENOTOURS, "another program");
	import_ok(paths, 1, "newer.db");
	patch("newer.db", 60, newer, 4);
	expect_refused("newer.db", CAP_EVERSION, "version 9");
	import_ok(paths, 1, "broken.db");
	memset(noise, 0xa5, sizeof(noise));
	patch("broken.db", 16384, noise, sizeof(noise));
	expect_refused("broken.db", CAP_EDAMAGED, "import the capture again");
	fd = open("noise", O_CREAT | O_RDWR, 0600);
	assert_int_equal(write(fd, noise, sizeof(noise)), sizeof(noise));
	close(fd);
	expect_refused("noise", CAP_ENOTCAPTURE, "neither");
	expect_refused("missing", -ENOENT, "No such file");
}

/* Rows whose every field may hold anything: nothing to compare with but that all questions are
 * answered or refused in order. */
static void impossible_values_do_no_harm(void **state)
{
	const char *const paths[] = {"wild.kymo"};
	const struct cap_schema *schema = cap_schema_builtin();
	u64 seed = test_seed();

	(void)state;
	for (u64 round = 0; round < 15; round++) {
		struct row_maker maker = {.rng = {seed + round}, .time_ns = 1000, .variety = 9};
		struct making making;
		struct kymo_db *capture;
		CLEANUP(cap_freep) char *names = NULL;
		char *save = NULL;

		begin(&making, paths[0]);
		for (size_t t = 0; t < schema->type_count * 3; t++) {
			const struct cap_type *type = &schema->types[t % schema->type_count];
			int rc = 0;

			for (int i = 0; i < 30; i++)
				(void)row_maker_add(&maker, making.chunk, type, &rc);
			end_block(&making, type->block);
		}
		end(&making);
		import_ok(paths, 1, "wild.db");
		capture = open_ok(paths[0]);
		names = rows_of(capture,
				"SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
		for (char *name = strtok_r(names, "\n", &save); name;
		     name = strtok_r(NULL, "\n", &save)) {
			CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
			char sql[100];

			(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", name);
			assert_int_equal(kymo_query_new(kymo_db_handle(capture), sql, &query, NULL),
					 0);
			while (kymo_query_step(query, NULL) == 1)
				; /* an overflow of a sum is an answer too */
		}
		kymo_db_close(capture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_database_says_what_the_capture_says),
		cmocka_unit_test(small_captures_of_every_row_type),
		cmocka_unit_test(several_captures_share_a_database),
		cmocka_unit_test(stacks_resolve_through_mappings),
		cmocka_unit_test(filters_ask_the_same_of_both),
		cmocka_unit_test(a_killed_import_leaves_only_the_part),
		cmocka_unit_test(files_of_others_are_refused),
		cmocka_unit_test(impossible_values_do_no_harm),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* Questions to captures: stacks through mappings of their time, files of others refused, and rows
 * with impossible values that do no harm. */
#include "made_capture.h"

#include "analyzer/capture/row_columns.h"

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
		"prog;[unknown];prog:x+0x2100;prog:x+0x2200;entry_[k];ext4\xff_read:\x1b["
		"31m_[k]|1|10\n");
	expect_rows(database, "SELECT name, path, build_id FROM module WHERE space = 'user'",
		    "prog;x|/opt/a b/prog;x|01ab\n");
	expect_rows(database,
		    "SELECT symbol, symbol_offset_bytes FROM frame WHERE CAST(symbol AS TEXT) LIKE "
		    "'e%' "
		    "ORDER BY 1",
		    "entry|79\next4\xff_read;\x1b[31m|16\n");
	expect_rows(database,
		    "SELECT name, self_samples, total_samples FROM hot_functions WHERE name = "
		    "'prog;x+0x2200'",
		    "prog;x+0x2200|2|3\n");
	kymo_db_close(capture);
	kymo_db_close(database);
}

/* A sample with that many user frames, and kernel frames on top, all of them calls of their own. */
static void add_deep(struct making *making, unsigned user, unsigned kernel, u64 time_ns)
{
	struct cap_chunk *chunk = making->chunk;
	struct ev_cpu_sample sample = {
		.time_ns = time_ns, .period = 10, .task = add_task(making, 100, "prog")};
	u32 node = 0;

	for (unsigned i = 0; i < user; i++)
		node = cap_chunk_stack(
			chunk, node, cap_chunk_frame(chunk, CAP_SPACE_USER, 0, 0x7f0000000101 + i));
	for (unsigned i = 0; i < kernel; i++)
		node = cap_chunk_stack(chunk, node,
				       cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 0x101 + i));
	sample.stack = node;
	assert_int_equal(cap_chunk_add(chunk, EV_CPU_SAMPLE, &sample), 0);
}

static void make_deep(const char *path, const char *limit)
{
	struct making making;
	struct ev_meta meta = {0};

	begin(&making, path);
	meta.key = add_string(&making, "sysctl.perf_event_max_stack");
	meta.value = add_string(&making, limit);
	assert_int_equal(cap_chunk_add(making.chunk, EV_META, &meta), 0);
	end_block(&making, CAP_BLOCK_META);
	for (int chunk = 0; chunk < 2; chunk++) {
		add_deep(&making, 2, 0, 2000);
		add_deep(&making, 3, 0, 2010); /* shares its outermost frames with the others */
		add_deep(&making, 3, 2, 2020);
		add_deep(&making, 2, 3, 2030);
		add_deep(&making, 3, 3, 2040);
		add_deep(&making, 0, 3, 2050);
		add_deep(&making, 0, 1, 2060);
		add_layout(&making, 100, 0x7f0000000000);
		end_block(&making, CAP_BLOCK_CHUNK);
	}
	end(&making);
}

/* A stack of as many frames as the kernel walks begins with [cut], be it of user frames at the root
 * or of the kernel's on top of them. */
static void cut_stacks_begin_with_a_mark(void **state)
{
	static const char folded[] = "SELECT folded, samples FROM folded_stacks ORDER BY folded";
	const char *const paths[] = {"deep.kymo"}, *const whole[] = {"whole.kymo"};
	struct kymo_db *capture, *database;

	(void)state;
	make_deep("deep.kymo", "3");
	import_ok(paths, 1, "deep.db");
	capture = open_ok("deep.kymo");
	database = open_ok("deep.db");
	expect_same(capture, database, "");
	expect_rows(database, folded,
		    "prog;[cut];kernel+0x100_[k];kernel+0x101_[k];kernel+0x103_[k]|2\n"
		    "prog;[cut];prog:x+0x2100;prog:x+0x2101;prog:x+0x2103|2\n"
		    "prog;[cut];prog:x+0x2100;prog:x+0x2101;prog:x+0x2103;[cut];kernel+0x100_[k];"
		    "kernel+0x101_[k];kernel+0x103_[k]|2\n"
		    "prog;[cut];prog:x+0x2100;prog:x+0x2101;prog:x+0x2103;kernel+0x100_[k];"
		    "kernel+0x102_[k]|2\n"
		    "prog;kernel+0x101_[k]|2\n"
		    "prog;prog:x+0x2100;prog:x+0x2102|2\n"
		    "prog;prog:x+0x2100;prog:x+0x2102;[cut];kernel+0x100_[k];kernel+0x101_[k];"
		    "kernel+0x103_[k]|2\n");
	expect_rows(database, "SELECT count(*), min(symbol) FROM frame WHERE space = 'cut'",
		    "1|NULL\n");
	kymo_db_close(capture);
	kymo_db_close(database);
	make_deep("whole.kymo", "127"); /* what all kernels have unless told otherwise */
	import_ok(whole, 1, "whole.db");
	database = open_ok("whole.db");
	expect_rows(database, "SELECT count(*) FROM frame WHERE space = 'cut'", "0\n");
	kymo_db_close(database);
}

static void add_mapped(struct making *making, const char *path, const char *build_id,
		       const struct ev_mapping *also)
{
	struct ev_mapping mapping = *also;

	mapping.time_ns += 3000;
	mapping.start_address = mapping.start_address ? mapping.start_address : 0x7f0000000000;
	mapping.size_bytes = 4096;
	mapping.task = add_task(making, 100, "prog");
	mapping.path = add_string(making, path);
	mapping.build_id = build_id[0] ? cap_chunk_string(making->chunk, build_id, 2) : 0;
	assert_int_equal(cap_chunk_add(making->chunk, EV_MAPPING, &mapping), 0);
}

/* Files of one path are what identifies them: a build-id, else inode, size and time. */
static void modules_are_kept_apart(void **state)
{
	const char *const paths[] = {"files.kymo"};
	struct kymo_db *capture, *database;
	struct making making;

	(void)state;
	begin(&making, "files.kymo");
	add_mapped(&making, "/a", "ab", &(struct ev_mapping){.inode = 1, .time_ns = 5});
	add_mapped(&making, "/a", "ab", &(struct ev_mapping){.inode = 2, .time_ns = 4});
	add_mapped(&making, "/a", "cd", &(struct ev_mapping){.inode = 1});
	add_mapped(&making, "/a", "ab",
		   &(struct ev_mapping){.inode = 1, .flags = EV_MAPPING_PRESUMED});
	add_mapped(&making, "/b", "", &(struct ev_mapping){.inode = 3, .file_bytes = 10});
	add_mapped(&making, "/b", "", &(struct ev_mapping){.inode = 3, .file_bytes = 10});
	add_mapped(&making, "/b", "", &(struct ev_mapping){.inode = 4, .file_bytes = 10});
	add_mapped(&making, "/b", "", &(struct ev_mapping){.inode = 3, .file_bytes = 11});
	add_mapped(&making, "/b", "",
		   &(struct ev_mapping){.inode = 3, .file_bytes = 10, .file_mtime_ns = 7});
	add_mapped(&making, "/b", "",
		   &(struct ev_mapping){.inode = 3, .file_bytes = 10, .dev_minor = 9});
	add_mapped(&making, "/c (deleted)", "", &(struct ev_mapping){.inode = 5});
	add_mapped(&making, "[vdso]", "", &(struct ev_mapping){0});
	add_mapped(&making, "[vdso]", "", &(struct ev_mapping){.start_address = 0xf7000000});
	add_mapped(&making, "//anon", "", &(struct ev_mapping){.inode = 6});
	add_mapped(&making, "", "", &(struct ev_mapping){0});
	end_block(&making, CAP_BLOCK_CHUNK);
	end(&making);
	import_ok(paths, 1, "files.db");
	capture = open_ok("files.kymo");
	database = open_ok("files.db");
	expect_same(capture, database, "");
	expect_rows(database,
		    "SELECT name, path, build_id, presumed, compat, inode, dev_minor, file_bytes, "
		    "file_mtime_ns FROM module ORDER BY id",
		    "a|/a|6162|0|0|1|0|NULL|NULL\n"
		    "a|/a|6364|0|0|1|0|NULL|NULL\n"
		    "a|/a|6162|1|0|1|0|NULL|NULL\n"
		    "b|/b|NULL|0|0|3|0|10|NULL\n"
		    "b|/b|NULL|0|0|4|0|10|NULL\n"
		    "b|/b|NULL|0|0|3|0|11|NULL\n"
		    "b|/b|NULL|0|0|3|0|10|7\n"
		    "b|/b|NULL|0|0|3|9|10|NULL\n"
		    "c|/c (deleted)|NULL|0|0|5|0|NULL|NULL\n"
		    "[vdso]|[vdso]|NULL|0|0|NULL|NULL|NULL|NULL\n"
		    "[vdso]|[vdso]|NULL|0|1|NULL|NULL|NULL|NULL\n"
		    "[anon]|NULL|NULL|0|0|NULL|NULL|NULL|NULL\n");
	expect_rows(database, "SELECT seen_ns FROM module WHERE id = 1", "3004\n");
	kymo_db_close(capture);
	kymo_db_close(database);
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

/* Sum of a field over all rows, as a reader without SQL sees it. *ret_rows counts the rows. */
static u64 sum_of_field(const char *path, const struct cap_type *type,
			const struct cap_field *field, u64 *ret_rows)
{
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct cap_rows rows;
	u64 sum = 0;

	*ret_rows = 0;
	assert_int_equal(cap_reader_open(path, NULL, &reader, NULL), 0);
	while (cap_reader_next(reader, &block, NULL) == 1) {
		if (block.row_count == 0 || cap_reader_rows(reader, &rows, NULL) < 0)
			continue;
		for (u32 i = 0; i < rows.section_count; i++) {
			const struct cap_section *section = &rows.sections[i];
			const struct cap_column *column = cap_section_column(section, field->id);
			CLEANUP(cap_freep)
			u64 *values = calloc(section->row_count + 1, sizeof(*values));

			if (section->type_id != type->id)
				continue;
			*ret_rows += section->row_count;
			if (column)
				assert_int_equal(cap_column_decode(&rows, section, column, values),
						 0);
			for (u32 k = 0; k < section->row_count; k++)
				sum += values[k];
		}
	}
	cap_reader_close(reader);
	return sum;
}

static bool is_number(const struct cap_field *field)
{
	return field->kind != CAP_KIND_TASK && field->kind != CAP_KIND_STACK &&
	       field->kind != CAP_KIND_STRING && field->kind != CAP_KIND_BYTES &&
	       strcmp(field->name, "reserved") != 0;
}

static void virtual_tables_hold_what_the_reader_reads(void **state)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct small_capture plan = {.seed = test_seed(), .chunks = 4, .rows = 60};
	int fd = open("rows.kymo", O_CREAT | O_TRUNC | O_RDWR, 0600);
	struct kymo_db *db;

	(void)state;
	assert_int_equal(small_capture_write(&plan, fd, NULL), 0);
	close(fd);
	db = open_ok("rows.kymo");
	for (size_t t = 0; t < schema->type_count; t++) {
		const struct cap_type *type = &schema->types[t];

		for (size_t f = 0; f < type->field_count; f++) {
			CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
			u64 sum = 0, rows = 0, expected_rows, expected;
			char sql[160];

			if (!is_number(&type->fields[f]))
				continue;
			expected =
				sum_of_field("rows.kymo", type, &type->fields[f], &expected_rows);
			(void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s", type->fields[f].name,
				       kymo_row_table_name(type));
			assert_int_equal(kymo_query_new(kymo_db_handle(db), sql, &query, NULL), 0);
			while (kymo_query_step(query, NULL) == 1) {
				sum += (u64)kymo_query_int(query, 0);
				rows++;
			}
			if (sum != expected || rows != expected_rows)
				fail_msg("%s: sum %" PRIu64 " of %" PRIu64
					 " rows, expected %" PRIu64 " of %" PRIu64,
					 sql, sum, rows, expected, expected_rows);
		}
	}
	kymo_db_close(db);
}

/* A bound on time passes over chunks: never over a row that belongs. */
static void bounds_on_time_lose_nothing(void **state)
{
	static const char *const bounds[] = {"time_ns >= 50000",
					     "time_ns > 49999 AND time_ns <= 90000",
					     "time_ns = 60000",
					     "time_ns < 1",
					     "time_ns BETWEEN 2000 AND 2100",
					     "time_ns >= 1e5",
					     "time_ns > 'x'",
					     "time_ns < NULL"};
	struct kymo_db *db;

	(void)state;
	make_calls("bounds.kymo", test_seed(), 6, 300);
	db = open_ok("bounds.kymo");
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		char sql[200];

		(void)snprintf(sql, sizeof(sql),
			       "SELECT count(*), sum(duration_ns) FROM syscall WHERE %s",
			       bounds[i]);
		CLEANUP(cap_freep) char *bounded = rows_of(db, sql);

		/* the plus sign keeps the bound from the virtual table */
		(void)snprintf(sql, sizeof(sql),
			       "SELECT count(*), sum(duration_ns) FROM (SELECT +time_ns AS "
			       "time_ns, duration_ns"
			       " FROM syscall) WHERE %s",
			       bounds[i]);
		expect_rows(db, sql, bounded);
	}
	kymo_db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_tables_hold_what_the_reader_reads),
		cmocka_unit_test(bounds_on_time_lose_nothing),
		cmocka_unit_test(stacks_resolve_through_mappings),
		cmocka_unit_test(cut_stacks_begin_with_a_mark),
		cmocka_unit_test(modules_are_kept_apart),
		cmocka_unit_test(files_of_others_are_refused),
		cmocka_unit_test(impossible_values_do_no_harm),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

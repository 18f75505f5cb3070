/* Names for the frames of a database, and why there are none, on a database made by hand. */
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzer/db/connection.h"
#include "analyzer/db/query.h"
#include "analyzer/db/schema_db.h"
#include "objects/elf/elf_symbols.h"
#include "analyzer/db/symbolize_db.h"
#include "formats/base/cleanup.h"

static volatile int writer;

__attribute__((noinline, used)) void kymo_test_named_function(int value);
void kymo_test_named_function(int value)
{
	for (int i = 0; i < value; i++)
		writer += i;
}

struct own_file { /* this program, as a capture would record it */
	char path[4096];
	char build_id[2 * KYMO_ELF_MAX_BUILD_ID_BYTES + 1];
	uint64_t function_offset;
};

static int find_offset(struct dl_phdr_info *info, size_t size, void *data)
{
	uint64_t address = (uintptr_t)kymo_test_named_function - info->dlpi_addr;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X))
			*(uint64_t *)data =
				address - info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_offset;
	return 1; /* the program comes first */
}

static struct own_file look_at_self(void)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
	struct own_file own = {0};
	const uint8_t *build_id;
	size_t len;

	assert_true(readlink("/proc/self/exe", own.path, sizeof(own.path) - 1) > 0);
	assert_int_equal(kymo_elf_open_fd(open(own.path, O_RDONLY), own.path, &elf, NULL), 0);
	build_id = kymo_elf_build_id(elf, &len);
	assert_non_null(build_id);
	for (size_t i = 0; i < len; i++)
		(void)snprintf(own.build_id + 2 * i, 3, "%02x", build_id[i]);
	dl_iterate_phdr(find_offset, &own.function_offset);
	return own;
}

static sqlite3 *new_database(void)
{
	struct cap_err err;
	sqlite3 *db;

	if (kymo_connection_open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db,
				 &err) < 0 ||
	    kymo_schema_create(db, &err) < 0)
		fail_msg("%s", err.text);
	return db;
}

/* sqlite3_mprintf formats: %Q quotes */
static void run(sqlite3 *db, const char *format, ...)
{
	struct cap_err err;
	va_list arguments;
	char *sql;

	va_start(arguments, format);
	sql = sqlite3_vmprintf(format, arguments);
	va_end(arguments);
	if (kymo_query_exec(db, sql, &err) < 0)
		fail_msg("%s", err.text);
	sqlite3_free(sql);
}

static void expect_text(sqlite3 *db, const char *sql, const char *expected)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct cap_err err;

	if (kymo_query_new(db, sql, &query, &err) < 0 || kymo_query_step(query, &err) != 1)
		fail_msg("%s", sql);
	if (!expected)
		assert_true(kymo_query_is_null(query, 0));
	else
		assert_string_equal(kymo_query_text(query, 0, NULL), expected);
}

static void add_module(sqlite3 *db, int id, const char *path, const char *build_id)
{
	run(db,
	    "INSERT INTO module (id, capture_id, space, name, path, build_id, "
	    "presumed, compat) VALUES (%d, 1, 'user', 'm%d', %Q, %Q, 0, 0)",
	    id, id, path, build_id);
}

static void add_frame(sqlite3 *db, int id, const char *space, int module_id, uint64_t offset)
{
	run(db,
	    "INSERT INTO frame (id, capture_id, space, module_id, offset_bytes, name) VALUES (%d, "
	    "1, %Q, %d, %lld, 'm%d+0x%llx')",
	    id, space, module_id, (long long)offset, module_id, (unsigned long long)offset);
}

static void symbolize(sqlite3 *db, const struct kymo_symbol_options *options)
{
	struct cap_err err;

	if (kymo_symbolize_frames(db, options, KYMO_NAMES_OF_ROWS, &err) < 0)
		fail_msg("%s", err.text);
}

static void frames_get_names(void **state)
{
	struct own_file own = look_at_self();
	sqlite3 *db = new_database();

	(void)state;
	add_module(db, 1, own.path, own.build_id);
	add_module(db, 2, own.path, own.build_id); /* the same file in another capture */
	add_frame(db, 10, "user", 1, own.function_offset + 2);
	add_frame(db, 11, "user", 2, own.function_offset);
	add_frame(db, 12, "user", 1, 0x7fffffffffff); /* past every segment */
	add_frame(db, 13, "kernel", 1, own.function_offset);
	symbolize(db, NULL);
	expect_text(db, "SELECT name FROM frame WHERE id = 10", "kymo_test_named_function");
	expect_text(db, "SELECT symbol FROM frame WHERE id = 10", "kymo_test_named_function");
	expect_text(db, "SELECT symbol_offset_bytes FROM frame WHERE id = 10", "2");
	expect_text(db, "SELECT name FROM frame WHERE id = 11", "kymo_test_named_function");
	expect_text(db, "SELECT name FROM frame WHERE id = 12", "m1+0x7fffffffffff");
	expect_text(db, "SELECT symbol FROM frame WHERE id = 12", NULL);
	expect_text(db, "SELECT symbol FROM frame WHERE id = 13", NULL);
	expect_text(db, "SELECT group_concat(module_id || state) FROM module_symbols",
		    "1found,2found");
	symbolize(db, NULL); /* again: what has a name keeps it */
	expect_text(db, "SELECT name FROM frame WHERE id = 10", "kymo_test_named_function");
	expect_text(db,
		    "SELECT frames || ' ' || frames_named FROM module_names WHERE module_id = 1",
		    "3 1");
	kymo_connection_closep(&db);
}

static void reasons_are_kept(void **state)
{
	struct own_file own = look_at_self();
	struct own_file other = own;
	sqlite3 *db = new_database();

	(void)state;
	other.build_id[0] = own.build_id[0] == '0' ? '1' : '0';
	add_module(db, 1, own.path, NULL);
	add_module(db, 2, own.path, other.build_id);
	add_module(db, 3, "/nowhere/prog", own.build_id);
	add_module(db, 4, "[vdso]", "abcd");
	add_module(db, 5, own.path, "not hex");
	add_module(db, 6, own.path, "abc");
	add_module(db, 7, NULL, NULL);
	for (int id = 1; id <= 7; id++)
		add_frame(db, id, "user", id, own.function_offset);
	symbolize(db, NULL);
	expect_text(db, "SELECT count(*) FROM frame WHERE symbol IS NOT NULL", "0");
	expect_text(db,
		    "SELECT group_concat(state) FROM (SELECT state FROM module_symbols ORDER BY "
		    "module_id)",
		    "no_build_id,other_build,not_found,vdso,no_build_id,no_build_id,no_file");
	expect_text(db, "SELECT count(*) FROM module_symbols WHERE advice = ''", "0");
	kymo_connection_closep(&db);
}

static void debug_directory_is_used(void **state)
{
	struct own_file own = look_at_self();
	struct kymo_symbol_options options = {.search = {.debug_dir_count = 1}};
	char directory[] = "/tmp/kymo_symbolize_XXXXXX", link[4200];
	sqlite3 *db = new_database();

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(link, sizeof(link), "%s/prog", directory);
	assert_int_equal(symlink(own.path, link), 0);
	options.search.debug_dirs[0] = directory;
	add_module(db, 1, "/opt/elsewhere/prog", own.build_id);
	add_frame(db, 1, "user", 1, own.function_offset);
	symbolize(db, &options);
	expect_text(db, "SELECT name FROM frame", "kymo_test_named_function");
	unlink(link);
	rmdir(directory);
	kymo_connection_closep(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_get_names),
		cmocka_unit_test(reasons_are_kept),
		cmocka_unit_test(debug_directory_is_used),
	};

	kymo_test_named_function(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Open files: their numbers, and the rows made of their records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/table/schema.h"
#include "recorder/pipeline/file_ids.h"
#include "recording_kit.h"
#include "unit_main.h"

#define KEY(key, fd) ((u64)(key) << EV_FD_BITS | (fd))

static void test_numbers(void **state)
{
	struct rec_file_ids *ids = rec_file_ids_new();

	(void)state;
	assert_non_null(ids);
	assert_int_equal(rec_file_id(ids, 0), 0);
	assert_int_equal(rec_file_id(ids, KEY(7, 3)), 1);
	assert_int_equal(rec_file_id(ids, KEY(8, 3)), 2);
	assert_int_equal(rec_file_id(ids, KEY(7, 4)), 1); /* by another descriptor */
	/* A line of the programs forgets after as many; this one not before twice as many. */
	for (u64 i = 1; i < 2 * LIVE_FILE_WAYS; i++)
		(void)rec_file_id(ids, KEY(7 + i * LIVE_FILE_LINES, 0));
	assert_int_equal(rec_file_id(ids, KEY(7, 3)), 1);
	(void)rec_file_id(ids, KEY(7 + 100ull * LIVE_FILE_LINES, 0));
	assert_int_not_equal(rec_file_id(ids, KEY(7, 3)), 1);
	(void)rec_file_ids_free(ids);
}

struct file_record {
	struct ring_open_file file;
	char names[EV_MAX_NAMES_BYTES];
};

static void put(struct rec_pipeline *pipeline, u32 kind, u64 open_file, const void *names,
		u32 names_bytes)
{
	static struct file_record record;

	record.file = (struct ring_open_file){.head = kit_head(EV_OPEN_FILE, 1, 9, 0),
					      .open_file = open_file,
					      .kind = kind,
					      .names_bytes = names_bytes};
	memcpy(record.names, names, names_bytes);
	rec_pipeline_record(pipeline, &record, sizeof(record.file) + names_bytes);
}

static const char *text_of(const struct kit_capture *rows, u32 row, const char *field)
{
	return rows->texts[kit_field(rows, EV_OPEN_FILE, row, field)];
}

static void test_rows(void **state)
{
	static const char path[] = "c\0b b\0a"; /* the last first */
	const struct ring_socket_names ipv4 = {.local = {127, 0, 0, 1},
					       .remote = {10, 0, 0, 7},
					       .local_port = 0x5000, /* as sent: 80 */
					       .remote_port = 0xbb01};
	const struct ring_socket_names ipv6 = {
		.local = {[15] = 1}, .local_port = 0x5000, .is_ipv6 = 1};
	struct ring_syscall call = kit_syscall(2, 9, 0, 0);
	struct kit_capture rows;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	put(pipeline, FILE_REGULAR, KEY(70, 3), path, sizeof(path));
	put(pipeline, FILE_TCP, KEY(71, 4), &ipv4, sizeof(ipv4));
	put(pipeline, FILE_TCP, KEY(72, 5), &ipv6, sizeof(ipv6));
	put(pipeline, FILE_PIPE, KEY(73, 6), "", 0);
	put(pipeline, FILE_DIRECTORY, KEY(74, 7), "", 0);
	put(pipeline, FILE_ANON, KEY(75, 8), "[eventfd]", 10);
	call.open_file = KEY(71, 4);
	rec_pipeline_record(pipeline, &call, sizeof(call));
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	rows = kit_read(fd, EV_OPEN_FILE, NULL);
	assert_int_equal(rows.count, 6);
	assert_string_equal(text_of(&rows, 0, "path"), "/a/b b/c");
	assert_string_equal(text_of(&rows, 1, "local_address"), "127.0.0.1:80");
	assert_string_equal(text_of(&rows, 1, "remote_address"), "10.0.0.7:443");
	assert_string_equal(text_of(&rows, 2, "local_address"), "[::1]:80");
	assert_int_equal(kit_field(&rows, EV_OPEN_FILE, 2, "remote_address"), 0); /* none */
	assert_int_equal(kit_field(&rows, EV_OPEN_FILE, 3, "path"), 0);
	assert_string_equal(text_of(&rows, 4, "path"), "/");
	assert_string_equal(text_of(&rows, 5, "path"), "[eventfd]");
	assert_int_equal(kit_field(&rows, EV_OPEN_FILE, 1, "file_id"), 2);
	kit_free(&rows);
	rows = kit_read(fd, EV_SYSCALL, NULL);
	assert_int_equal(kit_field(&rows, EV_SYSCALL, 0, "fd"), 4);
	assert_int_equal(kit_field(&rows, EV_SYSCALL, 0, "file_id"), 2);
	kit_free(&rows);
	close(fd);
}

/* A record that says more than there is, or a socket without its addresses, is refused. */
static void test_malformed(void **state)
{
	struct file_record record = {.file = {.head = kit_head(EV_OPEN_FILE, 1, 9, 0)}};
	struct rec_pipeline_counts counts;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	record.file.names_bytes = 10;
	rec_pipeline_record(pipeline, &record, sizeof(record.file) + 9);
	record.file.names_bytes = EV_MAX_NAMES_BYTES + 1;
	rec_pipeline_record(pipeline, &record, sizeof(record));
	record.file.kind = FILE_UDP;
	record.file.names_bytes = sizeof(struct ring_socket_names) - 1;
	rec_pipeline_record(pipeline, &record, sizeof(record));
	record.file.kind = FILE_REGULAR; /* names without an end, as many as there can be */
	record.file.names_bytes = EV_MAX_NAMES_BYTES;
	memset(record.names, 'x', sizeof(record.names));
	rec_pipeline_record(pipeline, &record, sizeof(record));
	memset(record.names, 0, sizeof(record.names));
	rec_pipeline_record(pipeline, &record, sizeof(record));
	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.lost_by_class[CLASS_FILES], 3);
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	close(fd);
}

/* The names of file_calls.def are those of calls: a misspelt one would be ignored. */
static void test_calls(void **state)
{
	static const char *const names[] = {
#define FILE_CALL(name, fd, does, path) name,
#include "formats/table/file_calls.def"
#undef FILE_CALL
	};
	const struct cap_schema *schema = cap_schema_builtin();

	(void)state;
#if !defined(__x86_64__) /* which has all there are */
	unit_skip("other machines do not have all of these calls");
#endif
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool found = false;

		for (size_t k = 0; k < schema->enum_count; k++)
			found = found || (schema->enums[k].kind == CAP_KIND_SYSNO &&
					  schema->enums[k].value < LIVE_FILE_CALLS &&
					  strcmp(schema->enums[k].name, names[i]) == 0);
		if (!found)
			fail_msg("no system call is named %s", names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_calls),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}

/* The columns of a row type, and what a question reads of them. */
#include "unit_main.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/row_columns.h"
#include "analyzer/db/open_db.h"
#include "analyzer/db/question_needs.h"

/* A row may name several tasks and stacks: each field gets a column of its own. */
static void references_are_named_by_their_fields(void **state)
{
	static struct cap_field fields[] = {
		{.name = "time_ns", .id = 1, .kind = CAP_KIND_TIME},
		{.name = "task", .id = 2, .kind = CAP_KIND_TASK},
		{.name = "waker", .id = 3, .kind = CAP_KIND_TASK},
		{.name = "stack", .id = 4, .kind = CAP_KIND_STACK},
		{.name = "waker_stack", .id = 5, .kind = CAP_KIND_STACK},
		{.name = "block", .id = 6, .kind = CAP_KIND_STACK},
		{.name = "reserved", .id = 7, .kind = CAP_KIND_UINT},
		{.name = "path", .id = 8, .kind = CAP_KIND_STRING},
	};
	static const struct cap_type type = {
		.name = "wakeup", .id = 63, .fields = fields, .field_count = 8};
	char *sql = kymo_row_columns_sql(&type), *select;

	(void)state;
	assert_string_equal(sql, "capture_id INTEGER, time_ns INTEGER, task_id INTEGER, "
				 "waker_task_id INTEGER, stack_id INTEGER, waker_stack_id INTEGER, "
				 "block_stack_id INTEGER, path TEXT");
	select = kymo_row_select_sql(&type, 7, 1ull << 2 | 1ull << 4);
	assert_string_equal(select,
			    "7, NULL, NULL, waker_task_id, NULL, waker_stack_id, NULL, NULL");
	free(sql);
	free(select);
}

/* No two columns of a table have the same name, which SQLite finds out only at run time. */
static void columns_of_a_type_differ(void **state)
{
	const struct cap_schema *schema = cap_schema_builtin();

	(void)state;
	for (size_t t = 0; t < schema->type_count; t++) {
		struct kymo_row_columns columns;

		kymo_row_columns(&schema->types[t], &columns);
		for (size_t i = 0; i < columns.count; i++) {
			for (size_t k = 0; k < i; k++)
				assert_string_not_equal(columns.list[i].name, columns.list[k].name);
		}
	}
	assert_true(kymo_row_column_is_stack("cpu_sample", "stack_id"));
	assert_false(kymo_row_column_is_stack("cpu_sample", "task_id"));
	assert_false(kymo_row_column_is_stack("no_table", "stack_id"));
	assert_false(kymo_row_column_is_stack(NULL, NULL));
}

static void questions_tell_their_needs(void **state)
{
	static const struct {
		const char *sql;
		unsigned needs;
	} questions[] = {
		{"SELECT host FROM capture_info", KYMO_NEED_NOTHING},
		{"SELECT * FROM syscalls", KYMO_NEED_CALLS},
		{"SELECT * FROM SYSCALL_SUMMARY", KYMO_NEED_CALLS},
		{"SELECT name FROM hot_functions", KYMO_NEED_STACKS},
		{"SELECT count(DISTINCT stack_id) FROM cpu_sample", KYMO_NEED_STACKS},
		{"SELECT count(*) FROM cpu_sample", KYMO_NEED_NOTHING},
		{"SELECT * FROM folded_stacks, syscall_errors", KYMO_NEED_STACKS | KYMO_NEED_CALLS},
		{"no SQL at all", KYMO_NEED_STACKS | KYMO_NEED_CALLS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		if (kymo_question_needs(questions[i].sql) != questions[i].needs)
			fail_msg("%s: %u, expected %u", questions[i].sql,
				 kymo_question_needs(questions[i].sql), questions[i].needs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_are_named_by_their_fields),
		cmocka_unit_test(columns_of_a_type_differ),
		cmocka_unit_test(questions_tell_their_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Folded stacks: whatever names hold, each line reads back as the stack and the count that went in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/output/folded_name.h"
#include "analyzer/reports/folded_report.h"
#include "formats/base/cleanup.h"

__attribute__((noinline)) static char *write_tree(const struct kymo_tree *tree)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(
		kymo_folded_write(out, tree, &(struct kymo_folded_unit){"samples", 1}, NULL), 0);
	fclose(out);
	return text;
}

static void lines_are_root_first_and_sorted(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
	CLEANUP(cap_freep) char *text = NULL;
	uint32_t prog, main_node;

	(void)state;
	prog = kymo_tree_child(tree, 0, KYMO_FRAME_USER, "prog", 4);
	main_node = kymo_tree_child(tree, prog, KYMO_FRAME_USER, "main", 4);
	kymo_tree_add(tree, kymo_tree_child(tree, main_node, KYMO_FRAME_USER, "z", 1), 2);
	kymo_tree_add(tree, kymo_tree_child(tree, main_node, KYMO_FRAME_USER, "a", 1), 5);
	kymo_tree_add(tree, main_node, 1);
	kymo_tree_add(tree, kymo_tree_child(tree, 0, KYMO_FRAME_USER, "idle", 4), 7);
	kymo_tree_add(tree, kymo_tree_child(tree, main_node, KYMO_FRAME_USER, "a", 1), 5);
	assert_int_equal(kymo_tree_finish(tree), 0);
	text = write_tree(tree);
	assert_string_equal(text, "idle 7\nprog;main 1\nprog;main;a 10\nprog;main;z 2\n");
}

static void names_cannot_break_the_grammar(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool blanks;
		const char *expected;
	} cases[] = {
#define CASE(text, blanks, expected) {text, sizeof(text) - 1, blanks, expected}
		CASE("main", true, "main"),
		CASE("a;b", true, "a:b"),
		CASE("operator new", true, "operator new"),
		CASE("Web Content", false, "Web_Content"),
		CASE("count 17", true, "count_17"),
		CASE("count 1.5", true, "count_1.5"),
		CASE("17", true, "17"),
		CASE("a b 3 c", true, "a b 3 c"),
		CASE("tail ", true, "tail_"),
		CASE(" head", true, "_head"),
		CASE("two\nlines", true, "two\\x0alines"),
		CASE("nul\0", true, "nul\\x00"),
		CASE("\033[0m", true, "\\x1b[0m"),
		CASE("\xff", true, "\\xff"),
		CASE("\xe2\x80\xae", true, "\\xe2\\x80\\xae"),
		CASE("", true, "[unknown]"),
#undef CASE
	};
	CLEANUP(kymo_folded_name_done) struct kymo_folded_name name = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			kymo_folded_name_set(&name, cases[i].bytes, cases[i].len, cases[i].blanks),
			0);
		assert_string_equal(name.text, cases[i].expected);
	}
	assert_int_equal(kymo_folded_name_set(&name, "do_syscall_64", 13, true), 0);
	assert_int_equal(kymo_folded_name_append(&name, "_[k]"), 0);
	assert_string_equal(name.text, "do_syscall_64_[k]");
}

/* Random bytes in, parsed the way readers do: last space, then ';'. */
static void random_stacks_read_back(void **state)
{
	CLEANUP(kymo_folded_name_done) struct kymo_folded_name name = {0};
	uint64_t random_state = 12345;

	(void)state;
	for (int round = 0; round < 300; round++) {
		CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
		char *text;
		size_t depth = 1 + (size_t)round % 9, separators = 0, last;
		uint32_t at = 0;

		for (size_t d = 0; d < depth; d++) {
			char bytes[24];
			size_t len = (size_t)((random_state >> 20) % sizeof(bytes));

			for (size_t i = 0; i < len; i++) {
				random_state =
					random_state * 6364136223846793005u + 1442695040888963407u;
				bytes[i] = (random_state >> 60) < 8
						   ? " ;\n0"[random_state >> 33 & 3]
						   : (char)(random_state >> 40);
			}
			random_state += len;
			assert_int_equal(kymo_folded_name_set(&name, bytes, len, d > 0), 0);
			at = kymo_tree_child(tree, at, KYMO_FRAME_USER, name.text, name.len);
		}
		kymo_tree_add(tree, at, 41);
		assert_int_equal(kymo_tree_finish(tree), 0);
		text = write_tree(tree);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
		last = (size_t)(strrchr(text, ' ') - text);
		assert_string_equal(text + last, " 41\n");
		text[last] = '\0';
		for (size_t i = 0; i < last; i++)
			separators += text[i] == ';';
		assert_int_equal(separators, depth - 1);
		while (last > 0 && text[last - 1] != ' ')
			last--;
		if (last > 0) /* no second number: readers would take it for another count */
			assert_true(text[last] != '\0' &&
				    strspn(text + last, "0123456789.") < strlen(text + last));
		free(text);
	}
}

static void many_stacks_merge(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
	uint64_t sum = 0;

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t at = 0;
		char name[16];

		for (uint32_t d = 0; d < 4; d++) {
			int len = snprintf(name, sizeof(name), "f%u",
					   (i * 2654435761u >> (8 * d)) % 17);

			at = kymo_tree_child(tree, at, KYMO_FRAME_USER, name, (size_t)len);
			assert_int_not_equal(at, 0);
		}
		kymo_tree_add(tree, at, 1);
	}
	assert_int_equal(kymo_tree_finish(tree), 0);
	assert_int_equal(kymo_tree_node(tree, 0)->total, 200000);
	for (uint32_t at = kymo_tree_next(tree, 0); at != 0; at = kymo_tree_next(tree, at))
		sum += kymo_tree_node(tree, at)->self;
	assert_int_equal(sum, 200000);
	assert_true(kymo_tree_node_count(tree) <=
		    1 + 17 + 17 * 17 + 17 * 17 * 17 + 17 * 17 * 17 * 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_root_first_and_sorted),
		cmocka_unit_test(names_cannot_break_the_grammar),
		cmocka_unit_test(random_stacks_read_back),
		cmocka_unit_test(many_stacks_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which columns fit a line: numbers become brief first, then columns go, then texts are cut. */
#include "analyzer/output/table_layout.h"

#include "unit_main.h"

#define GAP 2

static struct kymo_layout_column number(const char *name, size_t width, size_t brief)
{
	return (struct kymo_layout_column){
		.name = name, .width = width, .brief = brief, .shown = true};
}

static struct kymo_layout_column text(const char *name, size_t width)
{
	return (struct kymo_layout_column){
		.name = name, .width = width, .brief = width, .is_text = true, .shown = true};
}

static size_t line_of(const struct kymo_layout_column *columns, size_t count)
{
	size_t sum = 0, shown = 0;

	for (size_t i = 0; i < count; i++) {
		sum += columns[i].shown ? columns[i].width : 0;
		shown += columns[i].shown;
	}
	return sum + (shown - 1) * GAP;
}

static void test_wide_enough(void **state)
{
	struct kymo_layout_column columns[] = {text("name", 10), number("total", 10, 7)};

	(void)state;
	assert_false(kymo_layout_fit(columns, 2, GAP, 22, "total"));
	assert_int_equal(columns[0].width, 10);
	assert_int_equal(columns[1].width, 10);
	assert_true(columns[1].shown);
}

static void test_brief_numbers_first(void **state)
{
	struct kymo_layout_column columns[] = {text("name", 10), number("total", 10, 7)};

	(void)state;
	assert_true(kymo_layout_fit(columns, 2, GAP, 21, "total"));
	assert_int_equal(columns[0].width, 10);
	assert_int_equal(columns[1].width, 7);
	assert_true(columns[1].shown);
}

static void test_columns_go_in_order(void **state)
{
	struct kymo_layout_column columns[] = {text("name", 10), number("min", 7, 7),
					       number("max", 7, 7), number("avg", 7, 7)};

	(void)state;
	assert_true(kymo_layout_fit(columns, 4, GAP, 28, "none avg min max"));
	assert_false(columns[3].shown);
	assert_true(columns[1].shown);
	assert_true(columns[2].shown);
	assert_true(kymo_layout_fit(columns, 4, GAP, 10, "none avg min max"));
	assert_false(columns[1].shown || columns[2].shown);
	assert_int_equal(columns[0].width, 10);
}

/* No column is dropped for a long sentence at the end; it is cut. */
static void test_texts_are_cut(void **state)
{
	struct kymo_layout_column columns[] = {number("at", 8, 8), text("class", 8),
					       number("used", 7, 7), text("effect", 90)};

	(void)state;
	assert_true(kymo_layout_fit(columns, 4, GAP, 80, "used class"));
	assert_int_equal(line_of(columns, 4), 80);
	assert_true(columns[1].shown && columns[2].shown && columns[3].shown);
	assert_int_equal(columns[1].width, 8);
	assert_int_equal(columns[3].width, 80 - 8 - 8 - 7 - 3 * GAP);
}

static void test_any_width(void **state)
{
	(void)state;
	for (size_t room = 1; room < 140; room++) {
		struct kymo_layout_column columns[] = {
			text("name", 100000),	  number("pid", 7, 7),	text("comm", 15),
			number("total", 11, 8),	  number("max", 11, 8), text("why", 300),
			number("hidden", 50, 50),
		};

		columns[6].shown = false;
		(void)kymo_layout_fit(columns, 7, GAP, room, "pid");
		assert_true(line_of(columns, 7) <= room || room < 4);
		assert_true(columns[0].shown);
		assert_false(columns[6].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wide_enough),
		cmocka_unit_test(test_brief_numbers_first),
		cmocka_unit_test(test_columns_go_in_order),
		cmocka_unit_test(test_texts_are_cut),
		cmocka_unit_test(test_any_width),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}

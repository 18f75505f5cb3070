/* The status line: what stays where a terminal is narrow. */
#include "unit_main.h"

#include <string.h>

#include "formats/base/size_text.h"
#include "recorder/session/status_line.h"

static const struct rec_status_part parts[] = {
	{"12.0/60 s", 0}, {"1,234 events", 2}, {"99/s", 5},	      {"", 6},
	{"1.13 MiB", 3},  {"lost 0", 1},       {"own CPU 0.10 %", 7},
};

static void check(size_t columns, const char *expected)
{
	char line[128];
	size_t len = rec_status_fit(parts, sizeof(parts) / sizeof(parts[0]), columns, line,
				    sizeof(line));

	assert_string_equal(line, expected);
	assert_int_equal(len, strlen(line));
}

static void test_fit(void **state)
{
	(void)state;
	check(79, "12.0/60 s  1,234 events  99/s  1.13 MiB  lost 0  own CPU 0.10 %");
	check(63, "12.0/60 s  1,234 events  99/s  1.13 MiB  lost 0  own CPU 0.10 %");
	check(62, "12.0/60 s  1,234 events  99/s  1.13 MiB  lost 0");
	check(46, "12.0/60 s  1,234 events  1.13 MiB  lost 0");
	check(40, "12.0/60 s  1,234 events  lost 0");
	check(30, "12.0/60 s  lost 0");
	check(10, "12.0/60 s");
	check(4, "12.0");
	check(0, "");
}

/* Never more than was asked for, whatever the width, and never less with more room. */
static void test_every_width(void **state)
{
	char line[128];
	size_t before = 0;

	(void)state;
	for (size_t columns = 0; columns < 100; columns++) {
		size_t len = rec_status_fit(parts, sizeof(parts) / sizeof(parts[0]), columns, line,
					    sizeof(line));

		assert_true(len <= columns && len >= before);
		before = len;
	}
}

static void check_size(double bytes, const char *expected)
{
	char text[CAP_SIZE_TEXT_BYTES];

	assert_string_equal(cap_size_text(bytes, text), expected);
}

static void test_sizes(void **state)
{
	(void)state;
	check_size(0, "0 B");
	check_size(14.25, "14.25 B");
	check_size(1023, "1023 B");
	check_size(1024, "1.00 KiB");
	check_size(1181116, "1.13 MiB");
	check_size(1048575, "1.00 MiB"); /* not 1024.00 KiB */
	check_size(-2048, "-2.00 KiB");
	check_size(1.5 * 1024 * 1024 * 1024, "1.50 GiB");
	check_size(1e30, "867361737988.40 EiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_every_width),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

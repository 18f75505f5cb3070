/* Which CPUs run without being sampled: those that came online after the sampling clocks were
 * started. */
#include "unit_main.h"

#include <string.h>

#include "recorder/live/cpu_watch.h"

static struct live_cpu_watch begin(const char *list)
{
	struct live_cpu_watch watch = {.fd = -1, .last_ns = 100};

	for (const char *at = list; *at; at++)
		if (*at >= '0' && *at <= '9')
			watch.sampled[0] |= (u8)(1u << (*at - '0'));
	return watch;
}

static void expect(const struct live_cpu_watch *watch, size_t index, u32 cpu, u64 from_ns,
		   u64 to_ns)
{
	assert_true(index < watch->span_count);
	assert_int_equal(watch->spans[index].cpu, cpu);
	assert_int_equal(watch->spans[index].from_ns, from_ns);
	assert_int_equal(watch->spans[index].to_ns, to_ns);
}

static void nothing_changes(void **state)
{
	struct live_cpu_watch watch = begin("0123");

	(void)state;
	for (u64 now_ns = 200; now_ns < 1000; now_ns += 100)
		live_cpu_watch_take(&watch, "0-3\n", now_ns);
	assert_int_equal(watch.span_count, 0);
}

static void one_comes_and_stays(void **state)
{
	struct live_cpu_watch watch = begin("0");

	(void)state;
	live_cpu_watch_take(&watch, "0\n", 200);
	live_cpu_watch_take(&watch, "0-1\n", 300);
	live_cpu_watch_take(&watch, "0-1\n", 400);
	assert_int_equal(watch.span_count, 1);
	expect(&watch, 0, 1, 200, 400);
}

/* Its clock does not come back with it. */
static void one_goes_and_comes_back_twice(void **state)
{
	struct live_cpu_watch watch = begin("012");

	(void)state;
	live_cpu_watch_take(&watch, "0,2\n", 200);
	assert_int_equal(watch.span_count, 0);
	live_cpu_watch_take(&watch, "0-2\n", 300);
	live_cpu_watch_take(&watch, "0,2\n", 400);
	live_cpu_watch_take(&watch, "0-2\n", 500);
	assert_int_equal(watch.span_count, 2);
	expect(&watch, 0, 1, 200, 300);
	expect(&watch, 1, 1, 400, 500);
}

static void lists_are_bounded(void **state)
{
	struct live_cpu_watch watch = begin("");

	(void)state;
	live_cpu_watch_take(&watch, "0-4294967295\n", 200); /* more than are watched */
	assert_int_equal(watch.span_count, LIVE_WATCH_MAX_SPANS);
	live_cpu_watch_take(&watch, "99999999999999999999,-,x", 300);
	live_cpu_watch_take(&watch, "", 400);
	assert_int_equal(watch.span_count, LIVE_WATCH_MAX_SPANS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changes),
		cmocka_unit_test(one_comes_and_stays),
		cmocka_unit_test(one_goes_and_comes_back_twice),
		cmocka_unit_test(lists_are_bounded),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}

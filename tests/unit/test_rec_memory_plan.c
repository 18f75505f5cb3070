/* How the budget of memory is shared out, over all budgets. */
#include "unit_main.h"

#include "recorder/budget/memory_plan.h"

#define MIB (1ull << 20)

static struct rec_memory_plan plan(u64 budget_bytes, u64 ring_bytes, u32 cpu_count)
{
	const struct rec_options options = {
		.mem_budget_bytes = budget_bytes,
		.ring_bytes = ring_bytes,
		.classes = 1u << CLASS_CPU | 1u << CLASS_SYSCALLS,
	};
	struct rec_memory_plan made;

	rec_memory_plan(&options, cpu_count, &made);
	return made;
}

static void test_default(void **state)
{
	struct rec_memory_plan made = plan(50 * MIB, 0, 2);

	(void)state;
	assert_int_equal(made.ring_bytes[CLASS_SYSCALLS], 8 * MIB);
	assert_int_equal(made.ring_bytes[CLASS_CPU], 1 * MIB);
	assert_int_equal(made.ring_bytes[CLASS_TASKS], 512 << 10);
	assert_int_equal(made.queue_bytes, 6 * MIB);
	made = plan(0, 0, 2);
	assert_int_equal(made.ring_bytes[CLASS_SYSCALLS], 8 * MIB);
}

static void test_every_budget_is_met(void **state)
{
	u64 before = 0;

	(void)state;
	for (u64 budget = REC_MIN_MEM_BUDGET_BYTES; budget <= 400 * MIB; budget += MIB) {
		struct rec_memory_plan made = plan(budget, 0, 64);

		assert_true(made.needed_bytes <= budget);
		assert_true(made.ring_bytes[CLASS_SYSCALLS] >= before);
		assert_int_equal(
			made.ring_bytes[CLASS_SYSCALLS] & (made.ring_bytes[CLASS_SYSCALLS] - 1), 0);
		assert_true(made.queue_bytes >= 2 * MIB);
		before = made.ring_bytes[CLASS_SYSCALLS];
	}
	assert_int_equal(before, 32 * MIB);
}

/* What was asked for by name is done, and what it needs is told. */
static void test_what_cannot_be_met(void **state)
{
	struct rec_memory_plan made = plan(50 * MIB, 64 * MIB, 2);

	(void)state;
	assert_int_equal(made.ring_bytes[CLASS_SYSCALLS], 64 * MIB);
	assert_int_equal(made.ring_bytes[CLASS_CPU], 64 * MIB);
	assert_int_equal(made.queue_bytes, 3 * MIB);
	assert_true(made.needed_bytes > 384 * MIB);
	assert_true(plan(50 * MIB, 0, 1024).needed_bytes > 50 * MIB);
	assert_true(plan(80 * MIB, 0, 1024).needed_bytes <= 80 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_every_budget_is_met),
		cmocka_unit_test(test_what_cannot_be_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

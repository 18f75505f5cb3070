/* Which file was mapped where, and when: fork copies, exec empties, later mappings lie over older
 * ones, and nothing is made up where nothing is known. */
#include "unit_main.h"

#include "analyzer/capture/mapping_timeline.h"

#define EXPECT(tgid, time_ns, address, module_, offset_) \
	expect(*state, tgid, time_ns, address, module_, offset_, __LINE__)

/* module 0: no mapping expected. offset counts as the file's. */
static void expect(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, u64 address, u32 module,
		   u64 offset, int line)
{
	struct kymo_mapping found = {0};
	bool is_found = kymo_mappings_find(mappings, tgid, time_ns, address, &found);

	if (is_found != (module != 0) || found.module != module ||
	    (is_found && address - found.start + found.file_offset != offset))
		fail_msg("line %d: found %d module %u offset %llu, expected module %u offset %llu",
			 line, is_found, found.module,
			 (unsigned long long)(address - found.start + found.file_offset), module,
			 (unsigned long long)offset);
}

static void map(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, u64 start, u64 size,
		u32 module)
{
	const struct kymo_mapping mapping = {
		.start = start, .end = start + size, .file_offset = 0x1000, .module = module};

	assert_int_equal(kymo_mappings_add(mappings, tgid, time_ns, false, &mapping), 0);
}

static void keyframe(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, u64 start, u64 size,
		     u32 module)
{
	const struct kymo_mapping mapping = {.start = start, .end = start + size, .module = module};

	assert_int_equal(kymo_mappings_add(mappings, tgid, time_ns, true, &mapping), 0);
}

static int setup(void **state)
{
	*state = kymo_mappings_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = kymo_mappings_free(*state);
	return 0;
}

static void later_mappings_lie_over_older_ones(void **state)
{
	map(*state, 1, 100, 0x10000, 0x9000, 1);
	map(*state, 1, 200, 0x12000, 0x1000, 2);  /* in the middle */
	map(*state, 1, 300, 0x18000, 0x8000, 3);  /* over the end and beyond */
	map(*state, 1, 400, 0x0f000, 0x30000, 4); /* over everything */
	kymo_mappings_seal(*state);
	EXPECT(1, 50, 0x10000, 0, 0);
	EXPECT(1, 100, 0x10000, 1, 0x1000);
	EXPECT(1, 150, 0x18fff, 1, 0x9fff);
	EXPECT(1, 150, 0x19000, 0, 0);
	EXPECT(1, 250, 0x11fff, 1, 0x2fff);
	EXPECT(1, 250, 0x12000, 2, 0x1000);
	EXPECT(1, 250, 0x13000, 1, 0x4000); /* its offset counts on behind the hole */
	EXPECT(1, 350, 0x17fff, 1, 0x8fff);
	EXPECT(1, 350, 0x1ffff, 3, 0x8fff);
	EXPECT(1, 450, 0x12000, 4, 0x4000);
	EXPECT(1, 150, 0x12000, 1, 0x3000); /* back in time */
	EXPECT(2, 450, 0x12000, 0, 0);	    /* another process */
}

static void keyframes_hold_since_the_birth(void **state)
{
	keyframe(*state, 1, 500, 0x10000, 0x1000, 1); /* ran before the recording */
	assert_int_equal(kymo_mappings_add_fork(*state, 2, 1, 400), 0);
	keyframe(*state, 2, 500, 0x20000, 0x1000, 2); /* seen 100 ns after it was born */
	map(*state, 1, 450, 0x10000, 0x1000, 3);      /* newer than what the key-frame says */
	kymo_mappings_seal(*state);
	EXPECT(1, 1, 0x10000, 1, 0);
	EXPECT(1, 460, 0x10000, 3, 0x1000);
	EXPECT(2, 399, 0x20000, 0, 0);
	EXPECT(2, 400, 0x20000, 2, 0);
	EXPECT(2, 400, 0x10000, 1, 0); /* its parent's */
}

static void fork_copies_what_the_parent_had_then(void **state)
{
	map(*state, 1, 100, 0x10000, 0x1000, 1);
	assert_int_equal(kymo_mappings_add_fork(*state, 2, 1, 200), 0);
	map(*state, 1, 300, 0x20000, 0x1000, 2); /* after the fork: the parent's alone */
	map(*state, 2, 300, 0x30000, 0x1000, 3);
	assert_int_equal(kymo_mappings_add_fork(*state, 3, 2, 400), 0);
	kymo_mappings_seal(*state);
	EXPECT(2, 199, 0x10000, 0, 0);
	EXPECT(2, 200, 0x10000, 1, 0x1000);
	EXPECT(2, 350, 0x20000, 0, 0);
	EXPECT(1, 350, 0x20000, 2, 0x1000);
	EXPECT(3, 450, 0x10000, 1, 0x1000); /* from its grandparent */
	EXPECT(3, 450, 0x30000, 3, 0x1000);
	EXPECT(3, 450, 0x20000, 0, 0);
}

/* Two programs after one another, faster than any guess could tell them apart. */
static void an_exec_with_its_begin_takes_nothing_back(void **state)
{
	map(*state, 1, 1000, 0x10000, 0x1000, 1); /* loaded by the first program just before */
	assert_int_equal(kymo_mappings_add_exec(*state, 1, 1001, true), 0);
	map(*state, 1, 1001, 0x20000, 0x1000, 2); /* by the exec, in the same moment */
	map(*state, 1, 1002, 0x30000, 0x1000, 3);
	kymo_mappings_seal(*state);
	EXPECT(1, 1000, 0x10000, 1, 0x1000);
	EXPECT(1, 1000, 0x20000, 0, 0);
	EXPECT(1, 1001, 0x10000, 0, 0);
	EXPECT(1, 1001, 0x20000, 2, 0x1000);
	EXPECT(1, 1002, 0x30000, 3, 0x1000);
}

static void anonymous(struct kymo_mappings *mappings, u64 time_ns, u64 start, u64 size)
{
	const struct kymo_mapping mapping = {
		.start = start, .end = start + size, .module = 9, .anonymous = true};

	assert_int_equal(kymo_mappings_add(mappings, 1, time_ns, false, &mapping), 0);
}

/* For huge pages; what a compiler at run time maps lies elsewhere, or only partly there. */
static void code_moved_to_anonymous_memory_keeps_its_file(void **state)
{
	map(*state, 1, 100, 0x10000, 0x9000, 1);
	map(*state, 1, 100, 0x100000, 0x900000, 2);
	anonymous(*state, 200, 0x10000, 0x9000);    /* exactly over it */
	anonymous(*state, 200, 0x200000, 0x400000); /* huge pages of it */
	anonymous(*state, 300, 0x10000, 0x8000);
	anonymous(*state, 300, 0x700000, 0x1000);
	anonymous(*state, 400, 0x20000, 0x1000);
	anonymous(*state, 500, 0x20000, 0x1000);
	kymo_mappings_seal(*state);
	EXPECT(1, 250, 0x12000, 1, 0x3000);
	EXPECT(1, 250, 0x300000, 2, 0x201000);
	EXPECT(1, 350, 0x12000, 9, 0x2000);
	EXPECT(1, 350, 0x700000, 9, 0);
	EXPECT(1, 350, 0x300000, 2, 0x201000);
	EXPECT(1, 550, 0x20000, 9, 0);
}

static void exec_empties_but_keeps_what_it_mapped_itself(void **state)
{
	const u64 second = 1000000000;

	map(*state, 1, second, 0x10000, 0x1000, 1);
	map(*state, 1, 5 * second - 2000, 0x20000, 0x1000,
	    2); /* by the exec, just before it is reported */
	map(*state, 1, 5 * second - 1000, 0x30000, 0x1000, 3);
	assert_int_equal(kymo_mappings_add_exec(*state, 1, 5 * second, false), 0);
	map(*state, 1, 6 * second, 0x40000, 0x1000, 4);
	kymo_mappings_seal(*state);
	EXPECT(1, 4 * second, 0x10000, 1, 0x1000);
	EXPECT(1, 4 * second, 0x20000, 0, 0);
	EXPECT(1, 5 * second, 0x10000, 0, 0); /* of the program before */
	EXPECT(1, 5 * second, 0x20000, 2, 0x1000);
	EXPECT(1, 5 * second, 0x30000, 3, 0x1000);
	EXPECT(1, 7 * second, 0x40000, 4, 0x1000);
	EXPECT(1, 7 * second, 0x10000, 0, 0);
}

static void fork_and_exec_at_once(void **state)
{
	map(*state, 1, 100, 0x10000, 0x1000, 1);
	assert_int_equal(kymo_mappings_add_fork(*state, 2, 1, 1000), 0);
	map(*state, 2, 1500, 0x10000, 0x2000, 2); /* the new program lies where the old one did */
	assert_int_equal(kymo_mappings_add_exec(*state, 2, 2000, false), 0);
	kymo_mappings_seal(*state);
	EXPECT(2, 1200, 0x10800, 1, 0x1800);
	EXPECT(2, 2500, 0x10800, 2, 0x1800);
	EXPECT(2, 1200, 0x11800, 0, 0);
	EXPECT(2, 2500, 0x11800, 2, 0x2800);
}

static void a_reused_pid_begins_anew(void **state)
{
	map(*state, 1, 10, 0x50000, 0x1000, 5);
	map(*state, 2, 100, 0x10000, 0x1000, 1);
	assert_int_equal(kymo_mappings_add_fork(*state, 2, 1, 900), 0); /* another process 2 */
	kymo_mappings_seal(*state);
	EXPECT(2, 800, 0x10000, 1, 0x1000);
	EXPECT(2, 950, 0x10000, 0, 0);
	EXPECT(2, 950, 0x50000, 5, 0x1000);
}

static void epochs_change_with_the_address_space(void **state)
{
	map(*state, 1, 100, 0x10000, 0x1000, 1);
	map(*state, 1, 200, 0x20000, 0x1000, 1);
	map(*state, 2, 100, 0x10000, 0x1000, 1);
	kymo_mappings_seal(*state);
	assert_int_equal(kymo_mappings_epoch(*state, 1, 100), kymo_mappings_epoch(*state, 1, 199));
	assert_int_not_equal(kymo_mappings_epoch(*state, 1, 199),
			     kymo_mappings_epoch(*state, 1, 200));
	assert_int_not_equal(kymo_mappings_epoch(*state, 1, 150),
			     kymo_mappings_epoch(*state, 2, 150));
	assert_int_equal(kymo_mappings_epoch(*state, 99, 150), 0);
}

/* Parents in a circle, all at one moment, as no kernel makes them. */
static void circles_of_parents_end(void **state)
{
	for (u32 tgid = 1; tgid <= 300; tgid++) {
		map(*state, tgid, 100, 0x1000 * tgid, 0x1000, tgid);
		assert_int_equal(kymo_mappings_add_fork(*state, tgid, tgid % 300 + 1, 100), 0);
		assert_int_equal(kymo_mappings_add_fork(*state, tgid, tgid, 100), 0);
	}
	kymo_mappings_seal(*state);
	for (u32 tgid = 1; tgid <= 300; tgid++)
		EXPECT(tgid, 100, 0x1000ull * tgid, tgid, 0x1000);
}

static void impossible_ranges_are_ignored(void **state)
{
	map(*state, 1, 100, UINT64_MAX - 10, 100, 1); /* wraps */
	map(*state, 1, 100, 0x10000, 0, 2);	      /* empty */
	map(*state, 1, 100, 0, UINT64_MAX, 3);
	kymo_mappings_seal(*state);
	EXPECT(1, 100, 0x10000, 3, 0x11000);
	EXPECT(1, 100, UINT64_MAX, 0, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(later_mappings_lie_over_older_ones),
		TEST(keyframes_hold_since_the_birth),
		TEST(fork_copies_what_the_parent_had_then),
		TEST(code_moved_to_anonymous_memory_keeps_its_file),
		TEST(exec_empties_but_keeps_what_it_mapped_itself),
		TEST(an_exec_with_its_begin_takes_nothing_back),
		TEST(fork_and_exec_at_once),
		TEST(a_reused_pid_begins_anew),
		TEST(epochs_change_with_the_address_space),
		TEST(circles_of_parents_end),
		TEST(impossible_ranges_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

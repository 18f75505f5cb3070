/* Copies of stacks in a capture become stacks: by the unwind rows of the capture, with the kernel's
 * frames on top, and each says how it was obtained and why it ended. */
#include "made_capture.h"

#include "formats/base/bytes.h"

#define PROGRAM 0x400000ull	  /* where the program is mapped; from file offset 0x1000 on */
#define LIBRARY 0x7f0000000000ull /* a library whose file nobody has, without unwind rows */
#define TOP 0x7ffe00001000ull
#define LEAF (PROGRAM + 0x10)
#define MIDDLE (PROGRAM + 0x120) /* what leaf returns to */
#define START (PROGRAM + 0x220)	 /* what middle returns to */

static const u8 cie[] = {0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1};
static const u8 build_id[20] = {0xab, 0xcd};

/* How the function of 0x100 bytes at a file offset is unwound. */
static void add_rule(struct making *making, u64 offset, const u8 *code, size_t code_bytes)
{
	u8 fde[32] = {0}; /* 4 bytes to its CIE, 8 of addresses, 1 of no data */
	struct ev_unwind row = {.start_address = offset,
				.size_bytes = 0x100,
				.object = add_string(making, "/none/program"),
				.build_id =
					cap_chunk_string(making->chunk, build_id, sizeof(build_id)),
				.cie = cap_chunk_string(making->chunk, cie, sizeof(cie))};

	memcpy(fde + 13, code, code_bytes);
	row.fde = cap_chunk_string(making->chunk, fde, 13 + code_bytes);
	assert_int_equal(cap_chunk_add(making->chunk, EV_UNWIND, &row), 0);
}

static void add_map(struct making *making, u64 start, const char *path, u8 id)
{
	struct ev_mapping row = {.time_ns = 1000,
				 .start_address = start,
				 .size_bytes = 0x1000,
				 .file_offset = 0x1000,
				 .task = add_task(making, 7, "made"),
				 .build_id = cap_chunk_string(making->chunk, build_id, id),
				 .path = add_string(making, path),
				 .flags = EV_MAPPING_KEYFRAME};

	assert_int_equal(cap_chunk_add(making->chunk, EV_MAPPING, &row), 0);
}

static void begin_copies(struct making *making, const char *path)
{
	begin(making, path);
	add_rule(making, 0x1000, (const u8[]){0}, 1);	     /* leaf: CFA = rsp + 8 */
	add_rule(making, 0x1100, (const u8[]){0x0e, 32}, 2); /* middle: CFA = rsp + 32 */
	add_rule(making, 0x1200, (const u8[]){0x07, 16}, 2); /* start: nobody called it */
	end_block(making, CAP_BLOCK_UNWINDS);
	add_map(making, PROGRAM, "/none/program", sizeof(build_id));
	add_map(making, LIBRARY, "/none/library.so", 0);
	end_block(making, CAP_BLOCK_MAPS);
}

/* A copy whose words are, from sp on, these; ends them where they end. */
static struct cap_copy copy_of(struct making *making, u64 ip, const u64 *words, u32 count,
			       u32 flags)
{
	struct cap_copy copy = {
		.ip = ip, .sp = TOP - 8ull * count, .top = TOP, .bp = 1, .flags = flags};
	u32 gap = 0;

	for (u32 i = count; i-- > 0;) {
		if (words[i] == 0) {
			gap++;
			continue;
		}
		copy.word =
			cap_chunk_word(making->chunk, copy.word, gap, copy.sp + 8ull * i, words[i]);
		gap = 0;
	}
	return copy;
}

static void add_sample(struct making *making, const struct cap_copy *copy, u32 stack)
{
	static u64 time_ns = 2000;
	struct ev_cpu_sample row = {.time_ns = time_ns++,
				    .period = 1,
				    .sysno = UINT32_MAX,
				    .copy = copy ? cap_chunk_copy(making->chunk, copy) : 0,
				    .stack = stack,
				    .task = add_task(making, 7, "made")};

	assert_int_equal(cap_chunk_add(making->chunk, EV_CPU_SAMPLE, &row), 0);
}

static u32 frame_on(struct making *making, u32 parent, enum cap_space space, u64 offset)
{
	return cap_chunk_stack(making->chunk, parent,
			       cap_chunk_frame(making->chunk, space, 0, offset));
}

/* The root first, and "how end" before it, of each sample in order. */
static const char stacks_sql[] =
	"WITH RECURSIVE walk(sample, time_ns, leaf, at, text) AS (SELECT rowid, time_ns, stack_id,"
	" stack_id, '' FROM cpu_sample UNION ALL SELECT w.sample, w.time_ns, w.leaf, s.parent_id,"
	" ' ' || f.name || w.text FROM walk w JOIN stack s ON s.id = w.at JOIN frame f ON"
	" f.id = s.frame_id) SELECT COALESCE(s.stack_how, '-') || ' ' || COALESCE(s.stack_end, '-')"
	" || w.text FROM walk w LEFT JOIN stack s ON s.id = w.leaf WHERE w.at = 0 ORDER BY "
	"w.time_ns";

static void copies_become_stacks(void **state)
{
	const u64 whole[] = {MIDDLE, 0, 0, 0, START, 0, 0};
	const u64 masked[] = {0, 0, 0};
	struct making making;
	struct cap_copy copy;
	const char *const paths[] = {"copies.kymo"};
	struct kymo_db *db;
	u32 kernel;

	(void)state;
	begin_copies(&making, paths[0]);
	kernel = frame_on(&making, frame_on(&making, 0, CAP_SPACE_KERNEL, 0x99), CAP_SPACE_KERNEL,
			  0x50);
	copy = copy_of(&making, LEAF, whole, 7, CAP_COPY_MAIN);
	add_sample(&making, &copy, 0);
	add_sample(&making, &copy, kernel);
	add_sample(&making, NULL, kernel);
	copy = copy_of(&making, LEAF, whole, 3, CAP_COPY_MAIN | CAP_COPY_CUT);
	add_sample(&making, &copy, 0);
	copy = copy_of(&making, LEAF, whole, 3, CAP_COPY_MAIN);
	add_sample(&making, &copy, 0);
	copy = copy_of(&making, LEAF, masked, 3, CAP_COPY_MAIN);
	add_sample(&making, &copy, 0);
	copy = copy_of(&making, LEAF, masked, 3, CAP_COPY_MAIN | CAP_COPY_HOLE);
	copy.holes = 1; /* the page of sp */
	add_sample(&making, &copy, 0);
	copy = copy_of(&making, LIBRARY + 5, whole, 7, CAP_COPY_MAIN);
	add_sample(&making, &copy, 0);
	copy = copy_of(&making, LEAF, masked, 3, CAP_COPY_MAIN | CAP_COPY_NO_MAPPINGS);
	add_sample(&making, &copy, 0);
	copy = copy_of(&making, 0x666000, whole, 7, CAP_COPY_MAIN);
	add_sample(&making, &copy, 0);
	end_block(&making, CAP_BLOCK_CHUNK);
	end(&making);
	db = open_ok(paths[0]);
	expect_rows(
		db, stacks_sql,
		"copy root program+0x121f program+0x111f program+0x1010\n"
		"copy root program+0x121f program+0x111f program+0x1010 kernel+0x98 kernel+0x50\n"
		"- - kernel+0x98 kernel+0x50\n"
		"copy cut [cut] program+0x111f program+0x1010\n"
		"copy no_rule program+0x111f program+0x1010\n"
		"copy no_mapping program+0x1010\n"
		"copy hole program+0x1010\n"
		"copy no_rule library.so+0x1005\n"
		"copy no_mapping program+0x1010\n"
		"copy no_rule [unknown]\n");
	expect_rows(db, "SELECT stack_end, module, samples FROM stack_ends ORDER BY 1, 2, 3",
		    "cut|NULL|1\nhole|program|1\nno_mapping|program|2\nno_rule|NULL|1\n"
		    "no_rule|library.so|1\nno_rule|program|1\nroot|program|2\n");
	expect_rows(db,
		    "SELECT m.name, u.state FROM module_unwinding u JOIN module m ON"
		    " m.id = u.module_id WHERE m.space = 'user' ORDER BY 1",
		    "library.so|no_file\nprogram|found\n");
	import_ok(paths, 1, "copies.db");
	struct kymo_db *imported = open_ok("copies.db");
	expect_rows(imported, "SELECT count(*) FROM stack WHERE stack_end = 'root'", "5\n");
	CLEANUP(cap_freep) char *here = rows_of(db, stacks_sql);
	CLEANUP(cap_freep) char *there = rows_of(imported, stacks_sql);

	assert_string_equal(here, there);
	kymo_db_closep(&imported);
	kymo_db_closep(&db);
}

/* Where no end was known, there is a walk by frame pointers beside a short copy. */
static void a_short_copy_goes_on_by_frame_pointers(void **state)
{
	const u64 words[] = {MIDDLE, 0};
	struct making making;
	struct cap_copy copy;
	struct kymo_db *db;
	u32 walked;

	(void)state;
	begin_copies(&making, "short.kymo");
	walked = frame_on(&making, 0, CAP_SPACE_USER, START);
	walked = frame_on(&making, walked, CAP_SPACE_USER, MIDDLE);
	walked = frame_on(&making, walked, CAP_SPACE_USER, LEAF);
	copy = copy_of(&making, LEAF, words, 2, 0);
	add_sample(&making, &copy, walked);
	/* the copy leads nowhere: the walk stands */
	copy = copy_of(&making, LIBRARY + 5, words, 2, 0);
	add_sample(&making, &copy, walked);
	end_block(&making, CAP_BLOCK_CHUNK);
	end(&making);
	db = open_ok("short.kymo");
	expect_rows(db, stacks_sql,
		    "both - program+0x121f program+0x111f program+0x1010\n"
		    "fp - program+0x121f program+0x111f program+0x1010\n");
	kymo_db_closep(&db);
}

/* Rules that lie, or that cannot be decoded, end a stack where they are. */
static void rules_of_any_content_are_borne(void **state)
{
	const u64 words[] = {MIDDLE, MIDDLE, MIDDLE, MIDDLE};
	struct making making;
	struct cap_copy copy;
	struct kymo_db *db;

	(void)state;
	begin(&making, "lies.kymo");
	add_rule(&making, 0x1000, (const u8[]){0x0c, 7, 0}, 3);	      /* the CFA does not move */
	add_rule(&making, 0x1100, (const u8[]){0x3f, 0x3f, 0x3f}, 3); /* nothing known */
	end_block(&making, CAP_BLOCK_UNWINDS);
	add_map(&making, PROGRAM, "/none/program", sizeof(build_id));
	end_block(&making, CAP_BLOCK_MAPS);
	copy = copy_of(&making, LEAF, words, 4, CAP_COPY_MAIN);
	add_sample(&making, &copy, 0);
	copy = copy_of(&making, MIDDLE, words, 4, CAP_COPY_MAIN);
	add_sample(&making, &copy, 0);
	copy.sp = 8; /* nearly all of the address space */
	add_sample(&making, &copy, 0);
	end_block(&making, CAP_BLOCK_CHUNK);
	end(&making);
	db = open_ok("lies.kymo");
	expect_rows(db, stacks_sql,
		    "copy no_rule program+0x1010\ncopy no_rule program+0x1120\n"
		    "copy other_stack program+0x1120\n");
	kymo_db_closep(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_become_stacks),
		cmocka_unit_test(a_short_copy_goes_on_by_frame_pointers),
		cmocka_unit_test(rules_of_any_content_are_borne),
	};

	return unit_status(cmocka_run_group_tests(tests, make_folder, remove_folder));
}

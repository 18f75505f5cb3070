/* What the child that names functions reads, and what it is asked about: perf maps, paths of
 * targets, code maps, hits. */
#include "unit_main.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/host/file_systems.h"
#include "recorder/names/open_target.h"
#include "recorder/names/perf_map.h"
#include "recorder/pipeline/code_hits.h"

/* -------- perf maps -------- */

static void parses_lines(void **state)
{
	static const char *const wrong[] = {"",
					    "1",
					    "1 2",
					    "1 2 ",
					    "x 2 name",
					    "1 y name",
					    "-1 2 name",
					    "1 -2 name",
					    "1 0 nothing",
					    " 1 2 name",
					    "ffffffffffffffff 2 wraps",
					    "11111111111111111 2 long",
					    "12name"};
	char line[128] = "7f00 10 LazyCompile:~main /a b.js:1",
	     longest[REC_PERF_MAP_MAX_NAME_BYTES + 100];
	struct rec_perf_map_line parsed;

	(void)state;
	assert_true(rec_perf_map_parse(line, &parsed));
	assert_int_equal(parsed.start, 0x7f00);
	assert_int_equal(parsed.size_bytes, 0x10);
	assert_int_equal(parsed.name_bytes, strlen("LazyCompile:~main /a b.js:1"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(line, sizeof(line), "%s", wrong[i]);
		if (rec_perf_map_parse(line, &parsed))
			fail_msg("'%s' is taken for a line", wrong[i]);
	}
	memset(longest, 'n', sizeof(longest) - 1);
	memcpy(longest, "0x1 0x2 ", 8);
	longest[sizeof(longest) - 1] = '\0';
	assert_true(rec_perf_map_parse(longest, &parsed));
	assert_int_equal(parsed.name_bytes, REC_PERF_MAP_MAX_NAME_BYTES);
}

static int file_of(const char *text, size_t len)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	return fd;
}

static void finds_the_last_line(void **state)
{
	static const char text[] =
		"1000 100 first\nnonsense\n1000 80 second\n\n2000 10 third\n3000 10 no newline";
	struct rec_perf_map_find finds[] = {{.address = 0xfff},	 {.address = 0x1000},
					    {.address = 0x10ff}, {.address = 0x200f},
					    {.address = 0x2010}, {.address = 0x3000}};
	static const char *const names[] = {NULL, "second", "first", "third", NULL, "no newline"};
	CLEANUP(cap_closep) int fd = file_of(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(rec_perf_map_search(fd, finds, 6), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(finds[i].size_bytes != 0, names[i] != NULL);
		if (names[i]) {
			assert_int_equal(finds[i].name_bytes, strlen(names[i]));
			assert_memory_equal(finds[i].name, names[i], finds[i].name_bytes);
		}
		free(finds[i].name);
	}
}

/* -------- paths -------- */

struct tree {
	char root[64];
};

static void make(const struct tree *tree, const char *name, const char *text)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", tree->root, name);
	if (!text) {
		assert_int_equal(mkdir(path, 0755), 0);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void link_to(const struct tree *tree, const char *target, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", tree->root, name);
	assert_int_equal(symlink(target, path), 0);
}

/* What is read through the path; NULL: it is not opened. */
static const char *read_below(const struct tree *tree, const char *path)
{
	static char text[64];
	struct rec_target_root root = {.mountinfo_fd =
					       open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)};
	ssize_t len;
	int fd;

	root.fd = open(tree->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root.fd >= 0 && root.mountinfo_fd >= 0);
	fd = rec_target_open(&root, path);
	rec_target_root_done(&root);
	if (fd < 0)
		return NULL;
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	len = read(fd, text, sizeof(text) - 1);
	assert_true(len >= 0);
	text[len] = '\0';
	(void)close(fd);
	return text;
}

static void stays_below_the_root(void **state)
{
	static const struct {
		const char *path, *text;
	} cases[] = {
		{"/a/file", "inside"},
		{"//a/./file", "inside"},
		{"/a/../a/file", "inside"},
		{"/../../../../a/file", "inside"}, /* above the root is the root */
		{"/absolute", "inside"},
		{"/relative", "inside"},
		{"/a/up", "inside"},
		{"/to-directory/file", "inside"},
		{"/out", NULL}, /* the file exists, but not below this root */
		{"/loop", NULL},
		{"/a", NULL}, /* a directory */
		{"/a/file/x", NULL},
		{"/fifo", NULL},
		{"/none", NULL},
		{"", NULL},
		{"a/file", NULL},
	};
	struct tree tree = {"/tmp/kymo-names-XXXXXX"};
	char path[512];

	(void)state;
	assert_non_null(mkdtemp(tree.root));
	make(&tree, "a", NULL);
	make(&tree, "a/file", "inside");
	link_to(&tree, "/a/file", "absolute");
	link_to(&tree, "a/file", "relative");
	link_to(&tree, "../a/file", "a/up");
	link_to(&tree, "a", "to-directory");
	link_to(&tree, "/proc/self/exe", "out");
	link_to(&tree, "loop", "loop");
	(void)snprintf(path, sizeof(path), "%s/fifo", tree.root);
	assert_int_equal(mkfifo(path, 0644), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = read_below(&tree, cases[i].path);

		if (!text != !cases[i].text || (text && strcmp(text, cases[i].text) != 0))
			fail_msg("%s: '%s', not '%s'", cases[i].path, text ? text : "refused",
				 cases[i].text ? cases[i].text : "refused");
	}
	(void)snprintf(path, sizeof(path), "rm -r %s", tree.root);
	assert_int_equal(system(path), 0);
}

static void knows_file_systems(void **state)
{
	(void)state;
	assert_true(rec_file_system_may_wait("fuse.sshfs", 10));
	assert_true(rec_file_system_may_wait("nfs4", 4));
	assert_false(rec_file_system_may_wait("ext4", 4));
	assert_false(rec_file_system_may_wait("nf", 2));
	assert_false(rec_file_system_has_files("proc", 4));
	assert_false(rec_file_system_has_files("cgroup2", 7));
	assert_true(rec_file_system_has_files("overlay", 7));
	assert_true(rec_file_system_has_files("tmpfs", 5));
}

/* -------- code maps and hits -------- */

static void map_code(struct rec_file_map *map, u32 tgid, u64 start, u64 size, const char *path,
		     const char *build_id)
{
	const struct ev_mapping row = {.start_address = start,
				       .size_bytes = size,
				       .file_offset = 0x1000,
				       .inode = build_id ? 0 : 7};

	rec_file_map_add(map, &(struct rec_file_mapping){
				      .row = &row,
				      .tgid = tgid,
				      .path = path,
				      .path_bytes = strlen(path),
				      .build_id = (const u8 *)build_id,
				      .build_id_bytes = build_id ? strlen(build_id) : 0,
			      });
}

static size_t find(struct rec_file_map *map, u32 tgid, u64 address, struct rec_code_place *places)
{
	u64 steps = 0;

	return rec_file_map_find(map, tgid, address, places, &steps);
}

static void maps_processes(void **state)
{
	struct rec_file_map *map = rec_file_map_new();
	struct rec_code_place places[REC_CODE_MAX_PLACES];

	(void)state;
	assert_non_null(map);
	map_code(map, 10, 0x400000, 0x2000, "/bin/a", "id-a");
	map_code(map, 11, 0x7f0000000000, 0x1000, "/bin/a", "id-a");
	map_code(map, 10, 0x500000, 0x1000, "//anon", NULL);
	map_code(map, 10, 0x600000, 0, "/empty", NULL);
	map_code(map, 10, UINT64_MAX - 10, 100, "/wraps", NULL);
	map_code(map, 10, 0x7fff00000000, 0x1000, "[vdso]", NULL);
	map_code(map, 12, 0x7fff0000, 0x1000, "[vdso]", NULL); /* of a 32-bit program */
	assert_int_equal(find(map, 10, 0x3fffff, places), 0);
	assert_int_equal(find(map, 10, 0x402000, places), 0);
	assert_int_equal(find(map, 99, 0x400000, places), 0);
	assert_int_equal(find(map, 10, 0x400010, places), 1);
	assert_int_equal(places[0].offset, 0x1010);
	assert_int_equal(rec_file_map_object(map, places[0].object)->kind, REC_CODE_FILE);
	assert_int_equal(rec_file_map_object(map, places[0].object)->tgid, 10);
	assert_int_equal(find(map, 11, 0x7f0000000020, places), 1);
	assert_int_equal(places[0].offset, 0x1020);
	assert_int_equal(rec_file_map_object(map, places[0].object)->tgid, 11); /* the same file */
	assert_int_equal(find(map, 10, 0x500020, places), 1);
	assert_int_equal(places[0].offset, 0x500020); /* an address */
	assert_int_equal(rec_file_map_object(map, places[0].object)->kind, REC_CODE_NO_FILE);
	assert_int_equal(find(map, 10, 0x7fff00000010, places), 1);
	assert_int_equal(rec_file_map_object(map, places[0].object)->kind, REC_CODE_VDSO);
	assert_int_equal(find(map, 12, 0x7fff0010, places), 1);
	assert_int_equal(rec_file_map_object(map, places[0].object)->kind, REC_CODE_NO_FILE);

	rec_file_map_fork(map, 10, 20);
	assert_int_equal(find(map, 20, 0x400010, places), 1);
	rec_file_map_exit(map, 10);
	rec_file_map_settle(map);
	assert_int_equal(find(map, 10, 0x400010, places),
			 1); /* what it did last may still wait in a ring */
	assert_true(rec_file_map_is_over(map, 10));
	rec_file_map_settle(map);
	assert_int_equal(find(map, 10, 0x400010, places), 0);
	assert_int_equal(find(map, 20, 0x400010, places),
			 1); /* the child keeps what it has from it */
	assert_false(rec_file_map_is_over(map, 20));
	assert_int_equal(rec_file_map_refused(map), 0);
	(void)rec_file_map_free(map);
}

static void bounds_what_processes_make(void **state)
{
	struct rec_file_map *map = rec_file_map_new();
	struct rec_code_place places[REC_CODE_MAX_PLACES];

	(void)state;
	assert_non_null(map);
	for (u32 i = 0; i < 10000; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/lib/%u", i);
		map_code(map, 10, 0x400000 + i * 0x1000ull, 0x1000, path, NULL);
	}
	assert_int_equal(rec_file_map_objects(map), REC_CODE_MAX_OBJECTS);
	assert_int_equal(rec_file_map_refused(map), 10000 - REC_CODE_MAX_OBJECTS);
	assert_int_equal(find(map, 10, 0x400000 + (REC_CODE_MAX_OBJECTS - 1) * 0x1000ull, places),
			 1);
	for (u32 tgid = 100; tgid < 1100; tgid++) /* each the child of the one before */
		rec_file_map_fork(map, tgid == 100 ? 10 : tgid - 1, tgid);
	assert_int_equal(find(map, 101, 0x400000 + (REC_CODE_MAX_OBJECTS - 1) * 0x1000ull, places),
			 1);
	(void)rec_file_map_free(map);
}

static void keeps_places_once(void **state)
{
	struct rec_code_hits *hits = rec_code_hits_new();
	const struct rec_code_hit *found;
	size_t count;

	(void)state;
	assert_non_null(hits);
	for (int round = 0; round < 3; round++) {
		rec_code_hits_add(hits, 10, 0x400010);
		rec_code_hits_add(hits, 11, 0x7f0000000010); /* the same place */
		rec_code_hits_add(hits, 10, 0x500000);
		rec_code_hits_add(hits, 10, 0x10); /* nowhere */
		rec_code_hits_add(NULL, 10, 0x10);
	}
	map_code(rec_code_hits_files(hits), 10, 0x400000, 0x1000, "/bin/a",
		 "id-a"); /* known only now */
	map_code(rec_code_hits_files(hits), 11, 0x7f0000000000, 0x1000, "/bin/a", "id-a");
	map_code(rec_code_hits_files(hits), 10, 0x500000, 0x1000, "", NULL);
	assert_false(rec_code_hits_has_new(hits));
	rec_code_hits_settle(hits);
	assert_true(rec_code_hits_has_new(hits));
	found = rec_code_hits_take(hits, &count);
	assert_int_equal(count, 2);
	assert_int_equal(found[0].offset, 0x1010);
	assert_int_equal(found[0].tgid, 0);
	assert_int_equal(found[1].offset, 0x500000);
	assert_int_equal(found[1].tgid, 10);
	rec_code_hits_add(hits, 10, 0x400011);
	rec_code_hits_settle(hits);
	found = rec_code_hits_take(hits, &count);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].offset, 0x1011);
	assert_int_equal(rec_code_hits_left_out(hits), 0);
	for (u64 i = 0; i < 40000; i++) /* more than are kept between two settlings */
		rec_code_hits_add(hits, 10, 0x400000 + i * 8);
	assert_true(rec_code_hits_left_out(hits) > 0);
	(void)rec_code_hits_free(hits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_lines),
		cmocka_unit_test(finds_the_last_line),
		cmocka_unit_test(stays_below_the_root),
		cmocka_unit_test(knows_file_systems),
		cmocka_unit_test(maps_processes),
		cmocka_unit_test(bounds_what_processes_make),
		cmocka_unit_test(keeps_places_once),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}

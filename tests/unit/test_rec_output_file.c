/* Output files: what exists is never touched, what is made is ours alone, what is removed is ours.
 */
#include "unit_main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/pipeline/output_file.h"

static char folder[64];

static const char *in_folder(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *name, const char *text)
{
	char found[64] = "";
	FILE *file = fopen(in_folder(name), "r");

	assert_non_null(file);
	(void)!fread(found, 1, sizeof(found) - 1, file);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(found, text);
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kymo-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static void refuse(const char *path, bool force, int code, const char *message)
{
	struct rec_output *output = NULL;
	struct cap_err err = {0};
	int rc = rec_output_open(path, force, &output, &err);

	if (rc != code || !strstr(err.text, message))
		fail_msg("'%s': %d '%s', expected %d '%s'", path, rc, err.text, code, message);
	assert_null(output);
}

static void test_refuses_what_exists(void **state)
{
	(void)state;
	put("file", "mine");
	assert_int_equal(symlink("file", in_folder("link")), 0);
	assert_int_equal(symlink("nothing", in_folder("dangling")), 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(mkdir(in_folder("dir"), 0700), 0);
	refuse(in_folder("file"), false, -EEXIST,
	       "exists: give another name with -o, or -f to replace it");
	for (int force = 0; force < 2; force++) {
		refuse(in_folder("link"), force, -EEXIST, "symbolic link");
		refuse(in_folder("dangling"), force, -EEXIST, "symbolic link");
		refuse(in_folder("fifo"), force, -EEXIST, "FIFO");
		refuse(in_folder("dir"), force, -EEXIST, "directory");
		refuse("/dev/null", force, -EEXIST, "device");
	}
	refuse(in_folder("dir/"), false, CAP_EUSAGE, "name a file");
	refuse(in_folder("none/x"), false, -ENOENT, "none/");
	refuse("", false, CAP_EUSAGE, "name a file");
	assert_holds("file", "mine");
	assert_int_equal(access(in_folder("nothing"), F_OK), -1);
}

/* --force takes the name away from the old file; whoever else has that file keeps it. */
static void test_force_never_writes_through(void **state)
{
	char old[128];
	struct rec_output *output = NULL;
	struct cap_err err = {0};

	(void)state;
	put("old", "kept");
	(void)snprintf(old, sizeof(old), "%s", in_folder("old"));
	assert_int_equal(link(old, in_folder("other")), 0);
	assert_int_equal(rec_output_open(in_folder("old"), true, &output, &err), 0);
	assert_int_equal(rec_output_write(output, rec_output_fd(output), "new", 3), 3);
	assert_int_equal(rec_output_close(output, &err), 0);
	rec_output_free(output);
	assert_holds("other", "kept");
	assert_holds("old", "new");
}

/* A floor that is reached already refuses before --force takes anything away. */
static void test_floor_comes_before_force(void **state)
{
	static const struct rec_floor out_of_reach = {.given = true, .bytes = 1ull << 60};
	static const struct rec_floor none = {.given = true}, usual = {.given = false};
	struct cap_err err = {0};

	(void)state;
	put("kept", "still here");
	assert_int_equal(rec_output_check(in_folder("kept"), true, &out_of_reach, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "kept"));
	assert_non_null(strstr(err.text, "--disk-floor reserves"));
	assert_non_null(strstr(err.text, "make room"));
	assert_int_equal(rec_output_check(in_folder("new"), false, &out_of_reach, &err), -ENOSPC);
	assert_int_equal(rec_output_check(in_folder("kept"), true, &none, &err), 0);
	assert_int_equal(rec_output_check(in_folder("kept"), true, &usual, &err), 0);
	assert_holds("kept", "still here");
	assert_int_equal(access(in_folder("new"), F_OK), -1);
}

static void test_mode_whatever_the_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 0777};

	(void)state;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct rec_output *output = NULL;
		struct stat info;
		struct cap_err err = {0};
		mode_t before = umask(masks[i]);
		int rc = rec_output_open(in_folder("mode"), true, &output, &err);

		(void)umask(before);
		assert_int_equal(rc, 0);
		assert_int_equal(fstat(rec_output_fd(output), &info), 0);
		assert_int_equal(info.st_mode & 07777, 0600);
		rec_output_discard(output);
		rec_output_free(output);
		assert_int_equal(access(in_folder("mode"), F_OK), -1);
	}
}

static void test_open_directory_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_folder("open"), 0700), 0);
	assert_int_equal(chmod(in_folder("open"), 0777), 0);
	refuse(in_folder("open/x"), false, CAP_EUSAGE, "chmod +t");
	assert_int_equal(chmod(in_folder("open"), 01777), 0);
	{
		struct rec_output *output = NULL;
		struct cap_err err = {0};

		assert_int_equal(rec_output_open(in_folder("open/x"), false, &output, &err), 0);
		rec_output_free(output);
	}
}

/* Only the file we made is removed again, not one that took its place. */
static void test_discard_removes_only_ours(void **state)
{
	struct rec_output *output = NULL;
	struct cap_err err = {0};

	(void)state;
	assert_int_equal(rec_output_open(in_folder("swap"), false, &output, &err), 0);
	assert_int_equal(unlink(in_folder("swap")), 0);
	put("swap", "theirs");
	rec_output_discard(output);
	rec_output_free(output);
	assert_holds("swap", "theirs");
}

/* Room held back beyond the end is given back, and the size is what was written. */
static void test_reserve_leaves_no_trace(void **state)
{
	static char bytes[100000];
	struct rec_output *output = NULL;
	struct stat info;
	struct cap_err err = {0};

	(void)state;
	assert_int_equal(rec_output_open(in_folder("room"), false, &output, &err), 0);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(
			rec_output_write(output, rec_output_fd(output), bytes, sizeof(bytes)),
			sizeof(bytes));
		assert_int_equal(rec_output_keep_synced(output, (u64)i * 1000000000, &err), 0);
	}
	assert_int_equal(fstat(rec_output_fd(output), &info), 0);
	assert_int_equal(info.st_size, 30 * sizeof(bytes));
	rec_output_use_room(output, REC_ROOM_END);
	assert_int_equal(rec_output_write(output, rec_output_fd(output), bytes, 10), 10);
	assert_false(rec_output_low_on_space(output));
	assert_int_equal(rec_output_close(output, &err), 0);
	rec_output_free(output);
	assert_int_equal(stat(in_folder("room"), &info), 0);
	assert_int_equal(info.st_size, 30 * sizeof(bytes) + 10);
	assert_true((u64)info.st_blocks * 512 < 31 * sizeof(bytes) + (64 << 10));
}

/* ulimit -f stands for a full disk here: each kind of block leaves the room of those after it. */
static void test_room_is_kept_for_the_end(void **state)
{
	static const struct {
		enum rec_room room;
		u64 left_bytes;
	} steps[] = {{REC_ROOM_RECORDING, 1 << 20}, {REC_ROOM_FACTS, 256 << 10}, {REC_ROOM_END, 0}};
	static char bytes[1000];
	struct rlimit unlimited, limit;
	struct rec_output *output = NULL;
	struct cap_err err = {0};

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = (struct rlimit){3 << 20, unlimited.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(rec_output_open(in_folder("limited"), false, &output, &err), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct stat info;

		rec_output_use_room(output, steps[i].room);
		while (rec_output_write(output, rec_output_fd(output), bytes, sizeof(bytes)) > 0)
			;
		assert_true(rec_output_error_is_full(-errno));
		assert_int_equal(fstat(rec_output_fd(output), &info), 0);
		assert_in_range((3 << 20) - (u64)info.st_size, steps[i].left_bytes,
				steps[i].left_bytes + sizeof(bytes));
		assert_int_equal(info.st_size % (off_t)sizeof(bytes), 0); /* whole ones only */
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	assert_int_equal(rec_output_close(output, &err), 0);
	rec_output_free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refuses_what_exists, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_force_never_writes_through, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_floor_comes_before_force, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_mode_whatever_the_umask, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_open_directory_is_refused, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_discard_removes_only_ours, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_reserve_leaves_no_trace, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_room_is_kept_for_the_end, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

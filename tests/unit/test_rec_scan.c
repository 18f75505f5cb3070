/* Text of /proc as a hostile process would have it, perf records as a damaged ring would have them,
 * and a scan of ourselves. */
#include "unit_main.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "recorder/host/maps_parse.h"
#include "recorder/host/process_scan.h"
#include "row_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* -------- lines of /proc/PID/maps -------- */

struct maps_case {
	const char *line;
	int rc;
	u64 start, end, offset, inode;
	u32 dev_major, dev_minor;
	bool executable;
	const char *path;
};

static void test_maps_lines(void **state)
{
	static const struct maps_case cases[] = {
		{"55d0-55d8 r-xp 00001000 fe:01 1234                           /usr/bin/x", 0,
		 0x55d0, 0x55d8, 0x1000, 1234, 0xfe, 1, true, "/usr/bin/x"},
		{"55d0-55d8 rw-p 00000000 00:00 0 ", 0, 0x55d0, 0x55d8, 0, 0, 0, 0, false, ""},
		{"55d0-55d8 rw-p 00000000 00:00 0", 0, 0x55d0, 0x55d8, 0, 0, 0, 0, false, ""},
		{"7ffc-7ffe r-xp 00000000 00:00 0                              [vdso]", 0, 0x7ffc,
		 0x7ffe, 0, 0, 0, 0, true, "[vdso]"},
		{"1-2 --xp 0 0:0 1 /a b  c (deleted)", 0, 1, 2, 0, 1, 0, 0, true,
		 "/a b  c (deleted)"},
		{"1-2 r-xp 0 0:0 1 /a\\0121-2 r-xp 0 0:0 1 /b", 0, 1, 2, 0, 1, 0, 0, true,
		 "/a\n1-2 r-xp 0 0:0 1 /b"},
		{"1-2 r-xp 0 0:0 1 /back\\slash\\01x\\012", 0, 1, 2, 0, 1, 0, 0, true,
		 "/back\\slash\\01x\n"},
		{"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", 0,
		 0xffffffffff600000, 0xffffffffff601000, 0, 0, 0, 0, true, "[vsyscall]"},
		{"1-2 r-xp 0 ffffffff:ffffffff 18446744073709551615 /a", 0, 1, 2, 0, UINT64_MAX,
		 UINT32_MAX, UINT32_MAX, true, "/a"},
		{"", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"1-2", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"2-1 r-xp 0 0:0 0 /a", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"2-2 r-xp 0 0:0 0 /a", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"-1-2 r-xp 0 0:0 0 /a", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"1-2 rx", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"1-2 r-xpp 0 0:0 0 /a", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"1-2 r-xp", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"1-2 r-xp 0 0:0", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"1-2 r-xp 0 0:0 0x /a", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"1-2 r-xp 0 100000000:0 0 /a", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
		{"11111111111111111-2 r-xp 0 0:0 0 /a", -EBADMSG, 0, 0, 0, 0, 0, 0, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct maps_case *c = &cases[i];
		struct rec_maps_line parsed;
		char line[256];
		int rc;

		snprintf(line, sizeof(line), "%s", c->line);
		rc = rec_maps_parse_line(line, &parsed);
		if (rc != c->rc)
			fail_msg("'%s': %d", c->line, rc);
		if (rc < 0)
			continue;
		assert_int_equal(parsed.start_address, c->start);
		assert_int_equal(parsed.end_address, c->end);
		assert_int_equal(parsed.file_offset, c->offset);
		assert_int_equal(parsed.inode, c->inode);
		assert_int_equal(parsed.dev_major, c->dev_major);
		assert_int_equal(parsed.dev_minor, c->dev_minor);
		assert_int_equal(parsed.executable, c->executable);
		assert_string_equal(parsed.path, c->path);
		assert_int_equal(parsed.path_len, strlen(c->path));
	}
}

/* Every cut and every changed byte of a good line: an answer, and no step outside. */
static void test_maps_line_damaged(void **state)
{
	static const char good[] = "55d0-55d8 r-xp 00001000 fe:01 1234   /usr/bin/x\\012y";
	struct rec_maps_line parsed;

	(void)state;
	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		char *cut = strndup(good, at); /* on the heap: an overrun is seen */
		int byte;

		(void)rec_maps_parse_line(cut, &parsed);
		free(cut);
		for (byte = 1; byte < 256; byte++) {
			char *changed = strdup(good);

			changed[at] = (char)byte;
			(void)rec_maps_parse_line(changed, &parsed);
			free(changed);
		}
	}
}

static void test_stat(void **state)
{
	static const char tail[] = "S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 -16 17 18 4711 20 21\n";
	static const char *const names[] = {"sh", "a b",  ")", ") S 1 2 3 4 5 6 (",
					    "((", "a\nb", ""};
	u64 ticks;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(text, sizeof(text), "99 (%s) %s", names[i], tail);
		assert_int_equal(rec_stat_start_ticks(text, &ticks), 0);
		assert_int_equal(ticks, 4711);
	}
	assert_int_equal(rec_stat_start_ticks("", &ticks), -EBADMSG);
	assert_int_equal(rec_stat_start_ticks("99 (sh)", &ticks), -EBADMSG);
	assert_int_equal(rec_stat_start_ticks("99 (sh) S 1 2 3", &ticks), -EBADMSG);
	assert_int_equal(
		rec_stat_start_ticks(
			"99 (sh) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 -16 17 18 -5 20", &ticks),
		-EBADMSG);
}

static void test_cgroup(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{"0::/user.slice/a\n", "/user.slice/a"},
		{"0::/\n", "/"},
		{"12:cpu,cpuacct:/docker/x\n0::/init\n", "/init"},
		{"12:cpu,cpuacct:/docker/x\n11:pids:/y\n", "/docker/x"},
		{"1:name=systemd:/with:colons:in\n", "/with:colons:in"},
		{"0::/no newline", "/no newline"},
		{"0::/gone (deleted)\n", "/gone (deleted)"},
		{"", NULL},
		{"nonsense\n", NULL},
		{"1:only\n\n:\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t len = 0;
		const char *path = rec_cgroup_path(cases[i].text, &len);

		if (!cases[i].path) {
			assert_null(path);
			continue;
		}
		assert_int_equal(len, strlen(cases[i].path));
		assert_memory_equal(path, cases[i].path, len);
	}
}

static void test_mountinfo(void **state)
{
	static const char line[] =
		"36 35 98:0 /a\\040-\\040b /mnt2 rw,noatime master:1 - fuse.sshfs host:/x rw";
	size_t len;
	const char *type = rec_mountinfo_type(line, 98, 0, &len);

	(void)state;
	assert_non_null(type);
	assert_int_equal(len, strlen("fuse.sshfs"));
	assert_memory_equal(type, "fuse.sshfs", len);
	assert_null(rec_mountinfo_type(line, 98, 1, &len));
	assert_null(rec_mountinfo_type("36 35 98:0 / /mnt", 98, 0, &len));
	assert_null(rec_mountinfo_type("", 98, 0, &len));
}

static void test_lines(void **state)
{
	enum { LONG = 40000 };
	char *long_line = malloc(LONG + 1), *line;
	struct rec_line_reader *lines = malloc(sizeof(*lines));
	int fd = memory_file("lines");

	(void)state;
	memset(long_line, 'x', LONG);
	long_line[LONG] = '\n';
	assert_int_equal(write(fd, "one\n\n", 5), 5);
	assert_int_equal(write(fd, long_line, LONG + 1), LONG + 1);
	assert_int_equal(write(fd, "two\nlast", 8), 8);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	rec_lines_init(lines, fd);
	assert_int_equal(rec_lines_next(lines, &line), 1);
	assert_string_equal(line, "one");
	assert_int_equal(rec_lines_next(lines, &line), 1);
	assert_string_equal(line, "");
	assert_int_equal(rec_lines_next(lines, &line), 1);
	assert_int_equal(strlen(line), sizeof(lines->bytes) - 1);
	assert_int_equal(rec_lines_next(lines, &line), 1);
	assert_string_equal(line, "two");
	assert_int_equal(rec_lines_next(lines, &line), 1);
	assert_string_equal(line, "last");
	assert_int_equal(rec_lines_next(lines, &line), 0);
	assert_int_equal(rec_lines_next(lines, &line), 0);
	rec_lines_init(lines, -1);
	assert_int_equal(rec_lines_next(lines, &line), -EBADF);
	(void)close(fd);
	free(lines);
	free(long_line);
}

/* -------- real processes -------- */

static struct ring_process describe(pid_t pid)
{
	struct ring_process process = {.cgroup_id = 5, .parent_tgid = 6};
	char path[64], stat[1024];
	u64 ticks;
	FILE *in;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "r");
	assert_non_null(in);
	len = fread(stat, 1, sizeof(stat) - 1, in);
	assert_int_equal(fclose(in), 0);
	stat[len] = '\0';
	assert_int_equal(rec_stat_start_ticks(stat, &ticks), 0);
	process.head.tgid = process.head.tid = (u32)pid;
	process.head.leader_start_ns = ticks * (1000000000ull / (u64)sysconf(_SC_CLK_TCK)) + 1;
	return process;
}

/* A child with a hostile name and a mapping of a deleted file whose name forges a line of maps. */
static pid_t start_child(int *ret_stop_fd)
{
	static const char file[] = "/tmp/kymo_scan\n1-2 r-xp 0 0:0 1 forged";
	int ready[2], stop[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stop), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		FILE *out = fopen(file, "w+");
		void *page = NULL;

		(void)close(stop[1]);
		(void)prctl(PR_SET_NAME, ") S 1 2 3 4 5");
		if (out && ftruncate(fileno(out), 4096) == 0)
			page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(out), 0);
		(void)unlink(file);
		(void)!write(ready[1], page && page != MAP_FAILED ? "y" : "n", 1);
		(void)!read(stop[0], &byte, 1);
		_exit(0);
	}
	(void)close(stop[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	assert_int_equal(byte, 'y');
	*ret_stop_fd = stop[1];
	return pid;
}

static void test_scan(void **state)
{
	struct cap_chunk *procs = cap_chunk_new(), *maps = cap_chunk_new();
	struct ring_process processes[2];
	struct cap_err err = {0};
	char *text;
	int stop_fd;
	pid_t pid = start_child(&stop_fd);

	(void)state;
	processes[0] = describe(pid);
	processes[1] = describe(pid);
	processes[1].head.leader_start_ns += 1000000000; /* another process had this pid */
	assert_int_equal(rec_process_scan(processes, 2, false, NULL, procs, maps, &err), 2);
	assert_int_equal(cap_chunk_rows_of(procs, EV_PROCESS), 2);
	text = row_text(procs, CAP_BLOCK_PROCS);
	if (!strstr(text, "/test_rec_scan'"))
		fail_msg("exe is missing in:\n%s", text);
	if (!strstr(text, "exe='' cgroup=''"))
		fail_msg("the recycled pid has names in:\n%s", text);
	free(text);
	text = row_text(maps, CAP_BLOCK_MAPS);
	if (!strstr(text, "path='/tmp/kymo_scan\n1-2 r-xp 0 0:0 1 forged (deleted)' flags=1"))
		fail_msg("the deleted file is missing in:\n%s", text);
	if (!strstr(text, "/test_rec_scan' flags=1") || !strstr(text, "path='[vdso]'"))
		fail_msg("mappings are missing in:\n%s", text);
	if (strstr(text, "start_address=1 "))
		fail_msg("a forged line was believed:\n%s", text);
	free(text);
	(void)close(stop_fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	/* Gone: its row stays, without names. */
	cap_chunk_reset(procs);
	cap_chunk_reset(maps);
	assert_int_equal(rec_process_scan(processes, 1, false, NULL, procs, maps, &err), 1);
	assert_int_equal(cap_chunk_rows(procs), 1);
	assert_int_equal(cap_chunk_rows(maps), 0);
	cap_chunk_free(procs);
	cap_chunk_free(maps);
}

/* Makes every ioctl of this process fail as on a kernel that knows none for /proc/PID/maps. */
static bool forbid_ioctl(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {COUNT_OF(filter), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Cuts the value of a field out of each row. */
static void blank(char *text, const char *field)
{
	for (char *at = text; (at = strstr(at, field)); at++) {
		char *value = at + strlen(field);
		size_t len = strcspn(value, " ");

		memmove(value, value + len, strlen(value + len) + 1);
	}
}

static char *maps_text(const struct ring_process *process)
{
	struct cap_chunk *procs = cap_chunk_new(), *maps = cap_chunk_new();
	struct cap_err err = {0};
	char *text;

	assert_int_equal(rec_process_scan(process, 1, false, NULL, procs, maps, &err), 1);
	text = row_text(maps, CAP_BLOCK_MAPS);
	blank(text, "time_ns=");
	if (geteuid() != 0) /* others may not read the memory of a process that is no child */
		blank(text, "build_id=");
	cap_chunk_free(procs);
	cap_chunk_free(maps);
	return text;
}

/* Without the ioctl (before 6.11) the text of maps gives the same rows, with build-ids from memory.
 */
static void test_both_ways_agree(void **state)
{
	int stop_fd, status;
	pid_t target = start_child(&stop_fd), reader;
	struct ring_process process = describe(target);

	(void)state;
	reader = fork();
	assert_true(reader >= 0);
	if (!reader) {
		char *asked = maps_text(&process), *read_as_text;

		if (!forbid_ioctl())
			_exit(77);
		read_as_text = maps_text(&process);
		if (strcmp(asked, read_as_text) != 0)
			fprintf(stderr, "asked:\n%s\nread:\n%s\n", asked, read_as_text);
		_exit(strcmp(asked, read_as_text) != 0 || !*asked);
	}
	assert_int_equal(waitpid(reader, &status, 0), reader);
	(void)close(stop_fd);
	assert_int_equal(waitpid(target, NULL, 0), target);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		unit_skip("the kernel does not let us read another process here");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_kernel_threads_have_no_mappings(void **state)
{
	struct cap_chunk *procs = cap_chunk_new(), *maps = cap_chunk_new();
	struct ring_process process = describe(getpid());
	struct cap_err err = {0};

	(void)state;
	process.flags = EV_PROCESS_KERNEL_THREAD;
	assert_int_equal(rec_process_scan(&process, 1, false, NULL, procs, maps, &err), 1);
	assert_int_equal(cap_chunk_rows(maps), 0);
	assert_int_equal(rec_process_scan(&process, 0, false, NULL, procs, maps, &err), 0);
	cap_chunk_free(procs);
	cap_chunk_free(maps);
}

/* Many processes: several calls, each within the size of a chunk. */
static void test_scan_in_parts(void **state)
{
	enum { COUNT = 20000 };
	struct cap_chunk *procs = cap_chunk_new(), *maps = cap_chunk_new();
	struct ring_process *processes = calloc(COUNT, sizeof(*processes));
	struct cap_err err = {0};
	size_t done = 0, calls = 0, rows = 0;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) { /* too large to be processes */
		processes[i].head.tgid = processes[i].head.tid = (u32)(100000000 + i);
		processes[i].head.leader_start_ns = i * 1000003;
		snprintf(processes[i].head.comm, EV_COMM_BYTES, "p%zu", i);
	}
	while (done < COUNT) {
		int rc = rec_process_scan(processes + done, COUNT - done, false, NULL, procs, maps,
					  &err);

		assert_true(rc > 0);
		assert_true(cap_chunk_raw_bytes(procs) < 2 << 20);
		rows += cap_chunk_rows(procs);
		cap_chunk_reset(procs);
		done += (size_t)rc;
		calls++;
	}
	assert_int_equal(rows, COUNT);
	assert_true(calls < 100);
	free(processes);
	cap_chunk_free(procs);
	cap_chunk_free(maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_lines),
		cmocka_unit_test(test_maps_line_damaged),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_mountinfo),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_both_ways_agree),
		cmocka_unit_test(test_kernel_threads_have_no_mappings),
		cmocka_unit_test(test_scan_in_parts),
	};

	return unit_status(cmocka_run_group_tests_name("rec_scan", tests, NULL, NULL));
}

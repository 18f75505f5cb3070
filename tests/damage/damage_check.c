/*
 * What a capture withstands: cut at every length (W3), every byte and bit changed (W4), pages lost
 * or mixed up (W5), bytes inserted and removed (W6). Usage: damage_check W3|W4|W5|W6 [--cases N],
 * or damage_check make FILE to write file K. KYMO_FULL=1 in the environment: the long form.
 * KYMO_SANITIZE: fewer cases, since each takes longer. TEST_SEED repeats a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "damage_kit.h"
#include "file_k.h"
#include "formats/base/cap_error.h"

#define PAGE_BYTES 4096u
#define ROWS_EVERY \
	64u /* full dumps are compared in one case of so many; bytes and schema in each */

extern char **environ;

struct form { /* how much is asked for */
	bool full, sanitize;
	u64 cases; /* 0: what the form says */
};

static bool flag_set(const char *name)
{
	const char *text = getenv(name);

	return text && *text;
}

static void take_file_k(struct damage_file *file)
{
	int fd = memory_file("file-k");
	struct cap_err err = {0};

	must(fd >= 0, "memfd");
	if (file_k_write(fd, &err) < 0 || file_k_check(fd, &err) < 0) {
		printf("file K: %s\n", err.text);
		exit(1);
	}
	damage_file_take(file, fd);
}

static void take_big_file(struct damage_file *file, u64 bytes, unsigned min_rows, unsigned max_rows)
{
	struct big_plan plan = {
		.seed = 5, .bytes = bytes, .min_rows = min_rows, .max_rows = max_rows};
	int fd = memory_file("big");

	must(fd >= 0, "memfd");
	must(big_file_write(&plan, fd, NULL) >= 0, "write a big capture");
	damage_file_take(file, fd);
}

/* -------- W3: cut -------- */

/* Exit status of `kymo COMMAND PATH`, its output thrown away; -1 if it cannot be run or was killed.
 */
static int run_kymo(const char *command, const char *path)
{
	const char *bin = getenv("KYMO_BIN");
	char program[4096];
	char *args[] = {"kymo", (char *)command, (char *)path, NULL};
	posix_spawn_file_actions_t actions;
	int status = -1, rc;
	pid_t pid;

	(void)snprintf(program, sizeof(program), "%s/kymo", bin ? bin : "build/bin");
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&pid, program, &actions, NULL, args, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (rc || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int status_of(size_t whole, bool is_full)
{
	return whole == 0 ? 2 : is_full ? 0 : 3;
}

/* The programs themselves: kymo reads the memory file by its path in /proc. */
static void cut_for_kymo(struct report *report, int fd, size_t whole, size_t len, bool is_full)
{
	static const char *const commands[] = {"verify", "info", "dump"};
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int status = run_kymo(commands[i], path);
		int wanted = i == 0 || whole ? status_of(whole, is_full) : 1;

		report_case(report, "cut to %zu bytes, kymo %s", len, commands[i]);
		if (status != wanted)
			report_failed(report, "exit status %d, not %d", status, wanted);
	}
}

static void cut_case(struct report *report, struct damage_file *file, size_t len, bool rows,
		     bool kymo)
{
	struct expected expected = {
		.touched_from = len, .touched_end = UINT64_MAX, .whole = len == file->len};
	size_t whole = 0;

	while (whole < file->clean.count &&
	       file->clean.blocks[whole].offset + file->clean.blocks[whole].size_bytes <= len)
		whole++;
	report_case(report, "cut to %zu bytes", len);
	must(ftruncate(file->fd, (off_t)len) == 0, "ftruncate");
	walk_fd(file->fd, rows, &file->walk);
	if (!whole && file->walk.open_rc != CAP_ENOTCAPTURE)
		report_failed(report, "opened with %d, though no block is whole",
			      file->walk.open_rc);
	if (whole && (file->walk.open_rc || file->walk.count != whole))
		report_failed(report, "%zu of %zu whole blocks read", file->walk.count, whole);
	(void)walk_judge(report, file, &file->walk, NULL, &expected);
	if (kymo)
		cut_for_kymo(report, file->fd, whole, len, expected.whole);
}

static int compare_down(const void *left, const void *right)
{
	size_t a = *(const size_t *)left, b = *(const size_t *)right;

	return a < b ? 1 : a > b ? -1 : 0;
}

static void cut_big_file(struct report *report, u64 cases)
{
	struct damage_file file;
	struct rng rng = {test_seed()};
	size_t *lengths = calloc(cases, sizeof(*lengths));

	must(lengths, "calloc");
	take_big_file(&file, 64u << 20, 1, 1000);
	for (u64 i = 0; i < cases; i++)
		lengths[i] = rng_below(&rng, file.len + 1);
	qsort(lengths, cases, sizeof(*lengths), compare_down); /* a file only shrinks */
	for (u64 i = 0; i < cases; i++) {
		cut_case(report, &file, lengths[i], false, false);
		if (i % 1000 == 999) {
			printf("%llu of %llu lengths of 64 MiB\n", (unsigned long long)i + 1,
			       (unsigned long long)cases);
			(void)fflush(stdout);
		}
	}
	free(lengths);
	damage_file_done(&file);
}

static int check_cuts(const struct form *form)
{
	struct report report = {.id = "W3"};
	struct damage_file file;
	char note[100];
	size_t len;

	take_file_k(&file);
	len = file.len;
	for (size_t at = len + 1; at-- > 0;) {
		bool edge = at == len || at == 0 || at == file.clean.blocks[0].size_bytes ||
			    at == file.clean.blocks[file.clean.count - 1].offset;

		if (form->sanitize && at % 8 && !edge)
			continue;
		cut_case(&report, &file, at, form->full || at % ROWS_EVERY == 0,
			 edge || at % (form->full ? 64 : 1024) == 77);
	}
	damage_file_done(&file);
	if (form->full)
		cut_big_file(&report, form->cases ? form->cases : 10000);
	(void)snprintf(note, sizeof(note), "file K has %zu bytes", len);
	return report_done(&report, note);
}

/* -------- W4: bytes and bits -------- */

static void change_byte(struct report *report, struct damage_file *file, size_t place, u8 mask,
			bool rows)
{
	struct expected expected = {.touched_from = place, .touched_end = place + 1};
	size_t missing;

	report_case(report, "byte %zu xor %#x", place, mask);
	file->map[place] ^= mask;
	walk_file(file, rows ? READ_ROWS : READ_AGAIN);
	missing = walk_judge(report, file, &file->walk, file->map, &expected);
	file->map[place] ^= mask;
	if (missing > 1)
		report_failed(report, "%zu blocks lost", missing);
	if (file->walk.damage.blocks_read != file->walk.count)
		report_failed(report, "%llu blocks counted as read",
			      (unsigned long long)file->walk.damage.blocks_read);
}

static int check_bytes(const struct form *form)
{
	struct report report = {.id = "W4"};
	struct damage_file file;
	char note[160];
	u64 number = 0;

	take_file_k(&file);
	for (size_t place = 0; place < file.len; place += form->sanitize ? 16 : 1) {
		for (unsigned value = 1; value < 256; value++) {
			if (!form->full && value != 255 && (value & (value - 1)))
				continue;
			change_byte(&report, &file, place, (u8)value, number++ % ROWS_EVERY == 0);
		}
		if (form->full && place % 2048 == 2047) {
			printf("byte %zu of %zu\n", place + 1, file.len);
			(void)fflush(stdout);
		}
	}
	(void)snprintf(note, sizeof(note),
		       "file K has %zu bytes in %zu blocks; bytes and schema compared in each "
		       "case, rows in %llu",
		       file.len, file.clean.count,
		       (unsigned long long)(number + ROWS_EVERY - 1) / ROWS_EVERY);
	damage_file_done(&file);
	return report_done(&report, note);
}

/* -------- W5: pages -------- */

enum page_kind { PAGE_ZERO, PAGE_NOISE, PAGE_OTHER, PAGE_KINDS };

static size_t fill_page(struct damage_file *file, size_t place, enum page_kind kind,
			struct rng *rng)
{
	size_t len = file->len - place < PAGE_BYTES ? file->len - place : PAGE_BYTES;
	size_t pages = file->len / PAGE_BYTES, other = rng_below(rng, pages) * PAGE_BYTES;

	if (kind == PAGE_ZERO)
		memset(file->map + place, 0, len);
	for (size_t i = 0; kind == PAGE_NOISE && i < len; i++)
		file->map[place + i] = (u8)rng_next(rng);
	if (kind != PAGE_OTHER)
		return 0;
	if (other == place)
		other = (place + PAGE_BYTES) % (pages * PAGE_BYTES);
	memcpy(file->map + place, file->clean_bytes + other, len);
	return other;
}

static void page_case(struct report *report, struct damage_file *file, size_t place,
		      enum page_kind kind, struct rng *rng, bool rows)
{
	static const char *const names[] = {"zeros", "noise", "page"};
	size_t len = file->len - place < PAGE_BYTES ? file->len - place : PAGE_BYTES;
	struct expected expected = {.touched_from = place, .touched_end = place + len};
	size_t other = fill_page(file, place, kind, rng);

	report_case(report, "page at %zu: %s %zu", place, names[kind], other);
	walk_file(file, rows ? READ_ROWS : READ_ANEW);
	(void)walk_judge(report, file, &file->walk, file->map, &expected);
	if (!file->walk.damage.ended &&
	    file->clean.blocks[file->clean.count - 1].offset >= expected.touched_end)
		report_failed(report, "END was not touched, and not found");
	damage_file_restore(file, place, len);
}

static int check_pages(const struct form *form)
{
	struct report report = {.id = "W5"};
	struct damage_file file;
	struct rng rng = {test_seed()};
	size_t pages;
	u64 cases;
	char note[100];

	take_big_file(&file, 4u << 20, 0, 60);
	pages = (file.len + PAGE_BYTES - 1) / PAGE_BYTES;
	cases = form->cases ? form->cases : form->full ? pages * PAGE_KINDS : 200;
	for (u64 i = 0; i < cases; i++) {
		size_t page = form->full ? (i / PAGE_KINDS) % pages : rng_below(&rng, pages);

		page_case(&report, &file, page * PAGE_BYTES, (enum page_kind)(i % PAGE_KINDS), &rng,
			  i % (form->full ? 8 : 32) == 1);
	}
	(void)snprintf(note, sizeof(note), "%zu bytes in %zu blocks", file.len, file.clean.count);
	damage_file_done(&file);
	return report_done(&report, note);
}

/* -------- W6: bytes inserted and removed -------- */

/* The file with bytes taken out at place, or put in, in fd. */
static void write_spliced(struct damage_file *file, int fd, size_t place, const u8 *middle,
			  size_t inserted, size_t removed)
{
	size_t rest = place + removed;

	must(ftruncate(fd, 0) == 0 && pwrite(fd, file->clean_bytes, place, 0) == (ssize_t)place &&
		     pwrite(fd, middle, inserted, (off_t)place) == (ssize_t)inserted &&
		     pwrite(fd, file->clean_bytes + rest, file->len - rest,
			    (off_t)(place + inserted)) == (ssize_t)(file->len - rest),
	     "write a spliced capture");
}

static void shift_case(struct report *report, struct damage_file *file, int fd, struct rng *rng,
		       bool rows)
{
	u8 middle[PAGE_BYTES];
	size_t place = rng_below(rng, file->len);
	size_t len = 1 + rng_below(rng, rng_below(rng, 2) ? 16 : PAGE_BYTES);
	unsigned kind = (unsigned)rng_below(
		rng, 5); /* 0..2: noise, zeros, bytes of the file put in; 3, 4: removed */
	size_t removed = kind < 3 ? 0 : len < file->len - place ? len : file->len - place;
	size_t inserted = kind < 3 ? len : 0, missing, reached = 0;
	size_t from = rng_below(rng, file->len - len);
	struct expected expected = {.touched_from = place,
				    .touched_end = place + removed,
				    .shift = (s64)inserted - (s64)removed};
	void *bytes;

	for (size_t i = 0; i < inserted; i++)
		middle[i] = kind == 0	? (u8)rng_next(rng)
			    : kind == 1 ? 0
					: file->clean_bytes[from + i];
	report_case(report, "%zu bytes %s at %zu", len, removed ? "removed" : "inserted", place);
	write_spliced(file, fd, place, middle, inserted, removed);
	walk_fd(fd, rows, &file->walk);
	bytes = mmap(NULL, file->len + inserted - removed, PROT_READ, MAP_PRIVATE, fd, 0);
	must(bytes != MAP_FAILED, "mmap");
	missing = walk_judge(report, file, &file->walk, bytes, &expected);
	(void)munmap(bytes, file->len + inserted - removed);
	for (size_t i = 0; i < file->clean.count; i++) {
		const struct damage_block *block = &file->clean.blocks[i];

		reached += block->offset < place + removed &&
			   block->offset + block->size_bytes > place;
	}
	/* where a removed piece held several small blocks, those are gone with it */
	if (missing > 2 && missing > reached)
		report_failed(report, "%zu blocks lost", missing);
}

static int check_shifts(const struct form *form)
{
	struct report report = {.id = "W6"};
	u64 cases = form->cases ? form->cases : form->full ? 10000 : 200;
	int fd = memory_file("spliced");
	struct damage_file file;
	struct rng rng = {test_seed()};
	char note[100];

	must(fd >= 0, "memfd");
	take_big_file(&file, (form->full ? 4u : 1u) << 20, 20, 200);
	for (u64 i = 0; i < cases; i++)
		shift_case(&report, &file, fd, &rng, i % (form->full ? 64 : 20) == 0);
	(void)snprintf(note, sizeof(note), "%zu bytes in %zu blocks", file.len, file.clean.count);
	damage_file_done(&file);
	(void)close(fd);
	return report_done(&report, note);
}

/* -------- main -------- */

static int make_file_k(const char *path)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	struct cap_err err = {0};

	if (fd >= 0 && file_k_write(fd, &err) >= 0 && file_k_check(fd, &err) >= 0 && close(fd) == 0)
		return 0;
	printf("%s: %s\n", path, err.text);
	return 1;
}

int main(int argc, char **argv)
{
	struct form form = {.full = flag_set("KYMO_FULL"), .sanitize = flag_set("KYMO_SANITIZE")};

	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make_file_k(argv[2]);
	if (argc == 4 && strcmp(argv[2], "--cases") == 0)
		form.cases = strtoull(argv[3], NULL, 0);
	if (argc == 2 || form.cases) {
		if (strcmp(argv[1], "W3") == 0)
			return check_cuts(&form);
		if (strcmp(argv[1], "W4") == 0)
			return check_bytes(&form);
		if (strcmp(argv[1], "W5") == 0)
			return check_pages(&form);
		if (strcmp(argv[1], "W6") == 0)
			return check_shifts(&form);
	}
	(void)fprintf(stderr,
		      "usage: damage_check W3|W4|W5|W6 [--cases N], or damage_check make FILE\n");
	return 2;
}

/*
 * Captures made to do harm: decompression bombs (S4) and every value of every field (S5).
 * Usage: hostile_check S4|S5, or hostile_check make DIRECTORY to write the bombs and the costly
 * captures there. KYMO_FULL, KYMO_SANITIZE and TEST_SEED as for damage_check.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bombs.h"
#include "costly.h"
#include "field_values.h"
#include "hostile_read.h"

#define MIB (1ull << 20)
#define REFUSED_BYTES (12 * MIB) /* room for buffers and tables that are no bomb */
#define ACCEPTED_BYTES (32 * MIB + REFUSED_BYTES)

static bool flag_set(const char *name)
{
	const char *text = getenv(name);

	return text && *text;
}

/* -------- S4 -------- */

struct reading_of {
	int fd;
	bool must_refuse;
};

static void read_bomb(void *context)
{
	const struct reading_of *reading = context;
	u64 refused = read_to_the_end(reading->fd);

	if (reading->must_refuse && !refused) {
		printf("was not refused\n");
		(void)fflush(stdout);
		_exit(1);
	}
}

static void check_bomb(struct report *report, const struct raw_bytes *file, bool refused,
		       u64 base_bytes, struct cost *ret_cost)
{
	u64 most = base_bytes + (refused ? REFUSED_BYTES : ACCEPTED_BYTES);
	struct reading_of reading = {.fd = memory_file("bomb"), .must_refuse = refused};

	must(reading.fd >= 0 && write(reading.fd, file->bytes, file->len) == (ssize_t)file->len,
	     "write a bomb");
	if (run_in_child(report, read_bomb, &reading, ret_cost) && base_bytes &&
	    ret_cost->peak_bytes > most)
		report_failed(report, "took %llu MiB",
			      (unsigned long long)(ret_cost->peak_bytes / MIB));
	(void)close(reading.fd);
}

static int check_bombs(void)
{
	struct report report = {.id = "S4"};
	u64 base_bytes, most_bytes = 0;
	double most_seconds = 0;
	struct raw_capture sound;
	struct cost cost;
	char note[120];

	report_case(&report, "a sound capture");
	raw_begin(&sound);
	raw_end(&sound);
	check_bomb(&report, &sound.file, false, 0, &cost);
	raw_free(&sound.file);
	base_bytes = flag_set("KYMO_SANITIZE")
			     ? 0
			     : cost.peak_bytes; /* a sanitizer has memory of its own */
	for (size_t i = 0; i < bomb_count; i++) {
		struct raw_capture capture;

		report_case(&report, "%s", bombs[i].name);
		bombs[i].make(&capture);
		check_bomb(&report, &capture.file, bombs[i].refused, base_bytes, &cost);
		raw_free(&capture.file);
		most_bytes = cost.peak_bytes > most_bytes ? cost.peak_bytes : most_bytes;
		most_seconds = cost.cpu_seconds > most_seconds ? cost.cpu_seconds : most_seconds;
	}
	(void)snprintf(note, sizeof(note), "at most %llu MiB and %.2f s of CPU time",
		       (unsigned long long)(most_bytes / MIB), most_seconds);
	return report_done(&report, note);
}

/* -------- main -------- */

static void save(const char *directory, const char *name, struct raw_bytes *file)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s.kymo", directory, name);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	must(fd >= 0 && write(fd, file->bytes, file->len) == (ssize_t)file->len && close(fd) == 0,
	     path);
	raw_free(file);
}

static int make_files(const char *directory)
{
	for (size_t i = 0; i < bomb_count; i++) {
		struct raw_capture capture;

		bombs[i].make(&capture);
		save(directory, bombs[i].name, &capture.file);
	}
	for (size_t i = 0; i < costly_count; i++) {
		struct raw_capture capture;

		costly[i].make(&capture);
		save(directory, costly[i].name, &capture.file);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make_files(argv[2]);
	if (argc == 2 && strcmp(argv[1], "S4") == 0)
		return check_bombs();
	if (argc == 2 && strcmp(argv[1], "S5") == 0)
		return check_field_values(flag_set("KYMO_FULL"), flag_set("KYMO_SANITIZE"));
	(void)fprintf(stderr, "usage: hostile_check S4|S5, or hostile_check make DIRECTORY\n");
	return 2;
}

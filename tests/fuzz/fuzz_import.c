/*
 * A whole capture through everything that a user may ask of it: each report over the capture itself
 * and over the database made of it, with the commands' own code. What stands in the output is
 * checked cheaply: no control bytes, and both ways give the same folded stacks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/commands/common_options.h"
#include "formats/base/block_header.h"
#include "formats/base/bytes.h"
#include "formats/read/capture_reader.h"
#include "fuzz_target.h"

#define MAX_RAW_BYTES (512u << 10) /* of all blocks: what a bomb costs is asked elsewhere */
#define MAX_ARGUMENTS 8

static const char *const reports[][MAX_ARGUMENTS] = {
	{"info"},
	{"info", "--json"},
	{"verify"},
	{"dump"},
	{"folded", "--no-symbols"},
	{"flame", "--no-symbols"},
	{"syscalls"},
	{"syscalls", "--json", "--by-process", "--errors", "--in-flight"},
	{"syscalls", "--csv"},
	{"syscalls", "--histogram"},
	{"overhead"},
	{"overhead", "--json"},
	{"folded", "--no-symbols", "--from", "0", "--to", "0.001"},
};
#define REPORTS (sizeof(reports) / sizeof(reports[0]))

__attribute__((format(printf, 2, 3))) static void note(const struct kymo_run *run,
						       const char *format, ...)
{
	char text[CAP_ERR_TEXT_BYTES];
	va_list arguments;

	(void)run;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
}

/* Bytes that a terminal would act on have no place in any output; lines of CSV end in CR LF. */
static bool is_fit(const char *bytes, size_t len, size_t i)
{
	unsigned char byte = (unsigned char)bytes[i];

	return (byte >= ' ' && byte != 0x7f) || byte == '\n' || byte == '\t' ||
	       (byte == '\r' && i + 1 < len && bytes[i + 1] == '\n');
}

static void check_output(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_fit(bytes, len, i))
			abort();
}

struct output {
	char *text;
	size_t len, size;
};

static ssize_t keep(void *context, const char *bytes, size_t len)
{
	struct output *output = context;

	if (output->len + len > output->size) {
		output->size = 2 * (output->len + len);
		output->text = realloc(output->text, output->size);
		if (!output->text)
			abort();
	}
	memcpy(output->text + output->len, bytes, len);
	output->len += len;
	return (ssize_t)len;
}

/* Runs a command; its output is malloc'd. */
static char *run_command(const char *const *words, const char *path, const char *output_path,
			 size_t *ret_len, int *ret_rc)
{
	char *arguments[MAX_ARGUMENTS + 4];
	struct output output = {.text = malloc(1)};
	/* not open_memstream: a command may give its stream a buffer */
	struct kymo_run run = {
		.note = note,
		.out = fopencookie(&output, "w", (cookie_io_functions_t){.write = keep})};
	struct cap_err err = {0};
	int count = 0;

	if (!run.out)
		abort();
	for (; words[count]; count++)
		arguments[count] = (char *)words[count];
	arguments[count++] = (char *)path;
	if (output_path) {
		arguments[count++] = "-o";
		arguments[count++] = (char *)output_path;
	}
	arguments[count] = NULL;
	for (size_t i = 0; i < kymo_command_count; i++)
		if (strcmp(kymo_commands[i].name, words[0]) == 0)
			run.command = &kymo_commands[i];
	*ret_rc = run.command->main(&run, count, arguments, &err);
	if (*ret_rc == CAP_EUSAGE || (*ret_rc < 0 && !err.text[0]))
		abort(); /* the arguments are right, and every error is told */
	(void)fclose(run.out);
	check_output(output.text, output.len);
	*ret_len = output.len;
	return output.text;
}

static void run_report(size_t index, const char *path)
{
	size_t len = 0;
	int rc;

	free(run_command(reports[index], path, NULL, &len, &rc));
}

/* A name for what is written, in memory where the machine has a place for that. */
static const char *output_path(void)
{
	static char path[64];

	if (!path[0])
		(void)snprintf(path, sizeof(path), "%s/kymo-fuzz-%d",
			       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	return path;
}

static void run_import(const char *path, uint64_t which)
{
	static const char *const import[] = {"import", "--no-symbols", "-f", NULL};
	static const char *const folded[] = {"folded", "--no-symbols", NULL};
	const char *database = output_path();
	size_t len, len_db;
	char *text, *text_db;
	int rc, rc_db;

	free(run_command(import, path, database, &len, &rc));
	if (rc < 0) {
		if (access(database, F_OK) == 0)
			abort(); /* a failed import leaves nothing */
		return;
	}
	text = run_command(folded, path, NULL, &len, &rc);
	text_db = run_command(folded, database, NULL, &len_db, &rc_db);
	if (rc >= 0 && rc_db >= 0 && (len != len_db || memcmp(text, text_db, len) != 0))
		abort();
	free(text);
	free(text_db);
	if (strcmp(reports[which % REPORTS][0], "dump") != 0 &&
	    strcmp(reports[which % REPORTS][0], "verify") != 0)
		run_report(which % REPORTS, database);
	(void)unlink(database);
}

/* What recover writes is a closed capture in which everything can be decoded: strict reading looks
 * at each column. */
static void run_recover(const char *path)
{
	static const char *const recover[] = {"recover", "-f", NULL};
	static const struct cap_reader_options strict = {.mode = CAP_READ_STRICT};
	const struct cap_damage *damage;
	const char *output = output_path();
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct cap_rows rows;
	struct cap_err err = {0};
	size_t len;
	int rc;

	free(run_command(recover, path, output, &len, &rc));
	if (rc != 0 && rc != KYMO_EXIT_LOSS) {
		if (access(output, F_OK) == 0)
			abort(); /* nothing is left of a failure */
		return;
	}
	rc = cap_reader_open(output, &strict, &reader, &err);
	while (rc == 0 && (rc = cap_reader_next(reader, &block, &err)) == 1) {
		rc = 0;
		if (cap_block_holds_rows(block.type) && !block.replica)
			rc = cap_reader_rows(reader, &rows, &err);
	}
	damage = rc == 0 ? cap_reader_damage(reader) : NULL;
	if (!damage || !damage->ended || damage->blocks_damaged || damage->blocks_lost ||
	    damage->bytes_skipped) {
		(void)fprintf(stderr, "recovered: %s\n", err.text);
		abort();
	}
	cap_reader_close(reader);
	(void)unlink(output);
}

static uint64_t decoded_bytes(const uint8_t *bytes, size_t len)
{
	struct cap_block_header header;
	uint64_t sum = 0;

	for (size_t at = 0; at + 72 <= len; at++)
		if (cap_block_header_probable(bytes + at) &&
		    cap_block_header_decode(bytes + at, len - at, &header, NULL) == 0)
			sum += header.raw_len;
	return sum;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_mutate_capture(bytes, len, max_len, seed);
}

/* While fuzzing, the length of the input chooses what is asked: most mutations leave it. A replay
 * asks everything. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint64_t which = len / 8;

	if (decoded_bytes(bytes, len) > MAX_RAW_BYTES)
		return 0;
	(void)fuzz_file(bytes, len);
	if (!LLVMFuzzerMutate) {
		for (size_t i = 0; i < REPORTS; i++)
			run_report(i, fuzz_file_path());
		run_import(fuzz_file_path(), which);
		run_recover(fuzz_file_path());
		return 0;
	}
	if (which % 4 == 0)
		run_import(fuzz_file_path(), which / 4);
	else if (which % 4 == 1)
		run_recover(fuzz_file_path());
	else
		run_report(which / 2 % REPORTS, fuzz_file_path());
	return 0;
}

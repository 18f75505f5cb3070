/* Reading hostile captures. See hostile_read.h. */
#include "hostile_read.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/commands/common_options.h"
#include "formats/base/limits.h"

#define MAX_VALUES_DECODED (4u << 20)

/* -------- the reader -------- */

static void need(bool good, const char *what)
{
	if (good)
		return;
	printf("the reader: %s\n", what);
	(void)fflush(stdout);
	abort();
}

static void check_value(const struct cap_rows *rows, u8 kind, u64 value)
{
	need(kind != CAP_KIND_TASK || value < rows->task_count, "a task past its table");
	need(kind != CAP_KIND_STACK || value < rows->stack_count, "a stack past its table");
	need(kind != CAP_KIND_COPY || value < rows->copy_count, "a copy past its table");
	need((kind != CAP_KIND_STRING && kind != CAP_KIND_BYTES) || value < rows->string_count,
	     "a string past its table");
}

static u64 use_tables(const struct cap_rows *rows)
{
	u64 sum = 0;

	for (u32 i = 0; i < rows->string_count; i++)
		for (u32 k = 0; k < rows->strings[i].len; k++)
			sum += rows->strings[i].bytes[k];
	for (u32 i = 0; i < rows->frame_count; i++)
		need(rows->frames[i].object < rows->string_count,
		     "a frame's object past its table");
	for (u32 i = 1; i < rows->stack_count; i++)
		need(rows->stacks[i].parent < i && rows->stacks[i].frame < rows->frame_count,
		     "a stack that is no tree");
	for (u32 i = 1; i < rows->word_count; i++)
		need(rows->words[i].parent < i && rows->words[i].below <= CAP_MAX_COPY_WORDS &&
			     rows->words[i].below > rows->words[rows->words[i].parent].below,
		     "words that are no tree");
	for (u32 i = 0; i < rows->copy_count; i++) {
		struct cap_word_walk walk = cap_copy_words(rows, i);
		u64 address, value;

		while (cap_word_next(&walk, &address, &value) == 1)
			sum += address ^ value;
	}
	for (u32 i = 0; i < rows->task_count; i++)
		sum += (u8)rows->tasks[i].comm[15] + rows->tasks[i].tgid;
	return sum;
}

static void use_section(const struct cap_rows *rows, const struct cap_section *section, u64 *budget)
{
	u64 *values;

	need(section->row_count <= CAP_MAX_ROWS && section->column_count <= CAP_MAX_COLUMNS,
	     "a section above the limits");
	if ((u64)section->row_count * section->column_count > *budget)
		return;
	*budget -= (u64)section->row_count * section->column_count;
	values = malloc((section->row_count + 1ul) * sizeof(*values));
	must(values, "malloc");
	for (u32 c = 0; c < section->column_count; c++) {
		const struct cap_column *column = &section->columns[c];

		if (cap_column_decode(rows, section, column, values) < 0)
			continue;
		for (u32 i = 0; column->field && i < section->row_count; i++)
			check_value(rows, column->field->kind, values[i]);
	}
	free(values);
}

u64 read_to_the_end(int fd)
{
	struct cap_reader *reader = NULL;
	u64 budget = MAX_VALUES_DECODED, end = 0, refused = 1;
	struct cap_block block;
	struct cap_rows rows;
	int rc;

	if (reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, NULL) < 0)
		return 1;
	while ((rc = cap_reader_next(reader, &block, NULL)) == 1) {
		u64 sum;

		need(block.offset >= end && block.size_bytes >= CAP_HEADER_BYTES,
		     "it stands still");
		end = block.offset + block.size_bytes;
		need(end <= cap_reader_file_bytes(reader), "a block past the end");
		if (!cap_block_holds_rows(block.type) || cap_reader_rows(reader, &rows, NULL) < 0)
			continue;
		sum = use_tables(&rows);
		__asm__ volatile("" : : "r"(sum)); /* keeps the reads */
		for (u32 i = 0; i < rows.section_count; i++)
			use_section(&rows, &rows.sections[i], &budget);
	}
	refused = cap_reader_damage(reader)->blocks_damaged +
		  (cap_reader_damage(reader)->bytes_skipped > 0) + (rc < 0);
	(void)cap_reader_close(reader);
	return refused;
}

/* -------- cost -------- */

bool run_in_child(struct report *report, void (*run)(void *), void *context, struct cost *ret_cost)
{
	struct rusage usage;
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		run(context);
		(void)fflush(stdout);
		_exit(0);
	}
	must(wait4(pid, &status, 0, &usage) == pid, "wait4");
	ret_cost->cpu_seconds =
		(double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
		(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
	ret_cost->peak_bytes = (u64)usage.ru_maxrss * 1024;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	report_failed(report, "ended with status %#x", (unsigned)status);
	return false;
}

static struct report *watched;

static void too_long(int signal_number)
{
	static const char text[] = ": takes too much CPU time\n";

	(void)signal_number;
	(void)!write(STDERR_FILENO, watched->place, strlen(watched->place));
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

void watch_cpu(struct report *report, unsigned seconds)
{
	struct itimerval timer = {.it_value.tv_sec = seconds};

	watched = report;
	(void)signal(SIGVTALRM, too_long);
	(void)setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

/* -------- the commands -------- */

static void ignore_note(const struct kymo_run *run, const char *format, ...)
{
	(void)run;
	(void)format;
}

static void run_command(struct report *report, FILE *out, bool sound, const char *const *words)
{
	struct kymo_run run = {.out = out, .note = ignore_note};
	struct cap_err err = {0};
	char *args[12];
	int count = 0, rc;

	for (size_t i = 0; i < kymo_command_count; i++)
		if (strcmp(kymo_commands[i].name, words[0]) == 0)
			run.command = &kymo_commands[i];
	must(run.command, words[0]);
	for (; words[count]; count++)
		args[count] = (char *)words[count];
	args[count] = NULL;
	optind = 0; /* begin anew */
	rc = run.command->main(&run, count, args, &err);
	if (rc == 0 || rc == KYMO_EXIT_LOSS ||
	    (rc == 2 && strcmp(words[0], "verify") == 0 && !sound))
		return;
	if (sound || rc > 0 || !err.text[0])
		report_failed(report, "kymo %s: result %d: %s", words[0], rc, err.text);
}

void run_commands(struct report *report, const char *path, bool sound)
{
	static const char *const reports[] = {"info", "folded", "flame", "syscalls", "overhead"};
	char database[64];
	FILE *out = fopen("/dev/null", "w");

	must(out, "/dev/null");
	(void)snprintf(database, sizeof(database), "/dev/shm/kymo-hostile-%d.db", (int)getpid());
	run_command(report, out, sound, (const char *const[]){"verify", path, NULL});
	run_command(report, out, sound, (const char *const[]){"dump", path, NULL});
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		run_command(report, out, sound, (const char *const[]){reports[i], path, NULL});
	run_command(report, out, sound,
		    (const char *const[]){"import", "--quiet", "--no-symbols", "--force", path,
					  "-o", database, NULL});
	for (size_t i = 0; access(database, F_OK) == 0 && i < sizeof(reports) / sizeof(reports[0]);
	     i++)
		run_command(report, out, sound, (const char *const[]){reports[i], database, NULL});
	(void)unlink(database); /* may not have been made */
	(void)fclose(out);
}

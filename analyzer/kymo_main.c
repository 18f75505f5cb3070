/* kymo: reads captures. Finds the command, prints its error, and turns its result into an exit
 * status. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/commands/common_options.h"
#include "analyzer/commands/input_file.h"
#include "analyzer/output/pager.h"
#include "analyzer/output/report_writer.h"
#include "analyzer/output/safe_text.h"

enum exit_status { EXIT_USAGE = 2, EXIT_INTERRUPTED = 130, EXIT_SIGPIPE = 141 };

#define JSON_BYTES (1u << 20) /* of a document that waits in memory */

/* Messages contain paths and other text from captures: they are shown as safely as results. */
static void print_message(const struct kymo_run *run, const char *command, const char *text)
{
	if (!run->json) /* what was written before stands above it */
		(void)fflush(stdout);
	(void)fputs("kymo: ", stderr);
	if (command)
		(void)fprintf(stderr, "%s: ", command);
	kymo_print_safe(stderr, text, strlen(text));
	(void)fputc('\n', stderr);
}

__attribute__((format(printf, 2, 3))) static void note(const struct kymo_run *run,
						       const char *format, ...)
{
	char text[CAP_ERR_TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_message(run, run->command->name, text);
}

static const char *code_name(int rc)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
		{CAP_EUSAGE, "usage"},		 {CAP_EREFUSED, "refused"},
		{CAP_ENOTCAPTURE, "no_capture"}, {CAP_ENOTOURS, "no_capture"},
		{CAP_EVERSION, "version"},	 {CAP_EDAMAGED, "damaged"},
		{CAP_ELIMIT, "limit"},		 {-ENOENT, "not_found"},
		{-ESRCH, "not_found"},		 {-EACCES, "permission"},
		{-EPERM, "permission"},		 {-EEXIST, "exists"},
		{-ENOSPC, "no_space"},		 {-ENOMEM, "memory"},
		{-EINTR, "interrupted"},	 {-EBUSY, "busy"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == rc)
			return names[i].name;
	return "failed";
}

/* An error as a document on standard output, in place of what was begun there. */
static void write_error(const struct kymo_run *run, const char *command, int rc, const char *text,
			int status)
{
	struct kymo_writer *writer = NULL;
	struct cap_err unused = {0};

	if (!run->json)
		return;
	__fpurge(stdout);
	if (kymo_writer_new(KYMO_FORMAT_JSON, stdout, &writer) < 0)
		return; /* standard error says it */
	kymo_writer_object_begin(writer, "error");
	kymo_writer_field_text(writer, "command", command);
	kymo_writer_field_text(writer, "code", code_name(rc));
	kymo_writer_field_text(writer, "message", text);
	kymo_writer_field_int(writer, "status", KYMO_SHOW_PLAIN, status);
	(void)kymo_writer_finish(writer, &unused);
	(void)kymo_writer_free(writer);
}

/* Before options are read, since they may be what is wrong. */
static bool asks_for_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

static void print_help(FILE *out)
{
	(void)fputs("usage: kymo COMMAND [OPTIONS] [ARGUMENTS]\n"
		    "       kymo CAPTURE_OR_DB\n\n"
		    "Reads the captures of kymo-record.\n\n",
		    out);
	for (size_t i = 0; i < kymo_command_count; i++)
		(void)fprintf(out, "  %-10s %s\n", kymo_commands[i].name, kymo_commands[i].summary);
	(void)fputs("\n`kymo help COMMAND` and `kymo COMMAND --help` show the options of a "
		    "command.\n"
		    "CAPTURE is a .kymo file, or - for standard input; CAPTURE_OR_DB can also be "
		    "a\ndatabase made by `kymo import`.\n\n"
		    "Exit status: 0 done; 1 failed; 2 wrong usage, or input refused; 3 done, but "
		    "data\nwas lost, damaged or unknown.\n",
		    out);
}

static int refuse_command(const char *name, struct cap_err *err)
{
	const char *near = kymo_command_nearest(name);

	if (near)
		return cap_fail(err, CAP_EUSAGE, "no command '%s'; did you mean %s?", name, near);
	if (access(name, F_OK) == 0)
		return cap_fail(err, CAP_EUSAGE,
				"'%s' is neither a command, nor a capture or database", name);
	return cap_fail(err, CAP_EUSAGE, "no command '%s'; `kymo help` lists them", name);
}

static int status_of(int rc, const struct kymo_run *run, struct cap_err *err)
{
	const char *text;
	int status;

	if (rc >= 0)
		return rc;
	cap_say_memory(err, rc);
	text = rc == -EINTR ? "interrupted" : err->text;
	print_message(run, run->command->name, text);
	status = rc == -EINTR				  ? EXIT_INTERRUPTED
		 : rc == CAP_EUSAGE || rc == CAP_EREFUSED ? EXIT_USAGE
							  : EXIT_FAILURE;
	write_error(run, run->command->name, rc, text, status);
	return status;
}

/* The reader of our output went away: end by SIGPIPE without a message, like every program in such
 * a pipe. By now all files are closed in order. A pager that was left early is no failure. */
static int end_by_sigpipe(const struct kymo_run *run)
{
	if (run->pager && kymo_pager_end(run->pager))
		return EXIT_SUCCESS;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)raise(SIGPIPE);
	return EXIT_SIGPIPE; /* it is blocked */
}

/* Checks that text for standard output has arrived. */
static int finish_text(const struct kymo_run *run)
{
	int rc = kymo_output_error(stdout);

	if (rc == -EPIPE)
		return end_by_sigpipe(run);
	if (rc < 0)
		print_message(run, NULL, "cannot write the output");
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_command(struct kymo_run *run, const char *name, int argc, char **argv)
{
	struct cap_err err = {0};
	int status;

	run->json = asks_for_json(argc, argv);
	if (run->json) {
		char *buffer = malloc(JSON_BYTES); /* of stdout, to the end of the program */

		if (buffer)
			(void)setvbuf(stdout, buffer, _IOFBF, JSON_BYTES);
	}
	run->command = kymo_command_find(name);
	if (!run->command) {
		(void)refuse_command(name, &err);
		print_message(run, NULL, err.text);
		write_error(run, name, CAP_EUSAGE, err.text, EXIT_USAGE);
		return EXIT_USAGE;
	}
	status = run->command->main(run, argc, argv, &err);
	if (status == -EPIPE)
		return end_by_sigpipe(run);
	status = status_of(status, run, &err);
	if (status == EXIT_SUCCESS || status == KYMO_EXIT_LOSS) {
		int rc = finish_text(run);

		return rc == EXIT_SUCCESS ? status : rc;
	}
	return status;
}

/* `kymo help COMMAND` is `kymo COMMAND --help`. */
static int command_help(struct kymo_run *run, char *name)
{
	char *arguments[] = {name, "--help", NULL};

	return run_command(run, name, 2, arguments);
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static int run_line(struct kymo_run *run, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--no-pager") == 0) { /* where git has it */
		run->pager = NULL;
		argc--;
		argv++;
	}
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (is_one_of(argv[1], "help", "--help", "-h")) {
		if (argc > 2)
			return command_help(run, argv[2]);
		print_help(stdout);
		return finish_text(run);
	}
	if (is_one_of(argv[1], "version", "--version", "-V")) {
		(void)printf("kymo %s\n", KYMO_VERSION);
		return finish_text(run);
	}
	if (!kymo_command_find(argv[1]) && kymo_is_input(argv[1])) /* `kymo FILE` */
		return run_command(run, "summary", argc, argv);
	return run_command(run, argv[1], argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	struct kymo_pager pager = {0};
	struct kymo_run run = {.out = stdout,
			       .note = note,
			       .stderr_is_tty = isatty(STDERR_FILENO),
			       .columns = kymo_terminal_columns(),
			       .pager = &pager};
	int status;

	(void)signal(SIGPIPE,
		     SIG_IGN); /* writing then fails with EPIPE, and files are closed in order */
	status = run_line(&run, argc, argv);
	(void)kymo_pager_end(&pager); /* its status is not ours */
	return status;
}

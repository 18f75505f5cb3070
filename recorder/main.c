/* kymo-record: which subcommand? The only place in the recorder that prints messages and exits. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "formats/base/escape.h"
#include "recorder/doctor/doctor.h"
#include "recorder/base/error_names.h"
#include "recorder/options/event_classes.h"
#include "recorder/options/options.h"
#include "recorder/guard/privileges.h"
#include "recorder/session/record.h"
#include "recorder/session/summary.h"
#include "recorder/guard/syscall_filter.h"

/* Messages quote what users and files say: nothing of that may steer the terminal. */
static void say(const char *kind, const char *text)
{
	size_t len = strlen(text);

	(void)fprintf(stderr, "kymo-record: %s", kind);
	for (size_t at = 0; at < len;) {
		struct cap_escaped next = cap_escape_next(CAP_ESCAPE_MESSAGE, text + at, len - at);

		(void)fwrite(next.text, 1, next.len, stderr);
		at += next.taken;
	}
	(void)fputc('\n', stderr);
}

static int fail(struct cap_err *err)
{
	char text[REC_ERROR_TEXT_BYTES];

	cap_say_memory(err, err->code);
	say("", rec_error_text(err, text));
	return err->code == CAP_EPRIVILEGE ? REC_EXIT_KERNEL
	       : err->code == CAP_EUSAGE   ? REC_EXIT_USAGE
					   : REC_EXIT_FAILURE;
}

/* Results must arrive: a full disk behind standard output is a failure too. */
static int finish_stdout(int status)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == REC_EXIT_OK) {
		(void)fputs("kymo-record: standard output could not be written\n", stderr);
		return REC_EXIT_FAILURE;
	}
	return status;
}

static int command_list(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		(void)fputs("kymo-record: list takes no arguments\n", stderr);
		return REC_EXIT_USAGE;
	}
	rec_event_classes_print(stdout);
	return finish_stdout(REC_EXIT_OK);
}

static int command_config(int argc, char **argv)
{
	struct cap_err err = {0};

	if (argc != 3 || strcmp(argv[1], "check") != 0) {
		(void)fputs("kymo-record: usage: kymo-record config check FILE\n", stderr);
		return REC_EXIT_USAGE;
	}
	if (rec_config_check(argv[2], stdout, &err) < 0)
		return fail(&err);
	return finish_stdout(REC_EXIT_OK);
}

static int command_doctor(int argc, char **argv)
{
	struct doctor_options options = {0};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			options.json = true;
		} else if (strcmp(argv[i], "--report") == 0) {
			options.report = true;
		} else if (strcmp(argv[i], "--btf") == 0 && i + 1 < argc) {
			options.btf_path = argv[++i];
		} else {
			bool asks = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;

			if (strcmp(argv[i], "--btf") == 0)
				say("", "--btf needs a value: FILE");
			else if (!asks)
				say("doctor: unknown option ", argv[i]);
			(void)fputs("usage: kymo-record doctor [--json] [--report] [--btf FILE]\n"
				    "Tries what a recording needs and says what is in the way. "
				    "--report adds facts\nabout the host for a bug report. Exit "
				    "status: 0 it can record, 4 it cannot.\n",
				    asks ? stdout : stderr);
			return asks ? finish_stdout(REC_EXIT_OK) : REC_EXIT_USAGE;
		}
	}
	return finish_stdout(doctor_run(&options, stdout) ? REC_EXIT_OK : REC_EXIT_KERNEL);
}

static int print_version(void)
{
	(void)puts("kymo-record " KYMO_VERSION);
	return finish_stdout(REC_EXIT_OK);
}

static int print_help(void)
{
	rec_options_help(stdout);
	return finish_stdout(REC_EXIT_OK);
}

static void warn(const char *text)
{
	say("warning: ", text);
}

static void tell_step(const char *text)
{
	say("stop: ", text);
}

static int record(const struct rec_options *options)
{
	struct rec_screen screen = {
		.status = options->quiet || options->json ? NULL : stderr,
		.warn = warn,
		.step = options->verbose ? tell_step : NULL,
		.confine = rec_syscall_filter_apply,
	};
	struct rec_result result;
	char text[REC_ERROR_TEXT_BYTES];
	struct cap_err err = {0};
	int rc = rec_record(options, &screen, &result, &err);
	int status = rec_exit_status(rc, &result);

	cap_say_memory(&err, rc);
	if (rc < 0)
		say("", rec_error_text(&err, text));
	if (options->json)
		rec_summary_json(stdout, options, &result, status, rc < 0 ? &err : NULL);
	else if (!options->quiet && rc != -EPIPE) /* whoever closed the pipe wants no more */
		rec_summary_text(stderr, options, &result);
	return finish_stdout(status);
}

static int command_record(int argc, char **argv)
{
	struct rec_options options = {0};
	struct cap_err err = {0};
	int status;

	switch (rec_options_parse(argc, argv, &options, &err)) {
	case REC_OPTIONS_RECORD:
		status = record(&options);
		rec_options_done(&options);
		return status;
	case REC_OPTIONS_HELP:
		return print_help();
	case REC_OPTIONS_VERSION:
		return print_version();
	default:
		return fail(&err);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
#define COMMAND(name, function, help) {name, function},
#include "recorder/options/commands.def"
#undef COMMAND
	};

	rec_privileges_hide();
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return command_record(argc, argv);
}

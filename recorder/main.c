/* kymo-record: dispatches subcommands. The only place in the recorder that prints messages and
 * exits. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "formats/base/escape.h"
#include "recorder/doctor/doctor.h"
#include "recorder/base/error_names.h"
#include "recorder/options/command_options.h"
#include "recorder/options/event_classes.h"
#include "recorder/options/option_help.h"
#include "recorder/options/option_values.h"
#include "recorder/options/options.h"
#include "recorder/guard/privileges.h"
#include "recorder/session/record.h"
#include "recorder/session/summary.h"
#include "recorder/guard/syscall_filter.h"

/* Messages quote users and files: nothing quoted may control the terminal. */
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
		(void)fputs("kymo-record: cannot write to standard output\n", stderr);
		return REC_EXIT_FAILURE;
	}
	return status;
}

static int show_help(enum rec_command_id id)
{
	if (id < REC_COMMAND_COUNT)
		rec_command_help(id, stdout);
	else
		rec_options_help(stdout);
	return finish_stdout(REC_EXIT_OK);
}

static int wrong_usage(enum rec_command_id id)
{
	rec_command_help(id, stderr);
	return REC_EXIT_USAGE;
}

static int command_list(const char *const *values, int argc, char **argv)
{
	(void)values, (void)argv;
	if (argc > 0)
		return wrong_usage(REC_COMMAND_list);
	rec_event_classes_print(stdout);
	return finish_stdout(REC_EXIT_OK);
}

static int command_config(const char *const *values, int argc, char **argv)
{
	struct cap_err err = {0};

	(void)values;
	if (argc != 2 || strcmp(argv[0], "check") != 0)
		return wrong_usage(REC_COMMAND_config);
	if (rec_config_check(argv[1], stdout, &err) < 0)
		return fail(&err);
	return finish_stdout(REC_EXIT_OK);
}

static int command_doctor(const char *const *values, int argc, char **argv)
{
	const struct doctor_options options = {
		.json = values[REC_DOCTOR_JSON] != NULL,
		.report = values[REC_DOCTOR_REPORT] != NULL,
		.btf_path = values[REC_DOCTOR_BTF],
	};

	(void)argv;
	if (argc > 0)
		return wrong_usage(REC_COMMAND_doctor);
	return finish_stdout(doctor_run(&options, stdout) ? REC_EXIT_OK : REC_EXIT_KERNEL);
}

static int print_version(void)
{
	(void)puts("kymo-record " KYMO_VERSION);
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
	else if (!options->quiet && rc != -EPIPE) /* the reader closed the pipe: it wants no more */
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
		return show_help(REC_COMMAND_COUNT);
	case REC_OPTIONS_VERSION:
		return print_version();
	default:
		return fail(&err);
	}
}

/* argv[0] is the subcommand. */
static int run_command(enum rec_command_id id, int argc, char **argv)
{
	static int (*const run[REC_COMMAND_COUNT])(const char *const *values, int argc,
						   char **argv) = {
#define COMMAND(name, arguments, help) [REC_COMMAND_##name] = command_##name,
#define COMMAND_OPTION(command, upper, long_name, arg, help)
#include "recorder/options/commands.def"
#undef COMMAND
#undef COMMAND_OPTION
	};
	const char *values[REC_COMMAND_OPTION_COUNT];
	struct cap_err err = {0};
	int first, rc = rec_command_parse(id, argc, argv, values, &first, &err);

	if (rc < 0)
		return fail(&err);
	return rc > 0 ? show_help(id) : run[id](values, argc - first, argv + first);
}

static int command_help(const char *name)
{
	enum rec_command_id id = name ? rec_command_find(name) : REC_COMMAND_COUNT;
	struct cap_err err = {0};
	const char *near;

	if (!name || id < REC_COMMAND_COUNT)
		return show_help(id);
	near = rec_command_nearest(name);
	(void)cap_fail(&err, CAP_EUSAGE, "no subcommand '%s'%s%s%s", name,
		       near ? "; did you mean " : "; `kymo-record help` lists them",
		       near ? near : "", near ? "?" : "");
	return fail(&err);
}

int main(int argc, char **argv)
{
	enum rec_command_id id = argc > 1 ? rec_command_find(argv[1]) : REC_COMMAND_COUNT;

	rec_privileges_hide();
	if (id < REC_COMMAND_COUNT)
		return run_command(id, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "help") == 0)
		return command_help(argv[2]);
	return command_record(argc, argv);
}

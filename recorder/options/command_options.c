/* getopt_long over the rows of one subcommand. */
#include "recorder/options/command_options.h"

#include <getopt.h>
#include <stdbool.h>
#include <string.h>

#include "formats/base/near_word.h"
#include "recorder/base/option_text.h"
#include "recorder/options/option_help.h"

#define FIRST_VALUE 256 /* getopt's val of the first option */

struct command {
	const char *name, *arguments, *help;
};

static const struct command commands[REC_COMMAND_COUNT] = {
#define COMMAND(name, arguments, help) {#name, arguments, help},
#define COMMAND_OPTION(command, upper, long_name, arg, help)
#include "recorder/options/commands.def"
#undef COMMAND
#undef COMMAND_OPTION
};

struct command_option {
	enum rec_command_id command;
	const char *long_name, *arg, *help;
};

static const struct command_option options[REC_COMMAND_OPTION_COUNT] = {
#define COMMAND(name, arguments, help)
#define COMMAND_OPTION(command, upper, long_name, arg, help) \
	[REC_##upper] = {REC_COMMAND_##command, long_name, arg, help},
#include "recorder/options/commands.def"
#undef COMMAND
#undef COMMAND_OPTION
};

enum rec_command_id rec_command_find(const char *name)
{
	unsigned int id = 0;

	while (id < REC_COMMAND_COUNT && strcmp(commands[id].name, name) != 0)
		id++;
	return (enum rec_command_id)id;
}

const char *rec_command_nearest(const char *name)
{
	const char *names[REC_COMMAND_COUNT + 1] = {NULL};

	for (unsigned int i = 0; i < REC_COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	return cap_word_nearest(name, names);
}

static int refuse(enum rec_command_id id, int outcome, const char *word, struct cap_err *err)
{
	const char *names[REC_COMMAND_OPTION_COUNT + 1] = {NULL}, *near;
	char shown[REC_SHOWN_BYTES], name[48];
	size_t count = 0;

	if (optopt >= FIRST_VALUE && outcome == ':')
		return cap_fail(err, CAP_EUSAGE, "--%s needs a value: %s",
				options[optopt - FIRST_VALUE].long_name,
				options[optopt - FIRST_VALUE].arg);
	if (optopt >= FIRST_VALUE)
		return cap_fail(err, CAP_EUSAGE, "--%s takes no value",
				options[optopt - FIRST_VALUE].long_name);
	for (unsigned int i = 0; i < REC_COMMAND_OPTION_COUNT; i++)
		if (options[i].command == id)
			names[count++] = options[i].long_name;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="),
		       optopt ? "" : word + 2);
	near = optopt ? NULL : cap_word_nearest(name, names);
	rec_text_show(word, strlen(word), shown);
	if (near)
		return cap_fail(err, CAP_EUSAGE, "%s: unknown option %s; did you mean --%s?",
				commands[id].name, shown, near);
	return cap_fail(err, CAP_EUSAGE, "%s: unknown option %s; --help lists them",
			commands[id].name, shown);
}

int rec_command_parse(enum rec_command_id id, int argc, char **argv,
		      const char *ret_values[REC_COMMAND_OPTION_COUNT], int *ret_first,
		      struct cap_err *err)
{
	struct option long_options[REC_COMMAND_OPTION_COUNT + 2];
	size_t count = 0;
	int outcome;

	for (unsigned int i = 0; i < REC_COMMAND_OPTION_COUNT; i++) {
		ret_values[i] = NULL;
		if (options[i].command == id)
			long_options[count++] = (struct option){
				.name = options[i].long_name,
				.has_arg = options[i].arg ? required_argument : no_argument,
				.val = FIRST_VALUE + (int)i};
	}
	long_options[count++] = (struct option){.name = "help", .val = 'h'};
	long_options[count] = (struct option){0};
	optind = 0; /* glibc: start over */
	opterr = 0;
	while ((outcome = getopt_long(argc, argv, "+:h", long_options, NULL)) != -1) {
		if (outcome == 'h')
			return 1;
		if (outcome < FIRST_VALUE)
			return refuse(id, outcome, argv[optind - 1], err);
		ret_values[outcome - FIRST_VALUE] = optarg ? optarg : "";
	}
	*ret_first = optind;
	return 0;
}

void rec_command_help(enum rec_command_id id, FILE *out)
{
	const struct command *command = &commands[id];
	bool has_options = false;

	for (unsigned int i = 0; i < REC_COMMAND_OPTION_COUNT; i++)
		has_options |= options[i].command == id;
	(void)fprintf(out, "usage: kymo-record %s%s%s%s\n\n", command->name,
		      has_options ? " [OPTION]..." : "", *command->arguments ? " " : "",
		      command->arguments);
	rec_help_paragraph(out, command->help);
	(void)fputc('\n', out);
	for (unsigned int i = 0; i < REC_COMMAND_OPTION_COUNT; i++)
		if (options[i].command == id)
			rec_help_option(out, 0, options[i].long_name, options[i].arg,
					options[i].help);
	rec_help_option(out, 'h', "help", NULL, "show this");
}

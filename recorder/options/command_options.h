#pragma once
/* Subcommands and their few options, from commands.def. */
#include <stdio.h>

#include "formats/base/cap_error.h"

enum rec_command_id {
#define COMMAND(name, arguments, help) REC_COMMAND_##name,
#define COMMAND_OPTION(command, upper, long_name, arg, help)
#include "recorder/options/commands.def"
#undef COMMAND
#undef COMMAND_OPTION
	REC_COMMAND_COUNT
};

enum rec_command_option {
#define COMMAND(name, arguments, help)
#define COMMAND_OPTION(command, upper, long_name, arg, help) REC_##upper,
#include "recorder/options/commands.def"
#undef COMMAND
#undef COMMAND_OPTION
	REC_COMMAND_OPTION_COUNT
};

/* REC_COMMAND_COUNT: no subcommand has this name. */
enum rec_command_id rec_command_find(const char *name);
/* The name that was probably meant; NULL: none is close. */
const char *rec_command_nearest(const char *name);

/*
 * argv[0] is the subcommand. 0, with a value for each option that is given ("" where it takes none)
 * and the index of the first argument; 1: --help is asked for; CAP_EUSAGE.
 */
int rec_command_parse(enum rec_command_id id, int argc, char **argv,
		      const char *ret_values[REC_COMMAND_OPTION_COUNT], int *ret_first,
		      struct cap_err *err);

void rec_command_help(enum rec_command_id id, FILE *out);

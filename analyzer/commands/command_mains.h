#pragma once
/* The main functions of all commands, as commands.def lists them. */
#include "analyzer/commands/common_options.h"

#define COMMAND(name, least, most, groups, arguments, summary)                    \
	int kymo_##name##_main(const struct kymo_run *run, int argc, char **argv, \
			       struct cap_err *err);
#include "analyzer/commands/commands.def"
#undef COMMAND

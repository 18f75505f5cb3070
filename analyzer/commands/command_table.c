/* commands.def as a table. */
#include "analyzer/commands/capture_commands.h"
#include "analyzer/commands/report_commands.h"

const struct kymo_command kymo_commands[] = {
#define COMMAND(name_, function, arguments_, summary_) \
	{.name = (name_), .main = (function), .arguments = (arguments_), .summary = (summary_)},
#include "analyzer/commands/commands.def"
#undef COMMAND
};

const size_t kymo_command_count = sizeof(kymo_commands) / sizeof(kymo_commands[0]);

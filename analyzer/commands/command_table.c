/* commands.def as a table. */
#include "analyzer/commands/command_mains.h"

#include <string.h>

#include "formats/base/near_word.h"

enum { /* as commands.def writes them */
       JSON = KYMO_OPT_JSON,
       CSV = KYMO_OPT_CSV,
       FILTER = KYMO_OPT_FILTER,
       CAPTURE = KYMO_OPT_CAPTURE,
       QUIET = KYMO_OPT_QUIET,
       SYMBOLS = KYMO_OPT_SYMBOLS,
       READING = KYMO_OPT_READING,
       ROWS = KYMO_OPT_ROWS,
       PAGER = KYMO_OPT_PAGER,
       LINES = KYMO_OPT_LINES,
};

/* Each report is a command of its name; reports.def says what it needs from a capture. */
enum {
#define COMMAND(name, least, most, groups, arguments, summary) COMMAND_##name,
#include "analyzer/commands/commands.def"
#undef COMMAND
};
#define REPORT(name, needs) _Static_assert(COMMAND_##name >= 0, "a row of commands.def");
#include "analyzer/reports/reports.def"
#undef REPORT

const struct kymo_command kymo_commands[] = {
#define COMMAND(name_, least, most, groups_, arguments_, summary_) \
	{.name = #name_,                                           \
	 .main = kymo_##name_##_main,                              \
	 .groups = (groups_),                                      \
	 .min_arguments = (least),                                 \
	 .max_arguments = (most),                                  \
	 .arguments = (arguments_),                                \
	 .summary = (summary_)},
#include "analyzer/commands/commands.def"
#undef COMMAND
};

const size_t kymo_command_count = sizeof(kymo_commands) / sizeof(kymo_commands[0]);

const struct kymo_command *kymo_command_find(const char *name)
{
	for (size_t i = 0; i < kymo_command_count; i++) {
		if (strcmp(kymo_commands[i].name, name) == 0)
			return &kymo_commands[i];
	}
	return NULL;
}

const char *kymo_command_nearest(const char *name)
{
	const char *names[sizeof(kymo_commands) / sizeof(kymo_commands[0]) + 1] = {NULL};

	for (size_t i = 0; i < kymo_command_count; i++)
		names[i] = kymo_commands[i].name;
	return cap_word_nearest(name, names);
}

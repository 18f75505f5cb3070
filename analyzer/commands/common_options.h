#pragma once
/*
 * Options of all commands as tables: getopt_long's input and the help text are both made from them.
 * A command lists its own options in one table and says which groups of the common ones it takes.
 */
#include <stdbool.h>
#include <stdio.h>

#include "analyzer/capture/reading.h"
#include "analyzer/db/open_db.h"
#include "analyzer/output/command_run.h"
#include "analyzer/output/report_writer.h"
#include "formats/base/cap_error.h"

enum kymo_option_group {
	KYMO_OPT_JSON = 1,     /* --json */
	KYMO_OPT_CSV = 2,      /* --csv */
	KYMO_OPT_FILTER = 4,   /* --from --to --pid --comm */
	KYMO_OPT_CAPTURE = 8,  /* --capture */
	KYMO_OPT_QUIET = 16,   /* --quiet */
	KYMO_OPT_SYMBOLS = 32, /* --no-symbols --symfs --debug-dir */
	KYMO_OPT_READING = 64, /* --strict --stop */
	KYMO_OPT_HELP = 128,   /* --help: all commands */
	KYMO_OPT_ROWS = 256,   /* --limit */
	KYMO_OPT_PAGER = 512,  /* --no-pager */
	KYMO_OPT_LINES = 1024, /* --inline --lines */
};

#define KYMO_SHOWN_ROWS 20 /* with a line above, a head and one below they fit 24 lines */

struct kymo_common { /* values of the common options */
	enum kymo_format format;
	struct kymo_filter filter;
	bool quiet;
	bool no_pager;
	s64 limit; /* rows of a table; -1: all */
	bool limit_given;
	enum kymo_reading reading;
	bool symbols; /* default true */
	bool show_inlined, show_lines;
	struct kymo_symbol_options symbol_options; /* strings are argv's */
	unsigned more_needs; /* set by the command: enum kymo_need, beside those of its report */
};

struct kymo_option {	  /* a row of option_table.def */
	const char *name; /* long name without -- */
	char letter;	  /* 0: none */
	/* Name of the value in the help text; NULL: takes none. "[=NAME]": may be left out, and set
	 * then gets NULL. */
	const char *argument;
	const char *values; /* all values, separated by blanks; NULL: not listed */
	const char *help;
	/* value is NULL for options without one. 0, or CAP_EUSAGE with a message. */
	int (*set)(void *own, const char *value, struct cap_err *err);
};

struct kymo_command { /* one line of commands.def */
	const char *name;
	/* argv[0] is the command's name. Returns an exit status (0, KYMO_EXIT_LOSS) or a negative
	 * code with err filled. */
	int (*main)(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
	unsigned groups;		  /* enum kymo_option_group, ored */
	int min_arguments, max_arguments; /* after the options; max -1: any number */
	const char *arguments;		  /* "CAPTURE_OR_DB [QUERY]" */
	const char *summary;		  /* one line of help */
};

/* One row of the command's own options: #define OPTION KYMO_OPTION_ROW before option_table.def. */
#define KYMO_OPTION_ROW(command, name, letter, argument, values, set, help) \
	{name, letter, argument, values, help, set_##set},

struct kymo_parse {			   /* how a command reads its own options */
	const struct kymo_option *options; /* ended by an entry without name; may be NULL */
	void *own;			   /* handed to set() */
};

/*
 * Parses argv. On 0, *ret_first is the index of the first argument (argv is reordered by getopt).
 * Returns 1 if --help was asked and has been written to run->out: the command then returns 0.
 * CAP_EUSAGE otherwise.
 */
int kymo_parse_options(const struct kymo_run *run, const struct kymo_parse *parse, int argc,
		       char **argv, struct kymo_common *ret_common, int *ret_first,
		       struct cap_err *err);

/* Writes a flag and its help, wrapped, as --help shows all of them. */
void kymo_print_option(FILE *out, const struct kymo_option *option);

/* The table of commands.def. */
extern const struct kymo_command kymo_commands[];
extern const size_t kymo_command_count;
const struct kymo_command *kymo_command_find(const char *name); /* NULL: there is none */
/* The one that was probably meant; NULL: none is close. */
const char *kymo_command_nearest(const char *name);

#pragma once
/*
 * Command line and configuration file of a recording. One table, option_table.def, makes the flags,
 * the keys of the file, the help text and the effective configuration. Opens no file but the
 * configuration, prints only what is requested.
 */
#include <stdio.h>

#include "formats/base/cap_error.h"
#include "recorder/options/rec_options.h"

enum rec_options_outcome { /* what rec_options_parse returns where it is not negative */
			   REC_OPTIONS_RECORD = 0,  /* *ret_options is filled in: record */
			   REC_OPTIONS_HELP = 1,    /* -h: call rec_options_help(stdout) and exit 0;
						     *ret_options is untouched */
			   REC_OPTIONS_VERSION = 2, /* -V: print the version and exit 0;
						     *ret_options is untouched */
};

/*
 * Parses argv (argv[0] is the program's name; subcommands are main's business) and the file -c
 * names: flags override the file, the file overrides the preset. argv must outlive *ret_options:
 * its command points into it. Returns enum rec_options_outcome, CAP_EUSAGE (flags and everything
 * about the file, unreadable included) or -ENOMEM; *ret_options is then untouched. Uses getopt's
 * global state: one call at a time. Free with rec_options_done.
 */
int rec_options_parse(int argc, char **argv, struct rec_options *ret_options, struct cap_err *err);

/*
 * `kymo-record config check FILE`: writes the effective configuration as YAML to out. 0, CAP_EUSAGE
 * (exit status 2; text is "file:line:col: key: message") or -ENOMEM.
 */
int rec_config_check(const char *path, FILE *out, struct cap_err *err);

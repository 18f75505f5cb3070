#pragma once
/* How --help looks: lines of at most 80 columns. */
#include <stdio.h>

/* short_name 0, arg NULL: none. */
void rec_help_option(FILE *out, int short_name, const char *long_name, const char *arg,
		     const char *help);
/* From the margin, its first letter a capital. */
void rec_help_paragraph(FILE *out, const char *text);

/* What -h shows of a recording: options of option_table.def, subcommands of commands.def. */
void rec_options_help(FILE *out);

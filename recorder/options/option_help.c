/* What -h shows, from option_table.def and commands.def. */
#include "recorder/options/option_help.h"

#include <ctype.h>

#include "formats/base/wrap_text.h"

#define FLAG_COLUMNS 24
#define WIDTH 80

void rec_help_option(FILE *out, int short_name, const char *long_name, const char *arg,
		     const char *help)
{
	int used = fprintf(out, "  %c%c%c --%s%s%s", short_name ? '-' : ' ',
			   short_name ? short_name : ' ', short_name ? ',' : ' ', long_name,
			   arg ? " " : "", arg ? arg : "");

	while (*help) {
		size_t len = cap_wrap(help, WIDTH - FLAG_COLUMNS);

		if (used >= FLAG_COLUMNS) {
			(void)fputc('\n', out);
			used = 0;
		}
		(void)fprintf(out, "%*s%.*s", FLAG_COLUMNS - used, "", (int)len, help);
		used = FLAG_COLUMNS;
		help += len;
		help += *help == ' ';
	}
	(void)fputc('\n', out);
}

void rec_help_paragraph(FILE *out, const char *text)
{
	int first = toupper((unsigned char)*text);

	while (*text) {
		size_t len = cap_wrap(text, WIDTH);

		(void)fprintf(out, "%c%.*s\n", first, (int)len - 1, text + 1);
		text += len;
		text += *text == ' ';
		first = *text;
	}
}

static void print_command(FILE *out, const char *name, const char *arguments)
{
	(void)fprintf(out, "       kymo-record %s%s%s\n", name, *arguments ? " " : "", arguments);
}

void rec_options_help(FILE *out)
{
	(void)fputs("usage: kymo-record [OPTION]... [-- COMMAND [ARG]...]\n", out);
#define COMMAND(name, arguments, help) print_command(out, #name, arguments);
#define COMMAND_OPTION(command, upper, long_name, arg, help)
#include "recorder/options/commands.def"
#undef COMMAND
#undef COMMAND_OPTION
	print_command(out, "help", "[SUBCOMMAND]");
	(void)fputs("\nRecords what this host does into a capture, which `kymo` reads.\n", out);
#define GROUP(title) (void)fputs("\n" title ":\n", out);
#define OPTION(upper, short_, long_, key_, arg_, shape_, value, values_, help_) \
	rec_help_option(out, short_, long_, arg_, help_);
#define FLAG(upper, short_, long_, arg_, shape_, value, values_, help_) \
	rec_help_option(out, short_, long_, arg_, help_);
#include "recorder/options/option_table.def"
#undef GROUP
#undef OPTION
#undef FLAG
	(void)fputs("\nExit status: 0 recorded; 1 failed; 2 wrong usage or configuration; 3 "
		    "recorded,\nbut events were lost; 4 the kernel refused, or a privilege is "
		    "missing.\n",
		    out);
}

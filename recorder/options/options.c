/* From argv and the configuration file to struct rec_options: getopt_long over option_table.def. */
#include "recorder/options/options.h"
#include "recorder/base/error_names.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/options/command_options.h"
#include "recorder/options/config_yaml.h"
#include "formats/base/cleanup.h"
#include "formats/base/near_word.h"
#include "recorder/base/option_text.h"
#include "recorder/options/option_values.h"

#define FIRST_LONG_VALUE 256 /* getopt's val of option i: past every letter */

const struct rec_option_spec rec_option_specs[REC_OPTION_COUNT] = {
#define GROUP(title)
#define OPTION(upper, short_, long_, key_, arg_, shape_, value, values_, help_) \
	[REC_OPTION_##upper] = {long_, key_, arg_, help_, short_, REC_SHAPE_##shape_},
#define FLAG(upper, short_, long_, arg_, shape_, value, values_, help_) \
	OPTION(upper, short_, long_, NULL, arg_, shape_, value, values_, help_)
#include "recorder/options/option_table.def"
#undef GROUP
#undef OPTION
#undef FLAG
};

struct given_flag {
	enum rec_option_id id;
	const char *value;
};

struct given {
	struct given_flag *flags;
	size_t count;
	u64 set_mask;
	char **command;
};

static void given_done(struct given *given)
{
	free(given->flags);
}

static void options_donep(struct rec_options *options)
{
	rec_options_done(options);
}

static void make_tables(struct option ret_long[REC_OPTION_COUNT + 1],
			char ret_short[2 + 2 * REC_OPTION_COUNT + 1])
{
	char *at = ret_short;

	*at++ = '+'; /* stop at the first word that is no flag: it is a mistake, or part of a
			command */
	*at++ = ':'; /* tell a missing value from an unknown flag */
	for (int i = 0; i < REC_OPTION_COUNT; i++) {
		const struct rec_option_spec *spec = &rec_option_specs[i];

		ret_long[i] = (struct option){
			.name = spec->long_name,
			.has_arg = spec->arg ? required_argument : no_argument,
			.val = FIRST_LONG_VALUE + i,
		};
		if (!spec->short_name)
			continue;
		*at++ = (char)spec->short_name;
		if (spec->arg)
			*at++ = ':';
	}
	*at = '\0';
	ret_long[REC_OPTION_COUNT] = (struct option){0};
}

static int id_of(int getopt_value)
{
	if (getopt_value >= FIRST_LONG_VALUE)
		return getopt_value - FIRST_LONG_VALUE;
	for (int i = 0; i < REC_OPTION_COUNT; i++)
		if (rec_option_specs[i].short_name == getopt_value)
			return i;
	return -1;
}

/* What a flag is called in messages: "--freq", or "-p" if it has been given as a letter. */
static const char *flag_name(const struct rec_option_spec *spec, bool as_letter, char ret_name[32])
{
	if (as_letter)
		snprintf(ret_name, 32, "-%c", spec->short_name);
	else
		snprintf(ret_name, 32, "--%s", spec->long_name);
	return ret_name;
}

static int fail_unknown_long(const char *word, size_t len, struct cap_err *err)
{
	const char *names[REC_OPTION_COUNT + 1] = {NULL}, *first = NULL, *second = NULL, *near;
	char shown[REC_SHOWN_BYTES], name[48];

	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	for (int i = 0; i < REC_OPTION_COUNT; i++) {
		names[i] = rec_option_specs[i].long_name;
		if (!len || strncmp(names[i], word, len) != 0)
			continue;
		second = second ? second : first ? names[i] : NULL;
		first = first ? first : names[i];
	}
	rec_text_show(word, len, shown);
	if (second)
		return cap_fail(err, CAP_EUSAGE, "--%s could be --%s or --%s: write it in full",
				shown, first, second);
	near = cap_word_nearest(name, names);
	if (near)
		return cap_fail(err, CAP_EUSAGE, "unknown option --%s; did you mean --%s?", shown,
				near);
	return cap_fail(err, CAP_EUSAGE, "unknown option --%s; --help lists them", shown);
}

static int fail_getopt(int outcome, const char *word, struct cap_err *err)
{
	int id = id_of(optopt);
	char shown[REC_SHOWN_BYTES], name[32], letter = (char)optopt;

	if (outcome == ':' && id >= 0)
		return cap_fail(err, CAP_EUSAGE, "%s needs a value: %s",
				flag_name(&rec_option_specs[id], optopt < FIRST_LONG_VALUE, name),
				rec_option_specs[id].arg);
	if (optopt >= FIRST_LONG_VALUE && id >= 0)
		return cap_fail(err, CAP_EUSAGE, "--%s takes no value",
				rec_option_specs[id].long_name);
	if (optopt)
		return cap_fail(err, CAP_EUSAGE, "unknown option -%s; --help lists them",
				rec_text_show(&letter, 1, shown));
	return fail_unknown_long(word + 2, strcspn(word + 2, "="), err);
}

/* The words after the flags: "--" and a command, or nothing. */
static int take_command(int argc, char **argv, bool after_dashes, struct given *given,
			struct cap_err *err)
{
	char shown[REC_SHOWN_BYTES];

	if (!after_dashes && optind < argc) {
		const char *near = optind == 1 ? rec_command_nearest(argv[optind]) : NULL;

		rec_text_show(argv[optind], strlen(argv[optind]), shown);
		if (near)
			return cap_fail(
				err, CAP_EUSAGE,
				"unexpected '%s': did you mean kymo-record %s? A command to "
				"record is given after --, as in: -- %s",
				shown, near, shown);
		return cap_fail(err, CAP_EUSAGE,
				"unexpected '%s': a command to record is given after --, as in: "
				"-- %s",
				shown, shown);
	}
	if (after_dashes && optind == argc)
		return cap_fail(err, CAP_EUSAGE, "no command after --");
	given->command = optind < argc ? argv + optind : NULL;
	return 0;
}

/* Collects the flags in order without acting on them: the configuration file is to be read first.
 */
static int collect(int argc, char **argv, struct given *given, struct cap_err *err)
{
	struct option long_options[REC_OPTION_COUNT + 1];
	char short_options[2 + 2 * REC_OPTION_COUNT + 1];
	int previous = 1, outcome;

	make_tables(long_options, short_options);
	given->flags = calloc((size_t)argc * 2 + 1, sizeof(*given->flags));
	if (!given->flags)
		return cap_fail(err, -ENOMEM, "out of memory");
	optind = 0; /* glibc: start over */
	opterr = 0;
	while ((outcome = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		int id = id_of(outcome);

		if (outcome == '?' || outcome == ':' || id < 0)
			return fail_getopt(outcome, argv[optind - 1], err);
		given->flags[given->count++] = (struct given_flag){
			.id = (enum rec_option_id)id,
			.value = rec_option_specs[id].arg ? optarg : "true",
		};
		given->set_mask |= 1ull << id;
		previous = optind;
	}
	/* "--" as a flag's value is skipped with its flag; the one that ends the flags is skipped
	 * alone. */
	return take_command(argc, argv, optind == previous + 1 && !strcmp(argv[previous], "--"),
			    given, err);
}

static int apply_flags(const struct given *given, struct rec_options *options, struct cap_err *err)
{
	u64 seen_mask = 0;

	for (size_t i = 0; i < given->count; i++) {
		const struct given_flag *flag = &given->flags[i];
		bool first = !(seen_mask & 1ull << flag->id);
		int rc = rec_option_set(flag->id, options, flag->value, first, err);

		if (rc < 0)
			return cap_context(err, rc, "--%s", rec_option_specs[flag->id].long_name);
		seen_mask |= 1ull << flag->id;
	}
	return 0;
}

static int config_error(int rc, const char *advice, const char *path, struct cap_err *err)
{
	struct cap_err inner = *err;
	char shown[REC_SHOWN_BYTES];

	if (rc != CAP_EUSAGE)
		return rc;
	return rec_fail(err, rc, REC_ERROR_ConfigError, "%s%s%s", inner.text, advice,
			path ? rec_text_show(path, strlen(path), shown) : "");
}

/* Reads the file that -c names, if any. */
static int apply_file(const struct given *given, struct rec_options *options, u64 *ret_set_mask,
		      struct cap_err *err)
{
	const char *path = NULL;
	int rc;

	for (size_t i = 0; i < given->count; i++) {
		if (given->flags[i].id != REC_OPTION_CONFIG)
			continue;
		if (path)
			return cap_fail(err, CAP_EUSAGE,
					"--config is given twice; one file is read");
		path = given->flags[i].value;
	}
	*ret_set_mask = 0;
	if (!path)
		return 0;
	rc = rec_config_load(path, options, ret_set_mask, err);
	return rc < 0 ? config_error(rc, "\ntry it with: kymo-record config check ", path, err) : 0;
}

static int name_output(struct rec_options *options, struct cap_err *err)
{
	char name[96];
	time_t now = time(NULL);
	struct tm local;

	if (options->output_path)
		return 0;
	if (!localtime_r(&now, &local))
		return cap_fail(err, CAP_EUSAGE, "no name for the capture: give one with --output");
	/* not strftime(): with its locales it takes 15 kB of the static file */
	(void)snprintf(name, sizeof(name), "kymo-%04d%02d%02d-%02d%02d%02d.kymo",
		       local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour,
		       local.tm_min, local.tm_sec);
	options->output_path = strdup(name);
	return options->output_path ? 0 : cap_fail(err, -ENOMEM, "out of memory");
}

static int describe(int argc, char **argv, struct rec_options *options, struct cap_err *err)
{
	options->command_line = rec_text_command_line(argc, argv);
	options->config_text = rec_options_yaml(options);
	if (!options->command_line || !options->config_text)
		return cap_fail(err, -ENOMEM, "out of memory");
	return 0;
}

int rec_options_parse(int argc, char **argv, struct rec_options *ret_options, struct cap_err *err)
{
	CLEANUP(given_done) struct given given = {0};
	CLEANUP(options_donep) struct rec_options options;
	u64 file_mask;
	int rc;

	rec_options_init(&options);
	rc = collect(argc, argv, &given, err);
	if (rc < 0)
		return rc;
	if (given.set_mask & REC_OPTION_BIT(HELP))
		return REC_OPTIONS_HELP;
	if (given.set_mask & REC_OPTION_BIT(VERSION))
		return REC_OPTIONS_VERSION;
	rc = apply_file(&given, &options, &file_mask, err);
	if (rc < 0)
		return rc;
	rc = apply_flags(&given, &options, err);
	if (rc < 0)
		return rc;
	options.command = given.command;
	rc = rec_options_complete(&options, given.set_mask | file_mask, err);
	if (rc < 0)
		return rc;
	rc = name_output(&options, err);
	if (rc < 0)
		return rc;
	rc = describe(argc, argv, &options, err);
	if (rc < 0)
		return rc;
	*ret_options = options;
	options = (struct rec_options){0}; /* handed on */
	return REC_OPTIONS_RECORD;
}

int rec_config_check(const char *path, FILE *out, struct cap_err *err)
{
	CLEANUP(options_donep) struct rec_options options;
	CLEANUP(cap_freep) char *yaml = NULL;
	u64 set_mask;
	int rc;

	rec_options_init(&options);
	rc = rec_config_load(path, &options, &set_mask, err);
	if (rc < 0)
		return config_error(rc, "", NULL, err);
	rc = rec_options_complete(&options, set_mask, err);
	if (rc < 0)
		return config_error(cap_context(err, rc, "%s", path), "", NULL, err);
	yaml = rec_options_yaml(&options);
	if (!yaml)
		return cap_fail(err, -ENOMEM, "out of memory");
	return fputs(yaml, out) < 0 ? cap_fail_errno(err, errno, "write") : 0;
}

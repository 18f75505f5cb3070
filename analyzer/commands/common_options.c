/* One table of common options; getopt's input and the help text are made from it and from the
 * command's own table. */
#include "analyzer/commands/common_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/base/cleanup.h"
#include "formats/base/near_word.h"
#include "formats/base/wrap_text.h"

#define MAX_OPTIONS 48
#define HELP_COLUMN 26
#define HELP_WIDTH 80
#define HELP_BYTES 512
#define FIRST_CODE 256 /* what getopt returns for the first option: no letter */

struct common_option {
	unsigned int group;
	struct kymo_option option; /* set() gets the struct kymo_common */
};

/* -------- values -------- */

static int set_json(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_common *)own)->format = KYMO_FORMAT_JSON;
	return 0;
}

static int set_csv(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_common *)own)->format = KYMO_FORMAT_CSV;
	return 0;
}

static int set_quiet(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_common *)own)->quiet = true;
	return 0;
}

static int set_no_pager(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_common *)own)->no_pager = true;
	return 0;
}

static int set_reading(struct kymo_common *common, enum kymo_reading reading, struct cap_err *err)
{
	if (common->reading != KYMO_READ_SKIP && common->reading != reading)
		return cap_fail(err, CAP_EUSAGE, "choose --strict or --stop, not both");
	common->reading = reading;
	return 0;
}

static int set_strict(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_reading(own, KYMO_READ_STRICT, err);
}

static int set_stop(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_reading(own, KYMO_READ_STOP, err);
}

static int set_no_symbols(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_common *)own)->symbols = false;
	return 0;
}

static int set_inline(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_common *)own)->show_inlined = true;
	return 0;
}

static int set_lines(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct kymo_common *)own)->show_lines = true;
	return 0;
}

/* A mistyped directory would only show up as missing names. */
static int check_directory(const char *path, struct cap_err *err)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return cap_fail(err, CAP_EUSAGE, "'%s': %s", path, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return cap_fail(err, CAP_EUSAGE, "'%s' is not a directory", path);
	return 0;
}

static int set_symfs(void *own, const char *value, struct cap_err *err)
{
	((struct kymo_common *)own)->symbol_options.search.symfs = value;
	return check_directory(value, err);
}

static int set_debug_dir(void *own, const char *value, struct cap_err *err)
{
	struct kymo_object_search *search = &((struct kymo_common *)own)->symbol_options.search;

	if (search->debug_dir_count == KYMO_MAX_DEBUG_DIRS)
		return cap_fail(err, CAP_EUSAGE, "more than %d are given", KYMO_MAX_DEBUG_DIRS);
	search->debug_dirs[search->debug_dir_count++] = value;
	return check_directory(value, err);
}

/* Seconds with up to 9 decimals, or whole ns of the record clock with the suffix ns. */
static int parse_time(const char *text, s64 *ret_ns, bool *ret_absolute, struct cap_err *err)
{
	size_t digits = strspn(text, "0123456789");
	const char *rest = text + digits;
	s64 value = 0, scale = 1000000000, fraction = 0;

	for (size_t i = 0; i < digits; i++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return cap_fail(err, CAP_EUSAGE, "time '%s' is too big", text);
	}
	if (digits > 0 && strcmp(rest, "ns") == 0) {
		*ret_ns = value;
		*ret_absolute = true;
		return 0;
	}
	if (*rest == '.') {
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, digits++) {
			scale /= 10;
			fraction += (*rest - '0') * scale;
		}
	}
	if (digits == 0 || (*rest != '\0' && strcmp(rest, "s") != 0))
		return cap_fail(
			err, CAP_EUSAGE,
			"'%s' is not a time: give seconds from the capture's start (2.5), or "
			"ns of its clock (123ns)",
			text);
	if (__builtin_mul_overflow(value, 1000000000, &value) ||
	    __builtin_add_overflow(value, fraction, &value))
		return cap_fail(err, CAP_EUSAGE, "time '%s' is too big", text);
	*ret_ns = value;
	*ret_absolute = false;
	return 0;
}

static int set_from(void *own, const char *value, struct cap_err *err)
{
	struct kymo_filter *filter = &((struct kymo_common *)own)->filter;

	filter->has_from = true;
	return parse_time(value, &filter->from_ns, &filter->from_is_absolute, err);
}

static int set_to(void *own, const char *value, struct cap_err *err)
{
	struct kymo_filter *filter = &((struct kymo_common *)own)->filter;

	filter->has_to = true;
	return parse_time(value, &filter->to_ns, &filter->to_is_absolute, err);
}

static int parse_number(const char *text, s64 least, s64 *ret_number, struct cap_err *err)
{
	char *end;
	s64 number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < least || number > INT32_MAX)
		return cap_fail(err, CAP_EUSAGE, "'%s' is not a number from %lld to %d", text,
				(long long)least, INT32_MAX);
	*ret_number = number;
	return 0;
}

static int set_pid(void *own, const char *value, struct cap_err *err)
{
	if (*value && strspn(value, "+-0123456789") == 0)
		return cap_fail(err, CAP_EUSAGE, "'%s' is not a process id; --comm takes names",
				value);
	return parse_number(value, 0, &((struct kymo_common *)own)->filter.pid, err);
}

static int set_comm(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct kymo_common *)own)->filter.comm = value;
	return 0;
}

static int set_limit(void *own, const char *value, struct cap_err *err)
{
	struct kymo_common *common = own;
	int rc = parse_number(value, 0, &common->limit, err);

	common->limit_given = true;
	if (common->limit == 0)
		common->limit = -1;
	return rc;
}

static int set_capture(void *own, const char *value, struct cap_err *err)
{
	return parse_number(value, 1, &((struct kymo_common *)own)->filter.capture_id, err);
}

#define set_help NULL /* set_options acts on it */
static const struct common_option common_options[] = {
#define OPTIONS_OF_ALL
#define COMMON(group, name, letter, argument, values, set, help) \
	{KYMO_OPT_##group, KYMO_OPTION_ROW(, name, letter, argument, values, set, help)},
#include "analyzer/commands/option_table.def"
#undef COMMON
};

/* -------- parsing -------- */

struct option_set { /* the options of one command, and where each value goes */
	struct {
		const struct kymo_option *option;
		void *own;
	} list[MAX_OPTIONS];
	size_t count;
	struct option long_options[MAX_OPTIONS + 1];
	char letters[MAX_OPTIONS * 2 + 2];
};

static void add_option(struct option_set *set, const struct kymo_option *option, void *own)
{
	size_t at = strlen(set->letters);

	if (set->count == MAX_OPTIONS)
		return; /* our own tables are shorter */
	set->list[set->count].option = option;
	set->list[set->count].own = own;
	set->long_options[set->count] = (struct option){
		.name = option->name,
		.has_arg = !option->argument		? no_argument
			   : option->argument[0] == '[' ? optional_argument
							: required_argument,
		.val = FIRST_CODE + (int)set->count,
	};
	if (option->letter) {
		set->letters[at++] = option->letter;
		if (option->argument)
			set->letters[at++] = ':';
		set->letters[at] = '\0';
	}
	set->count++;
}

static void collect_options(struct option_set *set, const struct kymo_run *run,
			    const struct kymo_parse *parse, struct kymo_common *common)
{
	unsigned groups = run->command->groups | KYMO_OPT_HELP;

	set->letters[0] = ':'; /* we word the errors */
	for (const struct kymo_option *option = parse->options; option && option->name; option++)
		add_option(set, option, parse->own);
	for (size_t i = 0; i < sizeof(common_options) / sizeof(common_options[0]); i++) {
		if (common_options[i].group & groups)
			add_option(set, &common_options[i].option, common);
	}
}

/* Continues a line of which `used` columns are written. */
static void print_wrapped(FILE *out, int used, const char *text)
{
	while (*text) {
		size_t len = cap_wrap(text, HELP_WIDTH - HELP_COLUMN);

		if (used >= HELP_COLUMN) {
			(void)fputc('\n', out);
			used = 0;
		}
		(void)fprintf(out, "%*s%.*s", HELP_COLUMN - used, "", (int)len, text);
		used = HELP_COLUMN;
		text += len;
		text += *text == ' ';
	}
	(void)fputc('\n', out);
}

/* The help, and after it the values: "...; one of a, b, c". */
static const char *help_text(const struct kymo_option *option, char ret_text[HELP_BYTES])
{
	int used = snprintf(ret_text, HELP_BYTES, "%s", option->help);
	const char *separator = "; one of ";

	for (const char *value = option->values; value && *value && used < HELP_BYTES;) {
		int len = (int)strcspn(value, " ");

		used += snprintf(ret_text + used, HELP_BYTES - (size_t)used, "%s%.*s", separator,
				 len, value);
		separator = ", ";
		value += len + (value[len] == ' ');
	}
	return ret_text;
}

void kymo_print_option(FILE *out, const struct kymo_option *option)
{
	char text[HELP_BYTES];
	int used = fprintf(out, option->letter ? "  -%c, " : "      ", option->letter);

	used += fprintf(out, "--%s%s%s", option->name,
			option->argument && option->argument[0] != '[' ? " " : "",
			option->argument ? option->argument : "");
	print_wrapped(out, used, help_text(option, text));
}

static void print_help(const struct kymo_run *run, const struct option_set *set)
{
	(void)fprintf(run->out, "usage: kymo %s [OPTIONS] %s\n\n%s\n\n", run->command->name,
		      run->command->arguments, run->command->summary);
	for (size_t i = 0; i < set->count; i++)
		kymo_print_option(run->out, set->list[i].option);
}

static const struct kymo_option *find_option(const struct option_set *set, int code, void **ret_own)
{
	for (size_t i = 0; i < set->count; i++) {
		if (code == FIRST_CODE + (int)i ||
		    (code < FIRST_CODE && set->list[i].option->letter == code)) {
			*ret_own = set->list[i].own;
			return set->list[i].option;
		}
	}
	return NULL;
}

/* "--nmae=x" has no such option: which is meant? */
static int refuse_long(const struct option_set *set, const char *given, struct cap_err *err)
{
	const char *names[MAX_OPTIONS + 1] = {NULL}, *first = NULL, *second = NULL, *near;
	char name[64];
	size_t len;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(given + 2, "="), given + 2);
	len = strlen(name);
	for (size_t i = 0; i < set->count; i++) {
		names[i] = set->list[i].option->name;
		if (len == 0 || strncmp(names[i], name, len) != 0)
			continue;
		second = first ? names[i] : NULL;
		first = first ? first : names[i];
	}
	if (second)
		return cap_fail(err, CAP_EUSAGE, "--%s could be --%s or --%s: write it in full",
				name, first, second);
	near = cap_word_nearest(name, names);
	if (near)
		return cap_fail(err, CAP_EUSAGE, "unknown option --%s; did you mean --%s?", name,
				near);
	return cap_fail(err, CAP_EUSAGE, "unknown option --%s; --help lists them", name);
}

static int refuse(const struct option_set *set, char **argv, int code, struct cap_err *err)
{
	const char *given = argv[optind - 1], letter[] = {'-', (char)optopt, '\0'};
	void *own;

	if (code == ':')
		return cap_fail(err, CAP_EUSAGE, "%s needs a value: %s",
				optopt >= FIRST_CODE ? given : letter,
				find_option(set, optopt, &own)->argument);
	if (optopt >= FIRST_CODE)
		return cap_fail(err, CAP_EUSAGE, "--%s takes no value",
				set->list[optopt - FIRST_CODE].option->name);
	if (optopt > 0)
		return cap_fail(err, CAP_EUSAGE, "no option '-%c'; --help lists them", optopt);
	return refuse_long(set, given, err);
}

static int set_options(const struct kymo_run *run, struct option_set *set, int argc, char **argv,
		       struct cap_err *err)
{
	int code;

	optind = 0; /* glibc: start over, also for a second call in one program */
	opterr = 0;
	while ((code = getopt_long(argc, argv, set->letters, set->long_options, NULL)) != -1) {
		const struct kymo_option *option;
		void *own = NULL;
		int rc;

		option = code == '?' || code == ':' ? NULL : find_option(set, code, &own);
		if (!option)
			return refuse(set, argv, code, err);
		if (!option->set) {
			print_help(run, set);
			return 1;
		}
		rc = option->set(own, optarg, err);
		if (rc < 0)
			return cap_context(err, rc, "--%s", option->name);
	}
	return 0;
}

/* The same check as kymo_filter_resolve's, before the capture is read. */
static int check_window(const struct kymo_filter *filter, struct cap_err *err)
{
	if (filter->has_from && filter->has_to &&
	    filter->from_is_absolute == filter->to_is_absolute && filter->to_ns <= filter->from_ns)
		return cap_fail(err, CAP_EUSAGE, KYMO_WINDOW_EMPTY);
	return 0;
}

int kymo_parse_options(const struct kymo_run *run, const struct kymo_parse *parse, int argc,
		       char **argv, struct kymo_common *ret_common, int *ret_first,
		       struct cap_err *err)
{
	CLEANUP(cap_freep) struct option_set *set = calloc(1, sizeof(*set));
	struct kymo_common common = {.symbols = true, .filter = {.pid = -1}};
	int rc, given;

	if (!set)
		return cap_fail(err, -ENOMEM, "out of memory");
	collect_options(set, run, parse, &common);
	rc = set_options(run, set, argc, argv, err);
	if (rc != 0)
		return rc;
	if (!common.limit_given)
		common.limit = common.format == KYMO_FORMAT_TEXT ? KYMO_SHOWN_ROWS : -1;
	rc = check_window(&common.filter, err);
	if (rc < 0)
		return rc;
	given = argc - optind;
	if (given < run->command->min_arguments)
		return cap_fail(err, CAP_EUSAGE, "usage: kymo %s [OPTIONS] %s", run->command->name,
				run->command->arguments);
	if (run->command->max_arguments >= 0 && given > run->command->max_arguments)
		return cap_fail(err, CAP_EUSAGE,
				"'%s' is one argument too many: usage: kymo %s [OPTIONS] %s",
				argv[optind + run->command->max_arguments], run->command->name,
				run->command->arguments);
	*ret_common = common;
	*ret_first = optind;
	return 0;
}

/* Options as YAML, for META and `config check`. Reads nothing. */
#include "recorder/options/option_values.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "formats/table/schema.h"
#include "formats/base/cleanup.h"
#include "formats/base/escape.h"
#include "recorder/base/units.h"

static void show_quoted(const char *text, FILE *out)
{
	size_t len = strlen(text);

	fputc('"', out);
	for (size_t at = 0; at < len;) {
		struct cap_escaped next = cap_escape_next(CAP_ESCAPE_YAML, text + at, len - at);

		fwrite(next.text, 1, next.len, out);
		at += next.taken;
	}
	fputc('"', out);
}

/* Plain if any YAML reader takes it as this very string, else in quotes. */
static bool show_string(const char *text, FILE *out)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
	static const char *const words[] = {"true", "false", "yes", "no", "on",
					    "off",  "null",  "y",   "n"};
	bool quoted = strspn(text, plain) != strlen(text) || strspn(text, "0123456789-.") > 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		quoted |= !strcasecmp(text, words[i]);
	if (quoted)
		show_quoted(text, out);
	else
		fputs(text, out);
	return true;
}

static bool show_optional_string(const char *text, FILE *out)
{
	return text && *text && show_string(text, out);
}

static bool show_preset(const struct rec_options *options, FILE *out)
{
	return show_string(options->preset, out);
}

static bool show_events(const struct rec_options *options, FILE *out)
{
	const char *separator = "[";

	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		if (!(options->classes & 1u << i))
			continue;
		fprintf(out, "%s%s", separator,
			cap_schema_enum_name(cap_schema_builtin(), CAP_KIND_CLASS, i));
		separator = ", ";
	}
	fputc(']', out);
	return true;
}

static bool show_freq(const struct rec_options *options, FILE *out)
{
	return fprintf(out, "%u", options->sample_hz) > 0;
}

static bool show_faults(const struct rec_options *options, FILE *out)
{
	return fprintf(out, "%u", options->fault_period) > 0;
}

static bool show_stacks(const struct rec_options *options, FILE *out)
{
	static const char *const names[] = {
		[REC_STACKS_COPY] = "copy", [REC_STACKS_FP] = "fp", [REC_STACKS_NONE] = "none"};

	fputs(names[options->stacks], out);
	if (options->stacks == REC_STACKS_COPY && options->copy_bytes != REC_COPY_DEFAULT_BYTES)
		fprintf(out, ",%uK", options->copy_bytes >> 10);
	return true;
}

static bool show_durations(const struct rec_options *options, FILE *out)
{
	return options->blocked_durations && fputs("blocked", out) >= 0;
}

static bool show_args(const struct rec_options *options, FILE *out)
{
	return fputs(options->syscall_args ? "true" : "false", out) >= 0;
}

static bool show_no_exec_args(const struct rec_options *options, FILE *out)
{
	return fputs(options->no_exec_args ? "true" : "false", out) >= 0;
}

static bool show_no_symbols(const struct rec_options *options, FILE *out)
{
	return fputs(options->no_symbols ? "true" : "false", out) >= 0;
}

static bool show_pid(const struct rec_options *options, FILE *out)
{
	for (size_t i = 0; i < options->pid_count; i++)
		fprintf(out, "%s%d", i ? ", " : "[", options->pids[i]);
	return options->pid_count && fputc(']', out) != EOF;
}

static bool show_comm(const struct rec_options *options, FILE *out)
{
	return show_optional_string(options->comm, out);
}

static bool show_cgroup(const struct rec_options *options, FILE *out)
{
	return show_optional_string(options->cgroup_path, out);
}

static bool show_output(const struct rec_options *options, FILE *out)
{
	return show_optional_string(options->output_path, out);
}

/* Quantities of which 0 means "no limit" are always shown: that there is no limit is worth knowing.
 */
static bool show_quantity(void (*format)(u64, char *), u64 value, FILE *out)
{
	char text[REC_UNIT_TEXT_BYTES];

	format(value, text);
	return fprintf(out, "%s%s", text, value ? "" : " # no limit") > 0;
}

static bool show_duration(const struct rec_options *options, FILE *out)
{
	return show_quantity(rec_format_duration, options->duration_ns, out);
}

static bool show_max_size(const struct rec_options *options, FILE *out)
{
	return show_quantity(rec_format_size, options->max_size_bytes, out);
}

static bool show_max_samples(const struct rec_options *options, FILE *out)
{
	return show_quantity(rec_format_count, options->max_samples, out);
}

static bool show_cpu_budget(const struct rec_options *options, FILE *out)
{
	char text[REC_UNIT_TEXT_BYTES] = "none";

	if (options->cpu_budget_ppm)
		rec_format_percent(options->cpu_budget_ppm, text);
	return fputs(text, out) >= 0;
}

static bool show_mem_budget(const struct rec_options *options, FILE *out)
{
	char text[REC_UNIT_TEXT_BYTES] = "none";

	if (options->mem_budget_bytes)
		rec_format_size(options->mem_budget_bytes, text);
	return fputs(text, out) >= 0;
}

static bool show_disk_floor(const struct rec_options *options, FILE *out)
{
	const struct rec_floor *floor = &options->disk_floor;
	char text[REC_UNIT_TEXT_BYTES] = "none";

	if (floor->bytes)
		rec_format_size(floor->bytes, text);
	else if (floor->ppm)
		rec_format_percent(floor->ppm, text);
	return floor->given && fputs(text, out) >= 0;
}

static bool show_buffer(const struct rec_options *options, FILE *out)
{
	return options->ring_bytes && show_quantity(rec_format_size, options->ring_bytes, out);
}

static bool show_drain(const struct rec_options *options, FILE *out)
{
	return options->drain_ms &&
	       show_quantity(rec_format_duration, options->drain_ms * REC_NS_PER_MS, out);
}

static bool show_sync(const struct rec_options *options, FILE *out)
{
	return options->sync != REC_SYNC_INTERVAL && show_string(rec_sync_name(options->sync), out);
}

struct shown_key {
	const char *key;
	bool (*show)(const struct rec_options *options, FILE *out);
};

/* Writes "section:" if it differs from the previous one. */
static void show_key(const char *key, const char *value, const char **section, size_t *section_len,
		     FILE *out)
{
	const char *dot = strchr(key, '.');
	size_t len = dot ? (size_t)(dot - key) : 0;

	if (len && (len != *section_len || strncmp(key, *section, len) != 0))
		fprintf(out, "%.*s:\n", (int)len, key);
	*section = key;
	*section_len = len;
	fprintf(out, "%s%s: %s\n", dot ? "  " : "", dot ? dot + 1 : key, value);
}

static int show_all(const struct rec_options *options, FILE *out)
{
	static const struct shown_key keys[] = {
#define GROUP(title)
#define OPTION(upper, short_name, long_name, key, arg, shape, value, values, help) \
	{key, show_##value},
#define FLAG(...)
#include "recorder/options/option_table.def"
#undef GROUP
#undef OPTION
#undef FLAG
	};
	const char *section = "";
	size_t section_len = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		CLEANUP(cap_freep) char *value = NULL;
		size_t value_bytes;
		FILE *memory = open_memstream(&value, &value_bytes);
		bool shown;

		if (!memory)
			return -1;
		shown = keys[i].show(options, memory);
		if (fclose(memory) != 0)
			return -1;
		if (shown)
			show_key(keys[i].key, value, &section, &section_len, out);
	}
	return 0;
}

char *rec_options_yaml(const struct rec_options *options)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	int rc;

	if (!out)
		return NULL;
	rc = show_all(options, out);
	if (fclose(out) != 0 || rc < 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The summary at the end, as text and as JSON. Names of classes and reasons come from the tables of
 * formats/. */
#include "recorder/session/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "recorder/session/budget_summary.h"
#include "recorder/base/error_names.h"
#include "formats/base/escape.h"
#include "formats/table/schema.h"
#include "recorder/base/json_text.h"
#include "formats/base/size_text.h"
#include "recorder/base/quantity_text.h"

int rec_exit_status(int rc, const struct rec_result *result)
{
	if (rc == CAP_EUSAGE)
		return REC_EXIT_USAGE;
	if (rc == CAP_EPRIVILEGE)
		return REC_EXIT_KERNEL;
	if (rc < 0 || (result->recorded && result->reason == CAP_END_NO_SPACE))
		return REC_EXIT_FAILURE;
	return result->counts.lost_count > 0 || result->incomplete ? REC_EXIT_LOSS : REC_EXIT_OK;
}

static const char *class_name(u32 value)
{
	const char *name = cap_schema_enum_name(cap_schema_builtin(), CAP_KIND_CLASS, value);

	return name ? name : "?";
}

static const char *reason_name(u32 value)
{
	const char *name = cap_schema_enum_name(cap_schema_builtin(), CAP_KIND_REASON, value);

	return name ? name : "?";
}

/* Why it ended: a word for programs. */
static const char *end_name(enum cap_end_reason reason)
{
	switch (reason) {
	case CAP_END_NORMAL:
		return "duration";
	case CAP_END_SIGNAL:
		return "signal";
	case CAP_END_SIZE:
		return "max_size";
	case CAP_END_SAMPLES:
		return "max_samples";
	case CAP_END_NO_SPACE:
		return "no_space";
	case CAP_END_IO_ERROR:
		return "io_error";
	case CAP_END_PIPE_CLOSED:
		return "pipe_closed";
	case CAP_END_ROTATED:
		return "rotated";
	case CAP_END_TARGET:
		return "target_ended";
	case CAP_END_RECOVERED: /* `kymo recover` writes it, no recorder */
		break;
	}
	return "unknown";
}

/* The same for people; NULL if it goes without saying. */
static const char *end_text(const struct rec_options *options, enum cap_end_reason reason)
{
	switch (reason) {
	case CAP_END_SIGNAL:
		return "ended by a signal";
	case CAP_END_SIZE:
		return "ended at --max-size";
	case CAP_END_SAMPLES:
		return "ended at --max-samples";
	case CAP_END_NO_SPACE:
		return "ended early for lack of disk space";
	case CAP_END_IO_ERROR:
		return "ended by an error";
	case CAP_END_TARGET:
		return options->command ? NULL
					: "ended because every process given with -p is gone";
	default:
		return NULL;
	}
}

static double cpu_percent(const struct rec_result *result)
{
	u64 cpu_ns = result->cost.cpu_user_ns + result->cost.cpu_system_ns;
	u32 cpus = result->cpu_count ? result->cpu_count : 1;

	return result->elapsed_ns ? 100.0 * (double)cpu_ns / (double)result->elapsed_ns / cpus : 0;
}

static double bytes_per_event(const struct rec_result *result)
{
	u64 stored = result->counts.stored_count;

	return stored ? (double)result->counts.written_bytes / (double)stored : 0;
}

static void print_command(FILE *out, const struct rec_options *options,
			  const struct rec_result *result)
{
	char name[256];

	if (result->command_pid == 0 || !options->command)
		return;
	cap_escape_text(CAP_ESCAPE_ASCII, options->command[0], strlen(options->command[0]), name,
			sizeof(name));
	if (!result->command_exited)
		(void)fprintf(out, "kymo-record: '%s' still runs as process %d\n", name,
			      result->command_pid);
	else if (WIFSIGNALED(result->command_status))
		(void)fprintf(out, "kymo-record: '%s' was ended by signal %d (%s)\n", name,
			      WTERMSIG(result->command_status),
			      strsignal(WTERMSIG(result->command_status)));
	else if (WEXITSTATUS(result->command_status) != 0)
		(void)fprintf(out, "kymo-record: '%s' exited with status %d\n", name,
			      WEXITSTATUS(result->command_status));
}

static void print_losses(FILE *out, const struct rec_pipeline_counts *counts)
{
	char text[32];
	const char *separator = " (";

	if (counts->lost_count == 0) {
		(void)fputs("lost none", out);
		return;
	}
	(void)fprintf(out, "LOST %s", rec_count_text(counts->lost_count, text, sizeof(text)));
	for (u32 i = 0; i < EV_REASON_COUNT; i++) {
		if (counts->lost_by_reason[i] == 0)
			continue;
		(void)fprintf(out, "%s%s %s", separator, reason_name(i),
			      rec_count_text(counts->lost_by_reason[i], text, sizeof(text)));
		separator = ", ";
	}
	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		if (counts->lost_by_class[i] == 0)
			continue;
		(void)fprintf(out, "; class %s %s", class_name(i),
			      rec_count_text(counts->lost_by_class[i], text, sizeof(text)));
	}
	(void)fputs(")", out);
}

/* Events of the requested classes; those that are always recorded do not count. */
static u64 asked_count(const struct rec_options *options, const struct rec_pipeline_counts *counts)
{
	u64 sum = 0;

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		if (options->classes & (1u << i))
			sum += counts->stored_by_class[i];
	return sum + counts->counted_count;
}

static void print_next(FILE *out, const struct rec_options *options, const char *path)
{
	if (strcmp(options->output_path, "-") != 0)
		(void)fprintf(out, "kymo-record: next: kymo %s\n", path);
}

/* How well the capture can be read where none of the programs are. */
static void print_names(FILE *out, const struct rec_names_result *names)
{
	char named[32], all[32], bytes[32];

	if (!names->wanted ||
	    (names->function_count == 0 && !names->cut && !names->unreadable_count))
		return;
	(void)fprintf(out, "kymo-record: names: %s of %s user functions, %s",
		      rec_count_text(names->named_count, named, sizeof(named)),
		      rec_count_text(names->function_count, all, sizeof(all)),
		      cap_size_text((double)names->bytes, bytes));
	if (names->unreadable_count > 0)
		(void)fprintf(out, "; %" PRIu64 " files or processes could not be read",
			      names->unreadable_count);
	if (names->left_out > 0)
		(void)fprintf(out, "; CUT: %" PRIu64 " addresses left out", names->left_out);
	if (names->cut)
		(void)fprintf(out, "; CUT: %s", names->cut);
	(void)fputc('\n', out);
}

void rec_summary_text(FILE *out, const struct rec_options *options, const struct rec_result *result)
{
	const struct rec_pipeline_counts *counts = &result->counts;
	const char *why = end_text(options, result->reason);
	char path[512], events[32], bytes[32], peak[32];

	if (!result->recorded)
		return;
	cap_escape_text(CAP_ESCAPE_ASCII, options->output_path, strlen(options->output_path), path,
			sizeof(path));
	print_command(out, options, result);
	if (asked_count(options, counts) == 0)
		(void)fprintf(out,
			      "kymo-record: NOTHING WAS RECORDED: no event passed the filters in "
			      "%.1f s\n",
			      (double)result->elapsed_ns / 1e9);
	(void)fprintf(out, "kymo-record: %.1f s, %s events, %s in '%s'",
		      (double)result->elapsed_ns / 1e9,
		      rec_count_text(counts->stored_count, events, sizeof(events)),
		      cap_size_text((double)counts->written_bytes, bytes), path);
	if (counts->stored_count > 0)
		(void)fprintf(out, " (%.1f B/event)", bytes_per_event(result));
	(void)fprintf(out, "%s%s\nkymo-record: ", why ? ", " : "", why ? why : "");
	if (counts->counted_count > 0)
		(void)fprintf(
			out,
			"%s events counted, not stored one by one (durations in powers of two); ",
			rec_count_text(counts->counted_count, events, sizeof(events)));
	print_losses(out, counts);
	(void)fprintf(out, "; recorder CPU %.2f %% of the host, peak memory %s\n",
		      cpu_percent(result),
		      cap_size_text((double)result->cost.peak_rss_bytes, peak));
	rec_budget_text(out, options, result);
	print_names(out, &result->names);
	if (asked_count(options, counts) > 0)
		print_next(out, options, path);
}

static void print_json_counts(FILE *out, const char *key, const u64 *counts, u32 count,
			      const char *(*name)(u32))
{
	const char *separator = "";

	(void)fprintf(out, ",\"%s\":{", key);
	for (u32 i = 0; i < count; i++) {
		if (counts[i] == 0)
			continue;
		(void)fprintf(out, "%s\"%s\":%" PRIu64, separator, name(i), counts[i]);
		separator = ",";
	}
	(void)fputc('}', out);
}

static void print_json_names(FILE *out, const struct rec_names_result *names)
{
	if (!names->wanted)
		return;
	(void)fprintf(out,
		      ",\"names\":{\"functions\":%" PRIu64 ",\"named\":%" PRIu64
		      ",\"unwind_entries\":%" PRIu64 ",\"bytes\":%" PRIu64
		      ",\"unreadable\":%" PRIu64 ",\"left_out\":%" PRIu64 ",\"cpu_ns\":%" PRIu64
		      ",\"cut\":",
		      names->function_count, names->named_count, names->unwind_count, names->bytes,
		      names->unreadable_count, names->left_out, names->child_cpu_ns);
	if (names->cut)
		rec_json_string(out, names->cut);
	else
		(void)fputs("null", out);
	(void)fputc('}', out);
}

static void print_json_command(FILE *out, const struct rec_result *result)
{
	if (result->command_pid == 0)
		return;
	(void)fprintf(out, ",\"command\":{\"pid\":%d,\"running\":%s", result->command_pid,
		      result->command_exited ? "false" : "true");
	if (result->command_exited && WIFSIGNALED(result->command_status))
		(void)fprintf(out, ",\"signal\":%d", WTERMSIG(result->command_status));
	else if (result->command_exited)
		(void)fprintf(out, ",\"exit_status\":%d", WEXITSTATUS(result->command_status));
	(void)fputc('}', out);
}

void rec_summary_json(FILE *out, const struct rec_options *options, const struct rec_result *result,
		      int exit_status, const struct cap_err *error)
{
	const struct rec_pipeline_counts *counts = &result->counts;

	(void)fprintf(out, "{\"recorded\":%s,\"output\":", result->recorded ? "true" : "false");
	rec_json_string(out, options->output_path ? options->output_path : "");
	if (error) {
		const char *name = rec_error_name(error);
		char text[REC_ERROR_TEXT_BYTES];

		(void)fputs(",\"error\":", out);
		rec_json_string(out, rec_error_text(error, text));
		if (name)
			(void)fprintf(out, ",\"error_name\":\"%s\"", name);
	}
	if (result->recorded) {
		(void)fprintf(out,
			      ",\"end_reason\":\"%s\",\"duration_ns\":%" PRIu64
			      ",\"events_attempted\":%" PRIu64 ",\"events_stored\":%" PRIu64
			      ",\"events_counted\":%" PRIu64 ",\"events_lost\":%" PRIu64
			      ",\"bytes\":%" PRIu64 ",\"bytes_per_event\":%.2f",
			      end_name(result->reason), result->elapsed_ns, counts->attempted_count,
			      counts->stored_count, counts->counted_count, counts->lost_count,
			      counts->written_bytes, bytes_per_event(result));
		print_json_counts(out, "stored_by_class", counts->stored_by_class, EV_CLASS_COUNT,
				  class_name);
		print_json_counts(out, "lost_by_class", counts->lost_by_class, EV_CLASS_COUNT,
				  class_name);
		print_json_counts(out, "lost_by_reason", counts->lost_by_reason, EV_REASON_COUNT,
				  reason_name);
		(void)fprintf(out,
			      ",\"recorder_cpu_percent\":%.3f,\"recorder_peak_rss_bytes\":%" PRIu64,
			      cpu_percent(result), result->cost.peak_rss_bytes);
		rec_budget_json(out, result);
		print_json_names(out, &result->names);
		print_json_command(out, result);
	}
	(void)fprintf(out, ",\"exit_status\":%d}\n", exit_status);
}

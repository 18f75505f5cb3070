/* kymo bundle: what a bug report needs, in one file that trackers accept. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/archive/zip_output.h"
#include "analyzer/commands/bundle_capture.h"
#include "analyzer/commands/bundle_report.h"
#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/progress_line.h"
#include "analyzer/commands/redact_manifest.h"
#include "analyzer/commands/stop_signal.h"
#include "analyzer/output/result_file.h"
#include "formats/base/cleanup.h"

#define DEFAULT_MAX_BYTES (25ull << 20)
#define BESIDE_BYTES (64u << 10) /* kept free for what stands beside the capture */

struct bundle_arguments {
	const char *output;
	bool force, redact, no_redact;
	enum kymo_redact_level level;
	u64 max_bytes;
	s64 around_ns;
};

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct bundle_arguments *)own)->output = value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct bundle_arguments *)own)->force = true;
	return 0;
}

static int set_redact(void *own, const char *value, struct cap_err *err)
{
	struct bundle_arguments *arguments = own;

	arguments->redact = true;
	if (value && strcmp(value, "share") != 0 && strcmp(value, "strict") != 0)
		return cap_fail(err, CAP_EUSAGE, "unknown level '%s': it is share or strict",
				value);
	arguments->level =
		value && strcmp(value, "strict") == 0 ? KYMO_REDACT_STRICT : KYMO_REDACT_SHARE;
	return 0;
}

static int set_no_redact(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct bundle_arguments *)own)->no_redact = true;
	return 0;
}

static int set_max_size(void *own, const char *value, struct cap_err *err)
{
	static const char units[] = "KMG";
	char *end;
	double size = strtod(value, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (end == value || value[0] == '-' || size > 1e15 || (*end && (!unit || end[1])))
		return cap_fail(err, CAP_EUSAGE, "'%s' is no size like 25M, 800K or 0", value);
	for (const char *at = units; unit && at <= unit; at++)
		size *= 1024;
	((struct bundle_arguments *)own)->max_bytes = (u64)size;
	return 0;
}

static int set_around(void *own, const char *value, struct cap_err *err)
{
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || (*end && strcmp(end, "s") != 0) || !(seconds >= 0) || seconds > 1e9)
		return cap_fail(err, CAP_EUSAGE, "'%s' is no time in seconds since the start",
				value);
	((struct bundle_arguments *)own)->around_ns = (s64)(seconds * 1e9);
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_BUNDLE
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static int show_progress(void *context, u64 done_bytes, u64 total_bytes)
{
	if (kymo_stop_asked())
		return -EINTR;
	kymo_progress_bytes(context, done_bytes, total_bytes);
	return 0;
}

/* -------- MANIFEST.json -------- */

static void write_left(const struct kymo_bundle_capture *capture, struct kymo_writer *writer)
{
	static const struct kymo_column columns[] = {{.name = "what"}};
	char text[KYMO_BUNDLE_LEFT_BYTES];
	const char *left;

	kymo_writer_table_begin(writer, "left_out_for_size", columns, 1);
	for (int i = 0; (left = kymo_bundle_left(capture, i, text)) != NULL; i++) {
		const struct kymo_value value = kymo_text(left);

		kymo_writer_row(writer, &value);
	}
	kymo_writer_table_end(writer);
}

static int write_manifest(const struct kymo_bundle_capture *capture, enum kymo_format format,
			  FILE *out, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	int rc = kymo_writer_new(format, out, &writer);

	if (rc < 0)
		return cap_fail(err, rc, "out of memory");
	kymo_writer_field_int(writer, "bundle", KYMO_SHOW_PLAIN, 1);
	kymo_writer_field_text(writer, "tool", "kymo " KYMO_VERSION);
	kymo_writer_field_text(writer, "capture", "capture.kymo");
	kymo_writer_field_int(writer, "capture_bytes", KYMO_SHOW_BYTES, (s64)capture->bytes);
	kymo_writer_field_bool(writer, "redacted", capture->has_manifest);
	if (capture->is_cut) {
		kymo_writer_field_real(writer, "from_s", KYMO_SHOW_PLAIN, capture->from_s);
		kymo_writer_field_real(writer, "to_s", KYMO_SHOW_PLAIN, capture->to_s);
	}
	write_left(capture, writer);
	if (capture->has_manifest) {
		kymo_writer_object_begin(writer, "redaction");
		kymo_redact_manifest_write(&capture->manifest, false, writer);
		kymo_writer_object_end(writer);
	}
	return kymo_writer_finish(writer, err);
}

/* -------- the bundle -------- */

static int pack(const struct kymo_run *run, const struct kymo_bundle_capture *capture, int fd,
		u64 *ret_bytes, struct cap_err *err)
{
	CLEANUP(cap_freep) char *report = NULL;
	CLEANUP(cap_freep) char *manifest = NULL;
	size_t report_len = 0, manifest_len = 0;
	FILE *out = open_memstream(&manifest, &manifest_len);
	int rc = out ? write_manifest(capture, KYMO_FORMAT_JSON, out, err)
		     : cap_fail(err, -ENOMEM, "out of memory");

	if (out && fclose(out) != 0 && rc == 0)
		rc = cap_fail(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = kymo_bundle_report(run, capture, &report, &report_len, err);
	if (rc < 0)
		return rc;
	const struct kymo_zip_member members[] = {
		{.name = "MANIFEST.json", .bytes = manifest, .len = manifest_len},
		{.name = "report.md", .bytes = report, .len = report_len},
		{.name = "capture.kymo", .fd = capture->fd, .len = capture->bytes},
	};
	return kymo_zip_write(fd, members, sizeof(members) / sizeof(members[0]), ret_bytes, err);
}

static int bundle_to(const struct kymo_run *run, const struct kymo_common *common,
		     const struct bundle_arguments *own, const char *path, int fd,
		     struct kymo_bundle_capture *capture, u64 *ret_bytes, struct cap_err *err)
{
	struct kymo_progress_line line;
	struct kymo_bundle_wanted wanted = {.path = path,
					    .redact = own->redact,
					    .level = own->level,
					    .around_ns = own->around_ns,
					    .search = &common->symbol_options.search,
					    .progress = show_progress,
					    .progress_context = &line};
	int rc;

	if (own->max_bytes > 0 && own->max_bytes <= BESIDE_BYTES)
		return cap_fail(err, CAP_EUSAGE, "--max-size: a bundle takes 64 KiB at least");
	wanted.max_bytes = own->max_bytes ? own->max_bytes - BESIDE_BYTES : 0;
	kymo_progress_begin(&line, "bundle", path, run->stderr_is_tty && !common->quiet);
	kymo_stop_catch();
	rc = kymo_bundle_capture_make(&wanted, capture, err);
	kymo_progress_end(&line);
	return rc < 0 ? rc : pack(run, capture, fd, ret_bytes, err);
}

static int bundle_into(const struct kymo_run *run, const struct kymo_common *common,
		       const struct bundle_arguments *own, const char *path,
		       struct kymo_bundle_capture *capture, u64 *ret_bytes, struct cap_err *err)
{
	const struct kymo_result_request request = {.path = own->output,
						    .force = own->force,
						    .stream = true,
						    .what = "bundle",
						    .for_files = "a zip file",
						    .inputs = &path,
						    .input_count = 1};
	CLEANUP(kymo_result_done) struct kymo_result_file result = {.fd = -1};
	int rc = kymo_result_open(&request, &result, err);

	if (rc == 0)
		rc = bundle_to(run, common, own, path, result.fd, capture, ret_bytes, err);
	if (rc == 0)
		rc = kymo_result_publish(&result, err);
	if (rc < 0 && rc != -EINTR && rc != CAP_EUSAGE && !result.is_stdout)
		return cap_context(err, rc, "bundle into '%s'", own->output);
	return rc;
}

static void note_result(const struct kymo_run *run, const struct bundle_arguments *own,
			const struct kymo_bundle_capture *capture, u64 bytes)
{
	char text[KYMO_BUNDLE_LEFT_BYTES];
	const char *left;

	run->note(run, "'%s': %" PRIu64 " KiB: capture.kymo (%s), report.md, MANIFEST.json",
		  own->output, bytes / 1024 + 1,
		  capture->has_manifest ? kymo_redact_level_name(capture->manifest.level)
					: "not redacted");
	for (int i = 0; (left = kymo_bundle_left(capture, i, text)) != NULL; i++)
		run->note(run, "left out to fit --max-size: %s", left);
	if (capture->is_partial)
		run->note(run, "the input is damaged, cut off or of a newer version: MANIFEST.json "
			       "says what is missing");
}

int kymo_bundle_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_bundle_capture_done) struct kymo_bundle_capture capture = {.fd = -1};
	struct bundle_arguments own = {.max_bytes = DEFAULT_MAX_BYTES, .around_ns = -1};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common;
	bool to_stdout;
	u64 bytes = 0;
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!own.output)
		return cap_fail(err, CAP_EUSAGE,
				"no output: name the zip file to write with -o OUT.zip");
	if (own.redact == own.no_redact)
		return cap_fail(err, CAP_EUSAGE,
				"choose: --redact removes what is private, --no-redact packs the "
				"capture as it "
				"is");
	to_stdout = strcmp(own.output, "-") == 0;
	if (to_stdout && common.format != KYMO_FORMAT_TEXT)
		return cap_fail(err, CAP_EUSAGE,
				"the bundle and its manifest cannot both go to standard output: "
				"name a file "
				"with -o OUT.zip");
	rc = bundle_into(run, &common, &own, argv[first], &capture, &bytes, err);
	if (rc < 0)
		return rc;
	if (!common.quiet)
		note_result(run, &own, &capture, bytes);
	if (common.format != KYMO_FORMAT_TEXT)
		rc = write_manifest(&capture, common.format, run->out, err);
	return rc < 0 ? rc : capture.is_partial ? KYMO_EXIT_LOSS : 0;
}

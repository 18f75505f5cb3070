/* kymo recover: everything readable in a damaged capture, as an intact one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/progress_line.h"
#include "analyzer/commands/stop_signal.h"
#include "analyzer/output/result_file.h"
#include "analyzer/recover/recover_capture.h"
#include "formats/base/cleanup.h"

#define EXIT_NOT_A_CAPTURE 2

struct recover_arguments {
	const char *output;
	bool force;
};

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct recover_arguments *)own)->output = value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct recover_arguments *)own)->force = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_RECOVER
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

static const char *plural(u64 count)
{
	return count == 1 ? "" : "s";
}

static void note_lost(const struct kymo_run *run, const char *path,
		      const struct kymo_recovered *found)
{
	char events[80] = "an unknown number of events";

	if (found->events_lost > 0 || !found->events_unknown)
		(void)snprintf(events, sizeof(events), "%s%" PRIu64 " event%s",
			       found->events_unknown ? "at least " : "", found->events_lost,
			       plural(found->events_lost));
	run->note(run,
		  "'%s': lost %" PRIu64 " block%s, %" PRIu64
		  " byte%s of the file, %s; loss and mark rows of the output say when",
		  path, found->blocks_lost, plural(found->blocks_lost), found->bytes_lost,
		  plural(found->bytes_lost), events);
}

static void note_result(const struct kymo_run *run, const char *path,
			const struct kymo_recovered *found)
{
	run->note(run, "'%s': kept %" PRIu64 " block%s with %" PRIu64 " row%s, %" PRIu64 " event%s",
		  path, found->blocks_kept, plural(found->blocks_kept), found->rows_kept,
		  plural(found->rows_kept), found->events_kept, plural(found->events_kept));
	if (found->blocks_lost || found->bytes_lost)
		note_lost(run, path, found);
	if (found->columns_lost)
		run->note(run, "'%s': %" PRIu64 " column%s could not be decoded and %s left out",
			  path, found->columns_lost, plural(found->columns_lost),
			  found->columns_lost == 1 ? "was" : "were");
	if (found->ends_missing)
		run->note(run, "'%s': the end was missing; what came after is unknown", path);
	if (found->blocks_foreign)
		run->note(run,
			  "'%s': %" PRIu64 " block%s of another capture, repeated or out of order",
			  path, found->blocks_foreign, plural(found->blocks_foreign));
	if (found->blocks_unknown)
		run->note(run, "'%s': %" PRIu64 " block%s of a newer version, kept as they are",
			  path, found->blocks_unknown, plural(found->blocks_unknown));
}

static int recover_to(const struct kymo_run *run, const struct kymo_common *common,
		      const char *path, struct cap_reader *reader, int fd,
		      struct kymo_recovered *ret_found, struct cap_err *err)
{
	struct kymo_progress_line line;
	const struct kymo_recover_options options = {.output_fd = fd,
						     .tool = "kymo " KYMO_VERSION,
						     .progress = show_progress,
						     .progress_context = &line};
	int rc;

	kymo_progress_begin(&line, "recover", path, run->stderr_is_tty && !common->quiet);
	kymo_stop_catch();
	rc = kymo_recover(reader, &options, ret_found, err);
	kymo_progress_end(&line);
	return rc;
}

static int recover_into(const struct kymo_run *run, const struct kymo_common *common,
			const struct recover_arguments *own, const char *path,
			struct cap_reader *reader, struct kymo_recovered *ret_found,
			struct cap_err *err)
{
	const struct kymo_result_request request = {.path = own->output,
						    .force = own->force,
						    .stream = true,
						    .what = "recovery",
						    .for_files = "a capture",
						    .inputs = &path,
						    .input_count = 1};
	CLEANUP(kymo_result_done) struct kymo_result_file result = {.fd = -1};
	int rc = kymo_result_open(&request, &result, err);

	if (rc == 0)
		rc = recover_to(run, common, path, reader, result.fd, ret_found, err);
	if (rc == 0)
		rc = kymo_result_publish(&result, err);
	if (rc < 0 && rc != -EINTR && !result.is_stdout)
		return cap_context(err, rc, "recover into '%s'", own->output);
	return rc;
}

int kymo_recover_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(cap_reader_closep) struct cap_reader *reader = NULL;
	struct recover_arguments own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_recovered found = {0};
	struct kymo_common common;
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!own.output)
		return cap_fail(err, CAP_EUSAGE,
				"no output: name the capture to write with -o OUT");
	rc = kymo_reading_open(argv[first], KYMO_READ_SKIP, &reader, err);
	if (rc == CAP_ENOTCAPTURE) {
		run->note(run, "%s", err->text);
		return EXIT_NOT_A_CAPTURE;
	}
	if (rc == 0)
		rc = recover_into(run, &common, &own, argv[first], reader, &found, err);
	if (rc < 0)
		return rc;
	if (!common.quiet || !found.lossless)
		note_result(run, argv[first], &found);
	return found.lossless ? 0 : KYMO_EXIT_LOSS;
}

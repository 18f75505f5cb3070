/* kymo cut: a part of a capture as a capture of its own. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/capture/capture_open.h"
#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/progress_line.h"
#include "analyzer/commands/stop_signal.h"
#include "analyzer/output/result_file.h"
#include "analyzer/rewrite/cut_capture.h"
#include "formats/base/cleanup.h"

struct cut_arguments {
	const char *output;
	bool force;
};

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct cut_arguments *)own)->output = value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct cut_arguments *)own)->force = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_CUT
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

/* The part within what the capture covers. */
static int choose_part(const struct kymo_capture *capture, struct kymo_filter *filter,
		       struct kymo_cut_options *ret_cut, struct cap_err *err)
{
	u64 start_ns = kymo_capture_start_ns(capture), end_ns = kymo_capture_end_ns(capture);

	kymo_filter_settle_times(filter, (s64)start_ns);
	if (filter->has_from && filter->has_to && filter->to_ns <= filter->from_ns)
		return cap_fail(err, CAP_EUSAGE, KYMO_WINDOW_EMPTY);
	ret_cut->from_ns = filter->has_from && filter->from_ns > (s64)start_ns
				   ? (u64)filter->from_ns
				   : start_ns;
	ret_cut->to_ns = filter->has_to && filter->to_ns < (s64)end_ns
				 ? (filter->to_ns > 0 ? (u64)filter->to_ns : 0)
				 : end_ns + 1;
	if (ret_cut->from_ns >= ret_cut->to_ns)
		return cap_fail(err, CAP_EUSAGE,
				"the capture covers %.3f s: nothing of it is in that part",
				(double)(end_ns - start_ns) / 1e9);
	ret_cut->pid = filter->pid;
	return 0;
}

static int cut_to(const struct kymo_run *run, struct kymo_common *common, const char *path, int fd,
		  struct kymo_cut_found *ret_found, struct cap_err *err)
{
	CLEANUP(kymo_capture_closep) struct kymo_capture *capture = NULL;
	struct kymo_progress_line line;
	const struct kymo_capture_options options = {.progress = show_progress,
						     .progress_context = &line};
	struct kymo_cut_options cut = {
		.output_fd = fd, .progress = show_progress, .progress_context = &line};
	int rc;

	kymo_progress_begin(&line, "cut", path, run->stderr_is_tty && !common->quiet);
	kymo_stop_catch();
	rc = kymo_capture_open(path, &options, &capture, err);
	if (rc == 0)
		rc = choose_part(capture, &common->filter, &cut, err);
	if (rc == 0)
		rc = kymo_cut(capture, &cut, ret_found, err);
	kymo_progress_end(&line);
	return rc;
}

static int cut_into(const struct kymo_run *run, struct kymo_common *common,
		    const struct cut_arguments *own, const char *path,
		    struct kymo_cut_found *ret_found, struct cap_err *err)
{
	const struct kymo_result_request request = {.path = own->output,
						    .force = own->force,
						    .stream = true,
						    .what = "cut",
						    .for_files = "a capture",
						    .inputs = &path,
						    .input_count = 1};
	CLEANUP(kymo_result_done) struct kymo_result_file result = {.fd = -1};
	int rc = kymo_result_open(&request, &result, err);

	if (rc == 0)
		rc = cut_to(run, common, path, result.fd, ret_found, err);
	if (rc == 0)
		rc = kymo_result_publish(&result, err);
	if (rc < 0 && rc != -EINTR && rc != CAP_EUSAGE && !result.is_stdout)
		return cap_context(err, rc, "cut into '%s'", own->output);
	return rc;
}

static bool note_result(const struct kymo_run *run, const struct kymo_common *common,
			const char *path, const struct kymo_cut_found *found)
{
	const struct kymo_rewritten *rewritten = &found->rewritten;
	u64 left = 0;

	if (!common->quiet)
		run->note(run, "'%s': kept %" PRIu64 " of %" PRIu64 " events, %" PRIu64 " bytes",
			  path, found->events_kept, found->events_kept + found->events_left,
			  rewritten->written_bytes);
	if (found->counts_outside)
		run->note(run,
			  "'%s': %" PRIu64
			  " counted events were left out: the spans they were counted in are "
			  "only partly inside",
			  path, found->counts_outside);
	if (rewritten->blocks_damaged)
		run->note(run, "'%s' is damaged, and the part is marked as damaged, too", path);
	if (rewritten->ends_missing)
		run->note(run, "'%s' was cut off, and so is the part", path);
	for (int i = 0; i < KYMO_LEFT_KINDS; i++)
		left += rewritten->left[i];
	if (left)
		run->note(run, "'%s': what is not known to this version was left out", path);
	return left > 0 || rewritten->blocks_damaged > 0 || rewritten->ends_missing > 0;
}

int kymo_cut_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct cut_arguments own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_cut_found found = {0};
	struct kymo_common common;
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!own.output)
		return cap_fail(err, CAP_EUSAGE,
				"no output: name the capture to write with -o OUT");
	if (common.filter.comm)
		return cap_fail(err, CAP_EUSAGE,
				"--comm: a part is cut by time and process: use -p PID");
	if (!common.filter.has_from && !common.filter.has_to && common.filter.pid < 0)
		return cap_fail(err, CAP_EUSAGE, "no part: name it with --from, --to or -p PID");
	rc = cut_into(run, &common, &own, argv[first], &found, err);
	if (rc < 0)
		return rc;
	return note_result(run, &common, argv[first], &found) ? KYMO_EXIT_LOSS : 0;
}

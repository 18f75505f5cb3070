/* kymo redact: a capture that may be attached to a bug report, and what was done to it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/progress_line.h"
#include "analyzer/commands/redact_manifest.h"
#include "analyzer/commands/redact_run.h"
#include "analyzer/commands/stop_signal.h"
#include "analyzer/output/result_file.h"
#include "formats/base/cleanup.h"

struct redact_arguments {
	const char *output;
	bool force, list;
	struct kymo_redact_options redact;
};

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct redact_arguments *)own)->output = value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct redact_arguments *)own)->force = true;
	return 0;
}

static int set_list(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct redact_arguments *)own)->list = true;
	return 0;
}

static int set_level(void *own, const char *value, struct cap_err *err)
{
	struct redact_arguments *arguments = own;

	if (strcmp(value, "share") != 0 && strcmp(value, "strict") != 0)
		return cap_fail(err, CAP_EUSAGE, "unknown level '%s': it is share or strict",
				value);
	arguments->redact.level =
		strcmp(value, "strict") == 0 ? KYMO_REDACT_STRICT : KYMO_REDACT_SHARE;
	return 0;
}

/* A list of classes with commas between. */
static int set_classes(const char *value, bool *chosen, struct cap_err *err)
{
	CLEANUP(cap_freep) char *copy = strdup(value);
	char *rest = NULL;

	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory");
	for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		enum kymo_redact_class which = kymo_redact_class_named(name);

		if (which == KYMO_REDACT_CLASSES)
			return cap_fail(
				err, CAP_EUSAGE,
				"unknown class '%s'; the classes are host, id, meta, name, "
				"path, cgroup, network, number, module, function, build-id, text, "
				"address, argument, stack, payload",
				name);
		chosen[which] = true;
	}
	return 0;
}

static int set_keep(void *own, const char *value, struct cap_err *err)
{
	return set_classes(value, ((struct redact_arguments *)own)->redact.keep, err);
}

static int set_drop(void *own, const char *value, struct cap_err *err)
{
	return set_classes(value, ((struct redact_arguments *)own)->redact.drop, err);
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_REDACT
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

static int redact_to(const struct kymo_run *run, const struct kymo_common *common,
		     const struct redact_arguments *own, const char *path, int fd,
		     struct kymo_redact_manifest *ret_manifest, struct cap_err *err)
{
	struct kymo_progress_line line;
	struct kymo_redact_options options = own->redact;
	int rc;

	options.output_fd = fd;
	options.progress = show_progress;
	options.progress_context = &line;
	kymo_progress_begin(&line, "redact", path, run->stderr_is_tty && !common->quiet);
	kymo_stop_catch();
	rc = kymo_redact_file(path, &common->symbol_options.search, &options, ret_manifest, err);
	kymo_progress_end(&line);
	return rc;
}

static int redact_into(const struct kymo_run *run, const struct kymo_common *common,
		       const struct redact_arguments *own, const char *path,
		       struct kymo_redact_manifest *ret_manifest, struct cap_err *err)
{
	const struct kymo_result_request request = {.path = own->output,
						    .force = own->force,
						    .stream = true,
						    .what = "redaction",
						    .for_files = "a capture",
						    .inputs = &path,
						    .input_count = 1};
	CLEANUP(kymo_result_done) struct kymo_result_file result = {.fd = -1};
	int rc = kymo_result_open(&request, &result, err);

	if (rc == 0)
		rc = redact_to(run, common, own, path, result.fd, ret_manifest, err);
	if (rc == 0)
		rc = kymo_result_publish(&result, err);
	if (rc < 0 && rc != -EINTR && !result.is_stdout)
		return cap_context(err, rc, "redact into '%s'", own->output);
	return rc;
}

static void note_partial(const struct kymo_run *run, const char *path,
			 const struct kymo_redact_manifest *manifest)
{
	const struct kymo_rewritten *found = &manifest->rewritten;

	if (found->blocks_damaged)
		run->note(run, "'%s' is damaged: %" PRIu64 " block%s missing from the output, too",
			  path, found->blocks_damaged,
			  found->blocks_damaged == 1 ? " is" : "s are");
	if (found->ends_missing)
		run->note(run, "'%s' was cut, and so is the output: what came after is unknown",
			  path);
	if (found->left[KYMO_LEFT_TYPE] || found->left[KYMO_LEFT_FIELD] ||
	    found->left[KYMO_LEFT_BLOCK])
		run->note(run,
			  "'%s' was written by a newer version: what this one does not know was "
			  "left out",
			  path);
	if (found->left[KYMO_LEFT_FOREIGN] || found->left[KYMO_LEFT_COLUMN])
		run->note(run,
			  "'%s': blocks of other captures or columns that cannot be decoded were "
			  "left out",
			  path);
}

static int write_manifest(const struct kymo_run *run, const struct kymo_common *common,
			  const struct redact_arguments *own,
			  const struct kymo_redact_manifest *manifest, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	int rc = kymo_writer_new(common->format, run->out, &writer);

	if (rc < 0)
		return cap_fail(err, rc, "out of memory");
	kymo_writer_fit(writer, run->columns);
	kymo_redact_manifest_write(manifest, own->list, writer);
	return kymo_writer_finish(writer, err);
}

static void manifest_done(struct kymo_redact_manifest *manifest)
{
	kymo_redact_manifest_done(manifest);
}

int kymo_redact_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(manifest_done) struct kymo_redact_manifest manifest = {0};
	struct redact_arguments own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common;
	bool to_stdout;
	int first, rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!own.output)
		return cap_fail(err, CAP_EUSAGE,
				"no output: name the capture to write with -o OUT");
	to_stdout = strcmp(own.output, "-") == 0;
	if (to_stdout && (own.list || common.format != KYMO_FORMAT_TEXT))
		return cap_fail(
			err, CAP_EUSAGE,
			"the capture and the manifest cannot both go to standard output: name a "
			"file with -o OUT");
	rc = redact_into(run, &common, &own, argv[first], &manifest, err);
	if (rc < 0)
		return rc;
	note_partial(run, argv[first], &manifest);
	if (!to_stdout && (!common.quiet || own.list || common.format != KYMO_FORMAT_TEXT))
		rc = write_manifest(run, &common, &own, &manifest, err);
	return rc < 0 ? rc : kymo_redact_is_partial(&manifest) ? KYMO_EXIT_LOSS : 0;
}

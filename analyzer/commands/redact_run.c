#include "analyzer/commands/redact_run.h"

#include "analyzer/capture/capture_open.h"
#include "formats/base/cleanup.h"

static void redactor_freep(struct kymo_redactor **redactor)
{
	*redactor = kymo_redactor_free(*redactor);
}

int kymo_redact_file(const char *path, const struct kymo_object_search *search,
		     const struct kymo_redact_options *options,
		     struct kymo_redact_manifest *ret_manifest, struct cap_err *err)
{
	CLEANUP(redactor_freep) struct kymo_redactor *redactor = NULL;
	CLEANUP(kymo_capture_closep) struct kymo_capture *capture = NULL;
	struct kymo_capture_options open = {.progress = options->progress,
					    .progress_context = options->progress_context,
					    .search = search,
					    .block = kymo_redactor_block};
	int rc = kymo_redactor_new(options, &redactor, err);

	if (rc < 0)
		return rc;
	open.block_context = redactor;
	rc = kymo_capture_open(path, &open, &capture, err);
	return rc < 0 ? rc : kymo_redact(redactor, capture, ret_manifest, err);
}

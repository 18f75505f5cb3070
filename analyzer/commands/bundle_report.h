#pragma once
/* What a bundle says of its capture: two screens for an issue, made by the commands themselves. */
#include <stddef.h>

#include "analyzer/commands/bundle_capture.h"
#include "analyzer/output/command_run.h"

/* Markdown; malloc'd, for the caller to free. */
int kymo_bundle_report(const struct kymo_run *run, const struct kymo_bundle_capture *capture,
		       char **ret_text, size_t *ret_len, struct cap_err *err);

/* What was left out, in words: the i-th, or NULL. */
#define KYMO_BUNDLE_LEFT_BYTES 160
const char *kymo_bundle_left(const struct kymo_bundle_capture *capture, int i,
			     char ret_text[KYMO_BUNDLE_LEFT_BYTES]);

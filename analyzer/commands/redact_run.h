#pragma once
/* Redacting a file: opening it in the way that redaction needs, and the rest. Of redact and bundle.
 */
#include "analyzer/redact/redact_capture.h"
#include "analyzer/symbols/find_object.h"

/* Two passes: the first learns who was where, the second writes. Errors of both. */
int kymo_redact_file(const char *path, const struct kymo_object_search *search,
		     const struct kymo_redact_options *options,
		     struct kymo_redact_manifest *ret_manifest, struct cap_err *err);

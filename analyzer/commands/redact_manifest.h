#pragma once
/* What was redacted, for people and as JSON: of `kymo redact` and `kymo bundle`. */
#include "analyzer/output/report_writer.h"
#include "analyzer/redact/redact_capture.h"

/* texts: with every text that is left. */
void kymo_redact_manifest_write(const struct kymo_redact_manifest *manifest, bool texts,
				struct kymo_writer *writer);

/* Whether something of the input is not in the output since it is damaged or not known. */
bool kymo_redact_is_partial(const struct kymo_redact_manifest *manifest);

#pragma once
/* The capture of a bundle: redacted or not, and no larger than it may be. */
#include "analyzer/redact/redact_capture.h"
#include "analyzer/symbols/find_object.h"

struct kymo_bundle_wanted {
	const char *path;
	bool redact;
	enum kymo_redact_level level;
	u64 max_bytes; /* of the capture; 0: no limit */
	s64 around_ns; /* since its start; -1: the busiest time */
	const struct kymo_object_search *search;
	int (*progress)(void *context, u64 done_bytes, u64 total_bytes);
	void *progress_context;
};

struct kymo_bundle_capture {
	int fd; /* a file without a name. Init to -1 */
	u64 bytes;
	bool has_manifest; /* it was redacted */
	struct kymo_redact_manifest manifest;
	/* Left out to fit, in this order */
	bool no_copies; /* copies of stacks, once unwound */
	bool is_cut;	/* events outside a span, in seconds since the input's start */
	double from_s, to_s;
	u64 events_left;
	bool is_partial; /* the input was damaged, or of a newer version */
};

/* 0; errors of reading and writing; CAP_EUSAGE: the size cannot be met. */
int kymo_bundle_capture_make(const struct kymo_bundle_wanted *wanted,
			     struct kymo_bundle_capture *ret_capture, struct cap_err *err);
void kymo_bundle_capture_done(struct kymo_bundle_capture *capture); /* for CLEANUP */

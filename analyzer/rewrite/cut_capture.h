#pragma once
/*
 * `kymo cut`: the part of a capture between two moments, or of one process, as a capture of its
 * own. It begins and ends with the part, so that a report on it is the report on the whole with the
 * same filter. What names and explains events (processes, mappings, symbols, decisions) stays,
 * whenever it was recorded.
 */
#include "analyzer/rewrite/rewrite_capture.h"

struct kymo_cut_options {
	u64 from_ns,
		to_ns; /* of the record clock: from_ns <= time_ns < to_ns; within the capture */
	s64 pid;       /* -1: all */
	int output_fd;
	int (*progress)(void *context, u64 done_bytes, u64 total_bytes); /* may be NULL */
	void *progress_context;
};

struct kymo_cut_found {
	struct kymo_rewritten rewritten;
	u64 events_kept, events_left;
	u64 counts_outside; /* counted events whose span is only partly inside: left out */
};

/* capture is opened, without stacks. 0; -ENOMEM, errors of reading and writing, of progress. */
int kymo_cut(struct kymo_capture *capture, const struct kymo_cut_options *options,
	     struct kymo_cut_found *ret_found, struct cap_err *err);

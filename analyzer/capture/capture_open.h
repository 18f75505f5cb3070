#pragma once
/* Opening a capture: one pass over the file, in which others may take part, so that it need not be
 * read again for them. */
#include "analyzer/capture/capture_model.h"
#include "analyzer/capture/reading.h"

struct kymo_chunk_cursor;

struct kymo_capture_options {
	enum kymo_reading reading;
	kymo_progress_fn progress; /* may be NULL */
	void *progress_context;
	/* Where the files are that tell how copies of stacks are unwound; NULL: on this machine.
	 * Only used while opening. */
	const struct kymo_object_search *search;
	bool stacks; /* all stacks are resolved at opening, in a pass of their own; else each as its
			sample is read */
	/*
	 * Shown each block of rows in the first pass, in the order of the file; types: a bit per
	 * built-in row type that it holds. Tasks are known but for those without a start, mappings
	 * are not: chunk_cursor.h shows rows at this moment. Negative ends the opening. NULL:
	 * nobody.
	 */
	int (*block)(void *context, struct kymo_capture *capture, const struct cap_rows *rows,
		     u64 types, struct cap_err *err);
	void *block_context;
	/* Shown each section of rows that the pass over stacks visits, when its stacks are
	 * resolved. NULL: nobody. */
	int (*section)(void *context, struct kymo_capture *capture, u32 type_id,
		       struct kymo_chunk_cursor *cursor, struct cap_err *err);
	void *section_context;
	u64 section_types; /* which it visits beside those with stacks: a bit per row type */
};

/* -errno, CAP_ENOTCAPTURE, CAP_EVERSION, or what progress or block returned. options may be NULL:
 * then stacks are resolved. */
int kymo_capture_open(const char *path, const struct kymo_capture_options *options,
		      struct kymo_capture **ret_capture, struct cap_err *err);

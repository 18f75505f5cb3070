#pragma once
/*
 * `kymo redact`: a capture without what is private. Which fields hold what is told by their
 * sensitivity (redact_classes.def, redact_fields.def). All else stays as it is, so that reports on
 * the copy have the numbers of reports on the input.
 */
#include "analyzer/capture/blob_table.h"
#include "analyzer/redact/redact_classes.h"
#include "analyzer/rewrite/rewrite_capture.h"

struct kymo_redact_options {
	enum kymo_redact_level level;
	bool keep[KYMO_REDACT_CLASSES], drop[KYMO_REDACT_CLASSES]; /* on top of the level */
	int output_fd;
	int (*progress)(void *context, u64 done_bytes, u64 total_bytes); /* may be NULL */
	void *progress_context;
};

struct kymo_redact_count { /* values of one class */
	enum kymo_redact_action action;
	u64 replaced, dropped, kept;
};

struct kymo_redact_left { /* what is of a newer version, or cannot be read */
	enum kymo_left kind;
	u32 id;
	u64 count;
};

struct kymo_redact_manifest {
	enum kymo_redact_level level;
	struct kymo_redact_count counts[KYMO_REDACT_CLASSES];
	struct kymo_redact_left *left;
	size_t left_count, left_size;
	struct kymo_blob_table texts; /* every distinct text that is left, from 1 on */
	struct kymo_rewritten rewritten;
};

void kymo_redact_manifest_done(struct kymo_redact_manifest *manifest);

/* For opening the capture: the layout of its code is learned then. */
struct kymo_redactor;
int kymo_redactor_new(const struct kymo_redact_options *options,
		      struct kymo_redactor **ret_redactor, struct cap_err *err);
struct kymo_redactor *kymo_redactor_free(struct kymo_redactor *redactor);
/* To be called with each block of rows at opening: kymo_capture_options.block. */
int kymo_redactor_block(void *redactor, struct kymo_capture *capture, const struct cap_rows *rows,
			u64 types, struct cap_err *err);

/* 0; -ENOMEM, errors of reading and writing, what progress returned. */
int kymo_redact(struct kymo_redactor *redactor, struct kymo_capture *capture,
		struct kymo_redact_manifest *ret_manifest, struct cap_err *err);

#pragma once
/*
 * Copies a capture block by block through rewrite_rows.h: what `kymo redact` and `kymo cut` share.
 * Only what the built-in tables describe gets into the copy: no padding, no reserved fields, no
 * unknown block, row or column. Damage stays visible: the numbers of blocks that cannot be read are
 * missing from the copy, too, and a capture without END has none there.
 */
#include "analyzer/rewrite/rewrite_rows.h"

struct kymo_rewrite_options {
	int output_fd;
	struct kymo_rewrite_rules rules;
	/* Adds rows of its own before the end of each capture; NULL: none. */
	int (*end)(void *context, struct cap_writer *writer, struct cap_err *err);
};

struct kymo_rewritten {
	u64 captures, blocks, rows_in, events, written_bytes;
	u64 blocks_damaged; /* or missing: as many are missing from the copy */
	u64 ends_missing;   /* captures that were cut */
	u64 left[KYMO_LEFT_KINDS];
};

/* capture is opened, without stacks. 0; -ENOMEM, errors of reading and writing, what rules
 * returned. */
int kymo_rewrite_capture(struct kymo_capture *capture, const struct kymo_rewrite_options *options,
			 struct kymo_rewritten *ret_rewritten, struct cap_err *err);

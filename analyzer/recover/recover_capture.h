#pragma once
/*
 * `kymo recover`: the readable blocks of a damaged capture as an intact one. Blocks are copied
 * unchanged if possible, with new numbers; what was lost is loss in the copy.
 */
#include "formats/read/capture_reader.h"
#include "formats/write/chunk.h"

struct kymo_recover_options {
	int output_fd;
	const char *tool; /* "kymo 0.1.0" */
	/* Called a few times per second of work; a negative return ends it with that code. May be
	 * NULL. */
	int (*progress)(void *context, u64 done_bytes, u64 total_bytes);
	void *progress_context;
	/* Adds rows for blocks of symbols (an empty chunk each time), at the end of each capture:
	 * called until it adds none, then from the beginning for the next capture. NULL: none. */
	int (*add_symbols)(void *context, struct cap_chunk *chunk, struct cap_err *err);
	void *add_context;
};

struct kymo_recovered {
	u64 captures;
	u64 blocks_kept, rows_kept, events_kept;
	u64 blocks_lost; /* damaged, missing, or dropped since they could not be decoded */
	u64 blocks_foreign, blocks_unknown /* kept */;
	u64 bytes_lost;
	u64 events_lost; /* as far as known: */
	bool events_unknown;
	u64 columns_lost;
	u64 ends_missing; /* captures that were cut */
	bool lossless;	  /* everything was read, and nothing was missing */
	u64 written_bytes;
};

/* The reader is consumed. 0; -ENOMEM, errors of reading and writing, what progress returned. */
int kymo_recover(struct cap_reader *reader, const struct kymo_recover_options *options,
		 struct kymo_recovered *ret_recovered, struct cap_err *err);

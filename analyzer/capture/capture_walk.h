#pragma once
/*
 * A walk over every block of a capture that also reports everything that is missing: where, how
 * many blocks and events, and which time span. The contents of a gap follow from neighbouring
 * blocks: block numbers have no gaps, and each block of rows has its times and the totals so far.
 * Serves `kymo verify`, `kymo recover` and --strict.
 */
#include <stdbool.h>

#include "formats/read/capture_reader.h"

enum kymo_gap_kind {
	KYMO_GAP_DAMAGED, /* bytes that are not what they should be */
	KYMO_GAP_LOST,	  /* blocks that are not in the file */
	KYMO_GAP_CUT,	  /* a capture without END: what came after is not known */
	KYMO_GAP_UNKNOWN, /* whole, but of a newer version */
	KYMO_GAP_FOREIGN, /* whole blocks of another capture, or repeated ones */
};

#define KYMO_GAP_TEXT_BYTES 240

struct kymo_gap {
	enum kymo_gap_kind kind;
	u64 offset, size_bytes; /* in the file */
	u64 block_count; /* number of blocks damaged, missing, unknown or foreign; 0: unknown */
	u64 first_seq, last_seq; /* DAMAGED, LOST: of those blocks, if any is known of */
	bool from_known, to_known;
	u64 from_ns, to_ns; /* CLOCK_MONOTONIC; the loss is in between */
	bool events_known;
	u64 events;  /* were written here and cannot be read */
	bool counts; /* these events are counted system calls, which are not rows themselves */
	char text[KYMO_GAP_TEXT_BYTES];
};

struct kymo_walk_options {
	bool decode; /* decompress every block of rows and decode every column; else only what
			counts system calls is read of the blocks of counters */
	/* Reported in file order. A gap is reported before the walk returns the block from which
	 * its bounds are known. */
	void (*gap)(void *context, const struct kymo_gap *gap);
	void *gap_context;
};

struct kymo_walk_counts { /* of rows: replicas are not counted again */
	u64 captures;	  /* in this file */
	u64 rows, events; /* with decode: of blocks that could be decoded; else according to their
			     headers */
	u64 rows_unknown_type, columns, columns_rejected; /* with decode, else 0 */
	u64 calls_counted;				  /* in `syscall_count` rows */
	u64 events_missing;		/* of all gaps where they are known: at least so many */
	u64 gaps[KYMO_GAP_FOREIGN + 1]; /* by kind */
};

struct kymo_walk_block {
	struct cap_block block;
	bool begins;	      /* the first block of a capture */
	bool moved;	      /* it comes after later ones: it was reported as missing before */
	bool rows_decoded;    /* rows is valid until the next call */
	u64 columns_rejected; /* of this block */
	struct cap_rows rows;
};

struct kymo_walk;

/* Over an open reader, which stays the caller's, must outlive the walk and is rewound. 0 or
 * -ENOMEM. */
int kymo_walk_new(struct cap_reader *reader, const struct kymo_walk_options *options,
		  struct kymo_walk **ret_walk, struct cap_err *err);
struct kymo_walk *kymo_walk_free(struct kymo_walk *walk);
void kymo_walk_freep(struct kymo_walk **walk); /* for CLEANUP */

/* Next good block: 1; 0 at the end, when all gaps have been told; -ENOMEM or an error of reading.
 */
int kymo_walk_next(struct kymo_walk *walk, struct kymo_walk_block *ret_block, struct cap_err *err);

const struct kymo_walk_counts *kymo_walk_counts(const struct kymo_walk *walk);
const char *kymo_gap_kind_name(enum kymo_gap_kind kind);

/* True if nothing is damaged, missing or cut off so far; unknown and foreign blocks do not count.
 */
bool kymo_walk_is_whole(const struct kymo_walk *walk);

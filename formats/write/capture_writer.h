#pragma once
/*
 * Writes blocks to a file descriptor: header, checksum, zstd frame. Append-only: nothing written is
 * changed. For one thread at a time. Does not open, sync or close the descriptor: the owner decides
 * that.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "formats/write/chunk.h"
#include "formats/table/end_reasons.h"
#include "formats/table/capture_facts.h"

/* Output function: like write(2), returns bytes taken or -1 with errno. The default (NULL) is
 * write(2) itself. */
typedef long (*cap_write_fn)(void *context, int fd, const void *bytes, unsigned long len);

struct cap_writer_options {
	int fd;
	int zstd_level; /* 0: the default, 1 */
	cap_write_fn write;
	void *write_context;
};

struct cap_writer;

/* Fills in a new random file_uuid where it is all zero. Writes nothing yet. 0, -ENOMEM or
 * CAP_ECODEC. */
int cap_writer_new(const struct cap_writer_options *options, const struct cap_file_info *info,
		   struct cap_writer **ret_writer, struct cap_err *err);
struct cap_writer *cap_writer_free(struct cap_writer *writer);

/*
 * Before cap_writer_begin: the capture has this schema, a part of the built-in one, encoded by
 * cap_schema_encode_of: rows may then hold only its types and fields. Copied. 0 or -ENOMEM.
 */
int cap_writer_schema(struct cap_writer *writer, const u8 *encoded, size_t len,
		      struct cap_err *err);

/* FILE_HEADER and SCHEMA: the first two blocks. */
int cap_writer_begin(struct cap_writer *writer, struct cap_err *err);

/* One block of rows. totals may be NULL (all zero) for other blocks than CHUNK. Writes nothing for
 * an empty chunk. */
int cap_writer_rows(struct cap_writer *writer, enum cap_block_type block,
		    const struct cap_chunk *chunk, const struct cap_totals *totals,
		    struct cap_err *err);

/* From now on blocks carry flag 7: the output failed, so some that were written before them may be
 * missing. */
void cap_writer_after_error(struct cap_writer *writer);

/* Leaves out numbers of blocks, so that readers find as many missing here, and counts events that
 * are missing with them: for copies of damaged captures that are to stay marked as damaged. */
void cap_writer_skip(struct cap_writer *writer, u64 block_count, u64 event_count);

/* Replicas and INDEX: everything at the end except END. If there is no room for them (-ENOSPC), the
 * capture is complete without; END may still be tried. */
int cap_writer_tail(struct cap_writer *writer, struct cap_err *err);
/* END, after the tail if that was not tried before. A second END may follow if the first was not
 * safely written. */
int cap_writer_end(struct cap_writer *writer, enum cap_end_reason reason,
		   const struct cap_totals *totals, struct cap_err *err);

/* -------- copies of blocks that were read elsewhere (`kymo recover`) -------- */

struct cap_block_copy { /* a block without its header */
	u32 type;	/* bits 30 and 31 as on disk */
	u16 flags;	/* as read; the codec is determined again */
	const u8 *plain;
	const u8 *frame; /* frame_len bytes that decode to raw_len, or NULL: */
	const u8 *raw;	 /* raw_len bytes to compress */
	u32 plain_len, frame_len, raw_len;
	const struct cap_totals *totals; /* of a block of rows, if others than its prologue says */
};

/*
 * Before cap_writer_begin: writes this FILE_HEADER (its plain part; a new file id is put in) and
 * this SCHEMA (its frame) instead of ours. Either may be NULL. Copied. 0 or -ENOMEM.
 */
int cap_writer_adopt(struct cap_writer *writer, const struct cap_block_copy *file_header,
		     const struct cap_block_copy *schema, u64 schema_id, struct cap_err *err);

/*
 * After cap_writer_begin: rows that are written from now on may be of any type that this release
 * knows. Writes our own SCHEMA where an adopted one is another. 0, -ENOMEM, errors of writing.
 */
int cap_writer_use_own_schema(struct cap_writer *writer, struct cap_err *err);

/* Writes a block as the next of this file. */
int cap_writer_copy(struct cap_writer *writer, const struct cap_block_copy *block,
		    struct cap_err *err);

u64 cap_writer_bytes(const struct cap_writer *writer); /* written so far */
u64 cap_writer_blocks(const struct cap_writer *writer);
u64 cap_writer_events(const struct cap_writer *writer); /* rows in CHUNK blocks */

#pragma once
/*
 * Reads captures that may be damaged, cut off, newer than this program, or malicious. Walks a
 * file block by block, checks every checksum, finds the next block after damage, and counts what it
 * could not use. Decodes rows column by column. Keeps no more than one block in memory. Prints
 * nothing. Not thread-safe.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/table/capture_facts.h"
#include "formats/table/end_reasons.h"
#include "formats/table/events.h"
#include "formats/table/schema.h"
#include "formats/table/stack_copy.h"

/*
 * Damage is: bytes that are not a good block; a block whose body or a column of it cannot be
 * decoded; a block of another file or a repeated one; a gap in block numbers. Data of newer
 * versions (unknown blocks, rows, fields) is not damage, nor is a missing END.
 */
enum cap_read_mode {
	CAP_READ_SKIP_DAMAGE = 0, /* default: skip damage and count it */
	CAP_READ_STRICT,	  /* damage is an error of the call that finds it and of every later
				     cap_reader_next */
	CAP_READ_STOP, /* the file ends before the first damaged block, foreign block or gap; what
			  follows counts as bytes_skipped */
};

enum cap_trouble_kind {
	CAP_TROUBLE_DAMAGED, /* bytes that are not a good block: offset, size_bytes, text */
	CAP_TROUBLE_LOST,    /* numbers that are missing before the block at offset: block_count */
	CAP_TROUBLE_FOREIGN, /* a good block of another file, a repeated one, or (moved) one that
				comes after later ones and is returned all the same */
};

struct cap_trouble { /* something a walk skips, reported when it is met */
	enum cap_trouble_kind kind;
	u64 offset, size_bytes; /* in the file */
	bool moved;		/* FOREIGN: comes after later ones, but is returned all the same */
	bool header_good; /* type and seq are known, and it is a block of this file or foreign */
	u32 type;	  /* as in struct cap_block */
	u64 seq;	  /* LOST: the first number missing */
	u64 block_count;  /* LOST: how many; else 1 where header_good */
	const char *text; /* why it is not good; valid during the call */
};

struct cap_reader_options {
	enum cap_read_mode mode;
	u64 max_decoded_bytes; /* 0: CAP_MAX_DECODED_BYTES of the file */
};

struct cap_block {	/* one good block; checked but not decoded */
	u64 offset;	/* in the file */
	u64 size_bytes; /* in the file, header included */
	u64 seq;
	u64 file_id; /* changes where another capture begins in the same file */
	u32 type;    /* enum cap_block_type, or unknown; bit 30 removed */
	bool skippable;
	bool replica;
	u32 plain_len, frame_len, raw_len;
	/* from the prologue of a block of rows, else 0 */
	u32 row_count;
	u64 first_ns, last_ns;
	struct cap_totals totals;
	u64 schema_id;
};

struct cap_damage { /* what a walk could not use */
	u64 blocks_read, blocks_damaged, blocks_lost /* gaps in seq */, blocks_unknown;
	u64 blocks_foreign; /* good, but out of place: of another file or repeated (not used), or
			       after a block with a higher number (used) */
	u64 blocks_passed;  /* of unknown types that may be skipped: nothing is missing */
	u64 bytes_skipped;
	u64 first_damage_offset; /* valid if blocks_damaged, blocks_lost, blocks_foreign or
				    bytes_skipped is not 0 */
	u64 columns_rejected;	 /* found while decoding */
	u64 rows_unknown_type; /* rows of types the schema does not know: written by a newer version
				*/
	u64 blocks_schema_unknown; /* blocks of rows whose schema is neither in the file nor
				      released: unknown fields have no names */
	u64 captures;		   /* `cat a b` holds two */
	u64 captures_ended;	   /* those whose last block is END: not cut */
	bool ended; /* all of them. Anything else after END (noise, foreign blocks) is counted above
		       and does not count as cut off */
	u32 end_reason;		  /* enum cap_end_reason of the END read last, if captures_ended */
	u64 end_events, end_lost; /* sums of all ENDs that are the last block of their capture */
};

struct cap_file_facts { /* FILE_HEADER as read; strings are "" where absent, owned by the reader */
	struct cap_file_info info;
	u16 version_major, version_minor;
};

struct cap_reader;

/*
 * Opens a capture. path "-" is standard input; a pipe is first copied to an unnamed temporary file.
 * Refuses anything that is not a regular file or a pipe. -errno, CAP_ENOTCAPTURE, CAP_EVERSION. The
 * message names the path and what to do.
 */
int cap_reader_open(const char *path, const struct cap_reader_options *options,
		    struct cap_reader **ret_reader, struct cap_err *err);
/* The same from an open descriptor of a regular file, which the reader then owns. */
int cap_reader_open_fd(int fd, const char *name, const struct cap_reader_options *options,
		       struct cap_reader **ret_reader, struct cap_err *err);
/* A second reader over the same input (also of one that came through a pipe), at its first block,
 * with the same options. */
int cap_reader_reopen(const struct cap_reader *reader, struct cap_reader **ret_reader,
		      struct cap_err *err);
struct cap_reader *cap_reader_close(struct cap_reader *reader);
void cap_reader_closep(struct cap_reader **reader); /* for CLEANUP */

/* Next good block: 1 and *ret_block, 0 at the end, negative on an error: I/O, -ENOMEM, CAP_EVERSION
 * (another capture begins that must not be read), CAP_EDAMAGED in strict mode. */
int cap_reader_next(struct cap_reader *reader, struct cap_block *ret_block, struct cap_err *err);

/* Calls fn from now on for everything skipped, in file order; NULL: no calls. */
void cap_reader_tell(struct cap_reader *reader,
		     void (*trouble)(void *context, const struct cap_trouble *trouble),
		     void *context);

struct cap_block_bytes { /* a block as it is in the file, without its header */
	u32 type;	 /* bits 30 and 31 as on disk */
	u16 flags;	 /* CAP_FLAG_*, the codec among them */
	const u8 *plain; /* plain_len bytes */
	const u8 *frame; /* frame_len bytes that decode to raw_len */
	u32 plain_len, frame_len, raw_len;
};

/* The block that cap_reader_next returned last; valid until the next call of it. */
void cap_reader_block_bytes(const struct cap_reader *reader, struct cap_block_bytes *ret_bytes);

/* Back to the first block; counts in cap_damage start again. */
int cap_reader_rewind(struct cap_reader *reader, struct cap_err *err);

const struct cap_file_facts *cap_reader_facts(const struct cap_reader *reader);
const struct cap_damage *cap_reader_damage(const struct cap_reader *reader);
/* The schema of the block read last; before that the first of the file; the built-in if there is
 * none. */
const struct cap_schema *cap_reader_schema(const struct cap_reader *reader);
/* Stop mode: the damage before which the walk ended, with file, block and byte; NULL: none so far.
 */
const char *cap_reader_stopped(const struct cap_reader *reader);
u64 cap_reader_file_bytes(const struct cap_reader *reader);
u64 cap_reader_position(const struct cap_reader *reader); /* for progress */

/* -------- rows of a block -------- */

struct cap_string {
	const u8 *bytes; /* not NUL-terminated, may hold anything */
	u32 len;
};

struct cap_frame {
	u8 space; /* enum cap_space; other values are unknown */
	u32 object;
	u64 offset;
};

struct cap_stack_node {
	u32 parent; /* < own index; 0: root */
	u32 frame;
};

struct cap_word {   /* a kept word of stack copies */
	u32 parent; /* the next one towards the stack's outer end, < own index; 0: none */
	u32 below;  /* it stands at its copy's top - 8 * below; 1..CAP_MAX_COPY_WORDS */
	u64 code;   /* of its value: cap_word_next decodes it */
};

struct cap_column {
	u16 field_id;
	const struct cap_field *field; /* NULL: not in the schema */
	u8 encoding;
	const u8 *bytes;
	u32 len;
};

struct cap_section { /* the rows of one type */
	u32 type_id;
	const struct cap_type *type; /* NULL: not in the schema */
	u32 row_count;
	u32 column_count;
	const struct cap_column *columns;
};

/* Decoded tables of one block of rows. Index 0 of each table is the "none" entry. Belongs to the
 * reader; valid until the next cap_reader_rows, cap_reader_next, _rewind or _close. */
struct cap_rows {
	const struct cap_string *strings;
	u32 string_count;
	const struct cap_frame *frames;
	u32 frame_count;
	const struct cap_stack_node *stacks;
	u32 stack_count;
	const struct cap_word *words;
	u32 word_count;
	const struct cap_copy *copies;
	u32 copy_count;
	const struct cap_task *tasks;
	u32 task_count;
	const struct cap_section *sections;
	u32 section_count;
	u32 stack_defects; /* parents and frames out of bounds, read as 0; counted as one
			      columns_rejected */
	u32 word_defects, copy_defects; /* the same of words and copies */
	u64 *text_left;			/* the reader's budget, CAP_MAX_TEXT_BYTES; NULL: none */
	u64 *words_left;		/* CAP_MAX_KEPT_WORDS; NULL: none */
};

/*
 * Decompresses and checks the block that cap_reader_next returned last. 0; CAP_EDAMAGED or
 * CAP_ELIMIT if the body is not what it says, counted in cap_damage; -ENOMEM. After damage the
 * caller continues with cap_reader_next in all modes: it returns the next block, the error again
 * (strict), or the end (stop). Strict and stop mode decode all columns here once, so that a block
 * is refused before any of its rows is used.
 */
int cap_reader_rows(struct cap_reader *reader, struct cap_rows *ret_rows, struct cap_err *err);

/*
 * The body of the block whose rows were returned last, without columns that cannot be decoded, with
 * stacks as they are read; malloc'd, for the caller to free. CAP_ELIMIT, -ENOMEM. Default mode.
 */
int cap_reader_repair(const struct cap_reader *reader, const struct cap_rows *rows, u8 **ret_body,
		      u32 *ret_len, struct cap_err *err);

/* NULL if the section has no column with that field id. */
const struct cap_column *cap_section_column(const struct cap_section *section, u16 field_id);

/*
 * Decodes row_count values; signed kinds as two's complement. Every column is checked to hold
 * exactly row_count values. 0, CAP_EDAMAGED or CAP_ELIMIT: then the column must not be used; its
 * rows read as NULL. References (TASK, STACK, STRING, BYTES) are checked against the tables of
 * rows: one that points past its table reads as 0.
 */
int cap_column_decode(const struct cap_rows *rows, const struct cap_section *section,
		      const struct cap_column *column, u64 *ret_values);

/* -------- copies of stacks -------- */

struct cap_word_walk { /* through the kept words of one copy */
	const struct cap_rows *rows;
	u64 top;
	u32 word; /* the next one; 0: none is left */
};

/* The kept words of row `copy` of rows->copies (0, or past the table: none). */
struct cap_word_walk cap_copy_words(const struct cap_rows *rows, u32 copy);

/*
 * The next kept word, at a multiple of 8 below the copy's top, innermost (lowest address) first: 1;
 * 0 at the end; CAP_ELIMIT: the file's budget CAP_MAX_KEPT_WORDS is used up, the rest is not known.
 * Words from cap_copy_low(copy->sp) to copy->top that the walk does not give are 0, or unknown
 * where cap_copy_is_hole says so.
 */
int cap_word_next(struct cap_word_walk *walk, u64 *ret_address, u64 *ret_value);

#pragma once
/*
 * Captures that no writer makes: blocks with sound checksums around whatever they are given. For
 * decompression bombs (S4), for captures that cost more than they are worth (S3), and for every
 * value of every field (S5).
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/block_header.h"
#include "formats/table/events.h"

struct raw_bytes { /* grows; ends the program when out of memory */
	u8 *bytes;
	size_t len, size;
};

void raw_put(struct raw_bytes *out, const void *bytes, size_t len);
void raw_put_le(struct raw_bytes *out, u64 value, unsigned width);
void raw_put_varint(struct raw_bytes *out, u64 value);
void raw_fill(struct raw_bytes *out, u8 byte, size_t len);
void raw_free(struct raw_bytes *out);
/* Exactly one zstd frame. */
void raw_compress(struct raw_bytes *out, const void *bytes, size_t len);

struct raw_capture {
	struct raw_bytes file;
	u64 seq; /* of the next block */
};

/* FILE_HEADER and SCHEMA as the writer makes them. Free .file. */
void raw_begin(struct raw_capture *capture);
/* Only FILE_HEADER, for a schema of one's own. */
void raw_begin_header(struct raw_capture *capture);
/* Any block. frame NULL: codec none. Lengths may lie where header says so: it is written as it is,
 * its checksums put right. */
void raw_block(struct raw_capture *capture, u32 disk_type, const struct raw_bytes *plain,
	       const struct raw_bytes *frame, u32 raw_len);
/* A block of rows with this body and this number of rows in its prologue. */
void raw_rows(struct raw_capture *capture, u32 type, const struct raw_bytes *body, u32 rows);
void raw_rows_frame(struct raw_capture *capture, u32 type, const struct raw_bytes *frame,
		    u32 raw_len, u32 rows);
void raw_schema(struct raw_capture *capture, const struct raw_bytes *schema);
void raw_end(struct raw_capture *capture);

/* -------- bodies -------- */

#define RAW_MAX_COLUMNS 32
#define RAW_STEPS 0x80 /* as an encoding: DELTA, value_of(row) for each row */

struct raw_column {
	u16 field;
	u8 encoding; /* enum cap_encoding, or RAW_STEPS */
	u64 value;   /* CONST: of all rows. DELTA: the step from row to row. Others: the byte of all
			rows */
	u64 (*value_of)(u32 row);
};

struct raw_section {
	u16 kind;
	u32 type, rows;
	size_t column_count;
	struct raw_column columns[RAW_MAX_COLUMNS];
	size_t at_least;	       /* bytes, zeros at the end: rows must not exceed them */
	const struct raw_bytes *bytes; /* the section itself, in place of columns; or NULL */
};

void raw_body(struct raw_bytes *body, const struct raw_section *sections, size_t count);

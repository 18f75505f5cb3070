#pragma once
/* A capture in memory that can be changed at will, and checksums put right afterwards. For
 * make_malformed.c; aborts when out of memory. */
#include <stddef.h>

#include "formats/base/block_header.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/write/capture_writer.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"

enum { /* within a block header */
       OFF_SKIP_LEN = 4,
       OFF_TYPE = 16,
       OFF_FLAGS = 22,
       OFF_FILE_ID = 24,
       OFF_SEQ = 32,
       OFF_PLAIN_LEN = 40,
       OFF_FRAME_LEN = 44,
       OFF_RAW_LEN = 48,
       OFF_PAYLOAD_HASH = 56,
};

struct edit {
	u8 *bytes;
	size_t len;
};

void edit_init(struct edit *edit,
	       u64 seed); /* a sound capture with two CHUNK blocks and all other types */
void edit_done(struct edit *edit);
int edit_save(const struct edit *edit, const char *path); /* 0, or 1 with the message printed */

void edit_truncate(struct edit *edit, size_t len);
void edit_insert(struct edit *edit, size_t at, const void *bytes, size_t len);
void edit_append_capture(struct edit *edit, u64 seed);

size_t edit_block(const struct edit *edit, u32 type,
		  unsigned nth); /* offset of the nth block of a type, from 0 */
size_t edit_frame(const struct edit *edit, size_t block); /* offset of its zstd frame */
void edit_remove_block(struct edit *edit, size_t block);
void edit_retype(struct edit *edit, size_t block, u32 disk_type);
void edit_reseal_header(struct edit *edit, size_t block);
void edit_reseal(struct edit *edit, size_t block); /* payload and header */
/* Another content for the block's frame; a block of rows then says that it holds `rows`. */
void edit_replace_body(struct edit *edit, size_t block, const u8 *raw, size_t raw_len, u32 rows);

struct body { /* of a block of rows, with one section */
	u8 bytes[16384];
	size_t len;
};

void body_section(struct body *body, u16 kind, u32 type, u32 rows, u32 section_len);
/* The only column: its directory entry, then 8 bytes of value. */
void body_column(struct body *body, u16 field, u8 encoding, u32 offset, u32 len, u64 value);

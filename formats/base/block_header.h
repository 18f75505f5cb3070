#pragma once
/*
 * The 72 bytes before every block: a zstd skippable-frame head and our own fields. SPEC.md, "Block
 * header". All blocks are multiples of 8 bytes; the padding lies before the zstd frame, so nothing
 * stands between two frames.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/base/ints.h"

#define CAP_SKIPPABLE_MAGIC 0x184D2A5Bu
#define CAP_MARKER "\xCBKYM\r\n\x1A\n"
#define CAP_MARKER_BYTES 8
#define CAP_MARKER_OFFSET 8

#define CAP_TYPE_PRIVATE 0x80000000u
#define CAP_TYPE_SKIPPABLE 0x40000000u
#define CAP_TYPE_MASK 0x3fffffffu

#define CAP_FLAG_CODEC_MASK 0x000fu
#define CAP_CODEC_NONE 0u
#define CAP_CODEC_ZSTD 1u
#define CAP_FLAG_REPLICA 0x0010u
#define CAP_FLAG_AFTER_ERROR 0x0080u
#define CAP_FLAG_KNOWN 0x009fu /* all others must be 0 */

struct cap_block_header {
	u32 type;	/* bits 31 and 30 as on disk */
	u16 header_len; /* CAP_HEADER_BYTES.. CAP_MAX_HEADER_BYTES */
	u16 flags;
	u64 file_id;
	u64 seq;
	u32 plain_len;	  /* bytes after the header that are not compressed */
	u32 pad_len;	  /* zero bytes after them, 0..7 */
	u32 frame_len;	  /* bytes of the zstd frame; 0 with codec none */
	u32 raw_len;	  /* bytes of the frame when decoded; 0 with codec none */
	u64 payload_hash; /* XXH3-64 of plain part, padding and frame */
};

/* Bytes that make plain part and frame end on a multiple of 8. */
static inline u32 cap_block_padding(u32 header_len, u32 plain_len, u32 frame_len)
{
	return (u32)(-(u64)(header_len + (u64)plain_len + frame_len)) & 7;
}

static inline u64 cap_block_payload_bytes(const struct cap_block_header *header)
{
	return (u64)header->plain_len + header->pad_len + header->frame_len;
}

/* Writes CAP_HEADER_BYTES; fills in header_len and pad_len itself. */
void cap_block_header_encode(struct cap_block_header *header, u8 *ret_bytes);

/* True if bytes (at least CAP_HEADER_BYTES) could begin a block: magic and marker fit. */
bool cap_block_header_probable(const u8 *bytes);

/*
 * Decodes and checks a header, of which len bytes are at hand (up to CAP_MAX_HEADER_BYTES are
 * used). 0, CAP_EDAMAGED if it is not a header or its checksum is wrong, CAP_ELIMIT if it is intact
 * but says too much.
 */
int cap_block_header_decode(const u8 *bytes, size_t len, struct cap_block_header *ret_header,
			    struct cap_err *err);

/* Block headers to and from bytes; knows nothing of payloads. */
#include "formats/base/block_header.h"

#include <string.h>

#include "formats/base/bytes.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"

/* Offsets within a header; the checksum is always its last 8 bytes. */
enum {
	OFF_MAGIC = 0,
	OFF_SKIP_LEN = 4,
	OFF_TYPE = 16,
	OFF_HEADER_LEN = 20,
	OFF_FLAGS = 22,
	OFF_FILE_ID = 24,
	OFF_SEQ = 32,
	OFF_PLAIN_LEN = 40,
	OFF_FRAME_LEN = 44,
	OFF_RAW_LEN = 48,
	OFF_RESERVED = 52,
	OFF_PAYLOAD_HASH = 56,
};

void cap_block_header_encode(struct cap_block_header *header, u8 *ret_bytes)
{
	header->header_len = CAP_HEADER_BYTES;
	header->pad_len =
		cap_block_padding(header->header_len, header->plain_len, header->frame_len);
	memset(ret_bytes, 0, CAP_HEADER_BYTES);
	cap_store_le(ret_bytes + OFF_MAGIC, CAP_SKIPPABLE_MAGIC, 4);
	cap_store_le(ret_bytes + OFF_SKIP_LEN,
		     (u64)header->header_len - 8 + header->plain_len + header->pad_len, 4);
	memcpy(ret_bytes + CAP_MARKER_OFFSET, CAP_MARKER, CAP_MARKER_BYTES);
	cap_store_le(ret_bytes + OFF_TYPE, header->type, 4);
	cap_store_le(ret_bytes + OFF_HEADER_LEN, header->header_len, 2);
	cap_store_le(ret_bytes + OFF_FLAGS, header->flags, 2);
	cap_store_le(ret_bytes + OFF_FILE_ID, header->file_id, 8);
	cap_store_le(ret_bytes + OFF_SEQ, header->seq, 8);
	cap_store_le(ret_bytes + OFF_PLAIN_LEN, header->plain_len, 4);
	cap_store_le(ret_bytes + OFF_FRAME_LEN, header->frame_len, 4);
	cap_store_le(ret_bytes + OFF_RAW_LEN, header->raw_len, 4);
	cap_store_le(ret_bytes + OFF_PAYLOAD_HASH, header->payload_hash, 8);
	cap_store_le(ret_bytes + CAP_HEADER_BYTES - 8, cap_hash(ret_bytes, CAP_HEADER_BYTES - 8),
		     8);
}

bool cap_block_header_probable(const u8 *bytes)
{
	return cap_load_u32(bytes) == CAP_SKIPPABLE_MAGIC &&
	       memcmp(bytes + CAP_MARKER_OFFSET, CAP_MARKER, CAP_MARKER_BYTES) == 0;
}

static int check_lengths(const struct cap_block_header *header, u32 skip_len, u32 reserved,
			 struct cap_err *err)
{
	u32 codec = header->flags & CAP_FLAG_CODEC_MASK;

	if (header->plain_len > CAP_MAX_PLAIN_BYTES)
		return cap_fail(err, CAP_ELIMIT, "plain length %u exceeds limit %u",
				header->plain_len, CAP_MAX_PLAIN_BYTES);
	if (header->frame_len > CAP_MAX_FRAME_BYTES)
		return cap_fail(err, CAP_ELIMIT, "length %u exceeds limit %u", header->frame_len,
				CAP_MAX_FRAME_BYTES);
	if (header->raw_len > CAP_MAX_RAW_BYTES)
		return cap_fail(err, CAP_ELIMIT, "decoded length %u exceeds limit %u",
				header->raw_len, CAP_MAX_RAW_BYTES);
	if (codec > CAP_CODEC_ZSTD || (header->flags & ~CAP_FLAG_KNOWN) || reserved)
		return cap_fail(err, CAP_ELIMIT, "flags %#x are of a newer version", header->flags);
	if ((codec == CAP_CODEC_NONE) != (header->frame_len == 0) ||
	    (codec == CAP_CODEC_NONE && header->raw_len))
		return cap_fail(err, CAP_EDAMAGED, "codec %u with a frame of %u bytes", codec,
				header->frame_len);
	if (header->seq >> 63)
		return cap_fail(err, CAP_ELIMIT, "block number %llu is impossible",
				(unsigned long long)header->seq);
	if (skip_len != (u64)header->header_len - 8 + header->plain_len + header->pad_len)
		return cap_fail(err, CAP_EDAMAGED, "zstd length %u does not fit the block's",
				skip_len);
	return 0;
}

int cap_block_header_decode(const u8 *bytes, size_t len, struct cap_block_header *ret_header,
			    struct cap_err *err)
{
	struct cap_block_header header = {0};
	int rc;

	if (len < CAP_HEADER_BYTES)
		return cap_fail(err, CAP_EDAMAGED, "%zu bytes are too few for a block header", len);
	if (!cap_block_header_probable(bytes))
		return cap_fail(err, CAP_EDAMAGED, "no block marker");
	header.header_len = (u16)cap_load_le(bytes + OFF_HEADER_LEN, 2);
	if (header.header_len < CAP_HEADER_BYTES || header.header_len > CAP_MAX_HEADER_BYTES ||
	    header.header_len % 8 || header.header_len > len)
		return cap_fail(err, CAP_EDAMAGED, "header length %u", header.header_len);
	if (cap_load_u64(bytes + header.header_len - 8) != cap_hash(bytes, header.header_len - 8u))
		return cap_fail(err, CAP_EDAMAGED, "header checksum is wrong");

	header.type = cap_load_u32(bytes + OFF_TYPE);
	header.flags = (u16)cap_load_le(bytes + OFF_FLAGS, 2);
	header.file_id = cap_load_u64(bytes + OFF_FILE_ID);
	header.seq = cap_load_u64(bytes + OFF_SEQ);
	header.plain_len = cap_load_u32(bytes + OFF_PLAIN_LEN);
	header.frame_len = cap_load_u32(bytes + OFF_FRAME_LEN);
	header.raw_len = cap_load_u32(bytes + OFF_RAW_LEN);
	header.payload_hash = cap_load_u64(bytes + OFF_PAYLOAD_HASH);
	header.pad_len = cap_block_padding(header.header_len, header.plain_len, header.frame_len);
	rc = check_lengths(&header, cap_load_u32(bytes + OFF_SKIP_LEN),
			   cap_load_u32(bytes + OFF_RESERVED), err);
	if (rc < 0)
		return rc;
	*ret_header = header;
	return 0;
}

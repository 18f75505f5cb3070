/*
 * The reader on whole files. The mutator puts the checksums right again after each mutation: else
 * they would shield everything behind them.
 */
#include <string.h>

#include "formats/block_header.h"
#include "formats/bytes.h"
#include "formats/capture_reader.h"
#include "formats/hash.h"
#include "formats/limits.h"
#include "fuzz_target.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t len, size_t max_len) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed);

enum {
	OFF_SKIP_LEN = 4,
	OFF_HEADER_LEN = 20,
	OFF_PLAIN_LEN = 40,
	OFF_FRAME_LEN = 44,
	OFF_PAYLOAD_HASH = 56
};

/* Puts both checksums of the block at bytes right, as far as its lengths fit into what is there. */
static void mend_block(uint8_t *bytes, size_t len)
{
	size_t header_len = cap_load_le(bytes + OFF_HEADER_LEN, 2);
	u64 plain_len = cap_load_u32(bytes + OFF_PLAIN_LEN),
	    frame_len = cap_load_u32(bytes + OFF_FRAME_LEN);
	u64 payload_len;

	if (header_len < CAP_HEADER_BYTES || header_len > CAP_MAX_HEADER_BYTES || header_len > len)
		return;
	payload_len = plain_len +
		      cap_block_padding((u32)header_len, (u32)plain_len, (u32)frame_len) +
		      frame_len;
	if (payload_len <= len - header_len)
		cap_store_le(bytes + OFF_PAYLOAD_HASH, cap_hash(bytes + header_len, payload_len),
			     8);
	cap_store_le(bytes + header_len - 8, cap_hash(bytes, header_len - 8), 8);
}

static void mend_all(uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at + CAP_HEADER_BYTES <= len; at++)
		if (cap_block_header_probable(bytes + at))
			mend_block(bytes + at, len - at);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed)
{
	len = LLVMFuzzerMutate(bytes, len, max_len);
	if (seed % 8) /* now and then a wrong checksum is the test */
		mend_all(bytes, len);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	(void)fuzz_read_all(bytes, len, CAP_READ_SKIP_DAMAGE);
	if (len % 4 == 0) { /* the other modes see less of a file */
		(void)fuzz_read_all(bytes, len, CAP_READ_STRICT);
		(void)fuzz_read_all(bytes, len, CAP_READ_STOP);
	}
	return 0;
}

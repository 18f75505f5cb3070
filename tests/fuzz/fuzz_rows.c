/*
 * What stands inside a compressed frame: the first byte chooses schema (odd) or body of rows
 * (even), the rest is the frame's content. It is wrapped into a sound capture, so that every
 * mutation reaches the decoders.
 */
#include <stdlib.h>

#include "formats/read/capture_reader.h"
#include "fuzz_target.h"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed)
{
	if (len < 2 || bytes[0] % 2)
		return LLVMFuzzerMutate(bytes, len, max_len);
	return 1 + fuzz_mutate_body(bytes + 1, len - 1, max_len - 1, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_capture capture;
	bool is_schema = len && bytes[0] % 2;

	if (len < 2)
		return 0;
	fuzz_capture_begin(&capture, is_schema ? bytes + 1 : NULL, len - 1);
	if (!is_schema)
		fuzz_capture_rows(&capture, CAP_BLOCK_CHUNK, bytes + 1, len - 1);
	if (fuzz_read_all(capture.bytes, capture.len, 0) < (is_schema ? 1 : 3))
		abort();  /* the wrapping is sound: only the decoders may object */
	if (len % 4 == 0) /* this mode decodes columns that nobody asked for */
		(void)fuzz_read_all(capture.bytes, capture.len, CAP_READ_STRICT);
	fuzz_capture_done(&capture);
	return 0;
}

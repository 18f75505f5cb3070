/* The reader on whole files, in its three modes. The mutator works on decoded payloads too and puts
 * checksums right again: else they would shield everything behind them. */
#include "formats/read/capture_reader.h"
#include "fuzz_target.h"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_mutate_capture(bytes, len, max_len, seed);
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

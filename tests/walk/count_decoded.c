/*
 * Wraps the decompression of a kymo that is built for this test (-Wl,--wrap=cap_decompress): how
 * many bytes it gave in all is written to the file that KYMO_DECODED_BYTES names. Work is counted,
 * since time would depend on what else the machine does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "formats/base/zstd_frame.h"

int __real_cap_decompress(struct cap_decompressor *decompressor, const void *frame,
			  size_t frame_len, void *raw, size_t raw_len, struct cap_err *err);
int __wrap_cap_decompress(struct cap_decompressor *decompressor, const void *frame,
			  size_t frame_len, void *raw, size_t raw_len, struct cap_err *err);

static unsigned long long decoded_bytes;

int __wrap_cap_decompress(struct cap_decompressor *decompressor, const void *frame,
			  size_t frame_len, void *raw, size_t raw_len, struct cap_err *err)
{
	decoded_bytes += raw_len;
	return __real_cap_decompress(decompressor, frame, frame_len, raw, raw_len, err);
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("KYMO_DECODED_BYTES");
	FILE *out = path ? fopen(path, "w") : NULL;

	if (!out)
		return;
	(void)fprintf(out, "%llu\n", decoded_bytes);
	(void)fclose(out);
}

/* zstd's one-shot interface, with the checks that its manual asks for when input is untrusted. */
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_getFrameHeader */
#include "formats/base/zstd_frame.h"

#include <stdlib.h>
#include <zstd.h>

#include "formats/base/limits.h"

struct cap_compressor {
	ZSTD_CCtx *context;
};

struct cap_decompressor {
	ZSTD_DCtx *context;
};

/* The default strategy of level 1; set explicitly because the static recorder has no other. */
struct cap_compressor *cap_compressor_new(int level)
{
	struct cap_compressor *compressor = calloc(1, sizeof(*compressor));

	if (!compressor)
		return NULL;
	compressor->context = ZSTD_createCCtx();
	if (!compressor->context ||
	    ZSTD_isError(
		    ZSTD_CCtx_setParameter(compressor->context, ZSTD_c_compressionLevel, level)) ||
	    (level == 1 && ZSTD_isError(ZSTD_CCtx_setParameter(compressor->context, ZSTD_c_strategy,
							       ZSTD_fast))) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(compressor->context, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(compressor->context, ZSTD_c_contentSizeFlag, 1)))
		return cap_compressor_free(compressor);
	return compressor;
}

struct cap_compressor *cap_compressor_free(struct cap_compressor *compressor)
{
	if (compressor)
		(void)ZSTD_freeCCtx(compressor->context);
	free(compressor);
	return NULL;
}

size_t cap_compress_bound(size_t raw_len)
{
	return ZSTD_compressBound(raw_len);
}

int cap_compress(struct cap_compressor *compressor, const void *raw, size_t raw_len, void *frame,
		 size_t frame_size, size_t *ret_len, struct cap_err *err)
{
	size_t len = ZSTD_compress2(compressor->context, frame, frame_size, raw, raw_len);

	if (ZSTD_isError(len))
		return cap_fail(err, CAP_ECODEC, "compress %zu bytes: %s", raw_len,
				ZSTD_getErrorName(len));
	*ret_len = len;
	return 0;
}

struct cap_decompressor *cap_decompressor_new(void)
{
	struct cap_decompressor *decompressor = calloc(1, sizeof(*decompressor));

	if (!decompressor)
		return NULL;
	decompressor->context = ZSTD_createDCtx();
	if (!decompressor->context)
		return cap_decompressor_free(decompressor);
	return decompressor;
}

struct cap_decompressor *cap_decompressor_free(struct cap_decompressor *decompressor)
{
	if (decompressor)
		(void)ZSTD_freeDCtx(decompressor->context);
	free(decompressor);
	return NULL;
}

static int check_frame_header(const void *frame, size_t frame_len, size_t raw_len,
			      struct cap_err *err)
{
	ZSTD_frameHeader header;
	size_t rc = ZSTD_getFrameHeader(&header, frame, frame_len);
	size_t compressed_len;

	if (ZSTD_isError(rc))
		return cap_fail(err, CAP_ECODEC, "zstd frame: %s", ZSTD_getErrorName(rc));
	if (rc != 0)
		return cap_fail(err, CAP_ECODEC, "zstd frame: header is cut short");
	if (header.frameType != ZSTD_frame)
		return cap_fail(err, CAP_ECODEC,
				"zstd frame: a skippable frame where data is expected");
	if (header.dictID != 0)
		return cap_fail(err, CAP_ECODEC, "zstd frame: needs dictionary %u", header.dictID);
	if (header.windowSize > CAP_MAX_RAW_BYTES)
		return cap_fail(err, CAP_ELIMIT, "zstd frame: window %llu exceeds limit %u",
				header.windowSize, CAP_MAX_RAW_BYTES);
	if (header.frameContentSize != raw_len)
		return cap_fail(err, CAP_ECODEC, "zstd frame: holds %llu bytes, header says %zu",
				header.frameContentSize, raw_len);
	compressed_len = ZSTD_findFrameCompressedSize(frame, frame_len);
	if (ZSTD_isError(compressed_len) || compressed_len != frame_len)
		return cap_fail(err, CAP_ECODEC, "zstd frame: does not end where the block ends");
	return 0;
}

int cap_decompress(struct cap_decompressor *decompressor, const void *frame, size_t frame_len,
		   void *raw, size_t raw_len, struct cap_err *err)
{
	int rc = check_frame_header(frame, frame_len, raw_len, err);
	size_t len;

	if (rc < 0)
		return rc;
	len = ZSTD_decompressDCtx(decompressor->context, raw, raw_len, frame, frame_len);
	if (ZSTD_isError(len))
		return cap_fail(err, CAP_ECODEC, "zstd frame: %s", ZSTD_getErrorName(len));
	if (len != raw_len)
		return cap_fail(err, CAP_ECODEC,
				"zstd frame: decompressed to %zu bytes, header says %zu", len,
				raw_len);
	return 0;
}

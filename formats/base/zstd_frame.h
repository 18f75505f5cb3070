#pragma once
/* Single zstd frames with content size and checksum; the only code that uses zstd. */
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/base/ints.h"

struct cap_compressor;
struct cap_decompressor;

/* NULL when out of memory or when the level is not one of zstd's. */
struct cap_compressor *cap_compressor_new(int level);
struct cap_compressor *cap_compressor_free(struct cap_compressor *compressor);
size_t cap_compress_bound(size_t raw_len);
/* 0 and *ret_len bytes in frame, or CAP_ECODEC. frame has room for cap_compress_bound(raw_len). */
int cap_compress(struct cap_compressor *compressor, const void *raw, size_t raw_len, void *frame,
		 size_t frame_size, size_t *ret_len, struct cap_err *err);

struct cap_decompressor *cap_decompressor_new(void);
struct cap_decompressor *cap_decompressor_free(struct cap_decompressor *decompressor);
/*
 * Decodes exactly one frame of frame_len bytes into exactly raw_len bytes. Refuses another content
 * size, a dictionary, a window above CAP_MAX_RAW_BYTES, a skippable or second frame, before it
 * decodes. 0, CAP_ECODEC or CAP_EDAMAGED.
 */
int cap_decompress(struct cap_decompressor *decompressor, const void *frame, size_t frame_len,
		   void *raw, size_t raw_len, struct cap_err *err);

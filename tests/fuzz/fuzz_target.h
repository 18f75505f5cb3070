#pragma once
/* What libFuzzer calls, and what the two targets share. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Reads everything there is in a capture of these bytes, every column of every row. Returns the
 * blocks read. */
size_t fuzz_read_all(const uint8_t *bytes, size_t len, int mode);

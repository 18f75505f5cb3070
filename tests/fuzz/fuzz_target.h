#pragma once
/* What libFuzzer calls, and what targets share: reading a capture to its last value, wrapping what
 * stands inside a frame into a sound capture, and mutations that know the format. */
#include <stddef.h>
#include <stdint.h>

#include "formats/table/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Of libFuzzer; NULL in programs that only replay. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t len, size_t max_len) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed);

/* Reads everything there is in a capture of these bytes, every column of every row. Returns the
 * blocks read. */
size_t fuzz_read_all(const uint8_t *bytes, size_t len, int mode);

/* -------- fuzz_capture.c: sound captures around anything -------- */

struct fuzz_capture {
	uint8_t *bytes; /* malloc'd; free with fuzz_capture_done */
	size_t len;
	uint64_t seq; /* of the next block */
};

/* A file header, and a schema block with this payload; NULL: the built-in schema. */
void fuzz_capture_begin(struct fuzz_capture *capture, const uint8_t *schema, size_t schema_len);
/* A block of rows with this body; its prologue says what the body's directory says. */
void fuzz_capture_rows(struct fuzz_capture *capture, uint32_t block_type, const uint8_t *body,
		       size_t body_len);
/* Any block: plain part, then raw compressed if there is any. */
void fuzz_capture_block(struct fuzz_capture *capture, uint32_t block_type, const uint8_t *plain,
			size_t plain_len, const uint8_t *raw, size_t raw_len);
void fuzz_capture_done(struct fuzz_capture *capture);

/* A file in memory that holds these bytes until the next call: its descriptor, which stays ours. */
int fuzz_file(const uint8_t *bytes, size_t len);
const char *fuzz_file_path(void); /* a name by which that file can be opened */

/* Rows of the EVENTS sections that a body's directory names. */
uint32_t fuzz_body_rows(const uint8_t *body, size_t len);

/* -------- mutations; all return the new length, never above max_len -------- */

/* A body of rows: its directories, columns and values. */
size_t fuzz_mutate_body(uint8_t *body, size_t len, size_t max_len, unsigned int seed);
/* A capture: block headers, prologues, order of blocks, and the decoded payloads, which are then
 * compressed again. All checksums and lengths are right afterwards, but for one seed in 16. */
size_t fuzz_mutate_capture(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed);

#pragma once
/*
 * Sound captures for these tests to damage. File K is the small one of the requirements: 16 chunks,
 * every row type of events.def, every block type of blocks.def, replicas of header and schema. Same
 * plan, same bytes.
 */
#include "formats/read/capture_reader.h"
#include "random_rows.h"

#define FILE_K_MAX_BYTES (64u << 10)

/* Writes file K to fd. 0 or negative. */
int file_k_write(int fd, struct cap_err *err);

/* Says what of the lists does not occur in the capture in fd: 0 if nothing is missing, else
 * CAP_EDAMAGED. */
int file_k_check(int fd, struct cap_err *err);

/* One block of each type, two rows of each type. */
int one_of_each_write(int fd, struct cap_err *err);

/* A capture of at least `bytes` in chunks of min_rows to max_rows rows of each type, whose values
 * do not compress well. */
struct big_plan {
	u64 seed;
	u64 bytes;
	unsigned min_rows, max_rows;
};
int big_file_write(const struct big_plan *plan, int fd, struct cap_err *err);

#pragma once
/*
 * Random rows of every type of events.def, a small capture made of them, and digests that say
 * whether what a reader returns is what a writer was given. For unit tests, the fuzz corpus and the
 * damaged files; knows the table of types, not the bytes of the format.
 */
#include <stddef.h>

#include "formats/read/capture_reader.h"
#include "formats/write/capture_writer.h"
#include "formats/write/chunk.h"
#include "formats/table/schema.h"

struct rng {
	u64 state;
};

u64 rng_next(struct rng *rng);
u64 rng_below(struct rng *rng, u64 bound); /* 0 .. bound - 1; bound > 0 */

/* TEST_SEED of the environment, else from the clock; prints it, so that a failure can be run again.
 */
u64 test_seed(void);

/* Names and identities drawn from for the references of rows; wide is how many there are of each.
 */
struct row_maker {
	struct rng rng;
	u64 time_ns;	  /* of the next row; goes on, sometimes back a little */
	unsigned variety; /* distinct strings, tasks, frames */
	u32 types_to;	  /* of a small capture */
	bool benign;	  /* values as recordings have them, instead of extremes: small files */
};

/* Adds one random row; returns the digest of its meaning (references resolved). 0 and *ret_rc < 0
 * if the chunk refused it. */
u64 row_maker_add(struct row_maker *maker, struct cap_chunk *chunk, const struct cap_type *type,
		  int *ret_rc);

/* Digest of row `index` of a section as a reader sees it. The same as row_maker_add's if nothing
 * was lost on the way. */
u64 row_digest(const struct cap_rows *rows, const struct cap_section *section,
	       const struct cap_type *type, u64 *const *columns, u32 index);

/* Digests of all rows of the block read last, in section order: *ret_digests is malloc'd. Returns
 * the count, or negative. */
long block_row_digests(struct cap_reader *reader, const struct cap_rows *rows, u64 **ret_digests);

/* The smallest honest capture with every block type and row type: `chunks` CHUNK blocks of `rows`
 * rows. 0 or negative. */
struct small_capture {
	u64 seed;
	unsigned chunks, rows;
	u32 types_to;	 /* highest id of row types; 0: all there are */
	bool unfinished; /* leave out what cap_writer_end writes */
	cap_write_fn write;
	void *write_context;
};
int small_capture_write(const struct small_capture *plan, int fd, struct cap_err *err);

/* Empty file in memory; -1 with errno. */
int memory_file(const char *name);
/* A reader of the whole of fd, from its start; fd stays the caller's. */
int reader_of_fd(int fd, enum cap_read_mode mode, struct cap_reader **ret_reader,
		 struct cap_err *err);

u64 digest_bytes(u64 digest, const void *bytes, size_t len);
u64 digest_u64(u64 digest, u64 value);

/* Digest of a block just returned by cap_reader_next: its type and number, and every value of its
 * rows (a block without rows: its size). 0 if its rows cannot be read. */
u64 block_digest(struct cap_reader *reader, const struct cap_block *block);

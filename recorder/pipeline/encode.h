#pragma once
/* Turns ring records into rows of a chunk. Trusts nothing about a record's length. Counts nothing
 * and writes nothing. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/write/chunk.h"
#include "formats/table/events.h"

struct rec_code_hits;
struct rec_kernel_map;
struct rec_code_map;
struct rec_encoder;

/* kernel_map may be NULL: kernel frames are then unknown; code_map too: no words of stacks are kept
 * then. NULL when out of memory. */
struct rec_encoder *rec_encoder_new(const struct rec_kernel_map *kernel_map,
				    const struct rec_code_map *code_map);
/* User code on stacks, and forks and ends of processes, are noted there from now on. */
void rec_encoder_collect(struct rec_encoder *encoder, struct rec_code_hits *hits);
struct rec_encoder *rec_encoder_free(struct rec_encoder *encoder);

/* To be called when the chunk changes or was emptied: forgets what is interned.
 */
void rec_encoder_new_chunk(struct rec_encoder *encoder);

/*
 * Appends the row of one record. 0; -EBADMSG: the record is shorter than what it says, or of an
 * unknown type; CAP_ELIMIT: the chunk is full, try again with an empty one; -ENOMEM. Nothing is
 * added on an error.
 */
int rec_encoder_record(struct rec_encoder *encoder, struct cap_chunk *chunk, const void *record,
		       size_t len);

/* The length of the record at the start of len aligned bytes, with what follows its struct; 0: too
 * few bytes to tell, or of an unknown type. May be more than len. */
size_t rec_record_bytes(const void *record, size_t len);

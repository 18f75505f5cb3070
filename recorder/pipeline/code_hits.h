#pragma once
/*
 * Which user code was on stacks: addresses are collected as records are encoded, and become places
 * in files once the mappings of that moment are known. Each place is kept once. Bounded; what does
 * not fit is told. Names nothing.
 */
#include <stdbool.h>

#include "formats/table/events.h"
#include "recorder/host/file_map.h"

#define REC_CODE_MAX_HITS (128u << 10) /* places of one recording */

struct rec_code_hits;

struct rec_code_hit {
	u32 object; /* of the code map */
	u32 tgid;   /* of code without a file: whose; else 0 */
	u64 offset; /* in the file; of code without a file: the address */
};

/* NULL: out of memory. */
struct rec_code_hits *rec_code_hits_new(void);
struct rec_code_hits *rec_code_hits_free(struct rec_code_hits *hits);

/* Where mappings, forks and ends of processes go; NULL if hits is. */
struct rec_file_map *rec_code_hits_files(const struct rec_code_hits *hits);

/* An address of code in a process: of a frame, or any other that may be one. hits may be NULL.
 * Cheap if it was seen lately. */
void rec_code_hits_add(struct rec_code_hits *hits, u32 tgid, u64 address);

/* To be called when all mappings up to now are known: finds the places of the addresses collected
 * since the last call. */
void rec_code_hits_settle(struct rec_code_hits *hits);

/* New places since the last call, sorted by object and offset; valid until the next
 * rec_code_hits_settle. */
const struct rec_code_hit *rec_code_hits_take(struct rec_code_hits *hits, size_t *ret_count);
/* True if there are some. */
bool rec_code_hits_has_new(const struct rec_code_hits *hits);
/* Addresses that were left out: too many of them, or no memory. */
u64 rec_code_hits_left_out(const struct rec_code_hits *hits);

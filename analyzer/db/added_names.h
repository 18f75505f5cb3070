#pragma once
/*
 * What this machine knows of a capture's user functions and the capture does not: names, source
 * lines and inlined functions, as rows to add to a copy of it (`kymo symbolize`).
 */
#include "analyzer/db/open_db.h"
#include "formats/write/chunk.h"

struct kymo_added_names;

struct kymo_added_counts {
	u64 functions, places; /* rows that were added: symbols, and places with source lines */
	u64 frames, frames_unnamed; /* user frames in files, all in all; those without a name */
};

/* The database is a capture that was opened with stacks, symbolize and lines, and outlives this.
 * 0, -ENOMEM, or the database's error. */
int kymo_added_names_open(struct kymo_db *db, struct kymo_added_names **ret_names,
			  struct cap_err *err);
struct kymo_added_names *kymo_added_names_free(struct kymo_added_names *names);
void kymo_added_names_freep(struct kymo_added_names **names); /* for CLEANUP */

/* kymo_recover_options.add_symbols; context is the struct kymo_added_names. */
int kymo_added_names_fill(void *context, struct cap_chunk *chunk, struct cap_err *err);
/* What was added since it was opened. */
void kymo_added_names_counts(const struct kymo_added_names *names,
			     struct kymo_added_counts *ret_counts);

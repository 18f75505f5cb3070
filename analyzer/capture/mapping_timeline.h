#pragma once
/*
 * Which file was mapped where, per process and moment. Each tgid has a line of events: mappings (as
 * they happened, or key-frames of what was already there), exec (empties the address space) and
 * birth by fork (copies the parent's). Instances of a reused tgid follow one another on the same
 * line.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

struct kymo_mappings;

struct kymo_mapping {
	u64 start, end;	 /* addresses: start <= a < end */
	u64 file_offset; /* of start */
	u32 module;
	bool anonymous; /* of no file */
};

struct kymo_mappings *kymo_mappings_new(void);
/* Beyond this many applied events in total (repeated if time went back), all addresses are unknown.
 */
void kymo_mappings_bound(struct kymo_mappings *mappings, u64 max_work);
struct kymo_mappings *kymo_mappings_free(struct kymo_mappings *mappings);

/* All: 0 or -ENOMEM. Before kymo_mappings_seal, in any order of time. An empty or wrapping range is
 * ignored. */
int kymo_mappings_add(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, bool keyframe,
		      const struct kymo_mapping *mapping);
/* at_begin: time_ns is when the new address space began, as recorders tell since 1.4; else when the
 * exec was over, and which mappings it made is guessed by their time. */
int kymo_mappings_add_exec(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, bool at_begin);
int kymo_mappings_add_fork(struct kymo_mappings *mappings, u32 child_tgid, u32 parent_tgid,
			   u64 time_ns);

/* Sorts the lines; from here on they can be queried. */
void kymo_mappings_seal(struct kymo_mappings *mappings);

/* A number that is equal for two moments of a tgid if nothing changed between them, and differs
 * between tgids; 0: the tgid is unknown. */
u32 kymo_mappings_epoch(struct kymo_mappings *mappings, u32 tgid, u64 time_ns);

/* The mapping that holds address in tgid at that time. False if there is none, or out of memory. */
bool kymo_mappings_find(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, u64 address,
			struct kymo_mapping *ret_mapping);

/* Was an answer of "none" wrong because memory ran out? This state stays. */
bool kymo_mappings_failed(const struct kymo_mappings *mappings);

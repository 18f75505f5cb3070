#pragma once
/* All clocks of the host at one moment, and what their differences reveal: suspends and steps. */
#include "formats/write/chunk.h"
#include "formats/table/events.h"

/* Reads CLOCK_MONOTONIC around each other clock and keeps the tightest of a few tries: error_ns
 * bounds how far they are apart. */
void rec_clock_read(struct ev_clock *ret_clock);

enum rec_clock_change { REC_CLOCK_STEADY, REC_CLOCK_SUSPENDED, REC_CLOCK_STEPPED };

/* What happened between two readings; *ret_by_ns is by how much, signed. */
enum rec_clock_change rec_clock_compare(const struct ev_clock *before, const struct ev_clock *after,
					s64 *ret_by_ns);

/* Adds a MARK row about the change. 0 or the error of cap_chunk_add. */
int rec_clock_mark(struct cap_chunk *chunk, u64 now_ns, enum rec_clock_change change, s64 by_ns);

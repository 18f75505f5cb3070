#pragma once
/* For one capture: how many calls were counted according to its totals, and how many its rows
 * contain. For capture_walk.c. */
#include "formats/base/word_map.h"
#include "formats/read/capture_reader.h"

struct kymo_counted_tally {
	struct kymo_tally_cell {      /* a class on a CPU */
		u64 time_ns, counted; /* its newest totals */
		u64 rows, rows_at_totals;
	} * cells;
	u32 count, capacity;
	struct cap_word_map map; /* (class, CPU) -> index + 1 */
	u64 *values[4];
	size_t value_capacity;
};

void kymo_counted_tally_done(struct kymo_counted_tally *tally);
void kymo_counted_tally_begin(struct kymo_counted_tally *tally); /* another capture begins */

/* Rows of a block, in the order of the file; *ret_calls: counted calls in it. 0 or -ENOMEM. */
int kymo_counted_tally_rows(struct kymo_counted_tally *tally, const struct cap_rows *rows,
			    u64 *ret_calls);

/* Counted calls up to the latest totals whose rows are missing. */
u64 kymo_counted_tally_missing(const struct kymo_counted_tally *tally);

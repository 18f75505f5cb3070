#pragma once
/*
 * What a capture lost by damage, as rows of the capture that is recovered from it: `loss` rows with
 * reason `damaged`, corrected `class_total` rows, a `mark` row for each gap. Which class a gap
 * concerns follows from the totals that the recorder wrote every second, minus the rows that are
 * there. Likewise for counted system calls.
 */
#include "analyzer/capture/capture_walk.h"
#include "formats/write/chunk.h"

struct kymo_losses;

struct kymo_losses *kymo_losses_new(void); /* NULL: out of memory */
struct kymo_losses *kymo_losses_free(struct kymo_losses *losses);
void kymo_losses_freep(struct kymo_losses **losses);
void kymo_losses_begin(struct kymo_losses *losses); /* another capture begins */

int kymo_losses_gap(struct kymo_losses *losses, const struct kymo_gap *gap); /* 0 or -ENOMEM */
/* Rows of a block that is kept, in the order of the file. */
int kymo_losses_rows(struct kymo_losses *losses, const struct kymo_walk_block *at);

u64 kymo_losses_events(const struct kymo_losses *losses); /* missing in this capture so far */
/* Counted calls whose rows are missing, as far as reported; not included in those events. */
u64 kymo_losses_counts(const struct kymo_losses *losses);
bool kymo_losses_any(const struct kymo_losses *losses); /* gaps in this capture so far */

/*
 * Adds to chunk, and for people to marks, the rows for the gaps that are known by now: those
 * before the totals that kymo_losses_rows saw last, or all with `final`, then also the corrected
 * totals. 0, -ENOMEM or CAP_ELIMIT.
 */
int kymo_losses_take(struct kymo_losses *losses, bool final, struct cap_chunk *chunk,
		     struct cap_chunk *marks);

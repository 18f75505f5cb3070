#pragma once
/* What a command that reads rows straight from a capture met that is missing in it, and how it is
 * said. */
#include "analyzer/capture/section_values.h"
#include "analyzer/output/command_run.h"

struct kymo_reading_gaps {
	u64 unknown_rows;     /* of types that the capture's schema lacks */
	u64 columns_rejected; /* that could not be decoded */
	u64 thinning;	      /* decisions of the budget that left something out */
	u64 counted;	      /* system calls without rows of their own */
};

/* Its rows tell what was not recorded one by one. The section's type is known. */
bool kymo_tells_reductions(const struct cap_section *section);
/* Adds what such a section, decoded, tells. */
void kymo_count_reductions(struct kymo_reading_gaps *gaps, const struct cap_section *section,
			   const struct kymo_section_values *values);

/* One note per kind of gap, after all was read. Returns the exit status: 0 or KYMO_EXIT_LOSS. */
int kymo_note_gaps(const struct kymo_run *run, const struct cap_reader *reader,
		   const struct kymo_reading_gaps *gaps, const char *path);

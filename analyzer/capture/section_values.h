#pragma once
/* All columns of one section as numbers, for those who print rows as the capture's own schema has
 * them, types and fields of later versions too. */
#include "formats/base/limits.h"
#include "formats/read/capture_reader.h"

struct kymo_section_values { /* all zero: empty; keeps its memory from section to section */
	struct kymo_decoded_column {
		u64 *values; /* one per row */
		size_t capacity;
		bool usable; /* else its rows read as NULL */
	} columns[CAP_MAX_COLUMNS];
	u64 rejected; /* columns that could not be decoded, so far */
};

/* The first CAP_MAX_COLUMNS columns of the section, which a block has at most. 0 or -ENOMEM. */
int kymo_section_values_decode(struct kymo_section_values *values, const struct cap_rows *rows,
			       const struct cap_section *section);
void kymo_section_values_done(struct kymo_section_values *values);

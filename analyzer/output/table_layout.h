#pragma once
/* Which columns of a table a line has room for, and how wide they may be. Knows nothing of values.
 */
#include <stdbool.h>
#include <stddef.h>

struct kymo_layout_column {
	const char *name; /* by which a report calls it */
	size_t width;	  /* columns of a terminal that it takes */
	size_t brief;	  /* the same with numbers of three digits; <= width */
	bool is_text;	  /* can be cut; a number cannot */
	bool shown;
};

/*
 * Makes a table whose columns stand `gap` apart fit into `room`, and leaves it as it is where it
 * does already. Else, in this order and no further than it takes: numbers become brief; the columns
 * of the list (names with blanks between, the first to go first) are left out; texts are cut; what
 * stands at the right is left out. At least one column stays. Returns whether numbers are brief.
 */
bool kymo_layout_fit(struct kymo_layout_column *columns, size_t count, size_t gap, size_t room,
		     const char *expendable);

#pragma once
/* Small things all reports do to their tables. */
#include <string.h>

#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

#define KYMO_REPORT_MAX_COLUMNS 32

/*
 * Copies the columns of a table (count <= KYMO_REPORT_MAX_COLUMNS); capture_id, hidden in text, is
 * shown where rows of several captures may stand together.
 */
static inline void kymo_report_columns(const struct kymo_filter *filter,
				       const struct kymo_column *columns, size_t count,
				       struct kymo_column ret_columns[KYMO_REPORT_MAX_COLUMNS])
{
	for (size_t i = 0; i < count && i < KYMO_REPORT_MAX_COLUMNS; i++) {
		ret_columns[i] = columns[i];
		if (filter->capture_id == 0 && strcmp(columns[i].name, "capture_id") == 0) {
			ret_columns[i].title = "capture";
			ret_columns[i].show = KYMO_SHOW_PLAIN;
		}
	}
}

static inline bool kymo_report_ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* How a figure is shown, by the unit that its name ends in. */
static inline enum kymo_show kymo_report_show(const char *name)
{
	return kymo_report_ends_in(name, "_percent") ? KYMO_SHOW_PERCENT
	       : kymo_report_ends_in(name, "_bytes") ||
			       kymo_report_ends_in(name, "bytes_per_second")
		       ? KYMO_SHOW_BYTES
	       : kymo_report_ends_in(name, "_ns") ? KYMO_SHOW_NS
	       : kymo_report_ends_in(name, "_id") ? KYMO_SHOW_HIDDEN
						  : KYMO_SHOW_COUNT;
}

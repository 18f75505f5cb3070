#pragma once
/* How many frames have a name, which modules lack them, why, and what would help. */
#include "analyzer/db/filter.h"
#include "analyzer/output/report_writer.h"
#include "analyzer/reports/sampled_stacks.h"

#define KYMO_NAMES_LINES 4
#define KYMO_NAMES_LINE_BYTES 256

struct kymo_names_note {
	char share[KYMO_NAMES_LINE_BYTES];		       /* "98 % of ..."; "": no frames */
	char modules[KYMO_NAMES_LINES][KYMO_NAMES_LINE_BYTES]; /* "libx.so: stripped: install..." */
	bool unverified[KYMO_NAMES_LINES]; /* it has names, but they may be another file's */
	size_t module_count;
	char unknown[KYMO_NAMES_LINE_BYTES]; /* about frames in no known file; "": few */
	bool many_unnamed;		     /* more than are normal */
};

/* Of stacks under a resolved filter. 0 or the database's error. */
int kymo_names_note(struct kymo_db *db, const struct kymo_filter *filter,
		    const struct kymo_stack_facts *facts, struct kymo_names_note *ret_note,
		    struct cap_err *err);

/* The note as one line, "" if almost all frames have names that are verified. */
void kymo_names_note_line(const struct kymo_names_note *note, char *ret_line, size_t line_bytes);

/* Table "modules" of a document: each user module with frames. 0 or the database's error. */
int kymo_names_table(struct kymo_db *db, const struct kymo_filter *filter,
		     struct kymo_writer *writer, struct cap_err *err);

#pragma once
/* How much of what happened a capture holds, in one line: how much of the time each kind of event
 * was recorded, and what was lost. The first answer has it, and every report above its own. */
#include "analyzer/db/open_db.h"
#include "analyzer/db/query.h"
#include "analyzer/output/report_writer.h"

#define KYMO_COVERAGE_BYTES 512

/* Classes a report is about: bits by enum event_class. */
#define KYMO_ABOUT_ALL (-1)
#define KYMO_ABOUT_SAMPLES (1 << CLASS_CPU)
#define KYMO_ABOUT_SYSCALLS (1 << CLASS_SYSCALLS)
#define KYMO_ABOUT_WAITS (1 << CLASS_SCHED)
#define KYMO_ABOUT_NET (1 << CLASS_NET)
#define KYMO_ABOUT_BLOCK (1 << CLASS_BLOCK)
#define KYMO_ABOUT_MEM (1 << CLASS_MEM)

struct kymo_about {
	int classes;	    /* what a report shows */
	int beside;	    /* what it also tells of, once something is missing */
	const char *clause; /* one more thing to say; NULL or "": nothing */
};

struct kymo_coverage_style {
	size_t columns; /* the words are as few as it takes to fit; 0: any length */
	bool always;	/* also where nothing is missing */
	bool refer;	/* say where details are */
};

/*
 * "calls: 8 % of the time, 3 % counted; waits: always; 0 lost; see kymo overhead", over the
 * captures and the time of the resolved filter; "" where nothing is missing. 0, or the database's
 * error.
 */
int kymo_coverage_line(struct kymo_db *db, const struct kymo_filter *filter,
		       const struct kymo_about *about, const struct kymo_coverage_style *style,
		       char ret_text[KYMO_COVERAGE_BYTES], struct cap_err *err);

/* A query about classes of events, with the resolved filter and :classes (bits by enum event_class)
 * bound. 0, or the database's error. The caller frees it. */
int kymo_classes_query(struct kymo_db *db, const struct kymo_filter *filter, int classes,
		       const char *sql, struct kymo_query **ret_query, struct cap_err *err);

/* The same in numbers, as table "coverage" of a document: one row for each kind of event that was
 * asked for, of those that the report shows. 0, or the database's error. */
int kymo_coverage_table(struct kymo_db *db, const struct kymo_filter *filter,
			const struct kymo_about *about, struct kymo_writer *writer,
			struct cap_err *err);

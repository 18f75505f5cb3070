#pragma once
/* What a question needs of a capture, known before the capture is read: from the report that asks,
 * or found out from SQL. */

/* What a question needs of a capture beside its facts and its small rows. It is read in as few
 * passes as that takes: one, and one more for stacks. */
enum kymo_need {
	KYMO_NEED_NOTHING = 0,
	KYMO_NEED_ROWS = 0,   /* rows of events, asked once, where they are: one more pass */
	KYMO_NEED_CALLS = 1,  /* summaries of system calls; else computed at the first question */
	KYMO_NEED_STACKS = 2, /* tables frame, stack, module, module_symbols; else they are empty */
	KYMO_NEED_SAMPLES = 4, /* and temp.sample_sums: sample_sums.h */
	KYMO_NEED_WAITS = 8,   /* rows of offcpu, copied: they are asked several times. Their stacks
				  only where those are needed, too */
	KYMO_NEED_SUMS = 16,   /* with stacks: temp.wait_sums and its like: wait_sums.h */
	KYMO_NEED_NET = 32,    /* rows of class net, copied: they are asked several times */
	KYMO_NEED_DISKS = 64,  /* rows of block_io, copied */
	KYMO_NEED_SIZES = 128, /* rows of rss and oom_kill, copied */
	KYMO_NEED_PLACES = 256, /* rows of fault and mem_stall, copied; their stacks only where
				   those are needed, too */
	KYMO_NEED_FAULTS = KYMO_NEED_SIZES | KYMO_NEED_PLACES,
	KYMO_NEED_SUMMARY = KYMO_NEED_SAMPLES | KYMO_NEED_SUMS | KYMO_NEED_NET | KYMO_NEED_DISKS |
			    KYMO_NEED_SIZES,
};

/* enum kymo_need, ored, by the tables and columns that the question reads through whatever views.
 * All where it cannot be told: a question that is no SQL gets its error later. */
unsigned kymo_question_needs(const char *sql);

#pragma once
/* Tables of time off the CPU: where it was spent, single waits, and waiting for a CPU. */
#include "analyzer/output/report_writer.h"
#include "analyzer/reports/wait_choice.h"

struct kymo_offcpu_options {
	struct kymo_wait_choice choice;
	s64 limit;	 /* rows of a table; -1: all */
	bool by_process; /* processes of one name apart */
	bool by_file;	 /* rows differ by what the call was about */
	bool by_reason;	 /* rows differ by reason, too; else by kind only */
};

/*
 * Tables of a document: offcpu_waits, the most time first, what waited for work last; slow_waits,
 * the longest first. Return how many rows there are, of which no more than the limit are written,
 * or the database's error.
 */
s64 kymo_offcpu_table(struct kymo_db *db, const struct kymo_offcpu_options *options,
		      struct kymo_writer *writer, struct cap_err *err);
s64 kymo_offcpu_slow(struct kymo_db *db, const struct kymo_offcpu_options *options,
		     struct kymo_writer *writer, struct cap_err *err);
/* Table offcpu_wakers: who ended waits, of those that are known singly. */
s64 kymo_offcpu_wakers(struct kymo_db *db, const struct kymo_offcpu_options *options,
		       struct kymo_writer *writer, struct cap_err *err);
/* Table syscall_blocked: the waits of each system call, the most time first. */
s64 kymo_offcpu_calls(struct kymo_db *db, const struct kymo_offcpu_options *options,
		      struct kymo_writer *writer, struct cap_err *err);
/* How long tasks that could run had no CPU, in powers of two: as table offcpu_histogram, whose rows
 * it returns, or drawn, and then how many processes there are (1: not by process), of which no more
 * than the limit are drawn. Negative: the database's error. */
s64 kymo_offcpu_runqueue(struct kymo_db *db, const struct kymo_offcpu_options *options,
			 struct kymo_writer *writer, struct cap_err *err);
s64 kymo_offcpu_runqueue_text(struct kymo_db *db, const struct kymo_offcpu_options *options,
			      FILE *out, struct cap_err *err);

struct kymo_offcpu_left { /* what tables do not show */
	bool recorded;	  /* the captures have waits at all, or probes for them */
	s64 all;	  /* intervals that --all would add */
	s64 partly; /* counted intervals whose time or length is only partly within what was asked
		       for */
};

int kymo_offcpu_left_out(struct kymo_db *db, const struct kymo_wait_choice *choice,
			 struct kymo_offcpu_left *ret_left, struct cap_err *err);

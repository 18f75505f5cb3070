#pragma once
/* Chains of waits: what kept the thread from going on that at last woke another one. */
#include "analyzer/reports/offcpu_report.h"

/*
 * From the longest waits under the choice that a thread ended (waiting for work left out unless
 * choice.share_idle), wait by wait to what the waker itself waited for during most of that time, up
 * to KYMO_CHAIN_HOPS. Chains of the same names (but for a number at their end), calls and kinds
 * that lead to the same thread are one, and a wait that stands in a chain begins none. Both return
 * how many rows (one per wait), or lines, there are, of which no more than the limit are written,
 * whole chains always; negative: the database's error. At most KYMO_CHAIN_STARTS waits are
 * followed.
 */
#define KYMO_CHAIN_HOPS 6
#define KYMO_CHAIN_STARTS 1000
s64 kymo_wait_chains(struct kymo_db *db, const struct kymo_offcpu_options *options,
		     struct kymo_writer *writer, struct cap_err *err); /* table wait_chains */
s64 kymo_wait_chains_text(struct kymo_db *db, const struct kymo_offcpu_options *options, FILE *out,
			  struct cap_err *err);

#pragma once
/* TCP connections, by whom and with whom; what ended them; what troubled them. */
#include <stdio.h>

#include "analyzer/db/open_db.h"
#include "analyzer/output/report_writer.h"

struct kymo_net_options {
	const struct kymo_filter *filter; /* resolved */
	s64 limit;			  /* rows of a table; -1: all */
	s64 errors_limit;		  /* the same of net_errors beside net_talkers */
};

/* Was the class recorded at all? 0, or the database's error. */
int kymo_net_recorded(struct kymo_db *db, const struct kymo_filter *filter, bool *ret_recorded,
		      struct cap_err *err);

/*
 * The answer at once: totals as lines (text) or fields, tables net_talkers and net_errors, and, but
 * in text, net_histogram. Returns how many connections there are, or the database's error.
 */
s64 kymo_net_overview(struct kymo_db *db, const struct kymo_net_options *options,
		      struct kymo_writer *writer, struct cap_err *err);

/* Tables of a document. Return how many rows there are, of which no more than the limit are
 * written, or the database's error. */
s64 kymo_net_connections(struct kymo_db *db, const struct kymo_net_options *options,
			 struct kymo_writer *writer, struct cap_err *err);
s64 kymo_net_peers(struct kymo_db *db, const struct kymo_net_options *options,
		   struct kymo_writer *writer, struct cap_err *err);
s64 kymo_net_events(struct kymo_db *db, const struct kymo_net_options *options,
		    struct kymo_writer *writer, struct cap_err *err);
/* Packets are nobody's: only the capture of the filter counts, and its time by whole rows. */
s64 kymo_net_drops(struct kymo_db *db, const struct kymo_net_options *options,
		   struct kymo_writer *writer, struct cap_err *err);
/* Histograms of connect() and round-trip times: as table net_histogram, whose rows it returns, or
 * drawn, and then how many connections are in them. */
s64 kymo_net_latency(struct kymo_db *db, const struct kymo_net_options *options,
		     struct kymo_writer *writer, struct cap_err *err);
s64 kymo_net_latency_text(struct kymo_db *db, const struct kymo_net_options *options, FILE *out,
			  struct cap_err *err);

#pragma once
/* What a CPU sample counts. Normally 1. Where the recorder changed its rate under way, a sample of
 * a slow span stands for more CPU time than one of a fast span: then each counts its period. */
#include <stdbool.h>

#include "analyzer/db/open_db.h"
#include "formats/base/cap_error.h"

enum kymo_weight {
	KYMO_WEIGHT_SAMPLES = 0, /* 1: one rate throughout */
	KYMO_WEIGHT_NS,		 /* ns of CPU time (cpu-clock) */
	KYMO_WEIGHT_CYCLES,	 /* CPU cycles */
	KYMO_WEIGHT_PERIODS,	 /* periods of an event that the capture does not name */
	KYMO_WEIGHT_FAULTS,	 /* page faults, of which samples stand for several */
	KYMO_WEIGHT_UNKNOWN,	 /* 1, though the rate changed: no sample says what it stands for */
};

struct kymo_sample_weight {
	enum kymo_weight weight;
	s64 typical_period; /* for samples that do not tell theirs: the mean of the others */
	s64 without_period; /* how many these are */
};

/* For the samples under a resolved filter. CAP_EUSAGE if the rate changed and captures with
 * different units stand together; else 0 or the database's error. */
int kymo_sample_weight(struct kymo_db *db, const struct kymo_filter *filter,
		       struct kymo_sample_weight *ret_weight, struct cap_err *err);

static inline bool kymo_weight_is_period(enum kymo_weight weight)
{
	return weight == KYMO_WEIGHT_NS || weight == KYMO_WEIGHT_CYCLES ||
	       weight == KYMO_WEIGHT_PERIODS || weight == KYMO_WEIGHT_FAULTS;
}

/* "samples", "ns", "cycles", "periods": what stands in documents. */
const char *kymo_weight_unit(enum kymo_weight weight);
/* "samples", "ns of CPU time", ...: for people. */
const char *kymo_weight_name(enum kymo_weight weight);

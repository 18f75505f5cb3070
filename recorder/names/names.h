#pragma once
/*
 * Names, in the capture, for the user functions that were on stacks, and how they are unwound: so
 * that it can be read where none of the programs are. A child process reads the files
 * (name_child.h); this end asks it, without ever waiting for it while events flow, and writes rows.
 * Whatever happens to the child costs names only.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "recorder/pipeline/code_hits.h"
#include "recorder/pipeline/pipeline.h"

#define REC_NAMES_MAX_BYTES \
	(8u << 20) /* of names and unwind entries in one capture, before compression */
#define REC_NAMES_LIMIT_MS 10000u /* for what is left to be named when recording stops */

struct rec_names;

struct rec_names_result {   /* what the summary tells */
	bool wanted;	    /* false: nobody asked for names; the rest is 0 */
	u64 function_count; /* distinct user functions that were hit, as far as files tell */
	u64 named_count;
	u64 unwind_count;     /* functions with an unwind entry */
	u64 bytes;	      /* of the blocks with them, before compression */
	u64 unreadable_count; /* files and processes that could not be read */
	u64 left_out;	      /* addresses that were too many */
	u64 child_cpu_ns;     /* 0: not known */
	const char *cut;      /* why names are missing; NULL: none are, but for those above */
};

/*
 * Forks the child: to be called with the privileges that it is to use, before descriptors are open
 * that it must not inherit. Never fails for want of a child (names are then missing, and the result
 * says so). 0 or -ENOMEM.
 */
int rec_names_open(struct rec_names **ret_names, struct cap_err *err);
/* Ends the child, without waiting long. Accepts NULL and returns NULL. */
struct rec_names *rec_names_close(struct rec_names *names);

/* Less than REC_NAMES_MAX_BYTES, for a capture of limited size: before anything is named. names may
 * be NULL. */
void rec_names_limit(struct rec_names *names, u64 max_bytes);
/* How much of that is left: what the capture may still grow by; 0 without names. */
u64 rec_names_room(const struct rec_names *names);

/* For the options of the pipeline. */
struct rec_code_hits *rec_names_hits(struct rec_names *names);

/* After each drain, when all mappings up to now are known; now_ns: CLOCK_MONOTONIC. names may be
 * NULL. Never waits. */
void rec_names_step(struct rec_names *names, struct rec_pipeline *pipeline, u64 now_ns);
/* After the last drain: names what is left, within REC_NAMES_LIMIT_MS. names may be NULL. */
void rec_names_finish(struct rec_names *names, struct rec_pipeline *pipeline);

void rec_names_result(struct rec_names *names, struct rec_names_result *ret_result);

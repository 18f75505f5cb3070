#pragma once
/*
 * Executable mappings as they happen, from perf side-band records: dummy events with a small ring
 * for each online CPU. Times are CLOCK_MONOTONIC, so they compare with those of BPF. Records of the
 * recorder itself are left out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "formats/base/cap_error.h"
#include "recorder/host/file_identity.h"
#include "recorder/live/perf_record.h"
#include "recorder/pipeline/pipeline.h"

struct rec_sideband;

/* Whose losses are told. */
struct rec_sideband_target {
	const pid_t *pids; /* as our pid namespace numbers them */
	size_t count;	   /* 0, as without a target: all processes */
};

/*
 * Opens and enables. Mappings of all processes are recorded by the kernel from here on, and what
 * the target and its children map is counted besides, so that losses of others are not theirs;
 * before 6.0 only theirs are recorded. Neither where there are too many threads or CPUs.
 * CAP_EPRIVILEGE where the kernel refuses, -ENOMEM.
 */
int rec_sideband_open(const struct rec_sideband_target *target, struct rec_sideband **ret_sideband,
		      struct cap_err *err);

/* Does the kernel record the target's mappings only? Then no others are lost, either. */
bool rec_sideband_is_limited(const struct rec_sideband *sideband);

/*
 * Inside a pid namespace records carry its numbers: translate gives the initial one's, 0: not
 * known. The mappings of the latter count as lost, but for those that a filter would drop. NULL:
 * nothing is translated.
 */
void rec_sideband_set_translation(struct rec_sideband *sideband,
				  u32 (*translate)(void *context, u32 tgid), void *context);

/* Asked for each record of a file without a build-id what can be had of the file. NULL: nothing. */
void rec_sideband_set_files(struct rec_sideband *sideband,
			    void (*identify)(void *context, const struct rec_perf_record *record,
					     struct rec_file_identity *ret_identity),
			    void *context);

/* Records of processes for which wanted() is false are dropped unseen and not counted. NULL: all
 * are wanted. tgid: of the initial pid namespace. */
void rec_sideband_set_filter(struct rec_sideband *sideband, bool (*wanted)(void *context, u32 tgid),
			     void *context);

/* Tells fn of each wanted mapping, besides its row. */
void rec_sideband_set_taker(struct rec_sideband *sideband,
			    void (*fn)(void *context, u32 tgid, u64 start_address, u64 size_bytes),
			    void *context);

/*
 * Moves what the rings hold into the pipeline's open chunk as MAPPING rows, counts what the kernel
 * lost (REASON_SIDEBAND) and tells the pipeline the attempted total of CLASS_MAPPINGS per CPU. Rows
 * come in time order per CPU only. Needs no privilege: may be called after capabilities are
 * dropped. Returns rows added or negative.
 */
int rec_sideband_drain(struct rec_sideband *sideband, struct rec_pipeline *pipeline);

/* No record is made after this. May wait for other CPUs. */
void rec_sideband_stop(struct rec_sideband *sideband);

/*
 * After rec_sideband_stop: drains the rest, and counts what the kernel lost but had no later record
 * to say so in. Before 6.0 no count tells: a full ring then counts as one lost. Returns rows added
 * or negative.
 */
int rec_sideband_finish(struct rec_sideband *sideband, struct rec_pipeline *pipeline);

/* True where the kernel puts build-ids into the records (5.12). */
bool rec_sideband_has_build_ids(const struct rec_sideband *sideband);

/* Accepts NULL and returns NULL. */
struct rec_sideband *rec_sideband_free(struct rec_sideband *sideband);

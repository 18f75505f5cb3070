#pragma once
/*
 * Files that are mapped while recording and of which the kernel gives no build-id: all of them
 * before 5.12, later those that have none. Each is looked at once, by its path and without any
 * privilege, in a thread that may hang.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/base/word_map.h"
#include "recorder/guard/stop_steps.h"
#include "recorder/host/file_identity.h"
#include "recorder/live/perf_record.h"

#define LIVE_MAX_FILES 16384u /* that are remembered; a compiler run has some hundred */

struct live_files {
	struct rec_steps *steps;   /* NULL: not open */
	struct cap_word_map known; /* (device, inode) -> index + 1 */
	struct rec_file_identity *list;
	size_t count, capacity;
};

/* Starts the threads, which hold no privilege. 0, -errno or CAP_EPRIVILEGE. */
int live_files_open(struct live_files *files, struct cap_err *err);
/* Leaves alone what a thread that hangs may still use. */
void live_files_done(struct live_files *files);

/* context: a struct live_files. Fills in what can be had of the record's file; all 0 where nothing
 * can. Takes at most REC_STEP_LIMIT_MS, and that not often. */
void live_files_identify(void *context, const struct rec_perf_record *record,
			 struct rec_file_identity *ret_identity);

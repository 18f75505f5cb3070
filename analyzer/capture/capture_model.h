#pragma once
/*
 * A capture, opened for queries (capture_open.h). Small things are in memory: facts, damage,
 * positions of chunks, tasks, processes, mappings, names, and the tree of all stacks. Rows of
 * events stay in the file; chunk_cursor.h walks them.
 */
#include <stdbool.h>

#include "analyzer/capture/copy_unwind.h"
#include "analyzer/capture/kernel_names.h"
#include "analyzer/capture/mapping_timeline.h"
#include "analyzer/capture/stack_table.h"
#include "analyzer/capture/task_table.h"
#include "formats/base/word_map.h"
#include "formats/base/cap_error.h"
#include "formats/read/capture_reader.h"

/* Called while a capture is read; a negative return (such as -EINTR) ends the reading with that
 * code. */
typedef int (*kymo_progress_fn)(void *context, u64 done_bytes, u64 total_bytes);

struct kymo_block_place { /* a block of rows */
	u64 offset;
	u64 first_ns, last_ns;
	u64 types;  /* bit per built-in row type id that it holds */
	bool timed; /* first_ns and last_ns are valid */
};

struct kymo_ids { /* numbers of this capture in the database: local number + base */
	u32 capture;
	u64 task, process, module, frame, stack;
};

#define KYMO_BY_BUILD_ID 'b'
#define KYMO_BY_PATH 'p'

struct kymo_counted_totals {	    /* counted events according to class_total rows */
	struct kymo_counted_total { /* the newest of a class and CPU */
		u64 time_ns, counted;
	} * list;
	u32 count, capacity;
	struct cap_word_map map; /* (class, CPU) -> index + 1 */
};

struct kymo_capture {
	struct cap_reader *reader; /* facts and schema belong to it */
	char *path;
	char *stopped;		   /* the damage that --stop ended before; NULL: none */
	kymo_progress_fn progress; /* may be NULL */
	void *progress_context;
	struct cap_damage damage;     /* of the first pass */
	u64 rows[EV_TYPE_MAX + 1];    /* per built-in type, in any block */
	u64 columns[EV_TYPE_MAX + 1]; /* per built-in type: bit per field that any section has */
	u64 events;		      /* rows in CHUNK blocks */
	u64 recovered_gaps, recovered_lost; /* `loss` rows of `kymo recover`, events they name */
	u64 counted;			    /* system calls in `syscall_count` rows */
	struct kymo_counted_totals counted_totals;
	u64 first_ns, last_ns;	  /* of all events */
	struct cap_totals totals; /* the last seen */
	struct kymo_block_place *blocks;
	size_t block_count, block_capacity;
	struct kymo_tasks tasks;
	struct kymo_stacks stacks;
	struct kymo_kernel_names kernel_names; /* names index stacks.names */
	/* Of files: by file offset; their "module" is the index in stacks.names of what the file is
	 * known by: its build-id, or its path where there is none, after a letter that says which.
	 */
	struct kymo_kernel_names file_names;
	struct kymo_mappings *mappings;
	struct kymo_unwinder *unwinder; /* of copies of stacks */
	struct kymo_captured_rules captured_rules;
	struct kymo_ids base;
};

struct kymo_capture *kymo_capture_close(struct kymo_capture *capture);
void kymo_capture_closep(struct kymo_capture **capture);

u64 kymo_capture_start_ns(const struct kymo_capture *capture); /* CLOCK_MONOTONIC */
u64 kymo_capture_end_ns(const struct kymo_capture *capture);
u64 kymo_capture_dropped(const struct kymo_capture *capture); /* lost while recording */
u64 kymo_capture_damaged(
	const struct kymo_capture *capture); /* written but not readable; includes counted calls
						whose rows are not readable */
bool kymo_capture_complete(const struct kymo_capture *capture);
const char *kymo_capture_end_reason(const struct kymo_capture *capture);

int kymo_capture_note_progress(const struct kymo_capture *capture, u64 done_bytes);

#pragma once
/* The system calls of an opened capture as a source for the aggregate, straight from the decoded
 * columns. */
#include "analyzer/import/capture_model.h"
#include "analyzer/reports/syscall_aggregate.h"

struct kymo_syscall_wanted { /* which calls */
	u64 from_ns, to_ns;  /* from_ns <= time_ns < to_ns; 0 and UINT64_MAX: all */
	s64 pid;	     /* -1: all */
	const char *comm;    /* NULL: all */
};

struct kymo_syscall_rows {
	struct kymo_capture *capture;
	struct kymo_syscall_wanted wanted;
};

struct kymo_chunk_cursor;
struct kymo_syscall_scratch; /* memory of a batch */
struct kymo_syscall_scratch *kymo_syscall_scratch_new(void);
struct kymo_syscall_scratch *kymo_syscall_scratch_free(struct kymo_syscall_scratch *scratch);
void kymo_syscall_scratch_freep(struct kymo_syscall_scratch **scratch);

/* The wanted calls of the section that the cursor is at; valid until the next use of scratch. 0 or
 * -ENOMEM. */
int kymo_syscall_rows_batch(const struct kymo_syscall_rows *rows, struct kymo_chunk_cursor *cursor,
			    struct kymo_syscall_scratch *scratch,
			    struct kymo_syscall_batch *ret_batch);

/* For struct kymo_syscall_source: context is a struct kymo_syscall_rows. */
int kymo_syscall_rows_run(void *context, kymo_syscall_batch_fn fn, void *fn_context,
			  struct cap_err *err);

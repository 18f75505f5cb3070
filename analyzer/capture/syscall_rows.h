#pragma once
/* The system calls of an opened capture as a source for the aggregate, straight from the decoded
 * columns. */
#include "analyzer/capture/capture_model.h"
#include "analyzer/stats/syscall_aggregate.h"

struct kymo_chunk_cursor;

struct kymo_syscall_wanted { /* which calls */
	u64 from_ns, to_ns;  /* from_ns <= time_ns < to_ns; 0 and UINT64_MAX: all */
	s64 pid;	     /* -1: all */
	const char *comm;    /* NULL: all */
};

static inline bool kymo_syscall_all_wanted(const struct kymo_syscall_wanted *wanted)
{
	return wanted->from_ns == 0 && wanted->to_ns == UINT64_MAX && wanted->pid < 0 &&
	       !wanted->comm;
}

struct kymo_syscall_rows {
	struct kymo_capture *capture;
	struct kymo_syscall_wanted wanted;
	u64 counts_outside; /* set by kymo_syscall_counts_run: counted calls that were left out
			       because their span is only partly in the requested time */
};

/* Whether counted calls that returned in (from_ns, time_ns] are wanted: only if all of the span is.
 * *ret_partly: some of it is, the rest not. */
static inline bool kymo_syscall_span_wanted(const struct kymo_syscall_wanted *wanted, u64 from_ns,
					    u64 time_ns, bool *ret_partly)
{
	u64 first_ns = from_ns == UINT64_MAX ? from_ns : from_ns + 1;
	bool inside = first_ns >= wanted->from_ns &&
		      (wanted->to_ns == UINT64_MAX || time_ns < wanted->to_ns);

	*ret_partly = !inside && time_ns >= wanted->from_ns && first_ns < wanted->to_ns;
	return inside;
}

/* Task `number` of the capture, 0 for none: whether it passes the filter, and the global id of its
 * process. */
bool kymo_syscall_task_wanted(const struct kymo_syscall_rows *rows, s64 number);
u32 kymo_syscall_process_of(const struct kymo_syscall_rows *rows, s64 number);

struct kymo_syscall_scratch; /* memory of a batch */
struct kymo_syscall_scratch *kymo_syscall_scratch_new(void);
struct kymo_syscall_scratch *kymo_syscall_scratch_free(struct kymo_syscall_scratch *scratch);
void kymo_syscall_scratch_freep(struct kymo_syscall_scratch **scratch);

/* The wanted calls of the section that the cursor is at; valid until the next use of scratch. 0 or
 * -ENOMEM. */
int kymo_syscall_rows_batch(const struct kymo_syscall_rows *rows, struct kymo_chunk_cursor *cursor,
			    struct kymo_syscall_scratch *scratch,
			    struct kymo_syscall_batch *ret_batch);

/* Rows of counted calls, kept until the single ones are done. */
#define KYMO_COUNTS_COLUMNS 6
struct kymo_counts_memory {
	u64 *columns[KYMO_COUNTS_COLUMNS];
	u32 *process_ids;
	size_t used, capacity;
};
void kymo_counts_memory_done(struct kymo_counts_memory *memory);
/* Adds the wanted rows of the section that the cursor is at, and what is left out to
 * rows->counts_outside. 0 or -ENOMEM. */
int kymo_counts_memory_add(struct kymo_counts_memory *memory, struct kymo_syscall_rows *rows,
			   struct kymo_chunk_cursor *cursor);
void kymo_counts_memory_get(const struct kymo_counts_memory *memory, u32 capture_id,
			    struct kymo_syscall_counts *ret_counts);

/* For struct kymo_syscall_source: context is a struct kymo_syscall_rows. comm is compared with the
 * name of the process's main thread, which is all that counted calls have. */
int kymo_syscall_counts_run(void *context, kymo_syscall_counts_fn fn, void *fn_context,
			    struct cap_err *err);
int kymo_syscall_rows_run(void *context, kymo_syscall_batch_fn fn, void *fn_context,
			  struct cap_err *err);

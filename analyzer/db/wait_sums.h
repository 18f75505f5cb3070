#pragma once
/*
 * Waits and system calls of a capture summed up per task, as its stacks are resolved: what a first
 * look at it asks for, without another walk. Tables temp.wait_sums, temp.wait_wakes and
 * temp.call_sums hold the rows of the views of these names (reports/), which a plain name then
 * means no more.
 */
#include <sqlite3.h>

#include "analyzer/capture/chunk_cursor.h"

struct kymo_wait_sums;

struct kymo_wait_sums *kymo_wait_sums_new(void); /* NULL: out of memory */
struct kymo_wait_sums *kymo_wait_sums_free(struct kymo_wait_sums *sums);

/* The section that the cursor is at; types other than offcpu and syscall are passed over. 0 or
 * negative. */
int kymo_wait_sums_add(struct kymo_wait_sums *sums, u32 type_id, struct kymo_chunk_cursor *cursor,
		       struct cap_err *err);
/* Makes the tables. */
int kymo_wait_sums_store(const struct kymo_wait_sums *sums, const struct kymo_capture *capture,
			 sqlite3 *db, struct cap_err *err);

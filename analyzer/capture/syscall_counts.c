/* Counted calls: few rows, in blocks of their own. */
#include "analyzer/capture/syscall_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/chunk_cursor.h"
#include "formats/base/cleanup.h"

enum { CALLS, TOTAL_NS, SYSNO, FLAGS, BUCKET, ERROR, COLUMNS };

_Static_assert(COLUMNS == KYMO_COUNTS_COLUMNS, "struct kymo_counts_memory");

void kymo_counts_memory_done(struct kymo_counts_memory *memory)
{
	for (int i = 0; i < COLUMNS; i++)
		free(memory->columns[i]);
	free(memory->process_ids);
}

static int reserve(struct kymo_counts_memory *memory, size_t rows)
{
	u32 *ids;

	if (rows <= memory->capacity)
		return 0;
	if (rows < memory->capacity * 2)
		rows = memory->capacity * 2;
	for (int i = 0; i < COLUMNS; i++) {
		u64 *column = realloc(memory->columns[i], rows * sizeof(*column));

		if (!column)
			return -ENOMEM;
		memory->columns[i] = column;
	}
	ids = realloc(memory->process_ids, rows * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	memory->process_ids = ids;
	memory->capacity = rows;
	return 0;
}

/* Columns that are missing read as 0. */
int kymo_counts_memory_add(struct kymo_counts_memory *memory, struct kymo_syscall_rows *rows,
			   struct kymo_chunk_cursor *cursor)
{
	static const unsigned int fields[COLUMNS] = {
		ROW_syscall_count_call_count, ROW_syscall_count_total_ns, ROW_syscall_count_sysno,
		ROW_syscall_count_flags,      ROW_syscall_count_bucket,	  ROW_syscall_count_error};
	const u64 *values[COLUMNS];
	const u64 *to = kymo_chunk_cursor_column(cursor, ROW_syscall_count_time_ns);
	const u64 *from = kymo_chunk_cursor_column(cursor, ROW_syscall_count_from_ns);
	const u64 *locals = kymo_chunk_cursor_column(cursor, ROW_syscall_count_task);
	u32 count = kymo_chunk_cursor_rows(cursor);
	size_t used = memory->used;

	for (int c = 0; c < COLUMNS; c++)
		values[c] = kymo_chunk_cursor_column(cursor, fields[c]);
	if (kymo_chunk_cursor_failed(cursor) || reserve(memory, used + count) < 0)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		s64 task = locals ? kymo_chunk_cursor_task(cursor, locals[i]) : 0;
		bool partly;
		bool inside = kymo_syscall_span_wanted(&rows->wanted, from ? from[i] : 0,
						       to ? to[i] : 0, &partly);

		if (task < 0)
			return -ENOMEM;
		if ((!inside && !partly) || !kymo_syscall_task_wanted(rows, task))
			continue;
		if (partly) {
			rows->counts_outside += values[CALLS] ? values[CALLS][i] : 0;
			continue;
		}
		for (int c = 0; c < COLUMNS; c++)
			memory->columns[c][used] = values[c] ? values[c][i] : 0;
		memory->process_ids[used++] = kymo_syscall_process_of(rows, task);
	}
	memory->used = used;
	return 0;
}

void kymo_counts_memory_get(const struct kymo_counts_memory *memory, u32 capture_id,
			    struct kymo_syscall_counts *ret_counts)
{
	*ret_counts = (struct kymo_syscall_counts){.count = memory->used,
						   .call_count = memory->columns[CALLS],
						   .total_ns = memory->columns[TOTAL_NS],
						   .sysno = memory->columns[SYSNO],
						   .flags = memory->columns[FLAGS],
						   .bucket = memory->columns[BUCKET],
						   .error = memory->columns[ERROR],
						   .process_id = memory->process_ids,
						   .capture_id = capture_id};
}

int kymo_syscall_counts_run(void *context, kymo_syscall_counts_fn fn, void *fn_context,
			    struct cap_err *err)
{
	struct kymo_syscall_rows *rows = context;
	CLEANUP(kymo_chunk_cursor_freep) struct kymo_chunk_cursor *cursor = NULL;
	CLEANUP(kymo_counts_memory_done) struct kymo_counts_memory memory = {0};
	int rc;

	rows->counts_outside = 0;
	if (rows->capture->rows[EV_SYSCALL_COUNT] == 0)
		return 0;
	rc = kymo_chunk_cursor_new(rows->capture, EV_SYSCALL_COUNT, &cursor, err);
	if (rc == 0)
		rc = kymo_chunk_cursor_start(cursor, 0, UINT64_MAX, err);
	while (rc == 0 && (rc = kymo_chunk_cursor_next(cursor, err)) == 1) {
		struct kymo_syscall_counts counts;

		memory.used = 0;
		if (kymo_counts_memory_add(&memory, rows, cursor) < 0)
			return cap_fail(err, -ENOMEM, "out of memory");
		kymo_counts_memory_get(&memory, rows->capture->base.capture, &counts);
		rc = counts.count > 0 ? fn(fn_context, &counts, err) : 0;
	}
	return rc;
}

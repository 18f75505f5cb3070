/* One batch per section of a chunk. Filtering packs the wanted rows together. */
#include "analyzer/capture/syscall_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/chunk_cursor.h"
#include "formats/base/cleanup.h"

enum { DURATION, SYSNO, FLAGS, ERROR, COLUMNS };

struct kymo_syscall_scratch {
	u64 *columns[COLUMNS];
	u32 *process_ids;
	size_t capacity;
};

struct kymo_syscall_scratch *kymo_syscall_scratch_new(void)
{
	return calloc(1, sizeof(struct kymo_syscall_scratch));
}

struct kymo_syscall_scratch *kymo_syscall_scratch_free(struct kymo_syscall_scratch *scratch)
{
	if (!scratch)
		return NULL;
	for (int i = 0; i < COLUMNS; i++)
		free(scratch->columns[i]);
	free(scratch->process_ids);
	free(scratch);
	return NULL;
}

void kymo_syscall_scratch_freep(struct kymo_syscall_scratch **scratch)
{
	*scratch = kymo_syscall_scratch_free(*scratch);
}

static int reserve(struct kymo_syscall_scratch *scratch, size_t rows)
{
	if (rows <= scratch->capacity)
		return 0;
	for (int i = 0; i < COLUMNS; i++) {
		u64 *column = realloc(scratch->columns[i], rows * sizeof(*column));

		if (!column)
			return -ENOMEM;
		scratch->columns[i] = column;
	}
	u32 *ids = realloc(scratch->process_ids, rows * sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	scratch->process_ids = ids;
	scratch->capacity = rows;
	return 0;
}

/* Static, with a separate exported name: it runs for each call, and position-independent code does
 * not inline functions that can be replaced. */
static bool is_wanted_task(const struct kymo_syscall_rows *rows, s64 number)
{
	const struct kymo_tasks *tasks = &rows->capture->tasks;
	const struct kymo_task *task;

	if (rows->wanted.pid < 0 && !rows->wanted.comm)
		return true;
	if (number <= 0)
		return false;
	task = &tasks->tasks[number];
	if (rows->wanted.pid >= 0 && task->tgid != (u64)rows->wanted.pid)
		return false;
	return !rows->wanted.comm ||
	       strcmp(kymo_blob_get(&tasks->names, task->comm, NULL), rows->wanted.comm) == 0;
}

static u32 process_of(const struct kymo_syscall_rows *rows, s64 number)
{
	return number > 0 ? (u32)(rows->capture->tasks.tasks[number].process +
				  rows->capture->base.process)
			  : 0;
}

bool kymo_syscall_task_wanted(const struct kymo_syscall_rows *rows, s64 number)
{
	return is_wanted_task(rows, number);
}

u32 kymo_syscall_process_of(const struct kymo_syscall_rows *rows, s64 number)
{
	return process_of(rows, number);
}

/* Of each row the process, in scratch. 0 or -ENOMEM. */
static int set_processes(const struct kymo_syscall_rows *rows, struct kymo_chunk_cursor *cursor,
			 struct kymo_syscall_scratch *scratch, const u64 *locals, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		s64 task = locals ? kymo_chunk_cursor_task(cursor, locals[i]) : 0;

		if (task < 0)
			return -ENOMEM;
		scratch->process_ids[i] = process_of(rows, task);
	}
	return 0;
}

/* Packs the wanted rows together, in scratch. How many there are, or -ENOMEM. */
static s64 pack(const struct kymo_syscall_rows *rows, struct kymo_chunk_cursor *cursor,
		struct kymo_syscall_scratch *scratch, const u64 *locals,
		const u64 *const values[COLUMNS])
{
	bool all_times = rows->wanted.from_ns == 0 && rows->wanted.to_ns == UINT64_MAX;
	const u64 *times = all_times ? NULL : kymo_chunk_cursor_column(cursor, ROW_syscall_time_ns);
	u32 count = kymo_chunk_cursor_rows(cursor);
	size_t used = 0;

	if (kymo_chunk_cursor_failed(cursor))
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		s64 task = locals ? kymo_chunk_cursor_task(cursor, locals[i]) : 0;
		u64 time_ns = times ? times[i] : 0;

		if (task < 0)
			return -ENOMEM;
		if (!all_times && (time_ns < rows->wanted.from_ns || time_ns >= rows->wanted.to_ns))
			continue;
		if (!is_wanted_task(rows, task))
			continue;
		for (int c = 0; c < COLUMNS; c++)
			scratch->columns[c][used] = values[c] ? values[c][i] : 0;
		scratch->process_ids[used++] = process_of(rows, task);
	}
	return (s64)used;
}

/* Columns that are missing read as 0. If all rows are wanted, they are passed on unchanged. */
int kymo_syscall_rows_batch(const struct kymo_syscall_rows *rows, struct kymo_chunk_cursor *cursor,
			    struct kymo_syscall_scratch *scratch,
			    struct kymo_syscall_batch *ret_batch)
{
	static const unsigned int fields[COLUMNS] = {ROW_syscall_duration_ns, ROW_syscall_sysno,
						     ROW_syscall_flags, ROW_syscall_error};
	const u64 *values[COLUMNS];
	const u64 *locals = kymo_chunk_cursor_column(cursor, ROW_syscall_task);
	u32 count = kymo_chunk_cursor_rows(cursor);
	bool all = kymo_syscall_all_wanted(&rows->wanted);
	s64 used = count;

	if (reserve(scratch, count) < 0)
		return -ENOMEM;
	for (int c = 0; c < COLUMNS; c++) {
		values[c] = kymo_chunk_cursor_column(cursor, fields[c]);
		if (!values[c])
			memset(scratch->columns[c], 0, count * sizeof(*scratch->columns[c]));
	}
	if (kymo_chunk_cursor_failed(cursor))
		return -ENOMEM;
	if (all && set_processes(rows, cursor, scratch, locals, count) < 0)
		return -ENOMEM;
	if (!all)
		used = pack(rows, cursor, scratch, locals, values);
	if (used < 0)
		return -ENOMEM;
	for (int c = 0; c < COLUMNS; c++)
		values[c] = all && values[c] ? values[c] : scratch->columns[c];
	*ret_batch = (struct kymo_syscall_batch){.count = (size_t)used,
						 .duration_ns = values[DURATION],
						 .sysno = values[SYSNO],
						 .flags = values[FLAGS],
						 .error = values[ERROR],
						 .process_id = scratch->process_ids,
						 .capture_id = rows->capture->base.capture};
	return 0;
}

int kymo_syscall_rows_run(void *context, kymo_syscall_batch_fn fn, void *fn_context,
			  struct cap_err *err)
{
	const struct kymo_syscall_rows *rows = context;
	CLEANUP(kymo_chunk_cursor_freep) struct kymo_chunk_cursor *cursor = NULL;
	CLEANUP(kymo_syscall_scratch_freep)
	struct kymo_syscall_scratch *scratch = kymo_syscall_scratch_new();
	int rc = scratch ? kymo_chunk_cursor_new(rows->capture, EV_SYSCALL, &cursor, err)
			 : cap_fail(err, -ENOMEM, "out of memory");

	if (rc == 0)
		rc = kymo_chunk_cursor_start(cursor, rows->wanted.from_ns, rows->wanted.to_ns, err);
	while (rc == 0 && (rc = kymo_chunk_cursor_next(cursor, err)) == 1) {
		struct kymo_syscall_batch batch;

		rc = kymo_syscall_rows_batch(rows, cursor, scratch, &batch);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory");
		rc = batch.count > 0 ? fn(fn_context, &batch, err) : 0;
	}
	return rc;
}

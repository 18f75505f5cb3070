/* Rows of counted calls, chunk after chunk. */
#include "recorder/pipeline/counted_rows.h"

#include <errno.h>

#include "formats/base/limits.h"

int rec_counted_rows_end(struct rec_counted_rows *rows)
{
	struct cap_chunk *chunk = rows->chunk;

	rows->chunk = NULL;
	return chunk ? rec_pipeline_put_info(rows->pipeline, CAP_BLOCK_STATS, chunk) : 0;
}

static int add(struct rec_counted_rows *rows, const struct cap_task *leader,
	       struct ev_syscall_count *row)
{
	if (!rows->chunk)
		rows->chunk = rec_pipeline_info_chunk(rows->pipeline);
	if (!rows->chunk)
		return -ENOMEM;
	row->from_ns = rows->from_ns;
	row->time_ns = rows->to_ns;
	row->task = cap_chunk_task(rows->chunk, leader);
	return row->task ? rec_pipeline_add_counted(rows->pipeline, rows->chunk, row) : -ENOMEM;
}

int rec_counted_rows_add(struct rec_counted_rows *rows, const struct cap_task *leader,
			 struct ev_syscall_count row)
{
	int rc = add(rows, leader, &row);

	if (rc < 0) {
		rec_pipeline_lost_between(rows->pipeline, CLASS_SYSCALLS, row.cpu, REASON_RECORDER,
					  row.call_count, rows->from_ns, rows->to_ns);
		return rc;
	}
	if (cap_chunk_raw_bytes(rows->chunk) >= CAP_WRITER_CHUNK_BYTES)
		return rec_counted_rows_end(rows);
	return 0;
}

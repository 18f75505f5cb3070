/* Rows of counted events, chunk after chunk. */
#include "recorder/pipeline/counted_rows.h"

#include <errno.h>
#include <string.h>

#include "formats/base/limits.h"
#include "formats/table/schema.h"

int rec_counted_rows_end(struct rec_counted_rows *rows)
{
	struct cap_chunk *chunk = rows->chunk;

	rows->chunk = NULL;
	return chunk ? rec_pipeline_put_info(rows->pipeline, CAP_BLOCK_STATS, chunk) : 0;
}

static int add(struct rec_counted_rows *rows, const struct cap_task *leader,
	       const struct rec_counted *counted)
{
	if (!rows->chunk)
		rows->chunk = rec_pipeline_info_chunk(rows->pipeline);
	if (!rows->chunk)
		return -ENOMEM;
	counted->row->from_ns = rows->from_ns;
	counted->row->time_ns = rows->to_ns;
	*counted->task = leader->tgid ? cap_chunk_task(rows->chunk, leader) : 0;
	if (counted->text)
		*counted->text_field =
			cap_chunk_string(rows->chunk, counted->text, strlen(counted->text));
	if ((leader->tgid && !*counted->task) || (counted->text && !*counted->text_field))
		return -ENOMEM;
	return rec_pipeline_add_counted(rows->pipeline, rows->chunk, counted);
}

int rec_counted_rows_add(struct rec_counted_rows *rows, const struct cap_task *leader,
			 const struct rec_counted *counted)
{
	int rc = add(rows, leader, counted);

	if (rc < 0) {
		rec_pipeline_lost_between(rows->pipeline, cap_class_counted_in(counted->type),
					  counted->cpu, REASON_RECORDER, counted->row->count,
					  rows->from_ns, rows->to_ns);
		return rc;
	}
	if (cap_chunk_raw_bytes(rows->chunk) >= CAP_WRITER_CHUNK_BYTES)
		return rec_counted_rows_end(rows);
	return 0;
}

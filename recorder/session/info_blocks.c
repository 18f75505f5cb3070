/* META, CLOCK, MARK and the source's STATS. For a source with a clock of its own, clocks are made
 * from that. */
#include "recorder/session/info_blocks.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "recorder/host/clock_snapshot.h"
#include "recorder/host/host_facts.h"
#include "recorder/base/monotonic.h"

u64 rec_info_now(const struct rec_info *side)
{
	return side->ops->now ? side->ops->now(side->source) : rec_monotonic_ns();
}

/* Hands the chunk over, or, after an error, gives it back empty. */
static int put(struct rec_info *side, enum cap_block_type block, struct cap_chunk *chunk, int rc)
{
	int put_rc;

	if (rc < 0)
		cap_chunk_reset(chunk);
	put_rc = rec_pipeline_put_info(side->pipeline, block, chunk);
	return rc < 0 ? rc : put_rc;
}

int rec_info_meta(struct rec_info *side)
{
	struct cap_chunk *chunk = rec_pipeline_info_chunk(side->pipeline);
	int rc;

	if (!chunk)
		return -ENOMEM;
	rc = rec_host_meta(side->options, chunk);
	return put(side, CAP_BLOCK_META, chunk, rc);
}

/* For a source with its own clock, the other clocks keep their distance to it. */
static void read_clocks(const struct rec_info *side, struct ev_clock *ret_clock)
{
	const struct cap_file_info *info = side->info;
	u64 passed_ns;

	if (!side->ops->now) {
		rec_clock_read(ret_clock);
		return;
	}
	passed_ns = rec_info_now(side) - info->monotonic_ns;
	*ret_clock = (struct ev_clock){
		.time_ns = info->monotonic_ns + passed_ns,
		.realtime_ns = info->realtime_ns + passed_ns,
		.boottime_ns = info->boottime_ns + passed_ns,
		.monotonic_raw_ns = info->monotonic_ns + passed_ns,
		.tai_ns = info->realtime_ns + passed_ns,
	};
}

static int put_clock(struct rec_info *side)
{
	struct cap_chunk *chunk;
	int rc;

	if (side->ops->is_replay)
		return 0;
	chunk = rec_pipeline_info_chunk(side->pipeline);
	if (!chunk)
		return -ENOMEM;
	rc = cap_chunk_add(chunk, EV_CLOCK, &side->clock);
	return put(side, CAP_BLOCK_CLOCK, chunk, rc);
}

int rec_info_watch_clocks(struct rec_info *side, bool due)
{
	struct ev_clock before = side->clock;
	struct cap_chunk *chunk;
	enum rec_clock_change change;
	s64 by_ns;
	int rc;

	if (side->ops->is_replay)
		return 0;
	read_clocks(side, &side->clock);
	change = rec_clock_compare(&before, &side->clock, &by_ns);
	if (change == REC_CLOCK_STEADY)
		return due ? put_clock(side) : 0;
	chunk = rec_pipeline_info_chunk(side->pipeline);
	if (!chunk)
		return -ENOMEM;
	rc = rec_clock_mark(chunk, side->clock.time_ns, change, by_ns);
	rc = put(side, CAP_BLOCK_MARK, chunk, rc);
	return rc < 0 ? rc : put_clock(side);
}

int rec_info_mark(struct rec_info *side, const char *name, const char *text)
{
	struct ev_mark row = {.time_ns = rec_info_now(side)};
	struct cap_chunk *chunk;

	if (side->ops->is_replay)
		return 0;
	chunk = rec_pipeline_info_chunk(side->pipeline);
	if (!chunk)
		return -ENOMEM;
	row.name = cap_chunk_string(chunk, name, strlen(name));
	row.text = cap_chunk_string(chunk, text, strlen(text));
	return put(side, CAP_BLOCK_MARK, chunk, cap_chunk_add(chunk, EV_MARK, &row));
}

int rec_info_stats(struct rec_info *side)
{
	u64 now_ns = rec_info_now(side);
	struct cap_chunk *chunk = rec_pipeline_info_chunk(side->pipeline);
	int rc;

	if (!chunk)
		return -ENOMEM;
	if (side->control && rec_pipeline_admits(side->pipeline)) {
		rc = rec_budget_control_rows(side->control, chunk);
		if (rc < 0)
			return put(side, CAP_BLOCK_STATS, chunk, rc);
	}
	rc = side->ops->stats ? side->ops->stats(side->source, side->pipeline, chunk, now_ns) : 0;
	rc = put(side, CAP_BLOCK_STATS, chunk, rc);
	rec_pipeline_polled(side->pipeline, now_ns);
	return rc;
}

int rec_info_begin_clocks(struct rec_info *side)
{
	read_clocks(side, &side->clock);
	return put_clock(side);
}

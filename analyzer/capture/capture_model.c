/* Closes a capture, and derives figures from what opening has noted. */
#include "analyzer/capture/capture_model.h"

#include <stdlib.h>

struct kymo_capture *kymo_capture_close(struct kymo_capture *capture)
{
	if (!capture)
		return NULL;
	(void)cap_reader_close(capture->reader);
	kymo_tasks_done(&capture->tasks);
	kymo_stacks_done(&capture->stacks);
	kymo_kernel_names_done(&capture->kernel_names);
	kymo_kernel_names_done(&capture->file_names);
	(void)kymo_mappings_free(capture->mappings);
	(void)kymo_unwinder_free(capture->unwinder);
	kymo_captured_rules_done(&capture->captured_rules);
	free(capture->counted_totals.list);
	cap_word_map_done(&capture->counted_totals.map);
	free(capture->blocks);
	free(capture->path);
	free(capture->stopped);
	free(capture);
	return NULL;
}

void kymo_capture_closep(struct kymo_capture **capture)
{
	*capture = kymo_capture_close(*capture);
}

/* -------- facts -------- */

u64 kymo_capture_start_ns(const struct kymo_capture *capture)
{
	return cap_reader_facts(capture->reader)->info.monotonic_ns;
}

u64 kymo_capture_end_ns(const struct kymo_capture *capture)
{
	u64 start_ns = kymo_capture_start_ns(capture);

	return capture->last_ns > start_ns ? capture->last_ns : start_ns;
}

u64 kymo_capture_dropped(const struct kymo_capture *capture)
{
	u64 lost = capture->totals.lost_count;

	if (capture->damage.ended && capture->damage.end_lost > lost)
		lost = capture->damage.end_lost;
	/* `kymo recover` adds what it could not read */
	return lost > capture->recovered_lost ? lost - capture->recovered_lost : 0;
}

/* Counted, as the totals say, in rows that are not there. */
static u64 counts_missing(const struct kymo_capture *capture)
{
	u64 counted = 0;

	for (u32 i = 0; i < capture->counted_totals.count; i++) {
		if (__builtin_add_overflow(counted, capture->counted_totals.list[i].counted,
					   &counted))
			counted = UINT64_MAX;
	}
	return counted > capture->counted ? counted - capture->counted : 0;
}

u64 kymo_capture_damaged(const struct kymo_capture *capture)
{
	const struct cap_damage *damage = &capture->damage;
	bool holes = damage->blocks_damaged || damage->blocks_lost || damage->bytes_skipped;
	u64 written = damage->ended ? damage->end_events : capture->totals.stored_count;
	u64 read = capture->events + damage->rows_unknown_type;

	u64 damaged = holes && written > read ? written - read : 0;

	if (holes && __builtin_add_overflow(damaged, counts_missing(capture), &damaged))
		damaged = UINT64_MAX;
	return damaged <= UINT64_MAX - capture->recovered_lost ? damaged + capture->recovered_lost
							       : UINT64_MAX;
}

bool kymo_capture_complete(const struct kymo_capture *capture)
{
	const struct cap_damage *damage = &capture->damage;

	return damage->ended && !damage->blocks_damaged && !damage->blocks_lost &&
	       !damage->bytes_skipped && !damage->columns_rejected && !damage->blocks_foreign &&
	       !capture->recovered_gaps && damage->end_reason != CAP_END_RECOVERED;
}

const char *kymo_capture_end_reason(const struct kymo_capture *capture)
{
	if (!capture->damage.ended)
		return capture->stopped ? "stopped" : "cut";
	return cap_end_reason_name(capture->damage.end_reason);
}

int kymo_capture_note_progress(const struct kymo_capture *capture, u64 done_bytes)
{
	if (!capture->progress)
		return 0;
	return capture->progress(capture->progress_context, done_bytes,
				 cap_reader_file_bytes(capture->reader));
}

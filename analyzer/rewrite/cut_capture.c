/* Totals are counted anew: attempted = stored + counted + lost, of what is in the part. */
#include "analyzer/rewrite/cut_capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/word_map.h"

struct tally { /* of a class on a CPU */
	u64 stored, counted, lost;
	u32 event_class, cpu;
};

struct cut {
	const struct kymo_cut_options *options;
	struct cap_word_map map; /* (class, CPU) -> index + 1 */
	struct tally *tallies;
	u32 count, size;
	struct cap_totals totals;
	struct cap_chunk *chunk;	      /* rows of our own */
	u64 spent_before[ROW_COUNT_recorder]; /* by the recorder, before the part */
	struct kymo_cut_found found;
};

static void cut_done(struct cut *cut)
{
	cap_word_map_done(&cut->map);
	free(cut->tallies);
	(void)cap_chunk_free(cut->chunk);
}

static struct tally *tally_of(struct cut *cut, u64 event_class, u64 cpu)
{
	struct cap_word_slot *slot = cap_word_map_make(&cut->map, event_class, cpu);

	if (!slot)
		return NULL;
	if (slot->value)
		return &cut->tallies[slot->value - 1];
	if (cut->count == cut->size) {
		u32 size = cut->size ? cut->size * 2 : 64;
		struct tally *bigger = reallocarray(cut->tallies, size, sizeof(*bigger));

		slot->value = 1; /* a slot must have one */
		if (!bigger)
			return NULL;
		cut->tallies = bigger;
		cut->size = size;
	}
	cut->tallies[cut->count] = (struct tally){.event_class = (u32)event_class, .cpu = (u32)cpu};
	slot->value = ++cut->count;
	return &cut->tallies[cut->count - 1];
}

/* -------- which rows -------- */

static u64 *column(const struct kymo_rewrite_part *part, const char *name)
{
	const struct cap_field *field = cap_type_field(part->type, name);

	return field ? part->values[field - part->type->fields] : NULL;
}

static bool is_of_pid(const struct cut *cut, const struct kymo_rewrite_part *part, const u64 *tasks,
		      u32 row)
{
	if (cut->options->pid < 0)
		return true;
	return tasks && tasks[row] < part->rows->task_count &&
	       part->rows->tasks[tasks[row]].tgid == (u64)cut->options->pid;
}

/* Events of a class, one by one. */
static int choose_events(struct cut *cut, struct kymo_rewrite_part *part, u32 event_class)
{
	const u64 *times = column(part, "time_ns"), *tasks = column(part, "task");
	const u64 *cpus = column(part, "cpu");

	for (u32 i = 0; i < part->row_count; i++) {
		struct tally *tally;

		part->keep[i] = times && times[i] >= cut->options->from_ns &&
				times[i] < cut->options->to_ns && is_of_pid(cut, part, tasks, i);
		cut->found.events_kept += part->keep[i];
		cut->found.events_left += !part->keep[i];
		tally = part->keep[i] ? tally_of(cut, event_class, cpus ? cpus[i] : 0) : NULL;
		if (part->keep[i] && !tally)
			return -ENOMEM;
		if (tally)
			tally->stored++;
		cut->totals.stored_count += part->keep[i];
		cut->totals.attempted_count += part->keep[i];
	}
	return 0;
}

/* What explains events: as it was, up to the end of the part. Key-frames tell what was there before
 * they were taken. */
static int choose_state(struct cut *cut, struct kymo_rewrite_part *part, u32 event_class)
{
	u64 *times = column(part, "time_ns");
	const u64 *flags = part->type->id == EV_MAPPING ? column(part, "flags") : NULL;
	const u64 *cpus = column(part, "cpu");
	bool is_frame = part->type->id == EV_PROCESS;

	for (u32 i = 0; times && i < part->row_count; i++) {
		struct tally *tally;

		if (times[i] > cut->options->to_ns) {
			part->keep[i] = is_frame || (flags && flags[i] & EV_MAPPING_KEYFRAME);
			times[i] = cut->options->to_ns;
		}
		if (!part->keep[i] || event_class >= EV_CLASS_COUNT ||
		    part->block->type != CAP_BLOCK_CHUNK)
			continue;
		tally = tally_of(cut, event_class, cpus ? cpus[i] : 0);
		if (!tally)
			return -ENOMEM;
		tally->stored++;
		cut->totals.stored_count++;
		cut->totals.attempted_count++;
	}
	return 0;
}

/* Counted events: a span is in the part, or it is left out whole, as reports do it. */
static int choose_counts(struct cut *cut, struct kymo_rewrite_part *part, u32 event_class)
{
	const u64 *times = column(part, "time_ns"), *from = column(part, "from_ns");
	const u64 *tasks = column(part, "task"), *cpus = column(part, "cpu");
	const u64 *counts = part->values[2]; /* struct ev_counts */

	for (u32 i = 0; i < part->row_count; i++) {
		u64 to_ns = times ? times[i] : 0, from_ns = from ? from[i] : 0;
		bool inside = from_ns + 1 >= cut->options->from_ns && to_ns < cut->options->to_ns;
		bool touches = to_ns >= cut->options->from_ns && from_ns + 1 < cut->options->to_ns;
		struct tally *tally;

		part->keep[i] = inside && is_of_pid(cut, part, tasks, i);
		if (!inside && touches && counts && is_of_pid(cut, part, tasks, i))
			cut->found.counts_outside += counts[i];
		if (!part->keep[i] || !counts)
			continue;
		tally = tally_of(cut, event_class, cpus ? cpus[i] : 0);
		if (!tally)
			return -ENOMEM;
		tally->counted += counts[i];
		cut->totals.attempted_count += counts[i];
	}
	return 0;
}

/* What was lost while the part was recorded, of whom is not known. */
static int choose_losses(struct cut *cut, struct kymo_rewrite_part *part)
{
	u64 *times = column(part, "time_ns"), *from = column(part, "from_ns");
	const u64 *counts = column(part, "lost_count"), *classes = column(part, "event_class");
	const u64 *cpus = column(part, "cpu");

	for (u32 i = 0; times && i < part->row_count; i++) {
		struct tally *tally;

		part->keep[i] = times[i] > cut->options->from_ns &&
				(!from || from[i] < cut->options->to_ns);
		if (!part->keep[i])
			continue;
		if (times[i] > cut->options->to_ns)
			times[i] = cut->options->to_ns;
		if (from && from[i] < cut->options->from_ns)
			from[i] = cut->options->from_ns;
		tally = tally_of(cut, classes ? classes[i] : EV_CLASS_UNKNOWN,
				 cpus ? cpus[i] : EV_CPU_UNKNOWN);
		if (!tally)
			return -ENOMEM;
		tally->lost += counts ? counts[i] : 0;
		cut->totals.lost_count += counts ? counts[i] : 0;
		cut->totals.attempted_count += counts ? counts[i] : 0;
	}
	return 0;
}

/* What the recorder spent since it began: in the copy, since the part began. */
static void choose_spending(struct cut *cut, struct kymo_rewrite_part *part)
{
	static const unsigned int sums[] = {ROW_recorder_cpu_user_ns, ROW_recorder_cpu_system_ns,
					    ROW_recorder_written_bytes, ROW_recorder_stored_count};
	const u64 *times = column(part, "time_ns");

	for (u32 i = 0; times && i < part->row_count; i++) {
		part->keep[i] = times[i] > cut->options->from_ns && times[i] <= cut->options->to_ns;
		for (size_t k = 0; k < sizeof(sums) / sizeof(sums[0]); k++) {
			u64 *values = part->values[sums[k]], *before = &cut->spent_before[sums[k]];

			if (values && times[i] <= cut->options->from_ns)
				*before = values[i];
			else if (values)
				values[i] -= values[i] < *before ? values[i] : *before;
		}
	}
}

static int on_part(void *context, struct kymo_rewrite_part *part)
{
	u32 event_class = cap_class_of_type(part->type->id);

	if (event_class != EV_CLASS_COUNT && event_class != CLASS_TASKS &&
	    event_class != CLASS_MAPPINGS)
		return choose_events(context, part, event_class);
	if (cap_class_counted_in(part->type->id) != EV_CLASS_COUNT)
		return choose_counts(context, part, cap_class_counted_in(part->type->id));
	if (part->type->id == EV_LOSS)
		return choose_losses(context, part);
	if (part->type->id == EV_RECORDER) {
		choose_spending(context, part);
		return 0;
	}
	return choose_state(context, part, event_class);
}

/* Totals are made anew. */
static bool keeps_type(void *context, const struct cap_type *type)
{
	(void)context;
	return type->id != EV_CLASS_TOTAL;
}

static void on_totals(void *context, struct cap_totals *ret_totals)
{
	*ret_totals = ((struct cut *)context)->totals;
}

/* -------- the capture -------- */

static int on_begin(void *context, const struct cap_file_facts *facts, struct cap_file_info *info)
{
	const struct kymo_cut_options *options = ((struct cut *)context)->options;
	u64 later = options->from_ns - facts->info.monotonic_ns;

	if (options->from_ns < facts->info.monotonic_ns)
		return 0;
	info->monotonic_ns += later;
	info->realtime_ns += later;
	info->boottime_ns += later;
	return 0;
}

static int put_totals(struct cut *cut, struct cap_writer *writer, struct cap_err *err)
{
	int rc = 0;

	cap_chunk_reset(cut->chunk);
	for (u32 i = 0; rc == 0 && i < cut->count; i++) {
		const struct tally *tally = &cut->tallies[i];
		const struct ev_class_total row = {.time_ns = cut->options->to_ns,
						   .attempted_count = tally->stored +
								      tally->counted + tally->lost,
						   .stored_count = tally->stored,
						   .counted_count = tally->counted,
						   .lost_count = tally->lost,
						   .event_class = tally->event_class,
						   .cpu = tally->cpu};

		rc = cap_chunk_add(cut->chunk, EV_CLASS_TOTAL, &row);
	}
	return rc < 0 ? cap_fail(err, rc, "out of memory")
		      : cap_writer_rows(writer, CAP_BLOCK_STATS, cut->chunk, &cut->totals, err);
}

/* A note at the last moment of the part: it also makes the capture end there. */
static int on_end(void *context, struct cap_writer *writer, struct cap_err *err)
{
	struct cut *cut = context;
	struct ev_mark row = {.time_ns = cut->options->to_ns};
	char text[160], who[40] = "all processes";
	int rc = put_totals(cut, writer, err), len;

	if (rc < 0)
		return rc;
	if (cut->options->pid >= 0)
		(void)snprintf(who, sizeof(who), "process %" PRId64, cut->options->pid);
	len = snprintf(text, sizeof(text), "events from %" PRIu64 " to %" PRIu64 " ns of %s",
		       cut->options->from_ns, cut->options->to_ns, who);
	cap_chunk_reset(cut->chunk);
	row.name = cap_chunk_string(cut->chunk, "cut", 3);
	row.text = cap_chunk_string(cut->chunk, text, (size_t)len);
	rc = cap_chunk_add(cut->chunk, EV_MARK, &row);
	if (rc < 0 || cap_chunk_failed(cut->chunk))
		return cap_fail(err, -ENOMEM, "out of memory");
	return cap_writer_rows(writer, CAP_BLOCK_MARK, cut->chunk, &cut->totals, err);
}

static int on_progress(void *context, u64 done_bytes, u64 total_bytes)
{
	const struct kymo_cut_options *options = ((struct cut *)context)->options;

	return options->progress
		       ? options->progress(options->progress_context, done_bytes, total_bytes)
		       : 0;
}

int kymo_cut(struct kymo_capture *capture, const struct kymo_cut_options *options,
	     struct kymo_cut_found *ret_found, struct cap_err *err)
{
	__attribute__((cleanup(cut_done))) struct cut cut = {.options = options,
							     .chunk = cap_chunk_new()};
	const struct kymo_rewrite_options rewrite = {.output_fd = options->output_fd,
						     .end = on_end,
						     .rules = {.context = &cut,
							       .begin = on_begin,
							       .keeps_type = keeps_type,
							       .part = on_part,
							       .totals = on_totals,
							       .progress = on_progress}};
	int rc = cut.chunk ? kymo_rewrite_capture(capture, &rewrite, &cut.found.rewritten, err)
			   : cap_fail(err, -ENOMEM, "out of memory");

	if (rc == 0)
		*ret_found = cut.found;
	return rc;
}

/* See the header. Sums are kept per class and CPU, as the recorder's totals are. */
#include "analyzer/recover/recover_losses.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/word_map.h"
#include "formats/base/cleanup.h"
#include "formats/table/events.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"

/* A hostile capture may name any class and CPU; past this many pairs the totals stay as they are.
 */
#define MAX_CELLS 65536u
#define VALUE_COLUMNS 12 /* by field id: of class_total and rows of counts */

struct cell { /* newest totals of a class on a CPU */
	struct ev_class_total total;
	u64 counts,
		counts_at_totals; /* calls in `syscall_count` rows so far, and at those totals */
	u64 counts_told;	  /* of calls that were counted, but whose rows are missing */
};

struct kymo_losses {
	struct kymo_gap *gaps; /* not told yet */
	size_t gap_count, gap_size;
	size_t settled; /* gaps before the latest totals */
	u64 missing;	/* events of all gaps of this capture */
	bool any;
	u64 last_ns;

	struct cell *cells;
	size_t cell_count, cell_size;
	struct cap_word_map cell_map; /* (class, CPU) -> index + 1 */
	u64 first_gap_ns;
	u64 missing_counts;	  /* counted calls reported as missing */
	u64 kept[EV_CLASS_COUNT]; /* rows of the capture so far */
	u64 kept_at_totals[EV_CLASS_COUNT];
	u64 told[EV_CLASS_COUNT]; /* of the missing ones, by class */
	bool have_totals;

	u64 *values[VALUE_COLUMNS];
	size_t value_size[VALUE_COLUMNS];
};

struct kymo_losses *kymo_losses_new(void)
{
	return calloc(1, sizeof(struct kymo_losses));
}

struct kymo_losses *kymo_losses_free(struct kymo_losses *losses)
{
	if (!losses)
		return NULL;
	for (size_t i = 0; i < VALUE_COLUMNS; i++)
		free(losses->values[i]);
	cap_word_map_done(&losses->cell_map);
	free(losses->gaps);
	free(losses->cells);
	free(losses);
	return NULL;
}

void kymo_losses_freep(struct kymo_losses **losses)
{
	*losses = kymo_losses_free(*losses);
}

void kymo_losses_begin(struct kymo_losses *losses)
{
	losses->gap_count = losses->settled = losses->cell_count = 0;
	losses->missing = losses->missing_counts = losses->last_ns = 0;
	cap_word_map_clear(&losses->cell_map);
	losses->any = losses->have_totals = false;
	memset(losses->kept, 0, sizeof(losses->kept));
	memset(losses->kept_at_totals, 0, sizeof(losses->kept_at_totals));
	memset(losses->told, 0, sizeof(losses->told));
}

u64 kymo_losses_events(const struct kymo_losses *losses)
{
	return losses->missing;
}

u64 kymo_losses_counts(const struct kymo_losses *losses)
{
	return losses->missing_counts;
}

bool kymo_losses_any(const struct kymo_losses *losses)
{
	return losses->any;
}

int kymo_losses_gap(struct kymo_losses *losses, const struct kymo_gap *gap)
{
	if (losses->gap_count == losses->gap_size) {
		size_t size = losses->gap_size ? losses->gap_size * 2 : 16;
		struct kymo_gap *bigger = realloc(losses->gaps, size * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		losses->gaps = bigger;
		losses->gap_size = size;
	}
	losses->gaps[losses->gap_count++] = *gap;
	losses->missing += gap->events_known ? gap->events : 0;
	if (!losses->any)
		losses->first_gap_ns = gap->from_ns;
	losses->any = true;
	return 0;
}

/* -------- rows that are there -------- */

static struct cell *cell_of(struct kymo_losses *losses, u32 event_class, u32 cpu)
{
	u32 number = cap_word_map_get(&losses->cell_map, event_class, cpu);

	if (number)
		return &losses->cells[number - 1];
	if (losses->cell_count == MAX_CELLS)
		return NULL;
	if (losses->cell_count == losses->cell_size) {
		size_t size = losses->cell_size ? losses->cell_size * 2 : 64;
		struct cell *bigger = realloc(losses->cells, size * sizeof(*bigger));

		if (!bigger)
			return NULL;
		losses->cells = bigger;
		losses->cell_size = size;
	}
	if (cap_word_map_put(&losses->cell_map, event_class, cpu, (u32)losses->cell_count + 1) < 0)
		return NULL;
	losses->cells[losses->cell_count] =
		(struct cell){.total = {.event_class = event_class, .cpu = cpu}};
	return &losses->cells[losses->cell_count++];
}

/* Column `field_id` of a section, or zeros, in one of the slots of values. NULL: out of memory. */
static const u64 *column(struct kymo_losses *losses, const struct cap_rows *rows,
			 const struct cap_section *section, u16 field_id, size_t slot)
{
	const struct cap_column *found = cap_section_column(section, field_id);

	if (section->row_count > losses->value_size[slot]) {
		u64 *bigger = realloc(losses->values[slot], section->row_count * sizeof(*bigger));

		if (!bigger)
			return NULL;
		losses->values[slot] = bigger;
		losses->value_size[slot] = section->row_count;
	}
	if (!found || cap_column_decode(rows, section, found, losses->values[slot]) < 0)
		memset(losses->values[slot], 0, section->row_count * sizeof(u64));
	return losses->values[slot];
}

static int take_totals(struct kymo_losses *losses, const struct cap_rows *rows,
		       const struct cap_section *section)
{
	const u64 *columns[9] = {NULL};

	for (u16 field = 1; field <= 8; field++) {
		columns[field] = column(losses, rows, section, field, field - 1u);
		if (!columns[field])
			return -ENOMEM;
	}
	for (u32 i = 0; i < section->row_count; i++) {
		struct cell *cell = cell_of(losses, (u32)columns[6][i], (u32)columns[7][i]);

		if (!cell || cell->total.time_ns > columns[1][i])
			continue;
		cell->total.time_ns = columns[1][i];
		cell->total.attempted_count = columns[2][i];
		cell->total.stored_count = columns[3][i];
		cell->total.lost_count = columns[4][i];
		cell->total.unmatched_count = columns[5][i];
		cell->total.counted_count = columns[8][i];
	}
	losses->have_totals = true;
	losses->settled = losses->gap_count;
	memcpy(losses->kept_at_totals, losses->kept, sizeof(losses->kept));
	return 0;
}

static int take_counts(struct kymo_losses *losses, const struct cap_rows *rows,
		       const struct cap_section *section)
{
	const struct cap_type *type = cap_schema_type(cap_schema_builtin(), section->type_id);
	const u32 event_class = cap_class_counted_in(section->type_id);
	const u64 *calls = column(losses, rows, section, type->fields[2].id, 0);
	const u64 *cpus = column(losses, rows, section, cap_type_field(type, "cpu")->id, 1);

	if (!calls || !cpus)
		return -ENOMEM;
	for (u32 i = 0; i < section->row_count; i++) {
		struct cell *cell = cell_of(losses, event_class, (u32)cpus[i]);

		if (cell && __builtin_add_overflow(cell->counts, calls[i], &cell->counts))
			cell->counts = UINT64_MAX;
	}
	return 0;
}

int kymo_losses_rows(struct kymo_losses *losses, const struct kymo_walk_block *at)
{
	bool any_totals = false;
	int rc = 0;

	if (at->block.last_ns > losses->last_ns)
		losses->last_ns = at->block.last_ns;
	for (u32 i = 0; rc == 0 && i < at->rows.section_count; i++) {
		const struct cap_section *section = &at->rows.sections[i];
		u32 event_class = cap_class_of_type(section->type_id);

		if (at->block.type == CAP_BLOCK_CHUNK && event_class < EV_CLASS_COUNT)
			losses->kept[event_class] += section->row_count;
		else if (section->type_id == EV_CLASS_TOTAL && section->row_count > 0)
			rc = take_totals(losses, &at->rows, section);
		else if (cap_class_counted_in(section->type_id) < EV_CLASS_COUNT)
			rc = take_counts(losses, &at->rows, section);
		any_totals |= section->type_id == EV_CLASS_TOTAL;
	}
	/* totals cover all rows up to the end of their block */
	for (size_t i = 0; any_totals && i < losses->cell_count; i++)
		losses->cells[i].counts_at_totals = losses->cells[i].counts;
	return rc;
}

/* -------- rows that are missing -------- */

/* Per class: what the recorder stored up to its latest totals, minus what is there and what was
 * reported before. Returns the sum. */
static u64 missing_by_class(const struct kymo_losses *losses, u64 ret_missing[EV_CLASS_COUNT])
{
	u64 stored[EV_CLASS_COUNT] = {0}, sum = 0;

	for (size_t i = 0; i < losses->cell_count; i++) {
		const struct ev_class_total *total = &losses->cells[i].total;

		if (total->event_class < EV_CLASS_COUNT)
			stored[total->event_class] += total->stored_count;
	}
	for (u32 c = 0; c < EV_CLASS_COUNT; c++) {
		u64 known = losses->kept_at_totals[c] + losses->told[c];

		ret_missing[c] = losses->have_totals && stored[c] > known ? stored[c] - known : 0;
		sum += ret_missing[c];
	}
	return sum;
}

static int add_loss(struct cap_chunk *chunk, const struct kymo_losses *losses,
		    const struct kymo_gap *gap, u32 event_class, u64 count)
{
	const struct ev_loss row = {
		.time_ns = gap->to_known     ? gap->to_ns
			   : gap->from_known ? gap->from_ns
					     : losses->last_ns,
		.from_ns = gap->from_ns,
		.lost_count = count,
		.event_class = event_class,
		.cpu = EV_CPU_UNKNOWN,
		.reason = REASON_DAMAGED,
	};

	return cap_chunk_add(chunk, EV_LOSS, &row);
}

static int add_mark(struct cap_chunk *chunk, const struct kymo_losses *losses,
		    const struct kymo_gap *gap)
{
	struct ev_mark row = {.time_ns = gap->to_known	   ? gap->to_ns
					 : gap->from_known ? gap->from_ns
							   : losses->last_ns};
	char text[KYMO_GAP_TEXT_BYTES + 120];
	int len = snprintf(text, sizeof(text),
			   "%s at byte %" PRIu64 " of the damaged capture, %" PRIu64 " bytes: %s",
			   kymo_gap_kind_name(gap->kind), gap->offset, gap->size_bytes, gap->text);

	row.name = cap_chunk_string(chunk, "recover", 7);
	row.text = cap_chunk_string(chunk, text, (size_t)len);
	return cap_chunk_add(chunk, EV_MARK, &row);
}

/* Gaps [0, count): with only one gap, or one class, it is known which lost what. */
static int tell_gaps(struct kymo_losses *losses, size_t count, struct cap_chunk *chunk,
		     struct cap_chunk *marks)
{
	u64 missing[EV_CLASS_COUNT], sum = missing_by_class(losses, missing), events = 0;
	u32 classes = 0, only = EV_CLASS_UNKNOWN;
	size_t with_events = 0;
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		u64 own = losses->gaps[i].events_known ? losses->gaps[i].events : 0;

		events += own;
		with_events += own != 0;
	}
	for (u32 c = 0; c < EV_CLASS_COUNT; c++) {
		if (!missing[c])
			continue;
		classes++;
		only = c;
	}
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct kymo_gap *gap = &losses->gaps[i];
		u64 own = gap->events_known ? gap->events : 0;

		if (own && sum == events && with_events == 1) {
			for (u32 c = 0; rc == 0 && c < EV_CLASS_COUNT; c++) {
				if (missing[c])
					rc = add_loss(chunk, losses, gap, c, missing[c]);
				losses->told[c] += missing[c];
			}
		} else if (own && sum == events && classes == 1) {
			rc = add_loss(chunk, losses, gap, only, own);
			losses->told[only] += own;
		} else {
			rc = add_loss(chunk, losses, gap, EV_CLASS_UNKNOWN, own);
		}
		if (rc == 0)
			rc = add_mark(marks, losses, gap);
	}
	losses->gap_count -= count;
	memmove(losses->gaps, losses->gaps + count, losses->gap_count * sizeof(*losses->gaps));
	losses->settled = 0;
	return rc;
}

/* Calls counted according to the totals but without a row, by CPU: lost somewhere between the first
 * gap and those totals. */
static int tell_counts(struct kymo_losses *losses, struct cap_chunk *chunk)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && losses->any && i < losses->cell_count; i++) {
		struct cell *cell = &losses->cells[i];
		u64 known = cell->counts_at_totals + cell->counts_told;
		struct ev_loss row = {.time_ns = cell->total.time_ns,
				      .from_ns = losses->first_gap_ns,
				      .event_class = cell->total.event_class,
				      .cpu = cell->total.cpu,
				      .reason = REASON_DAMAGED};

		if (known < cell->counts_told || cell->total.counted_count <= known)
			continue;
		row.lost_count = cell->total.counted_count - known;
		if (row.from_ns > row.time_ns)
			row.from_ns = row.time_ns;
		cell->counts_told += row.lost_count;
		losses->missing_counts += row.lost_count;
		rc = cap_chunk_add(chunk, EV_LOSS, &row);
	}
	return rc;
}

static u64 stored_of(const struct kymo_losses *losses, u32 event_class)
{
	u64 stored = 0;

	for (size_t i = 0; i < losses->cell_count; i++) {
		const struct ev_class_total *total = &losses->cells[i].total;

		if (total->event_class == event_class)
			stored += total->stored_count;
	}
	return stored;
}

/*
 * Repeats the latest totals, a nanosecond later, with missing events moved from stored and from
 * counted to lost. Not every row type has a CPU, so stored events are shared among the CPUs of a
 * class in proportion; for counted ones each CPU is known.
 */
static int add_totals(struct kymo_losses *losses, struct cap_chunk *chunk)
{
	int rc = 0;

	for (u32 c = 0; c < EV_CLASS_COUNT; c++) {
		u64 stored = stored_of(losses, c), left = losses->told[c];

		for (size_t i = 0; rc == 0 && i < losses->cell_count; i++) {
			struct ev_class_total *total = &losses->cells[i].total;
			u64 count = 0, counts = losses->cells[i].counts_told;

			if (total->event_class != c)
				continue;
			/* this CPU's share of the rest among the remaining CPUs; the last takes all
			 */
			if (left > 0 && total->stored_count > 0)
				count = (u64)((unsigned __int128)left * total->stored_count /
					      stored);
			stored -= total->stored_count;
			left -= count;
			if (count == 0 && counts == 0)
				continue;
			total->stored_count -= count;
			total->counted_count -= counts;
			total->lost_count += count + counts;
			total->time_ns++;
			rc = cap_chunk_add(chunk, EV_CLASS_TOTAL, total);
		}
	}
	return rc;
}

int kymo_losses_take(struct kymo_losses *losses, bool final, struct cap_chunk *chunk,
		     struct cap_chunk *marks)
{
	int rc = 0;

	if (losses->settled > 0) {
		rc = tell_gaps(losses, losses->settled, chunk, marks);
		if (rc == 0)
			rc = tell_counts(losses, chunk);
	}
	if (rc < 0 || !final)
		return rc;
	if (losses->gap_count > 0)
		rc = tell_gaps(losses, losses->gap_count, chunk, marks);
	if (rc == 0)
		rc = tell_counts(losses, chunk);
	return rc < 0 ? rc : add_totals(losses, chunk);
}

/* Event counts per class, CPU and reason. Sums are kept as counts come in, so that a chunk's totals
 * cost nothing. */
#include "recorder/pipeline/event_counts.h"

#include <stdlib.h>
#include <string.h>

struct loss_cell {
	u64 total_count;
	u64 new_count; /* not yet in a LOSS row */
	u64 from_ns, to_ns;
};

struct class_cell {
	u64 attempted_count, unmatched_count, stored_count, counted_count, lost_count;
	bool attempted_known;
	struct loss_cell loss[EV_REASON_COUNT];
};

struct cpu_cells {
	struct class_cell classes[EV_CLASS_COUNT];
};

struct rec_event_counts {
	struct cpu_cells *cpus;
	u32 cpu_count;
	bool has_news;
	struct rec_pipeline_counts sum;
	u64 attempted_sum; /* over cells, each at least stored + counted + lost */
};

struct rec_event_counts *rec_event_counts_new(u32 cpu_count)
{
	struct rec_event_counts *counts = calloc(1, sizeof(*counts));

	if (!counts)
		return NULL;
	if (cpu_count == 0 || cpu_count > REC_MAX_CPUS)
		cpu_count = 1;
	counts->cpus = calloc(cpu_count, sizeof(*counts->cpus));
	if (!counts->cpus)
		return rec_event_counts_free(counts);
	counts->cpu_count = cpu_count;
	return counts;
}

struct rec_event_counts *rec_event_counts_free(struct rec_event_counts *counts)
{
	if (counts)
		free(counts->cpus);
	free(counts);
	return NULL;
}

static bool grow(struct rec_event_counts *counts, u32 cpu)
{
	struct cpu_cells *cpus;

	if (cpu >= REC_MAX_CPUS)
		return false;
	cpus = reallocarray(counts->cpus, cpu + 1, sizeof(*cpus));
	if (!cpus)
		return false;
	memset(cpus + counts->cpu_count, 0, (cpu + 1 - counts->cpu_count) * sizeof(*cpus));
	counts->cpus = cpus;
	counts->cpu_count = cpu + 1;
	return true;
}

/* NULL for a class that does not exist. */
static struct class_cell *cell_of(struct rec_event_counts *counts, u32 event_class, u32 cpu)
{
	if (event_class >= EV_CLASS_COUNT)
		return NULL;
	if (cpu >= counts->cpu_count && !grow(counts, cpu))
		cpu = 0;
	return &counts->cpus[cpu].classes[event_class];
}

static u64 attempted_of(const struct class_cell *cell)
{
	u64 settled = cell->stored_count + cell->counted_count + cell->lost_count;

	return cell->attempted_count > settled ? cell->attempted_count : settled;
}

void rec_event_counts_stored(struct rec_event_counts *counts, u32 event_class, u32 cpu, u64 count)
{
	struct class_cell *cell = cell_of(counts, event_class, cpu);

	if (!cell)
		return;
	counts->attempted_sum -= attempted_of(cell);
	cell->stored_count += count;
	counts->attempted_sum += attempted_of(cell);
	counts->sum.stored_count += count;
	counts->sum.stored_by_class[event_class] += count;
}

void rec_event_counts_unstored(struct rec_event_counts *counts, u32 event_class, u32 cpu, u64 count)
{
	struct class_cell *cell = cell_of(counts, event_class, cpu);

	if (!cell)
		return;
	if (count > cell->stored_count)
		count = cell->stored_count;
	counts->attempted_sum -= attempted_of(cell);
	cell->stored_count -= count;
	counts->attempted_sum += attempted_of(cell);
	counts->sum.stored_count -= count;
	counts->sum.stored_by_class[event_class] -= count;
}

void rec_event_counts_counted(struct rec_event_counts *counts, u32 event_class, u32 cpu, u64 count)
{
	struct class_cell *cell = cell_of(counts, event_class, cpu);

	if (!cell || count == 0)
		return;
	counts->attempted_sum -= attempted_of(cell);
	cell->counted_count += count;
	counts->attempted_sum += attempted_of(cell);
	counts->sum.counted_count += count;
	counts->has_news = true;
}

void rec_event_counts_uncounted(struct rec_event_counts *counts, u32 event_class, u32 cpu,
				u64 count)
{
	struct class_cell *cell = cell_of(counts, event_class, cpu);

	if (!cell)
		return;
	if (count > cell->counted_count)
		count = cell->counted_count;
	counts->attempted_sum -= attempted_of(cell);
	cell->counted_count -= count;
	counts->attempted_sum += attempted_of(cell);
	counts->sum.counted_count -= count;
}

void rec_event_counts_lost(struct rec_event_counts *counts, const struct rec_loss *loss)
{
	struct class_cell *cell = cell_of(counts, loss->event_class, loss->cpu);
	struct loss_cell *lost;

	if (!cell || loss->reason >= EV_REASON_COUNT || loss->count == 0)
		return;
	lost = &cell->loss[loss->reason];
	if (lost->new_count == 0) {
		lost->from_ns = loss->from_ns;
		lost->to_ns = loss->to_ns;
	} else {
		if (loss->from_ns < lost->from_ns)
			lost->from_ns = loss->from_ns;
		if (loss->to_ns == 0 || (lost->to_ns != 0 && loss->to_ns > lost->to_ns))
			lost->to_ns = loss->to_ns;
	}
	counts->attempted_sum -= attempted_of(cell);
	lost->total_count += loss->count;
	lost->new_count += loss->count;
	cell->lost_count += loss->count;
	counts->attempted_sum += attempted_of(cell);
	counts->has_news = true;
	counts->sum.lost_count += loss->count;
	counts->sum.lost_by_class[loss->event_class] += loss->count;
	counts->sum.lost_by_reason[loss->reason] += loss->count;
}

void rec_event_counts_attempted(struct rec_event_counts *counts, u32 event_class, u32 cpu,
				u64 attempted, u64 unmatched)
{
	struct class_cell *cell = cell_of(counts, event_class, cpu);

	if (!cell)
		return;
	counts->attempted_sum -= attempted_of(cell);
	cell->attempted_count = attempted;
	cell->attempted_known = true;
	cell->unmatched_count = unmatched;
	counts->attempted_sum += attempted_of(cell);
}

bool rec_event_counts_has_news(const struct rec_event_counts *counts)
{
	return counts->has_news;
}

static int add_loss_rows(struct class_cell *cell, struct cap_chunk *chunk, u32 event_class, u32 cpu,
			 u64 now_ns)
{
	for (u32 reason = 0; reason < EV_REASON_COUNT; reason++) {
		struct loss_cell *lost = &cell->loss[reason];
		struct ev_loss row = {
			.time_ns = lost->to_ns ? lost->to_ns : now_ns,
			.from_ns = lost->from_ns,
			.lost_count = lost->new_count,
			.event_class = event_class,
			.cpu = cpu,
			.reason = reason,
		};
		int rc;

		if (lost->new_count == 0)
			continue;
		rc = cap_chunk_add(chunk, EV_LOSS, &row);
		if (rc < 0)
			return rc;
		lost->new_count = 0;
	}
	return 0;
}

static int add_total_row(const struct class_cell *cell, struct cap_chunk *chunk, u32 event_class,
			 u32 cpu, u64 now_ns, bool final)
{
	struct ev_class_total row = {
		.time_ns = now_ns,
		.attempted_count =
			final && cell->attempted_known ? cell->attempted_count : attempted_of(cell),
		.stored_count = cell->stored_count,
		.lost_count = cell->lost_count,
		.unmatched_count = cell->unmatched_count,
		.counted_count = cell->counted_count,
		.event_class = event_class,
		.cpu = cpu,
	};

	if (row.attempted_count == 0 && row.stored_count == 0 && row.lost_count == 0 &&
	    row.unmatched_count == 0 && row.counted_count == 0)
		return 0;
	return cap_chunk_add(chunk, EV_CLASS_TOTAL, &row);
}

int rec_event_counts_rows(struct rec_event_counts *counts, struct cap_chunk *chunk, u64 now_ns,
			  bool final)
{
	for (u32 cpu = 0; cpu < counts->cpu_count; cpu++) {
		for (u32 event_class = 0; event_class < EV_CLASS_COUNT; event_class++) {
			struct class_cell *cell = &counts->cpus[cpu].classes[event_class];
			int rc = add_loss_rows(cell, chunk, event_class, cpu, now_ns);

			if (rc == 0)
				rc = add_total_row(cell, chunk, event_class, cpu, now_ns, final);
			if (rc < 0)
				return rc;
		}
	}
	counts->has_news = false;
	return 0;
}

void rec_event_counts_totals(const struct rec_event_counts *counts, struct cap_totals *ret_totals)
{
	ret_totals->attempted_count = counts->attempted_sum;
	ret_totals->stored_count = counts->sum.stored_count;
	ret_totals->lost_count = counts->sum.lost_count;
}

void rec_event_counts_sum(const struct rec_event_counts *counts,
			  struct rec_pipeline_counts *ret_counts)
{
	*ret_counts = counts->sum;
	ret_counts->attempted_count = counts->attempted_sum;
}

/* The counts table, half by half: the programs fill one while the other is read and cleared. */
#include "recorder/live/live_counts.h"
#include "recorder/base/error_names.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "recorder/pipeline/counted_rows.h"
#include "recorder/live/live_blocks.h"
#include "recorder/live/drop_reasons.h"

#include "kymo_bpf.skel.h"
#include "recorder/base/monotonic.h"

#define TAKE_NS 1000000000ull /* as often as other counts */

/* ---- Rows ---- */

/* From events.def: what a row holds of a slot, and a function for each type of TAIL COUNTS. */
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_BEGIN(id, upper, name, block, event_class, tail)                      \
	__attribute__((unused)) static void fill_##name(                            \
		struct ev_##name *row, const struct live_count_slot *slot, u32 cpu) \
	{                                                                           \
		(void)row, (void)slot, (void)cpu;
#define SLOT(ev, field, value) row->field = value;
#define EVENT_END(...) }
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef SLOT
#undef EVENT_END

/* The text that a row refers to, if its type has one. */
#define EVENT_BEGIN(id, upper, name, block, event_class, tail)                               \
	__attribute__((unused)) static void text_of_##name(                                  \
		struct rec_counted *counted, struct ev_##name *row,                          \
		const struct live_count_slot *slot, const struct live_drop_reasons *reasons) \
	{                                                                                    \
		(void)counted, (void)row, (void)slot, (void)reasons;
#define SLOT_TEXT(ev, field, value) counted->text = value, counted->text_field = &row->field;
#define EVENT_END(...) }
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef SLOT_TEXT
#undef EVENT_END

#define EVENT_END(...)
#define NO_COUNTS(...)
#define OF_NOTHING NO_COUNTS
#define OF_CALL NO_COUNTS
#define OF_FRAMES NO_COUNTS
#define OF_PATH NO_COUNTS
#define OF_COMM NO_COUNTS
#define OF_ENDS NO_COUNTS
#define OF_DISK NO_COUNTS
#define OF_NAMES NO_COUNTS
#define OF_TEXT NO_COUNTS
#define OF_NO_RING NO_COUNTS
#define OF_COUNTS(upper, name, event_class)                                                    \
	_Static_assert(CLASS_##event_class <= LIVE_COUNT_CLASS_MAX, "a slot names its class"); \
	static int add_##name(struct rec_counted_rows *rows, const struct cap_task *leader,    \
			      const struct live_count_slot *slot, u32 cpu,                     \
			      const struct live_drop_reasons *reasons)                         \
	{                                                                                      \
		struct ev_##name row = {0};                                                    \
		struct rec_counted counted = {.type = EV_##upper,                              \
					      .cpu = cpu,                                      \
					      .row = (struct ev_counts *)(void *)&row,         \
					      .task = &row.task};                              \
                                                                                               \
		fill_##name(&row, slot, cpu);                                                  \
		text_of_##name(&counted, &row, slot, reasons);                                 \
		return rec_counted_rows_add(rows, leader, &counted);                           \
	}
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) OF_##tail(upper, name, event_class)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef OF_COUNTS

typedef int (*add_fn)(struct rec_counted_rows *rows, const struct cap_task *leader,
		      const struct live_count_slot *slot, u32 cpu,
		      const struct live_drop_reasons *reasons);

/* Of the classes whose programs count. */
static const add_fn add_by_class[EV_CLASS_COUNT] = {
#define OF_COUNTS(upper, name, event_class) [CLASS_##event_class] = add_##name,
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) OF_##tail(upper, name, event_class)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
};

/* A slot without an owner (claims without ready) holds nothing. */
static int take_slot(struct rec_counted_rows *rows, struct live_count_slot *slot, u32 cpu,
		     const struct live_drop_reasons *reasons)
{
	const struct live_count_slot taken = *slot;
	struct cap_task leader = {
		.leader_start_ns = slot->leader_start_ns,
		.tgid = slot->tgid,
		.tid = slot->tgid,
		.exec_id = slot->exec_id,
	};
	u32 event_class = slot->flags >> LIVE_COUNT_CLASS_SHIFT;

	memcpy(leader.comm, slot->comm, sizeof(leader.comm));
	memset(slot, 0, sizeof(*slot));
	if (taken.event_count == 0 || event_class >= EV_CLASS_COUNT || !add_by_class[event_class])
		return 0;
	return add_by_class[event_class](rows, &leader, &taken, cpu, reasons);
}

/* Returns the first failure; all slots are cleared in any case. */
static int take_cpu(struct live_counts *fold, struct rec_counted_rows *rows, u32 table, u32 cpu)
{
	struct live_count_slot *slots =
		fold->slots + ((size_t)table * fold->cpu_count + cpu) * fold->cpu_slots;
	int rc = 0;

	for (u32 i = 0; i < fold->cpu_slots; i++) {
		int slot_rc = slots[i].claims ? take_slot(rows, &slots[i], cpu, &fold->reasons) : 0;

		if (rc == 0)
			rc = slot_rc;
	}
	return rc;
}

/* ---- The table ---- */

int live_counts_init(struct live_counts *fold, const struct live_probes *probes,
		     struct cap_err *err)
{
	const struct kymo_bpf *skeleton = probes->skeleton;
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = sizeof(struct live_count_slot) * 2 * skeleton->rodata->counts_half_slots;
	bool any = false;
	void *slots;

	memset(fold, 0, sizeof(*fold));
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		any = any || (add_by_class[i] && live_class_attached(probes, i));
	if (!any)
		return 0;
	if (live_class_attached(probes, CLASS_NET))
		live_drop_reasons_read(&fold->reasons);
	fold->cpu_slots = skeleton->rodata->counts_cpu_slots;
	fold->cpu_count = skeleton->rodata->counts_half_slots / fold->cpu_slots;
	fold->cpus = calloc(fold->cpu_count, sizeof(*fold->cpus));
	if (!fold->cpus)
		return cap_fail(err, -ENOMEM, "counters of %u CPUs", fold->cpu_count);
	fold->mapped_bytes = (bytes + page_bytes - 1) & ~(page_bytes - 1);
	slots = mmap(NULL, fold->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skeleton->maps.counts_table), 0);
	if (slots == MAP_FAILED)
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_MapOperationFailed,
				"map the table of counted events, %zu "
				"bytes: %s; raise the memory limit",
				fold->mapped_bytes, strerror(errno));
	fold->slots = slots;
	return 0;
}

void live_counts_done(struct live_counts *fold)
{
	if (fold->slots)
		(void)munmap(fold->slots, fold->mapped_bytes); /* was mapped as such */
	free(fold->cpus);
	live_drop_reasons_done(&fold->reasons);
	memset(fold, 0, sizeof(*fold));
}

void live_counts_begin(struct live_counts *fold, u64 now_ns)
{
	fold->from_ns = fold->taken_ns = now_ns;
}

/* ---- When ---- */

static u64 load(const u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static struct live_counts_totals counts_of(const struct live_probes *probes, u32 cpu)
{
	struct live_counts_totals totals = {0};

	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		const struct live_counters *counters =
			&probes->skeleton->bss->class_counters[i][cpu];

		if (!add_by_class[i])
			continue;
		totals.counted += load(&counters->counted);
		totals.claims += load(&counters->counts_claims);
	}
	return totals;
}

/* From now on the programs write the other half. Returns the one they left. */
static u32 flip(struct live_counts *fold, const struct live_probes *probes)
{
	u32 *word = &probes->skeleton->bss->control.counts_table;
	u32 table = *word; /* only we change it */

	for (u32 cpu = 0; cpu < fold->cpu_count; cpu++)
		fold->cpus[cpu].next = counts_of(probes, cpu);
	fold->from_ns = rec_monotonic_ns(); /* a program notes the half before it reads the clock */
	__atomic_store_n(word, !table, __ATOMIC_RELAXED);
	if (!fold->gate_closed)
		live_wait_for_programs();
	return table;
}

int live_counts_take(struct live_counts *fold, const struct live_probes *probes,
		     struct rec_pipeline *pipeline, struct cap_err *err)
{
	struct rec_counted_rows rows = {.pipeline = pipeline, .from_ns = fold->from_ns};
	int rc = 0, put_rc;
	u32 table;

	if (!fold->slots)
		return 0;
	table = flip(fold, probes);
	rows.to_ns = fold->taken_ns = rec_monotonic_ns();
	for (u32 cpu = 0; cpu < fold->cpu_count; cpu++) {
		struct live_counts_cpu *of_cpu = &fold->cpus[cpu];
		int cpu_rc = 0;

		/* Pages of CPUs that counted nothing are never touched. What was counted since the
		 * flip is in the other half: checked again next time, perhaps in vain. */
		if (counts_of(probes, cpu).counted != of_cpu->told.counted)
			cpu_rc = take_cpu(fold, &rows, table, cpu);
		of_cpu->told = of_cpu->next;
		if (rc == 0)
			rc = cpu_rc;
	}
	put_rc = rec_counted_rows_end(&rows);
	if (rc == 0)
		rc = put_rc;
	return rc < 0 ? cap_fail(err, rc, "write counted events") : 0;
}

static bool is_due(const struct live_counts *fold, const struct live_probes *probes, u64 now_ns)
{
	bool old = now_ns >= fold->taken_ns + TAKE_NS;

	for (u32 cpu = 0; cpu < fold->cpu_count; cpu++) {
		const struct live_counts_totals now = counts_of(probes, cpu);
		const struct live_counts_totals *told = &fold->cpus[cpu].told;

		if ((old && now.counted != told->counted) ||
		    now.claims - told->claims > fold->cpu_slots / 2)
			return true;
	}
	return false;
}

int live_counts_step(struct live_counts *fold, const struct live_probes *probes,
		     struct rec_pipeline *pipeline, u64 now_ns, struct cap_err *err)
{
	if (!fold->slots || !is_due(fold, probes, now_ns) || !rec_pipeline_admits(pipeline))
		return 0;
	return live_counts_take(fold, probes, pipeline, err);
}

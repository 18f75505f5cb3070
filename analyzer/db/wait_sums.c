/* A kind is what rows of one task are summed up by; there are few. A test compares with the views.
 */
#include "analyzer/db/wait_sums.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/db/query.h"
#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"

/* The flags that tell rows apart. Not: whether arguments were recorded, and where the CPU was. */
#define WAIT_FLAGS (EV_OFFCPU_UNFINISHED | EV_OFFCPU_SINCE_BEFORE)
#define CALL_FLAGS                                                                 \
	(EV_SYSCALL_UNFINISHED | EV_SYSCALL_ENTRY_UNKNOWN | EV_SYSCALL_NO_RETURN | \
	 EV_SYSCALL_COMPAT)

struct sum {
	u32 task; /* number of the capture */
	u32 sysno, reason, flags;
	bool is_call;
	u64 rows, total_ns, longest_ns;
};

struct kymo_wait_sums {
	struct cap_word_map kinds; /* (sysno, reason and flags) -> number */
	struct cap_word_map map;   /* (task, kind) -> index + 1 */
	struct sum *list;
	size_t count, capacity;
};

struct kymo_wait_sums *kymo_wait_sums_new(void)
{
	return calloc(1, sizeof(struct kymo_wait_sums));
}

struct kymo_wait_sums *kymo_wait_sums_free(struct kymo_wait_sums *sums)
{
	if (!sums)
		return NULL;
	cap_word_map_done(&sums->kinds);
	cap_word_map_done(&sums->map);
	free(sums->list);
	free(sums);
	return NULL;
}

static struct sum *append(struct kymo_wait_sums *sums, const struct sum *key)
{
	if (sums->count == sums->capacity) {
		size_t capacity = sums->capacity ? sums->capacity * 2 : 256;
		struct sum *list = reallocarray(sums->list, capacity, sizeof(*list));

		if (!list)
			return NULL;
		sums->list = list;
		sums->capacity = capacity;
	}
	sums->list[sums->count] = *key;
	return &sums->list[sums->count++];
}

/* The sum that rows like key add to; NULL: out of memory. */
static struct sum *find_sum(struct kymo_wait_sums *sums, const struct sum *key)
{
	u64 how = (u64)key->reason << 32 | (u64)key->is_call << 31 | key->flags;
	struct cap_word_slot *kind = cap_word_map_make(&sums->kinds, key->sysno, how);
	struct cap_word_slot *slot;

	if (kind && kind->value == 0)
		kind->value = sums->kinds.used;
	slot = kind ? cap_word_map_make(&sums->map, key->task, kind->value) : NULL;
	if (slot && slot->value == 0) {
		slot->value = sums->count + 1;
		return append(sums, key);
	}
	return slot ? &sums->list[slot->value - 1] : NULL;
}

static u64 value_of(const u64 *column, u32 row)
{
	return column ? column[row] : 0;
}

int kymo_wait_sums_add(struct kymo_wait_sums *sums, u32 type_id, struct kymo_chunk_cursor *cursor,
		       struct cap_err *err)
{
	bool is_call = type_id == EV_SYSCALL;
#define COLUMN(field) \
	kymo_chunk_cursor_column(cursor, is_call ? ROW_syscall_##field : ROW_offcpu_##field)
	const u64 *tasks, *sysnos, *flags, *durations, *reasons;

	if (!is_call && type_id != EV_OFFCPU)
		return 0;
	tasks = COLUMN(task);
	sysnos = COLUMN(sysno);
	flags = COLUMN(flags);
	durations = COLUMN(duration_ns);
#undef COLUMN
	reasons = is_call ? NULL : kymo_chunk_cursor_column(cursor, ROW_offcpu_reason);
	if (kymo_chunk_cursor_failed(cursor))
		return cap_fail(err, -ENOMEM, "out of memory for waits");
	for (u32 i = 0; sysnos && durations && i < kymo_chunk_cursor_rows(cursor); i++) {
		s64 task = tasks ? kymo_chunk_cursor_task(cursor, tasks[i]) : 0;
		u32 bits = (u32)value_of(flags, i) & (is_call ? CALL_FLAGS : WAIT_FLAGS);
		struct sum key = {.task = (u32)task,
				  .sysno = (u32)sysnos[i],
				  .reason = (u32)value_of(reasons, i),
				  .flags = bits,
				  .is_call = is_call};
		struct sum *sum = task < 0 ? NULL : find_sum(sums, &key);

		if (!sum)
			return cap_fail(err, -ENOMEM, "out of memory for waits");
		sum->rows++;
		sum->total_ns += durations[i];
		sum->longest_ns = durations[i] > sum->longest_ns ? durations[i] : sum->longest_ns;
	}
	return 0;
}

static int store_one(struct kymo_query *insert, const struct kymo_ids *base, const struct sum *sum,
		     struct cap_err *err)
{
	const struct {
		const char *name;
		u64 value;
	} values[] = {
		{":capture", base->capture}, {":task", sum->task ? base->task + sum->task : 0},
		{":sysno", sum->sysno},	     {":reason", sum->reason},
		{":flags", sum->flags},	     {":rows", sum->rows},
		{":total", sum->total_ns},   {":longest", sum->longest_ns},
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(values) / sizeof(values[0]); i++)
		rc = kymo_query_bind_int(insert, values[i].name, (s64)values[i].value);
	if (rc == 0)
		rc = kymo_query_step(insert, err);
	kymo_query_reset(insert);
	return rc;
}

int kymo_wait_sums_store(const struct kymo_wait_sums *sums, const struct kymo_capture *capture,
			 sqlite3 *db, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *waits = NULL, *calls = NULL;
	int rc = kymo_query_exec(
		db,
		"CREATE TEMP TABLE wait_sums(capture_id INTEGER, task_id INTEGER, sysno INTEGER, "
		"reason INTEGER, flags INTEGER, intervals INTEGER, total_ns INTEGER, longest_ns "
		"INTEGER);"
		"CREATE TEMP TABLE call_sums(capture_id INTEGER, task_id INTEGER, sysno INTEGER, "
		"flags INTEGER, calls INTEGER, total_ns INTEGER, longest_ns INTEGER)",
		err);

	if (rc == 0)
		rc = kymo_query_new(db,
				    "INSERT INTO temp.wait_sums VALUES(:capture, :task, :sysno, "
				    ":reason, :flags, :rows, :total, :longest)",
				    &waits, err);
	if (rc == 0)
		rc = kymo_query_new(db,
				    "INSERT INTO temp.call_sums VALUES(:capture, :task, :sysno, "
				    ":flags, :rows, :total, :longest)",
				    &calls, err);
	for (size_t i = 0; rc == 0 && i < sums->count; i++)
		rc = store_one(sums->list[i].is_call ? calls : waits, &capture->base,
			       &sums->list[i], err);
	return rc;
}

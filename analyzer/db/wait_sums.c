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
	 EV_SYSCALL_COMPAT | EV_SYSCALL_BLOCKED)

enum sums_of {
	SUMS_OF_WAITS,
	SUMS_OF_CALLS,
	SUMS_OF_WAKES, /* waits that a signal would end, by who ended them */
	SUMS_COUNT
};

struct sum {
	enum sums_of of;
	u32 task; /* number of the capture */
	u32 sysno, flags;
	u32 detail; /* waits: reason; wakes: the task that ended them, 0: none */
	u32 file;   /* file_id: waits differ by it; of calls that of the longest */
	u64 rows, total_ns, longest_ns;
};

struct kymo_wait_sums {
	struct cap_word_map kinds; /* (file and sysno, detail and flags) -> number */
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
	u64 file = key->of == SUMS_OF_WAITS ? key->file : 0;
	u64 how = (u64)key->detail << 32 | (u64)key->of << 30 | key->flags;
	struct cap_word_slot *kind = cap_word_map_make(&sums->kinds, file << 32 | key->sysno, how);
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

static int add_row(struct kymo_wait_sums *sums, const struct sum *key, u64 duration_ns)
{
	struct sum *sum = find_sum(sums, key);

	if (!sum)
		return -ENOMEM;
	sum->rows++;
	sum->total_ns += duration_ns;
	if (duration_ns > sum->longest_ns || sum->rows == 1) {
		sum->longest_ns = duration_ns;
		sum->file = key->file;
	}
	return 0;
}

/* A wait is summed up twice: as one, and by who ended it. */
static int add_wake(struct kymo_wait_sums *sums, struct kymo_chunk_cursor *cursor,
		    const struct sum *wait, u64 waker, u64 duration_ns)
{
	s64 task = waker ? kymo_chunk_cursor_task(cursor, waker) : 0;
	const struct sum key = {
		.of = SUMS_OF_WAKES, .task = wait->task, .sysno = wait->sysno, .detail = (u32)task};

	if (wait->of != SUMS_OF_WAITS || wait->detail != WAIT_SLEEP)
		return 0;
	return task < 0 ? -ENOMEM : add_row(sums, &key, duration_ns);
}

int kymo_wait_sums_add(struct kymo_wait_sums *sums, u32 type_id, struct kymo_chunk_cursor *cursor,
		       struct cap_err *err)
{
	bool is_call = type_id == EV_SYSCALL;
#define COLUMN(field) \
	kymo_chunk_cursor_column(cursor, is_call ? ROW_syscall_##field : ROW_offcpu_##field)
	const u64 *tasks, *sysnos, *flags, *durations, *reasons, *wakers, *files;

	if (!is_call && type_id != EV_OFFCPU)
		return 0;
	tasks = COLUMN(task);
	sysnos = COLUMN(sysno);
	flags = COLUMN(flags);
	durations = COLUMN(duration_ns);
	files = COLUMN(file_id);
#undef COLUMN
	reasons = is_call ? NULL : kymo_chunk_cursor_column(cursor, ROW_offcpu_reason);
	wakers = is_call ? NULL : kymo_chunk_cursor_column(cursor, ROW_offcpu_waker);
	if (kymo_chunk_cursor_failed(cursor))
		return cap_fail(err, -ENOMEM, "out of memory for waits");
	for (u32 i = 0; sysnos && durations && i < kymo_chunk_cursor_rows(cursor); i++) {
		s64 task = tasks ? kymo_chunk_cursor_task(cursor, tasks[i]) : 0;
		const struct sum key = {.of = is_call ? SUMS_OF_CALLS : SUMS_OF_WAITS,
					.task = (u32)task,
					.sysno = (u32)sysnos[i],
					.flags = (u32)value_of(flags, i) &
						 (is_call ? CALL_FLAGS : WAIT_FLAGS),
					.detail = (u32)value_of(reasons, i),
					.file = (u32)value_of(files, i)};

		if (task < 0 || add_row(sums, &key, durations[i]) < 0 ||
		    add_wake(sums, cursor, &key, value_of(wakers, i), durations[i]) < 0)
			return cap_fail(err, -ENOMEM, "out of memory for waits");
	}
	return 0;
}

static u64 task_id(const struct kymo_ids *base, u32 number)
{
	return number ? base->task + number : 0;
}

static int store_one(struct kymo_query *insert, const struct kymo_ids *base, const struct sum *sum,
		     struct cap_err *err)
{
	const struct {
		const char *name;
		u64 value;
	} values[] = {
		{":capture", base->capture},
		{":task", task_id(base, sum->task)},
		{":sysno", sum->sysno},
		{":reason", sum->detail},
		{":waker", task_id(base, sum->detail)},
		{":flags", sum->flags},
		{":rows", sum->rows},
		{":total", sum->total_ns},
		{":longest", sum->longest_ns},
		{":file", sum->file},
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(values) / sizeof(values[0]); i++)
		rc = kymo_query_bind_int(insert, values[i].name, (s64)values[i].value);
	if (rc == 0)
		rc = kymo_query_step(insert, err);
	kymo_query_reset(insert);
	return rc;
}

static int store_kind(const struct kymo_wait_sums *sums, enum sums_of of,
		      const struct kymo_ids *base, sqlite3 *db, struct cap_err *err)
{
	static const struct {
		const char *create, *insert;
	} tables[SUMS_COUNT] = {
		[SUMS_OF_WAITS] =
			{"CREATE TEMP TABLE wait_sums(capture_id INTEGER, task_id INTEGER,"
			 " sysno INTEGER, reason INTEGER, flags INTEGER, intervals INTEGER,"
			 " total_ns INTEGER, longest_ns INTEGER, file_id INTEGER)",
			 "INSERT INTO temp.wait_sums VALUES(:capture, :task, :sysno, "
			 ":reason, :flags, :rows, :total, :longest, :file)"},
		[SUMS_OF_CALLS] =
			{"CREATE TEMP TABLE call_sums(capture_id INTEGER, task_id INTEGER,"
			 " sysno INTEGER, flags INTEGER, calls INTEGER, total_ns INTEGER,"
			 " longest_ns INTEGER, file_id INTEGER)",
			 "INSERT INTO temp.call_sums VALUES(:capture, :task, :sysno, "
			 ":flags, :rows, :total, :longest, :file)"},
		[SUMS_OF_WAKES] =
			{"CREATE TEMP TABLE wait_wakes(capture_id INTEGER, task_id INTEGER,"
			 " sysno INTEGER, waker_task_id INTEGER, intervals INTEGER,"
			 " total_ns INTEGER)",
			 "INSERT INTO temp.wait_wakes VALUES(:capture, :task, :sysno, "
			 ":waker, :rows, :total)"},
	};
	CLEANUP(kymo_query_freep) struct kymo_query *insert = NULL;
	int rc = kymo_query_exec(db, tables[of].create, err);

	if (rc == 0)
		rc = kymo_query_new(db, tables[of].insert, &insert, err);
	for (size_t i = 0; rc == 0 && i < sums->count; i++)
		if (sums->list[i].of == of)
			rc = store_one(insert, base, &sums->list[i], err);
	return rc;
}

int kymo_wait_sums_store(const struct kymo_wait_sums *sums, const struct kymo_capture *capture,
			 sqlite3 *db, struct cap_err *err)
{
	int rc = 0;

	for (enum sums_of of = 0; rc == 0 && of < SUMS_COUNT; of++)
		rc = store_kind(sums, of, &capture->base, db, err);
	return rc;
}

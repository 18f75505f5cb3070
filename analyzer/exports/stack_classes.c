/*
 * Which tasks are wanted is looked up in the book, so that the query need not join them; sums are
 * made in a hash table, so that nothing is sorted. Only what has to come in an order is sorted, by
 * SQLite, which writes to temporary files what does not fit into memory.
 */
#include "analyzer/exports/stack_classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/reports/coverage_line.h"
#include "analyzer/reports/sample_weight.h"
#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"

#define KERNEL_THREADS_WITH true
#define KERNEL_THREADS_WITHOUT false
#define ROOT_THREAD false
#define ROOT_PROCESS true

static const struct kymo_stack_class classes[] = {
#define STACK_CLASS(name_, class_, table_, count_, weight_, unit_, weight_sql_, where_sql_, \
		    kernel_, root_, shown_)                                                 \
	[KYMO_STACKS_##name_] = {.name = #name_,                                            \
				 .table = #table_,                                          \
				 .count = (count_),                                         \
				 .weight = (weight_),                                       \
				 .weight_sql = (weight_sql_),                               \
				 .where_sql = (where_sql_),                                 \
				 .shown = (shown_),                                         \
				 .about = 1u << CLASS_##class_,                             \
				 .unit = KYMO_STACK_UNIT_##unit_,                           \
				 .kernel_threads = KERNEL_THREADS_##kernel_,                \
				 .by_process = ROOT_##root_},
#include "analyzer/exports/stack_classes.def"
#undef STACK_CLASS
};

const struct kymo_stack_class *kymo_stack_class(enum kymo_stack_class_id id)
{
	return &classes[id];
}

static int refuse_name(const char *name, size_t len, struct cap_err *err)
{
	char known[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < KYMO_STACK_CLASSES && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 i > 0 ? ", " : "", classes[i].name);
	return cap_fail(err, CAP_EUSAGE, "unknown kind of stacks '%.*s' (known: %s)", (int)len,
			name, known);
}

int kymo_stack_classes_parse(const char *names, unsigned *ret_classes, struct cap_err *err)
{
	unsigned chosen = 0;

	for (;;) {
		size_t len = strcspn(names, ","), i = 0;

		while (i < KYMO_STACK_CLASSES && (strlen(classes[i].name) != len ||
						  strncmp(classes[i].name, names, len) != 0))
			i++;
		if (i == KYMO_STACK_CLASSES)
			return refuse_name(names, len, err);
		chosen |= 1u << i;
		if (names[len] == '\0')
			break;
		names += len + 1;
	}
	*ret_classes = chosen;
	return 0;
}

const char *kymo_stack_unit_name(enum kymo_stack_unit unit)
{
	return unit == KYMO_STACK_UNIT_NS	? "nanoseconds"
	       : unit == KYMO_STACK_UNIT_CYCLES ? "cycles"
	       : unit == KYMO_STACK_UNIT_BYTES	? "bytes"
						: "count";
}

/* -------- what they weigh -------- */

enum { SAMPLING_EVENT, SAMPLING_HZ, SAMPLING_MEAN, SAMPLING_UNITS };

/* What samples count, and what one without a period does: as the reports have it where the rate
 * changed, else what the others have. */
static int measure_samples(struct kymo_db *db, const struct kymo_filter *filter,
			   struct kymo_stack_measure *measure, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_sample_weight weight;
	const char *event;
	int rc = kymo_sample_weight(db, filter, &weight, err);

	if (rc == 0)
		rc = kymo_query_new(
			kymo_db_handle(db),
			"SELECT max(event), max(sample_hz), (SELECT CAST(avg(period) AS INTEGER)"
			" FROM (SELECT period FROM cpu_sample WHERE period > 0 AND"
			" (:capture = 0 OR capture_id = :capture) LIMIT 1000)),"
			" count(DISTINCT COALESCE(event, '')) FROM sampling"
			" WHERE :capture = 0 OR capture_id = :capture",
			&query, err);
	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	if (kymo_query_int(query, SAMPLING_UNITS) > 1)
		return cap_fail(err, CAP_EUSAGE,
				"the samples of these captures count different things (time, "
				"cycles): choose one with --capture");
	event = kymo_query_text(query, SAMPLING_EVENT, NULL);
	measure->typical = (u64)(weight.typical_period > 0 ? weight.typical_period
							   : kymo_query_int(query, SAMPLING_MEAN));
	measure->varies = kymo_weight_is_period(weight.weight);
	measure->unit = KYMO_STACK_UNIT_EVENT;
	measure->event = "samples";
	if (event && strcmp(event, "cpu-clock") == 0) {
		s64 hz = kymo_query_int(query, SAMPLING_HZ);

		measure->unit = KYMO_STACK_UNIT_NS;
		measure->event = "cpu-clock";
		if (measure->typical == 0 && hz > 0)
			measure->typical = (u64)(1000000000 / hz);
	} else if (event && strcmp(event, "cycles") == 0) {
		measure->unit = KYMO_STACK_UNIT_CYCLES;
		measure->event = "cycles";
	}
	if (measure->typical == 0) { /* nothing tells: then a sample is a sample */
		measure->unit = KYMO_STACK_UNIT_COUNT;
		measure->typical = 1;
	}
	return 0;
}

int kymo_stack_measure(struct kymo_db *db, const struct kymo_filter *filter,
		       enum kymo_stack_class_id id, struct kymo_stack_measure *ret_measure,
		       struct cap_err *err)
{
	*ret_measure = (struct kymo_stack_measure){.of = &classes[id],
						   .unit = classes[id].unit,
						   .event = classes[id].weight,
						   .varies = true};
	return classes[id].unit == KYMO_STACK_UNIT_EVENT
		       ? measure_samples(db, filter, ret_measure, err)
		       : 0;
}

/* -------- one by one -------- */

struct kymo_stack_rows {
	struct kymo_query *query;
	const struct kymo_stack_book *book;
	const struct kymo_stack_measure *measure;
};

enum { ROW_TASK, ROW_STACK, ROW_WEIGHT, ROW_TIME, ROW_CPU };

int kymo_stack_rows_new(struct kymo_db *db, const struct kymo_filter *filter,
			const struct kymo_stack_measure *measure,
			const struct kymo_stack_book *book, enum kymo_stack_order order,
			struct kymo_stack_rows **ret_rows, struct cap_err *err)
{
	static const char *const orders[] = {"", " ORDER BY e.time_ns, e.task_id, e.stack_id",
					     " ORDER BY e.task_id, e.time_ns, e.stack_id"};
	CLEANUP(kymo_stack_rows_freep) struct kymo_stack_rows *rows = calloc(1, sizeof(*rows));
	struct kymo_filter when = *filter;
	char where[KYMO_FILTER_SQL_BYTES], sql[KYMO_FILTER_SQL_BYTES + 512];
	int rc;

	if (!rows)
		return cap_fail(err, -ENOMEM, "out of memory");
	when.pid = -1; /* that, the book knows */
	when.comm = NULL;
	kymo_filter_sql(&when, "e", "t", where);
	(void)snprintf(sql, sizeof(sql),
		       "SELECT e.task_id, e.stack_id, %s, e.time_ns, e.cpu FROM %s e"
		       " WHERE %s AND %s%s",
		       measure->of->weight_sql, measure->of->table, where, measure->of->where_sql,
		       orders[order]);
	rc = kymo_query_new(kymo_db_handle(db), sql, &rows->query, err);
	if (rc == 0)
		rc = kymo_filter_bind(filter, rows->query);
	if (rc < 0)
		return cap_context(err, rc, "%s", measure->of->count);
	rows->book = book;
	rows->measure = measure;
	*ret_rows = TAKE(rows);
	return 0;
}

struct kymo_stack_rows *kymo_stack_rows_free(struct kymo_stack_rows *rows)
{
	if (!rows)
		return NULL;
	(void)kymo_query_free(rows->query);
	free(rows);
	return NULL;
}

void kymo_stack_rows_freep(struct kymo_stack_rows **rows)
{
	*rows = kymo_stack_rows_free(*rows);
}

/* Whether rows of a task take part: what no task is known of has no process and no name. */
static bool is_wanted(const struct kymo_stack_rows *rows, u32 task)
{
	const struct kymo_book_task *entry;

	if (task == KYMO_BOOK_NONE)
		return !rows->book->tasks_chosen;
	entry = kymo_book_task(rows->book, task);
	return entry->wanted && (!entry->kernel_thread || rows->measure->of->kernel_threads);
}

int kymo_stack_rows_next(struct kymo_stack_rows *rows, struct kymo_stack_row *ret_row,
			 struct cap_err *err)
{
	struct kymo_query *query = rows->query;
	int rc;

	while ((rc = kymo_query_step(query, err)) == 1) {
		u32 task = kymo_book_find(&rows->book->tasks, kymo_query_int(query, ROW_TASK));
		s64 weight;

		if (!is_wanted(rows, task))
			continue;
		weight = kymo_query_int(query, ROW_WEIGHT);
		*ret_row = (struct kymo_stack_row){
			.time_ns = kymo_query_int(query, ROW_TIME),
			.task = task,
			.stack = kymo_book_find(&rows->book->stacks,
						kymo_query_int(query, ROW_STACK)),
			.cpu = (u32)kymo_query_int(query, ROW_CPU),
			.weight = weight > 0 ? (u64)weight : rows->measure->typical,
		};
		return 1;
	}
	return rc;
}

/* -------- summed -------- */

static int by_task(const void *a, const void *b)
{
	const struct kymo_stack_sum *first = a, *second = b;

	if (first->task != second->task)
		return first->task < second->task ? -1 : 1;
	return first->stack < second->stack ? -1 : first->stack > second->stack;
}

static int add_sum(struct kymo_stack_sums *sums, size_t *capacity, struct cap_word_map *map,
		   const struct kymo_stack_row *row)
{
	struct cap_word_slot *slot = cap_word_map_make(map, row->task, row->stack);
	struct kymo_stack_sum *sum;

	if (!slot)
		return -ENOMEM;
	if (slot->value == 0) {
		if (sums->count == *capacity) {
			size_t more = *capacity ? *capacity * 2 : 1024;
			void *grown = reallocarray(sums->list, more, sizeof(*sums->list));

			if (!grown)
				return -ENOMEM;
			sums->list = grown;
			*capacity = more;
		}
		sums->list[sums->count++] =
			(struct kymo_stack_sum){.task = row->task, .stack = row->stack};
		slot->value = sums->count;
	}
	sum = &sums->list[slot->value - 1];
	sum->count++;
	if (__builtin_add_overflow(sum->weight, row->weight, &sum->weight))
		sum->weight = UINT64_MAX;
	return 0;
}

int kymo_stack_sums_read(struct kymo_db *db, const struct kymo_filter *filter,
			 const struct kymo_stack_measure *measure,
			 const struct kymo_stack_book *book, struct kymo_stack_sums *ret_sums,
			 struct cap_err *err)
{
	CLEANUP(kymo_stack_rows_freep) struct kymo_stack_rows *rows = NULL;
	CLEANUP(cap_word_map_done) struct cap_word_map map = {0};
	struct kymo_stack_row row;
	size_t capacity = 0;
	int rc = kymo_stack_rows_new(db, filter, measure, book, KYMO_STACKS_AS_STORED, &rows, err);

	*ret_sums = (struct kymo_stack_sums){0};
	while (rc == 0 && (rc = kymo_stack_rows_next(rows, &row, err)) == 1) {
		rc = add_sum(ret_sums, &capacity, &map, &row);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory for stacks");
	}
	if (rc == 0 && ret_sums->count > 0)
		qsort(ret_sums->list, ret_sums->count, sizeof(*ret_sums->list), by_task);
	return rc;
}

void kymo_stack_sums_done(struct kymo_stack_sums *sums)
{
	free(sums->list);
	*sums = (struct kymo_stack_sums){0};
}

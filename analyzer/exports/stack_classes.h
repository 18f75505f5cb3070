#pragma once
/* stack_classes.def as a list, and its rows: one by one, or summed by thread and stack. */
#include <stdbool.h>

#include "analyzer/reports/stack_book.h"
#include "formats/base/cap_error.h"

enum kymo_stack_class_id {
#define STACK_CLASS(name, ...) KYMO_STACKS_##name,
#include "analyzer/exports/stack_classes.def"
#undef STACK_CLASS
	KYMO_STACK_CLASSES, /* how many there are */
};

enum kymo_stack_unit {
	KYMO_STACK_UNIT_EVENT = 0, /* of a class: the capture says it. Of a measure: periods of an
				      event that it does not name */
	KYMO_STACK_UNIT_NS,
	KYMO_STACK_UNIT_CYCLES,
	KYMO_STACK_UNIT_COUNT,
	KYMO_STACK_UNIT_BYTES,
};

struct kymo_stack_class { /* a row of stack_classes.def */
	const char *name, *table, *count, *weight, *weight_sql, *where_sql, *shown;
	unsigned about; /* its class: a bit of struct kymo_about */
	enum kymo_stack_unit unit;
	bool kernel_threads;
	bool by_process; /* the root of folded stacks is the process, else the thread */
};

const struct kymo_stack_class *kymo_stack_class(enum kymo_stack_class_id id);
/* A list of names, with commas between: a bit per class. 0, or CAP_EUSAGE with the known ones. */
int kymo_stack_classes_parse(const char *names, unsigned *ret_classes, struct cap_err *err);

struct kymo_stack_measure { /* of a class in an open database */
	const struct kymo_stack_class *of;
	enum kymo_stack_unit unit;
	const char *event; /* for perf script */
	u64 typical;	   /* weight of a row that does not tell its own */
	bool varies;	   /* rows weigh differently: their number alone says little */
};

/* What the weights of a class are. CAP_EUSAGE where captures whose samples count different things
 * stand together; else 0 or the database's error. */
int kymo_stack_measure(struct kymo_db *db, const struct kymo_filter *filter,
		       enum kymo_stack_class_id id, struct kymo_stack_measure *ret_measure,
		       struct cap_err *err);

/* "nanoseconds", "cycles", "count", "bytes": the words of pprof. */
const char *kymo_stack_unit_name(enum kymo_stack_unit unit);

struct kymo_stack_row {
	s64 time_ns;
	u32 task, stack; /* in the book; KYMO_BOOK_NONE */
	u32 cpu;
	u64 weight;
};

enum kymo_stack_order {
	KYMO_STACKS_AS_STORED = 0, /* fastest */
	KYMO_STACKS_BY_TIME,
	KYMO_STACKS_BY_THREAD, /* and in each by time */
};

struct kymo_stack_rows; /* a walk over them */

/* The rows of tasks that are wanted under a resolved filter. book has its tasks and must outlive
 * the walk. */
int kymo_stack_rows_new(struct kymo_db *db, const struct kymo_filter *filter,
			const struct kymo_stack_measure *measure,
			const struct kymo_stack_book *book, enum kymo_stack_order order,
			struct kymo_stack_rows **ret_rows, struct cap_err *err);
struct kymo_stack_rows *kymo_stack_rows_free(struct kymo_stack_rows *rows);
void kymo_stack_rows_freep(struct kymo_stack_rows **rows); /* for CLEANUP */
/* 1, 0 at the end, or negative. */
int kymo_stack_rows_next(struct kymo_stack_rows *rows, struct kymo_stack_row *ret_row,
			 struct cap_err *err);

struct kymo_stack_sum {
	u32 task, stack;
	u64 count, weight;
};

struct kymo_stack_sums { /* in order of task and stack */
	struct kymo_stack_sum *list;
	size_t count;
};

/* The caller frees ret_sums->list. Memory: what distinct stacks of threads take. */
int kymo_stack_sums_read(struct kymo_db *db, const struct kymo_filter *filter,
			 const struct kymo_stack_measure *measure,
			 const struct kymo_stack_book *book, struct kymo_stack_sums *ret_sums,
			 struct cap_err *err);
void kymo_stack_sums_done(struct kymo_stack_sums *sums); /* for CLEANUP */

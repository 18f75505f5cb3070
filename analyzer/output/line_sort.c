/*
 * A run is what was in memory at once, sorted, in one temporary file. Runs are merged by looking at
 * the first line of each: there are few, since each is as big as the memory.
 */
#include "analyzer/output/line_sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/cleanup.h"

#define MAX_RUNS 512

struct entry {
	u64 time_ns;
	size_t at; /* in text; also the order of adding */
	u32 len;
};

struct head { /* of a line in a file */
	u64 time_ns;
	u32 len;
	u32 reserved;
};

struct run {
	FILE *file; /* NULL: it is at its end */
	struct head head;
	char *text;
	size_t capacity;
};

struct kymo_line_sort {
	struct entry *entries;
	size_t count, capacity;
	char *text;
	size_t used, text_capacity;
	struct run runs[MAX_RUNS];
	size_t run_count;
};

struct kymo_line_sort *kymo_line_sort_new(size_t memory_bytes)
{
	struct kymo_line_sort *sort = calloc(1, sizeof(*sort));

	if (!sort)
		return NULL;
	sort->capacity = memory_bytes / 64 + 16; /* of short lines entries take as much as text */
	sort->text_capacity = memory_bytes;
	sort->entries = malloc(sort->capacity * sizeof(*sort->entries));
	sort->text = malloc(sort->text_capacity);
	return sort->entries && sort->text ? sort : kymo_line_sort_free(sort);
}

struct kymo_line_sort *kymo_line_sort_free(struct kymo_line_sort *sort)
{
	if (!sort)
		return NULL;
	for (size_t i = 0; i < sort->run_count; i++) {
		if (sort->runs[i].file)
			(void)fclose(sort->runs[i].file); /* nobody needs what is in it */
		free(sort->runs[i].text);
	}
	free(sort->entries);
	free(sort->text);
	free(sort);
	return NULL;
}

void kymo_line_sort_freep(struct kymo_line_sort **sort)
{
	*sort = kymo_line_sort_free(*sort);
}

static int by_time(const void *a, const void *b)
{
	const struct entry *first = a, *second = b;

	if (first->time_ns != second->time_ns)
		return first->time_ns < second->time_ns ? -1 : 1;
	return first->at < second->at ? -1 : first->at > second->at;
}

static int write_run(struct kymo_line_sort *sort, struct cap_err *err)
{
	struct run *run = &sort->runs[sort->run_count];

	if (sort->run_count == MAX_RUNS)
		return cap_fail(err, CAP_ELIMIT,
				"more lines than can be sorted: choose a window "
				"with --from and --to");
	run->file = tmpfile();
	if (!run->file)
		return cap_fail_errno(err, errno, "make a temporary file");
	sort->run_count++;
	qsort(sort->entries, sort->count, sizeof(*sort->entries), by_time);
	for (size_t i = 0; i < sort->count; i++) {
		const struct entry *entry = &sort->entries[i];
		const struct head head = {.time_ns = entry->time_ns, .len = entry->len};

		(void)fwrite_unlocked(&head, sizeof(head), 1, run->file);
		(void)fwrite_unlocked(sort->text + entry->at, 1, entry->len, run->file);
	}
	errno = 0;
	if (fflush(run->file) != 0 || ferror(run->file) || fseeko(run->file, 0, SEEK_SET) != 0)
		return cap_fail_errno(err, errno ? errno : EIO, "write a temporary file");
	sort->count = sort->used = 0;
	return 0;
}

int kymo_line_sort_add(struct kymo_line_sort *sort, u64 time_ns, const char *text, size_t len,
		       struct cap_err *err)
{
	int rc = 0;

	if (sort->count > 0 &&
	    (sort->count == sort->capacity || len > sort->text_capacity - sort->used))
		rc = write_run(sort, err);
	if (rc < 0)
		return rc;
	if (len > sort->text_capacity) { /* one line beyond all others */
		char *grown = realloc(sort->text, len);

		if (!grown)
			return cap_fail(err, -ENOMEM, "out of memory for a line");
		sort->text = grown;
		sort->text_capacity = len;
	}
	memcpy(sort->text + sort->used, text, len);
	sort->entries[sort->count++] =
		(struct entry){.time_ns = time_ns, .at = sort->used, .len = (u32)len};
	sort->used += len;
	return 0;
}

/* The next line of a run. 0, or negative. */
static int run_next(struct run *run, struct cap_err *err)
{
	if (fread(&run->head, sizeof(run->head), 1, run->file) != 1) {
		bool failed = ferror(run->file) != 0;

		(void)fclose(run->file);
		run->file = NULL;
		return failed ? cap_fail(err, -EIO, "read a temporary file") : 0;
	}
	if (run->head.len > run->capacity) {
		char *grown = realloc(run->text, run->head.len);

		if (!grown)
			return cap_fail(err, -ENOMEM, "out of memory for a line");
		run->text = grown;
		run->capacity = run->head.len;
	}
	if (fread(run->text, 1, run->head.len, run->file) != run->head.len)
		return cap_fail(err, -EIO, "read a temporary file");
	return 0;
}

static int merge_runs(struct kymo_line_sort *sort, kymo_line_fn fn, void *context,
		      struct cap_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < sort->run_count && rc == 0; i++)
		rc = run_next(&sort->runs[i], err);
	while (rc == 0) {
		struct run *first = NULL; /* of equal ones that which was written first */

		for (size_t i = 0; i < sort->run_count; i++)
			if (sort->runs[i].file &&
			    (!first || sort->runs[i].head.time_ns < first->head.time_ns))
				first = &sort->runs[i];
		if (!first)
			break;
		rc = fn(context, first->head.time_ns, first->text, first->head.len, err);
		if (rc >= 0)
			rc = run_next(first, err);
	}
	return rc;
}

int kymo_line_sort_run(struct kymo_line_sort *sort, kymo_line_fn fn, void *context,
		       struct cap_err *err)
{
	int rc = 0;

	if (sort->run_count > 0) {
		rc = sort->count > 0 ? write_run(sort, err) : 0;
		return rc < 0 ? rc : merge_runs(sort, fn, context, err);
	}
	qsort(sort->entries, sort->count, sizeof(*sort->entries), by_time);
	for (size_t i = 0; i < sort->count && rc >= 0; i++) {
		const struct entry *entry = &sort->entries[i];

		rc = fn(context, entry->time_ns, sort->text + entry->at, entry->len, err);
	}
	sort->count = sort->used = 0;
	return rc < 0 ? rc : 0;
}

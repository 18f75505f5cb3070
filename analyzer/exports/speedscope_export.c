/*
 * speedscope's own format. For each kind of stacks one profile of all threads together, below the
 * names of their processes, then one of each thread in the order of time. Frames are shared by all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/exports/export_formats.h"
#include "analyzer/exports/json_put.h"
#include "analyzer/output/text_spool.h"
#include "formats/base/cleanup.h"

struct speedscope {
	const struct kymo_export *export;
	FILE *out;
	u32 no_stack; /* frame of samples without one; after it the frames of tasks' processes */
	bool first_profile;
	struct kymo_spool weights;
};

static void speedscope_done(struct speedscope *scope)
{
	kymo_spool_done(&scope->weights);
}

static void put_text(FILE *out, const char *text)
{
	kymo_json_string(out, text, strlen(text));
}

static void put_frames(struct speedscope *scope)
{
	const struct kymo_stack_book *book = scope->export->book;
	FILE *out = scope->out;

	(void)fputs("\"shared\":{\"frames\":[\n", out);
	for (u32 i = 0; i < book->frames.count; i++) {
		const struct kymo_book_frame *frame = kymo_book_frame(book, i);
		const struct kymo_book_module *module =
			frame->module == KYMO_BOOK_NONE ? NULL
							: kymo_book_module(book, frame->module);

		(void)fputs("{\"name\":", out);
		kymo_json_string(out, frame->name, frame->name_len);
		if (module) {
			(void)fputs(",\"file\":", out);
			put_text(out, module->path ? module->path : module->name);
		}
		(void)fputs("},\n", out);
	}
	scope->no_stack = (u32)book->frames.count;
	(void)fputs("{\"name\":\"[no stack]\"}", out);
	for (u32 i = 0; i < book->tasks.count; i++) {
		(void)fputs(",\n{\"name\":", out);
		put_text(out, kymo_book_task(book, i)->process);
		(void)fputc('}', out);
	}
	(void)fputs("]},\n", out);
}

/* "[1,2,3]", root first; process: the frame below it, or KYMO_BOOK_NONE. */
static void put_stack(struct speedscope *scope, u32 stack, u32 process)
{
	FILE *out = scope->out;
	u32 path[KYMO_BOOK_MAX_DEPTH];
	size_t depth = kymo_book_path(scope->export->book, stack, path);
	bool first = true;

	(void)fputc_unlocked('[', out);
	if (process != KYMO_BOOK_NONE) {
		kymo_put_comma(out, &first);
		kymo_put_int(out, (s64)scope->no_stack + 1 + process);
	}
	if (depth == 0) {
		kymo_put_comma(out, &first);
		kymo_put_int(out, scope->no_stack);
	}
	while (depth > 0) {
		u32 frame = path[--depth];

		kymo_put_comma(out, &first);
		kymo_put_int(out, frame == KYMO_BOOK_NONE ? scope->no_stack : frame);
	}
	(void)fputc_unlocked(']', out);
}

static const char *unit_of(const struct kymo_stack_measure *measure)
{
	return measure->unit == KYMO_STACK_UNIT_NS	? "nanoseconds"
	       : measure->unit == KYMO_STACK_UNIT_BYTES ? "bytes"
							: "none";
}

static void begin_profile(struct speedscope *scope, const struct kymo_stack_measure *measure,
			  u32 task)
{
	FILE *out = scope->out;
	char name[256];

	if (task == KYMO_BOOK_NONE)
		(void)snprintf(name, sizeof(name), "%s, all threads", measure->of->shown);
	else
		(void)snprintf(name, sizeof(name), "%s: %s %u/%u", measure->of->shown,
			       kymo_book_task(scope->export->book, task)->comm,
			       kymo_book_task(scope->export->book, task)->tgid,
			       kymo_book_task(scope->export->book, task)->tid);
	(void)fputs(scope->first_profile ? "{" : ",\n{", out);
	scope->first_profile = false;
	(void)fputs("\"type\":\"sampled\",\"name\":", out);
	put_text(out, name);
	(void)fprintf(out, ",\"unit\":\"%s\",\"startValue\":0,\"samples\":[", unit_of(measure));
}

static int end_profile(struct speedscope *scope, u64 total, struct cap_err *err)
{
	int rc;

	(void)fputs("],\"weights\":[", scope->out);
	rc = kymo_spool_copy(&scope->weights, scope->out);
	if (rc < 0)
		return cap_fail_errno(err, -rc, "temporary file");
	(void)fprintf(scope->out, "],\"endValue\":%llu}", (unsigned long long)total);
	return 0;
}

static FILE *weights_of(struct speedscope *scope, struct cap_err *err)
{
	FILE *weights = kymo_spool_stream(&scope->weights);

	if (!weights)
		(void)cap_fail_errno(err, errno, "make a temporary file");
	return weights;
}

static int put_all(struct speedscope *scope, const struct kymo_stack_measure *measure,
		   struct cap_err *err)
{
	const struct kymo_export *export = scope->export;
	CLEANUP(kymo_stack_sums_done) struct kymo_stack_sums sums = {0};
	FILE *weights = weights_of(scope, err);
	u64 total = 0;
	int rc;

	if (!weights)
		return -EIO;
	rc = kymo_stack_sums_read(export->db, export->filter, measure, export->book, &sums, err);
	if (rc < 0)
		return rc;
	begin_profile(scope, measure, KYMO_BOOK_NONE);
	for (size_t i = 0; i < sums.count; i++) {
		const struct kymo_stack_sum *sum = &sums.list[i];

		if (i > 0) {
			(void)fputs_unlocked(",\n", scope->out);
			(void)fputc_unlocked(',', weights);
		}
		put_stack(scope, sum->stack, sum->task);
		kymo_put_int(weights, (s64)sum->weight);
		total += sum->weight;
	}
	return end_profile(scope, total, err);
}

static int put_threads(struct speedscope *scope, const struct kymo_stack_measure *measure,
		       struct cap_err *err)
{
	const struct kymo_export *export = scope->export;
	CLEANUP(kymo_stack_rows_freep) struct kymo_stack_rows *rows = NULL;
	FILE *weights = weights_of(scope, err);
	struct kymo_stack_row row;
	u32 task = KYMO_BOOK_NONE;
	u64 total = 0;
	int rc;

	if (!weights)
		return -EIO;
	rc = kymo_stack_rows_new(export->db, export->filter, measure, export->book,
				 KYMO_STACKS_BY_THREAD, &rows, err);
	while (rc == 0 && !ferror(export->out) &&
	       (rc = kymo_stack_rows_next(rows, &row, err)) == 1) {
		rc = 0;
		++*export->written;
		if (row.task == KYMO_BOOK_NONE) /* in the profile of all threads */
			continue;
		if (row.task != task) {
			rc = task == KYMO_BOOK_NONE ? 0 : end_profile(scope, total, err);
			if (rc < 0)
				return rc;
			task = row.task;
			total = 0;
			begin_profile(scope, measure, task);
		} else {
			(void)fputs_unlocked(",\n", scope->out);
			(void)fputc_unlocked(',', weights);
		}
		put_stack(scope, row.stack, KYMO_BOOK_NONE);
		kymo_put_int(weights, (s64)row.weight);
		total += row.weight;
	}
	return rc < 0 || task == KYMO_BOOK_NONE ? rc : end_profile(scope, total, err);
}

int kymo_export_speedscope(const struct kymo_export *export, struct cap_err *err)
{
	CLEANUP(speedscope_done)
	struct speedscope scope = {.export = export, .out = export->out, .first_profile = true};
	const struct kymo_export_facts *facts = export->facts;
	int rc = 0;

	(void)fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
		    "\"exporter\":\"kymo " KYMO_VERSION "\",\n\"name\":",
		    export->out);
	put_text(export->out, facts->name);
	(void)fputs(",\n\"activeProfileIndex\":0,\n\"kymo\":[",
		    export->out); /* readers ignore it */
	for (size_t i = 0; i < facts->line_count; i++) {
		(void)fputs(i > 0 ? ",\n" : "\n", export->out);
		put_text(export->out, facts->lines[i]);
	}
	(void)fputs("],\n", export->out);
	put_frames(&scope);
	(void)fputs("\"profiles\":[\n", export->out);
	for (unsigned i = 0; i < KYMO_STACK_CLASSES && rc == 0; i++) {
		if (!(export->classes >> i & 1))
			continue;
		rc = put_all(&scope, &export->measures[i], err);
		if (rc == 0)
			rc = put_threads(&scope, &export->measures[i], err);
	}
	(void)fputs("\n]}\n", export->out);
	return rc;
}

/*
 * The text of `perf script`, which many tools read: a head line for each sample, then its frames,
 * innermost first. Addresses are offsets in their files; a name cannot hold what would end it
 * early.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/exports/export_formats.h"
#include "analyzer/output/folded_name.h"
#include "analyzer/output/safe_text.h"
#include "analyzer/output/value_format.h"
#include "formats/base/cleanup.h"

struct script {
	const struct kymo_export *export;
	char **frames; /* the line of each frame, made at its first use */
};

static void script_done(struct script *script)
{
	for (size_t i = 0; script->frames && i < script->export->book->frames.count; i++)
		free(script->frames[i]);
	free(script->frames);
}

/* A word: blanks and what else would end it are shown as \xNN. */
static void put_word(FILE *out, const char *text, size_t len, const char *apart)
{
	for (size_t at = 0; at < len;) {
		struct kymo_visible visible = kymo_visible_next(text + at, len - at);

		if (visible.len == 1 && strchr(apart, visible.text[0]))
			(void)fprintf(out, "\\x%02x", (unsigned char)visible.text[0]);
		else
			(void)fwrite_unlocked(visible.text, 1, visible.len, out);
		at += visible.consumed;
	}
}

static void put_frame(FILE *out, const struct kymo_stack_book *book,
		      const struct kymo_book_frame *frame)
{
	const struct kymo_book_module *module =
		frame->module == KYMO_BOOK_NONE ? NULL : kymo_book_module(book, frame->module);

	(void)fprintf(out, "\t%16llx ", (unsigned long long)frame->offset);
	if (frame->named || frame->cut) {
		put_word(out, frame->name, frame->name_len, "\n");
		if (frame->named)
			(void)fprintf(out, "+0x%llx", (unsigned long long)frame->symbol_offset);
	} else {
		(void)fputs("[unknown]", out);
	}
	(void)fputs(" (", out);
	if (frame->kernel)
		(void)fputs("[kernel.kallsyms]", out);
	else if (module)
		put_word(out, module->path ? module->path : module->name,
			 strlen(module->path ? module->path : module->name), " ()");
	else
		(void)fputs("[unknown]", out);
	(void)fputs(")\n", out);
}

/* NULL: no memory. */
static const char *line_of(struct script *script, u32 frame)
{
	size_t len;
	FILE *text;

	if (script->frames[frame])
		return script->frames[frame];
	text = open_memstream(&script->frames[frame], &len);
	if (!text)
		return NULL;
	put_frame(text, script->export->book, kymo_book_frame(script->export->book, frame));
	return fclose(text) == 0 ? script->frames[frame] : NULL;
}

static void put_head(const struct script *script, const struct kymo_stack_row *row,
		     const struct kymo_stack_measure *measure)
{
	FILE *out = script->export->out;
	const struct kymo_book_task *task =
		row->task == KYMO_BOOK_NONE ? NULL
					    : kymo_book_task(script->export->book, row->task);
	const char *comm = task && task->comm[0] ? task->comm : "[unknown]";
	const u64 time_ns = row->time_ns > 0 ? (u64)row->time_ns : 0;

	put_word(out, comm, strlen(comm), " ");
	(void)fprintf(out, " %u/%u [%03u] %llu.%09llu: %llu %s:\n", task ? task->tgid : 0,
		      task ? task->tid : 0, row->cpu, (unsigned long long)(time_ns / 1000000000),
		      (unsigned long long)(time_ns % 1000000000), (unsigned long long)row->weight,
		      measure->event);
}

static int put_sample(struct script *script, const struct kymo_stack_row *row,
		      const struct kymo_stack_measure *measure, struct cap_err *err)
{
	FILE *out = script->export->out;
	u32 path[KYMO_BOOK_MAX_DEPTH];
	size_t depth = kymo_book_path(script->export->book, row->stack, path);

	put_head(script, row, measure);
	for (size_t i = 0; i < depth; i++) {
		const char *line = path[i] == KYMO_BOOK_NONE
					   ? "\t               0 [unknown] ([unknown])\n"
					   : line_of(script, path[i]);

		if (!line)
			return cap_fail(err, -ENOMEM, "out of memory for frames");
		(void)fputs_unlocked(line, out);
	}
	(void)fputc_unlocked('\n', out);
	++*script->export->written;
	return 0;
}

static int put_class(struct script *script, unsigned class, struct cap_err *err)
{
	const struct kymo_export *export = script->export;
	const struct kymo_stack_measure *measure = &export->measures[class];
	CLEANUP(kymo_stack_rows_freep) struct kymo_stack_rows *rows = NULL;
	struct kymo_stack_row row;
	int rc = kymo_stack_rows_new(export->db, export->filter, measure, export->book,
				     KYMO_STACKS_BY_TIME, &rows, err);

	while (rc == 0 && !ferror(export->out) && (rc = kymo_stack_rows_next(rows, &row, err)) == 1)
		rc = put_sample(script, &row, measure, err);
	return rc;
}

int kymo_export_perf_script(const struct kymo_export *export, struct cap_err *err)
{
	CLEANUP(script_done) struct script script = {.export = export};
	int rc = 0;

	script.frames = calloc(export->book->frames.count + 1, sizeof(*script.frames));
	if (!script.frames)
		return cap_fail(err, -ENOMEM, "out of memory for frames");
	(void)fputs("# ========\n", export->out);
	for (size_t i = 0; i < export->facts->line_count; i++)
		(void)fprintf(export->out, "# %s\n", export->facts->lines[i]);
	(void)fputs("# ========\n#\n", export->out);
	for (unsigned i = 0; i < KYMO_STACK_CLASSES && rc == 0; i++)
		if (export->classes >> i & 1)
			rc = put_class(&script, i, err);
	return rc;
}

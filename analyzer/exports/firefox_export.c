/*
 * The processed profile of the Firefox Profiler, version 66: later front ends upgrade it. Names,
 * frames and stacks are tables of columns that all threads share; a thread has columns of samples.
 * Each kind of stacks makes threads of its own, since a thread's samples have one weight type.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/blob_table.h"
#include "analyzer/exports/export_formats.h"
#include "analyzer/exports/json_put.h"
#include "analyzer/output/text_spool.h"
#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"

#define FORMAT_VERSION 66
#define GECKO_VERSION 30   /* of the format that profiles of Firefox itself have; not used here */
#define RESOURCE_LIBRARY 1 /* the front end's type of a resource */

enum category { CATEGORY_OTHER, CATEGORY_USER, CATEGORY_KERNEL };

struct firefox {
	const struct kymo_export *export;
	FILE *out;
	struct kymo_blob_table strings;
	struct cap_word_map functions; /* (name, module) -> number + 1 */
	struct cap_word_slot *function_list;
	u32 *frame_functions; /* of each frame of the book, and of one that the book lacks */
	u32 function_count;
	bool failed; /* no memory */
	struct kymo_spool times, weights, cpu;
};

static void firefox_done(struct firefox *firefox)
{
	kymo_blob_table_done(&firefox->strings);
	cap_word_map_done(&firefox->functions);
	free(firefox->function_list);
	free(firefox->frame_functions);
	kymo_spool_done(&firefox->times);
	kymo_spool_done(&firefox->weights);
	kymo_spool_done(&firefox->cpu);
}

static void put_text(FILE *out, const char *text)
{
	kymo_json_string(out, text, strlen(text));
}

static u32 string_of(struct firefox *firefox, const char *text, size_t len)
{
	s64 number = kymo_blob_add(&firefox->strings, text, len, NULL);

	if (number < 0)
		firefox->failed = true;
	return number < 0 ? 0 : (u32)number;
}

/* -------- what threads share -------- */

/* Functions are names in a module; where a frame has none they stand for its place. */
static int number_functions(struct firefox *firefox)
{
	const struct kymo_stack_book *book = firefox->export->book;

	firefox->frame_functions = calloc(book->frames.count + 1, sizeof(u32));
	firefox->function_list = calloc(book->frames.count + 1, sizeof(*firefox->function_list));
	if (!firefox->frame_functions || !firefox->function_list)
		return -ENOMEM;
	for (u32 i = 0; i <= book->frames.count; i++) {
		bool known = i < book->frames.count;
		const struct kymo_book_frame *frame = known ? kymo_book_frame(book, i) : NULL;
		u32 name = known && frame->name_len > 0
				   ? string_of(firefox, frame->name, frame->name_len)
				   : string_of(firefox, "[unknown]", strlen("[unknown]"));
		u32 module = known ? frame->module : KYMO_BOOK_NONE;
		struct cap_word_slot *slot = cap_word_map_make(&firefox->functions, name, module);

		if (!slot)
			return -ENOMEM;
		if (slot->value == 0) {
			slot->value = firefox->function_count + 1;
			firefox->function_list[firefox->function_count++] = *slot;
		}
		firefox->frame_functions[i] = (u32)slot->value - 1;
	}
	return 0;
}

typedef void (*cell_fn)(const struct firefox *firefox, u32 row);

static void put_column(const struct firefox *firefox, const char *name, u32 rows, cell_fn cell)
{
	(void)fprintf(firefox->out, "\"%s\":[", name);
	for (u32 i = 0; i < rows; i++) {
		if (i > 0)
			(void)fputc_unlocked(',', firefox->out);
		cell(firefox, i);
	}
	(void)fputs("],\n", firefox->out);
}

static void put_null(const struct firefox *firefox, u32 row)
{
	(void)row;
	(void)fputs_unlocked("null", firefox->out);
}

static void put_zero(const struct firefox *firefox, u32 row)
{
	(void)row;
	(void)fputc_unlocked('0', firefox->out);
}

static void put_false(const struct firefox *firefox, u32 row)
{
	(void)row;
	(void)fputs_unlocked("false", firefox->out);
}

static void stack_frame(const struct firefox *firefox, u32 row)
{
	u32 frame = kymo_book_stack(firefox->export->book, row)->frame;

	kymo_put_int(firefox->out,
		     frame == KYMO_BOOK_NONE ? (s64)firefox->export->book->frames.count : frame);
}

/* How far back its caller stands; 0: it has none. */
static void stack_prefix(const struct firefox *firefox, u32 row)
{
	u32 parent = kymo_book_stack(firefox->export->book, row)->parent;

	kymo_put_int(firefox->out, parent == KYMO_BOOK_NONE ? 0 : row - parent);
}

static const struct kymo_book_frame *frame_at(const struct firefox *firefox, u32 row)
{
	const struct kymo_stack_book *book = firefox->export->book;

	return row < book->frames.count ? kymo_book_frame(book, row) : NULL;
}

static void frame_address(const struct firefox *firefox, u32 row)
{
	const struct kymo_book_frame *frame = frame_at(firefox, row);

	/* JSON numbers are exact up to 2^53, and front ends keep 32 bits */
	kymo_put_int(firefox->out,
		     frame && frame->known && frame->offset <= INT32_MAX ? (s64)frame->offset : -1);
}

static void frame_category(const struct firefox *firefox, u32 row)
{
	const struct kymo_book_frame *frame = frame_at(firefox, row);

	kymo_put_int(firefox->out, !frame || frame->cut ? CATEGORY_OTHER
				   : frame->kernel	? CATEGORY_KERNEL
							: CATEGORY_USER);
}

static void frame_function(const struct firefox *firefox, u32 row)
{
	kymo_put_int(firefox->out, firefox->frame_functions[row]);
}

static void function_name(const struct firefox *firefox, u32 row)
{
	kymo_put_int(firefox->out, (s64)firefox->function_list[row].a);
}

static void function_resource(const struct firefox *firefox, u32 row)
{
	u64 module = firefox->function_list[row].b;

	kymo_put_int(firefox->out, module == KYMO_BOOK_NONE ? -1 : (s64)module);
}

static void resource_name(const struct firefox *firefox, u32 row)
{
	const struct kymo_book_module *module = kymo_book_module(firefox->export->book, row);
	struct firefox *writable = (struct firefox *)(uintptr_t)firefox;

	kymo_put_int(firefox->out, string_of(writable, module->name, strlen(module->name)));
}

static void resource_lib(const struct firefox *firefox, u32 row)
{
	kymo_put_int(firefox->out, row);
}

static void resource_type(const struct firefox *firefox, u32 row)
{
	(void)row;
	kymo_put_int(firefox->out, RESOURCE_LIBRARY);
}

static void put_stack_table(const struct firefox *firefox)
{
	u32 rows = (u32)firefox->export->book->stacks.count;

	(void)fputs("\"stackTable\":{", firefox->out);
	put_column(firefox, "frame", rows, stack_frame);
	put_column(firefox, "prefixOffset", rows, stack_prefix);
	(void)fprintf(firefox->out, "\"length\":%u},\n", rows);
}

static void put_frame_table(const struct firefox *firefox)
{
	u32 rows = (u32)firefox->export->book->frames.count + 1;

	(void)fputs("\"frameTable\":{", firefox->out);
	put_column(firefox, "address", rows, frame_address);
	put_column(firefox, "inlineDepth", rows, put_zero);
	put_column(firefox, "category", rows, frame_category);
	put_column(firefox, "subcategory", rows, put_zero);
	put_column(firefox, "func", rows, frame_function);
	put_column(firefox, "nativeSymbol", rows, put_null);
	put_column(firefox, "innerWindowID", rows, put_null);
	put_column(firefox, "line", rows, put_null);
	put_column(firefox, "column", rows, put_null);
	put_column(firefox, "originalLocation", rows, put_null);
	(void)fprintf(firefox->out, "\"length\":%u},\n", rows);
}

static void put_function_table(const struct firefox *firefox)
{
	u32 rows = firefox->function_count;

	(void)fputs("\"funcTable\":{", firefox->out);
	put_column(firefox, "name", rows, function_name);
	put_column(firefox, "isJS", rows, put_false);
	put_column(firefox, "relevantForJS", rows, put_false);
	put_column(firefox, "resource", rows, function_resource);
	put_column(firefox, "source", rows, put_null);
	put_column(firefox, "lineNumber", rows, put_null);
	put_column(firefox, "columnNumber", rows, put_null);
	put_column(firefox, "originalLocation", rows, put_null);
	(void)fprintf(firefox->out, "\"length\":%u},\n", rows);
}

static void put_resource_table(const struct firefox *firefox)
{
	u32 rows = (u32)firefox->export->book->modules.count;

	(void)fputs("\"resourceTable\":{", firefox->out);
	put_column(firefox, "lib", rows, resource_lib);
	put_column(firefox, "name", rows, resource_name);
	put_column(firefox, "host", rows, put_null);
	put_column(firefox, "type", rows, resource_type);
	(void)fprintf(firefox->out, "\"length\":%u},\n", rows);
}

static void put_strings(const struct firefox *firefox)
{
	(void)fputs("\"stringArray\":[", firefox->out);
	for (u32 i = 0; i < firefox->strings.count; i++) {
		size_t len = 0;
		const char *text = kymo_blob_get(&firefox->strings, i, &len);

		(void)fputs(i > 0 ? ",\n" : "\n", firefox->out);
		kymo_json_string(firefox->out, text, len);
	}
	(void)fputs("]", firefox->out);
}

static void put_shared(const struct firefox *firefox)
{
	(void)fputs("\"shared\":{\n", firefox->out);
	put_stack_table(firefox);
	put_frame_table(firefox);
	put_function_table(firefox);
	put_resource_table(firefox);
	(void)fputs("\"nativeSymbols\":{\"libIndex\":[],\"address\":[],\"name\":[],"
		    "\"functionSize\":[],\"length\":0},\n"
		    "\"sources\":{\"id\":[],\"filename\":[],\"startLine\":[],\"startColumn\":[],"
		    "\"sourceMapURL\":[],\"content\":[],\"length\":0},\n"
		    "\"sourceLocationTable\":{\"source\":[],\"line\":[],\"column\":[],"
		    "\"length\":0},\n",
		    firefox->out);
	put_strings(firefox);
	(void)fputs("},\n", firefox->out);
}

static void put_libs(const struct firefox *firefox)
{
	const struct kymo_stack_book *book = firefox->export->book;
	FILE *out = firefox->out;

	(void)fputs("\"libs\":[", out);
	for (u32 i = 0; i < book->modules.count; i++) {
		const struct kymo_book_module *module = kymo_book_module(book, i);
		const char *path = module->path ? module->path : module->name;

		(void)fputs(i > 0 ? ",\n{\"arch\":\"\",\"name\":" : "\n{\"arch\":\"\",\"name\":",
			    out);
		put_text(out, module->name);
		(void)fputs(",\"path\":", out);
		put_text(out, path);
		(void)fputs(",\"debugName\":", out);
		put_text(out, module->name);
		(void)fputs(",\"debugPath\":", out);
		put_text(out, path);
		(void)fputs(",\"breakpadId\":\"\",\"codeId\":", out);
		if (module->build_id)
			put_text(out, module->build_id);
		else
			(void)fputs("null", out);
		(void)fputc('}', out);
	}
	(void)fputs("],\n", out);
}

static void put_meta(const struct firefox *firefox)
{
	const struct kymo_export_facts *facts = firefox->export->facts;
	FILE *out = firefox->out;

	(void)fputs("\"meta\":{\"interval\":", out);
	kymo_put_ms(out, facts->sample_hz > 0 ? 1000000000 / facts->sample_hz : 1000000);
	(void)fputs(",\"startTime\":", out);
	kymo_put_ms(out, facts->start_realtime_ns);
	(void)fprintf(out,
		      ",\"processType\":0,\"stackwalk\":1,\"version\":%d,"
		      "\"preprocessedProfileVersion\":%d,\"symbolicated\":true,"
		      "\"symbolicationNotSupported\":true,\"usesOnlyOneStackType\":true,"
		      "\"sourceCodeIsNotOnSearchfox\":true,\"markerSchema\":[],"
		      "\"platform\":\"Linux\",\"sampleUnits\":{\"time\":\"ms\","
		      "\"eventDelay\":\"ms\",\"threadCPUDelta\":\"ns\"},\"importedFrom\":"
		      "\"kymo " KYMO_VERSION "\","
		      "\"logicalCPUs\":%lld,\"product\":",
		      GECKO_VERSION, FORMAT_VERSION, (long long)facts->cpu_count);
	put_text(out, facts->name);
	(void)fputs(",\"oscpu\":", out);
	put_text(out, facts->kernel);
	(void)fputs(",\n\"categories\":["
		    "{\"name\":\"Other\",\"color\":\"grey\",\"subcategories\":[\"Other\"]},"
		    "{\"name\":\"User\",\"color\":\"yellow\",\"subcategories\":[\"Other\"]},"
		    "{\"name\":\"Kernel\",\"color\":\"orange\",\"subcategories\":[\"Other\"]}],\n"
		    "\"extra\":[{\"label\":\"kymo\",\"entries\":[",
		    out);
	for (size_t i = 0; i < facts->line_count; i++) {
		(void)fprintf(out, "%s\n{\"label\":\"%s\",\"format\":\"string\",\"value\":",
			      i > 0 ? "," : "", i == 0 ? "Capture" : "Note");
		put_text(out, facts->lines[i]);
		(void)fputc('}', out);
	}
	(void)fputs("]}]},\n", out);
}

/* -------- threads -------- */

/* Samples of CPU time: the front end draws them as such, too. */
static bool is_of_cpu(const struct kymo_stack_measure *measure)
{
	return measure->of == kymo_stack_class(KYMO_STACKS_cpu);
}

static bool tells_cpu_time(const struct kymo_stack_measure *measure)
{
	return is_of_cpu(measure) && measure->unit == KYMO_STACK_UNIT_NS;
}

static void begin_thread(struct firefox *firefox, const struct kymo_stack_measure *measure,
			 u32 task_number)
{
	const struct kymo_book_task *task =
		task_number == KYMO_BOOK_NONE ? NULL
					      : kymo_book_task(firefox->export->book, task_number);
	bool is_cpu = is_of_cpu(measure);
	char name[128];
	FILE *out = firefox->out;

	(void)snprintf(name, sizeof(name), is_cpu ? "%s" : "%s (%s)",
		       task ? task->comm : "[unknown]", measure->of->shown);
	(void)fputs("{\"processType\":\"default\",\"processStartupTime\":0,"
		    "\"processShutdownTime\":null,\"registerTime\":0,\"unregisterTime\":null,"
		    "\"pausedRanges\":[],\"name\":",
		    out);
	put_text(out, name);
	(void)fputs(",\"processName\":", out);
	put_text(out, task ? task->process : "[unknown]");
	(void)fprintf(out, ",\"isMainThread\":%s,\"pid\":\"%u\",\"tid\":%u,\n",
		      task && task->tid == task->tgid && is_cpu ? "true" : "false",
		      task ? task->tgid : 0, task ? task->tid : 0);
	(void)fputs("\"markers\":{\"data\":[],\"name\":[],\"startTime\":[],\"endTime\":[],"
		    "\"phase\":[],\"category\":[],\"length\":0},\n\"samples\":{",
		    out);
	(void)fprintf(out, "\"weightType\":\"%s\",\"stack\":[",
		      !measure->varies			       ? "samples"
		      : measure->unit == KYMO_STACK_UNIT_NS    ? "tracing-ms"
		      : measure->unit == KYMO_STACK_UNIT_BYTES ? "bytes"
							       : "samples");
}

static int end_thread(struct firefox *firefox, const struct kymo_stack_measure *measure, u64 rows,
		      struct cap_err *err)
{
	FILE *out = firefox->out;
	int rc;

	(void)fputs("],\n\"time\":[", out);
	rc = kymo_spool_copy(&firefox->times, out);
	(void)fputs(measure->varies ? "],\n\"weight\":[" : "],\n\"weight\":null", out);
	if (rc == 0 && measure->varies)
		rc = kymo_spool_copy(&firefox->weights, out);
	(void)fputs(measure->varies ? "]" : "", out);
	if (tells_cpu_time(measure)) {
		(void)fputs(",\n\"threadCPUDelta\":[", out);
		rc = kymo_spool_copy(&firefox->cpu, out);
		(void)fputs("]", out);
	}
	if (rc < 0)
		return cap_fail_errno(err, -rc, "temporary file");
	(void)fprintf(out, ",\n\"length\":%llu}}", (unsigned long long)rows);
	return 0;
}

static void put_weight(FILE *out, const struct kymo_stack_measure *measure, u64 weight)
{
	if (measure->unit == KYMO_STACK_UNIT_NS)
		kymo_put_ms(out, (s64)weight);
	else
		kymo_put_int(out, (s64)weight);
}

static void put_sample(struct firefox *firefox, const struct kymo_stack_measure *measure,
		       const struct kymo_stack_row *row, bool first)
{
	FILE *times = firefox->times.file, *weights = firefox->weights.file,
	     *cpu = firefox->cpu.file;

	if (!first) {
		(void)fputc_unlocked(',', firefox->out);
		(void)fputc_unlocked(',', times);
		if (measure->varies)
			(void)fputc_unlocked(',', weights);
		if (tells_cpu_time(measure))
			(void)fputc_unlocked(',', cpu);
	}
	if (row->stack == KYMO_BOOK_NONE)
		put_null(firefox, 0);
	else
		kymo_put_int(firefox->out, row->stack);
	kymo_put_ms(times, row->time_ns - firefox->export->facts->start_ns);
	if (measure->varies)
		put_weight(weights, measure, row->weight);
	if (tells_cpu_time(measure))
		kymo_put_int(cpu, (s64)row->weight);
}

static int put_class(struct firefox *firefox, const struct kymo_stack_measure *measure,
		     bool *first_thread, struct cap_err *err)
{
	const struct kymo_export *export = firefox->export;
	CLEANUP(kymo_stack_rows_freep) struct kymo_stack_rows *rows = NULL;
	struct kymo_stack_row row;
	u32 task = KYMO_BOOK_NONE;
	u64 count = 0;
	int rc = kymo_stack_rows_new(export->db, export->filter, measure, export->book,
				     KYMO_STACKS_BY_THREAD, &rows, err);

	while (rc == 0 && !ferror(export->out) &&
	       (rc = kymo_stack_rows_next(rows, &row, err)) == 1) {
		rc = 0;
		++*export->written;
		if (count == 0 || row.task != task) {
			rc = count == 0 ? 0 : end_thread(firefox, measure, count, err);
			if (rc < 0)
				return rc;
			if (!*first_thread)
				(void)fputs(",\n", firefox->out);
			*first_thread = false;
			begin_thread(firefox, measure, row.task);
			task = row.task;
			count = 0;
		}
		put_sample(firefox, measure, &row, count == 0);
		count++;
	}
	return rc < 0 || count == 0 ? rc : end_thread(firefox, measure, count, err);
}

int kymo_export_firefox(const struct kymo_export *export, struct cap_err *err)
{
	CLEANUP(firefox_done) struct firefox firefox = {.export = export, .out = export->out};
	bool first_thread = true;
	int rc = number_functions(&firefox);

	for (u32 i = 0; i < export->book->modules.count; i++) { /* strings come before their use */
		const char *name = kymo_book_module(export->book, i)->name;

		(void)string_of(&firefox, name, strlen(name));
	}
	if (rc < 0 || firefox.failed)
		return cap_fail(err, -ENOMEM, "out of memory for the profile");
	if (!kymo_spool_stream(&firefox.times) || !kymo_spool_stream(&firefox.weights) ||
	    !kymo_spool_stream(&firefox.cpu))
		return cap_fail_errno(err, errno, "make a temporary file");
	(void)fputc('{', export->out);
	put_meta(&firefox);
	put_libs(&firefox);
	put_shared(&firefox);
	(void)fputs("\"threads\":[\n", export->out);
	for (unsigned i = 0; i < KYMO_STACK_CLASSES && rc == 0; i++)
		if (export->classes >> i & 1)
			rc = put_class(&firefox, &export->measures[i], &first_thread, err);
	(void)fputs("\n]}\n", export->out);
	return rc;
}

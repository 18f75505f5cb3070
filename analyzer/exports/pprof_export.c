/*
 * pprof: a gzip file of one protocol buffer (profile.proto of google/pprof; the numbers below are
 * its own). A sample is a stack of one thread; each kind of stacks has two sample types, how many
 * and how much. Strings come last, since their numbers are given out on the way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/blob_table.h"
#include "analyzer/exports/export_formats.h"
#include "analyzer/output/gzip_stream.h"
#include "analyzer/output/proto_writer.h"
#include "formats/base/cleanup.h"

enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING_TABLE = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,
};
enum value_type_field { TYPE_TYPE = 1, TYPE_UNIT = 2 };
enum sample_field { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum label_field { LABEL_KEY = 1, LABEL_STR = 2, LABEL_NUM = 3 };
enum mapping_field {
	MAPPING_ID = 1,
	MAPPING_MEMORY_START = 2,
	MAPPING_MEMORY_LIMIT = 3,
	MAPPING_FILENAME = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
};
enum location_field {
	LOCATION_ID = 1,
	LOCATION_MAPPING_ID = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
};
enum line_field { LINE_FUNCTION_ID = 1 };
enum function_field { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3 };

struct pprof {
	const struct kymo_export *export;
	struct kymo_proto proto;
	struct kymo_blob_table strings, functions;
	bool failed; /* memory for them ran out */
	FILE *out;
	u32 no_stack; /* number of the location of samples without a stack: after all frames' */
};

static void pprof_done(struct pprof *pprof)
{
	kymo_proto_done(&pprof->proto);
	kymo_blob_table_done(&pprof->strings);
	kymo_blob_table_done(&pprof->functions);
}

static u64 number_in(struct pprof *pprof, struct kymo_blob_table *table, const char *text,
		     size_t len, bool *ret_new)
{
	s64 number = kymo_blob_add(table, text, len, ret_new);

	if (number < 0)
		pprof->failed = true;
	return number < 0 ? 0 : (u64)number;
}

static u64 number_of(struct pprof *pprof, const char *text)
{
	return number_in(pprof, &pprof->strings, text, strlen(text), NULL);
}

static void put_value_type(struct pprof *pprof, unsigned field, const char *type, const char *unit)
{
	kymo_proto_begin(&pprof->proto, field);
	kymo_proto_uint(&pprof->proto, TYPE_TYPE, number_of(pprof, type));
	kymo_proto_uint(&pprof->proto, TYPE_UNIT, number_of(pprof, unit));
	kymo_proto_end(&pprof->proto);
}

static void put_head(struct pprof *pprof)
{
	const struct kymo_export *export = pprof->export;
	const struct kymo_export_facts *facts = export->facts;
	const struct kymo_stack_measure *first = NULL;
	s64 from = export->filter->has_from && export->filter->from_ns > facts->start_ns
			   ? export->filter->from_ns
			   : facts->start_ns,
	    to = export->filter->has_to && export->filter->to_ns < facts->end_ns
			 ? export->filter->to_ns
			 : facts->end_ns;

	for (size_t i = 0; i < KYMO_STACK_CLASSES; i++) {
		const struct kymo_stack_measure *measure = &export->measures[i];

		if (!(export->classes >> i & 1))
			continue;
		put_value_type(pprof, PROFILE_SAMPLE_TYPE, measure->of->count, "count");
		put_value_type(pprof, PROFILE_SAMPLE_TYPE, measure->of->weight,
			       kymo_stack_unit_name(measure->unit));
		first = first ? first : measure;
	}
	kymo_proto_uint(&pprof->proto, PROFILE_TIME_NANOS,
			(u64)(facts->start_realtime_ns + (from - facts->start_ns)));
	kymo_proto_uint(&pprof->proto, PROFILE_DURATION_NANOS, to > from ? (u64)(to - from) : 0);
	if (first) {
		put_value_type(pprof, PROFILE_PERIOD_TYPE, first->of->weight,
			       kymo_stack_unit_name(first->unit));
		kymo_proto_uint(&pprof->proto, PROFILE_PERIOD, first->typical);
		/* else it is the last type */
		kymo_proto_uint(&pprof->proto, PROFILE_DEFAULT_SAMPLE_TYPE,
				number_of(pprof, first->of->weight));
	}
	for (size_t i = 0; i < facts->line_count; i++)
		kymo_proto_uint(&pprof->proto, PROFILE_COMMENT, number_of(pprof, facts->lines[i]));
}

static void put_mappings(struct pprof *pprof)
{
	const struct kymo_stack_book *book = pprof->export->book;

	for (u32 i = 0; i < book->modules.count; i++) {
		const struct kymo_book_module *module = kymo_book_module(book, i);
		const char *file = module->path ? module->path : module->name;

		kymo_proto_begin(&pprof->proto, PROFILE_MAPPING);
		kymo_proto_uint(&pprof->proto, MAPPING_ID, i + 1);
		/* Addresses here are offsets in the file: each has all that there are. */
		kymo_proto_uint(&pprof->proto, MAPPING_MEMORY_START, 0);
		kymo_proto_uint(&pprof->proto, MAPPING_MEMORY_LIMIT, UINT64_MAX);
		kymo_proto_uint(&pprof->proto, MAPPING_FILENAME, number_of(pprof, file));
		if (module->build_id)
			kymo_proto_uint(&pprof->proto, MAPPING_BUILD_ID,
					number_of(pprof, module->build_id));
		kymo_proto_uint(&pprof->proto, MAPPING_HAS_FUNCTIONS, 1); /* do not look for more */
		kymo_proto_end(&pprof->proto);
	}
}

/* The function of that name, which is written when it is new. */
static u64 function_of(struct pprof *pprof, const char *name, size_t len)
{
	bool is_new = false;
	u64 string, function;

	if (len == 0) { /* number 0 means none */
		name = "[unknown]";
		len = strlen(name);
	}
	string = number_in(pprof, &pprof->strings, name, len, NULL);
	function = number_in(pprof, &pprof->functions, name, len, &is_new);
	if (!is_new)
		return function;
	kymo_proto_begin(&pprof->proto, PROFILE_FUNCTION);
	kymo_proto_uint(&pprof->proto, FUNCTION_ID, function);
	kymo_proto_uint(&pprof->proto, FUNCTION_NAME, string);
	kymo_proto_uint(&pprof->proto, FUNCTION_SYSTEM_NAME, string);
	kymo_proto_end(&pprof->proto);
	return function;
}

static void put_location(struct pprof *pprof, u64 id, u32 module, u64 address, u64 function)
{
	kymo_proto_begin(&pprof->proto, PROFILE_LOCATION);
	kymo_proto_uint(&pprof->proto, LOCATION_ID, id);
	if (module != KYMO_BOOK_NONE)
		kymo_proto_uint(&pprof->proto, LOCATION_MAPPING_ID, (u64)module + 1);
	kymo_proto_uint(&pprof->proto, LOCATION_ADDRESS, address);
	kymo_proto_begin(&pprof->proto, LOCATION_LINE);
	kymo_proto_uint(&pprof->proto, LINE_FUNCTION_ID, function);
	kymo_proto_end(&pprof->proto);
	kymo_proto_end(&pprof->proto);
}

static int put_locations(struct pprof *pprof)
{
	const struct kymo_stack_book *book = pprof->export->book;
	int rc = 0;

	for (u32 i = 0; i < book->frames.count && rc == 0; i++) {
		const struct kymo_book_frame *frame = kymo_book_frame(book, i);
		u64 function = function_of(pprof, frame->name, frame->name_len);

		put_location(pprof, (u64)i + 1, frame->module, frame->offset, function);
		rc = kymo_proto_flush(&pprof->proto, pprof->out);
	}
	pprof->no_stack = (u32)book->frames.count + 1;
	put_location(pprof, pprof->no_stack, KYMO_BOOK_NONE, 0,
		     function_of(pprof, "[no stack]", strlen("[no stack]")));
	return rc;
}

static void put_label(struct pprof *pprof, const char *key, const char *text, u64 number)
{
	kymo_proto_begin(&pprof->proto, SAMPLE_LABEL);
	kymo_proto_uint(&pprof->proto, LABEL_KEY, number_of(pprof, key));
	if (text)
		kymo_proto_uint(&pprof->proto, LABEL_STR, number_of(pprof, text));
	else
		kymo_proto_uint(&pprof->proto, LABEL_NUM, number);
	kymo_proto_end(&pprof->proto);
}

/* The values of other classes' sample types are 0. */
static void put_sample(struct pprof *pprof, const struct kymo_stack_sum *sum, unsigned class)
{
	const struct kymo_stack_book *book = pprof->export->book;
	u32 path[KYMO_BOOK_MAX_DEPTH];
	size_t depth = kymo_book_path(book, sum->stack, path);

	kymo_proto_begin(&pprof->proto, PROFILE_SAMPLE);
	kymo_proto_begin(&pprof->proto, SAMPLE_LOCATION_ID);
	for (size_t i = 0; i < depth; i++)
		kymo_proto_packed(&pprof->proto,
				  path[i] == KYMO_BOOK_NONE ? pprof->no_stack : (u64)path[i] + 1);
	if (depth == 0)
		kymo_proto_packed(&pprof->proto, pprof->no_stack);
	kymo_proto_end(&pprof->proto);
	kymo_proto_begin(&pprof->proto, SAMPLE_VALUE);
	for (unsigned i = 0; i < KYMO_STACK_CLASSES; i++) {
		if (!(pprof->export->classes >> i & 1))
			continue;
		kymo_proto_packed(&pprof->proto, i == class ? sum->count : 0);
		kymo_proto_packed(&pprof->proto, i == class ? sum->weight : 0);
	}
	kymo_proto_end(&pprof->proto);
	if (sum->task != KYMO_BOOK_NONE) {
		const struct kymo_book_task *task = kymo_book_task(book, sum->task);

		put_label(pprof, "process", task->process, 0);
		put_label(pprof, "thread", task->comm, 0);
		put_label(pprof, "pid", NULL, task->tgid);
		put_label(pprof, "tid", NULL, task->tid);
	}
	kymo_proto_end(&pprof->proto);
}

static int put_class(struct pprof *pprof, unsigned class, struct cap_err *err)
{
	const struct kymo_export *export = pprof->export;
	CLEANUP(kymo_stack_sums_done) struct kymo_stack_sums sums = {0};
	int rc = kymo_stack_sums_read(export->db, export->filter, &export->measures[class],
				      export->book, &sums, err);

	for (size_t i = 0; i < sums.count && rc == 0; i++) {
		put_sample(pprof, &sums.list[i], class);
		*export->written += sums.list[i].count;
		rc = kymo_proto_flush(&pprof->proto, pprof->out);
	}
	return rc;
}

static int put_strings(struct pprof *pprof)
{
	int rc = 0;

	for (u32 i = 0; i < pprof->strings.count && rc == 0; i++) { /* number 0 is "" */
		size_t len = 0;
		const char *text = kymo_blob_get(&pprof->strings, i, &len);

		kymo_proto_name(&pprof->proto, PROFILE_STRING_TABLE, text, len);
		rc = kymo_proto_flush(&pprof->proto, pprof->out);
	}
	return rc;
}

static int put_profile(struct pprof *pprof, struct cap_err *err)
{
	int rc;

	put_head(pprof);
	put_mappings(pprof);
	rc = put_locations(pprof);
	for (unsigned i = 0; i < KYMO_STACK_CLASSES && rc == 0; i++)
		if (pprof->export->classes >> i & 1)
			rc = put_class(pprof, i, err);
	if (rc == 0)
		rc = put_strings(pprof);
	if (rc == 0 && (pprof->failed || pprof->proto.failed))
		rc = -ENOMEM;
	return rc == -ENOMEM ? cap_fail(err, rc, "out of memory for the profile") : rc;
}

int kymo_export_pprof(const struct kymo_export *export, struct cap_err *err)
{
	CLEANUP(pprof_done) struct pprof pprof = {.export = export};
	int rc, close_rc;

	if (kymo_gzip_open(export->out, &pprof.out) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	rc = put_profile(&pprof, err);
	close_rc = kymo_gzip_close(pprof.out);
	return rc == 0 && close_rc < 0 ? cap_fail_errno(err, -close_rc, "write the profile") : rc;
}

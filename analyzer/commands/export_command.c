/* kymo export: a capture for other tools. The formats are in analyzer/exports/. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/exports/export_formats.h"
#include "analyzer/exports/slices.h"
#include "analyzer/exports/table_export.h"
#include "analyzer/output/result_file.h"
#include "analyzer/reports/loss_note.h"
#include "formats/base/cleanup.h"
#include "formats/base/near_word.h"

#define OUTPUT_BYTES (256u << 10)

struct export_options {
	const struct kymo_export_format *format;
	const char *table;
	const char *output; /* NULL: stdout */
	unsigned classes;   /* of stacks; 0: those of the format */
	bool all_kinds;	    /* not chosen by --stacks */
	bool force;
};

static int set_format(void *own, const char *value, struct cap_err *err)
{
	struct export_options *options = own;
	char names[256] = "";
	size_t used = 0;

	options->format = kymo_export_format_find(value);
	if (options->format)
		return 0;
	for (size_t i = 0; i < kymo_export_format_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 i > 0 ? ", " : "", kymo_export_formats[i].name);
	return cap_fail(err, CAP_EUSAGE, "unknown format '%s' (known: %s)", value, names);
}

static int set_table(void *own, const char *value, struct cap_err *err)
{
	char sql[KYMO_TABLE_SQL_BYTES];

	((struct export_options *)own)->table = value;
	return kymo_table_sql(value, sql, err);
}

static int set_stacks(void *own, const char *value, struct cap_err *err)
{
	return kymo_stack_classes_parse(value, &((struct export_options *)own)->classes, err);
}

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct export_options *)own)->output = strcmp(value, "-") == 0 ? NULL : value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct export_options *)own)->force = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_EXPORT
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

/* Formats, tables and kinds of stacks that do not go together. */
static int settle(struct export_options *own, struct cap_err *err)
{
	if (!own->format && own->table)
		own->format = kymo_export_format_find("ndjson");
	if (!own->format)
		return cap_fail(err, CAP_EUSAGE,
				"give a format: --format pprof, speedscope, "
				"firefox, perfetto, perf-script or folded, or "
				"--table NAME");
	if (own->format->stacks == KYMO_EXPORT_NONE) {
		if (!own->table)
			return cap_fail(
				err, CAP_EUSAGE,
				"--format %s needs --table NAME; `kymo schema` lists tables "
				"and views",
				own->format->name);
		return own->classes ? cap_fail(err, CAP_EUSAGE,
					       "--stacks and --table exclude each other")
				    : 0;
	}
	if (own->table)
		return cap_fail(err, CAP_EUSAGE, "--table is for --format ndjson and csv, not %s",
				own->format->name);
	own->all_kinds = !own->classes;
	if (!own->classes)
		own->classes = own->format->stacks == KYMO_EXPORT_ALL
				       ? (1u << KYMO_STACK_CLASSES) - 1
				       : 1u << KYMO_STACKS_cpu;
	if (strcmp(own->format->name, "folded") == 0 && own->classes & (own->classes - 1))
		return cap_fail(err, CAP_EUSAGE,
				"folded stacks hold one kind: give --stacks one name");
	return 0;
}

/* The events that are written: notes tell what is missing of them. */
static unsigned about_of(const struct export_options *own)
{
	unsigned about = 0;

	if (own->format->stacks == KYMO_EXPORT_NONE)
		return (unsigned)KYMO_ABOUT_ALL;
	for (unsigned i = 0; i < KYMO_STACK_CLASSES; i++)
		if (own->classes >> i & 1)
			about |= kymo_stack_class(i)->about;
	if (strcmp(own->format->name, "perfetto") == 0)
		about |= kymo_export_slice_classes();
	return about;
}

static int open_input(const struct kymo_run *run, struct kymo_common *common, const char *path,
		      const struct export_options *own, struct kymo_db **ret_db,
		      struct cap_err *err)
{
	struct kymo_input_needs needs = {.needs = KYMO_NEED_STACKS, .sorts_all = true};
	char sql[KYMO_TABLE_SQL_BYTES];

	if (own->table) {
		if (kymo_table_sql(own->table, sql, err) < 0)
			return CAP_EUSAGE;
		needs.question = sql;
	}
	return kymo_input_open(run, common, path, &needs, ret_db, err);
}

/* What was not recorded makes no empty sample types, unless it was asked for. */
static int drop_unrecorded(struct kymo_export *export, struct cap_err *err)
{
	unsigned there = 0;

	for (unsigned i = 0; i < KYMO_STACK_CLASSES; i++) {
		CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
		char sql[128];
		int rc;

		(void)snprintf(sql, sizeof(sql), "SELECT 1 FROM %s LIMIT 1",
			       kymo_stack_class(i)->table);
		rc = kymo_query_new(kymo_db_handle(export->db), sql, &query, err);
		if (rc == 0)
			rc = kymo_query_step(query, err);
		if (rc < 0)
			return rc;
		there |= (unsigned)rc << i;
	}
	if (export->classes & there)
		export->classes &= there;
	return 0;
}

static int write_stacks(struct kymo_export *export, const struct kymo_export_format *format,
			bool all_kinds, struct cap_err *err)
{
	CLEANUP(kymo_stack_book_done) struct kymo_stack_book book = {0};
	struct kymo_stack_measure measures[KYMO_STACK_CLASSES] = {0};
	int rc;

	if (export->facts->capture_count > 1 && strcmp(format->name, "folded") != 0)
		return cap_fail(err, CAP_EUSAGE,
				"the database holds %lld captures, which have no time in common: "
				"choose one with --capture",
				(long long)export->facts->capture_count);
	rc = all_kinds ? drop_unrecorded(export, err) : 0;
	if (rc == 0)
		rc = kymo_stack_book_read(export->db, export->filter,
					  KYMO_BOOK_MODULES | KYMO_BOOK_TASKS, &book, err);
	for (unsigned i = 0; i < KYMO_STACK_CLASSES && rc == 0; i++)
		if (export->classes >> i & 1)
			rc = kymo_stack_measure(export->db, export->filter, i, &measures[i], err);
	if (rc < 0)
		return rc;
	export->book = &book;
	export->measures = measures;
	return format->write(export, err);
}

/* What was written, and, to a person at a terminal, what opens it. */
static void say_done(const struct kymo_run *run, const struct kymo_common *common,
		     const struct export_options *own, u64 written)
{
	const char *tool = own->format->opens;

	if (written == 0)
		run->note(run, "nothing was exported: %s",
			  !kymo_filter_is_open(&common->filter) ? "nothing matches the filters"
			  : own->table				? "the table is empty"
								: "the capture has no such events");
	else if (own->output && run->stderr_is_tty && !common->quiet)
		run->note(run, "wrote '%s', for %s", own->output, tool);
}

/* Has all arrived? A write that failed long ago no longer tells why: one more does. */
static int check_output(FILE *out, struct cap_err *err)
{
	int rc = kymo_output_error(out);

	if (rc == -EIO && write(fileno(out), "\n", 1) < 0)
		rc = -errno;
	return rc == 0 ? 0 : cap_fail_errno(err, -rc, "write the output");
}

static int export_to(const struct kymo_run *run, struct kymo_common *common, const char *path,
		     const struct export_options *own, FILE *out, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	const struct kymo_about about = {.classes = (int)about_of(own)};
	struct kymo_export_facts facts;
	u64 written = 0;
	struct kymo_export export = {.filter = &common->filter,
				     .facts = &facts,
				     .classes = own->classes,
				     .table = own->table,
				     .row_format = strcmp(own->format->name, "csv") == 0
							   ? KYMO_FORMAT_CSV
							   : KYMO_FORMAT_NDJSON,
				     .out = out,
				     .written = &written};
	int rc = open_input(run, common, path, own, &db, err);

	if (rc == 0)
		rc = kymo_export_facts_read(db, &common->filter, (unsigned)about.classes, &facts,
					    err);
	if (rc == 0)
		rc = kymo_report_begin_data(run, db, &common->filter, &about, err);
	if (rc < 0)
		return rc;
	export.db = db;
	rc = own->table ? own->format->write(&export, err)
			: write_stacks(&export, own->format, own->all_kinds, err);
	if (rc == 0)
		rc = check_output(out, err);
	if (rc < 0)
		return rc;
	say_done(run, common, own, written);
	return kymo_loss_status(db, &common->filter, NULL, err);
}

int kymo_export_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct export_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	CLEANUP(kymo_result_done) struct kymo_result_file result = {.fd = -1};
	struct kymo_common common = {0};
	FILE *out;
	int rc, first, status;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = settle(&own, err);
	if (rc == 0) {
		const struct kymo_result_request request = {
			.path = own.output,
			.force = own.force,
			.stream = true,
			.what = "export",
			.for_files = own.format->binary ? "a binary file" : NULL,
			.inputs = (const char *const *)&argv[first],
			.input_count = 1};

		rc = kymo_result_open(&request, &result, err);
	}
	if (rc == 0)
		rc = kymo_result_stream(&result, run->out, &out, err);
	if (rc < 0)
		return rc;
	status = export_to(run, &common, argv[first], &own, out, err);
	if (status < 0)
		return status;
	rc = kymo_result_publish(&result, err);
	return rc < 0 ? rc : status;
}

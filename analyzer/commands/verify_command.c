/*
 * kymo verify: reads every byte of captures and reports what is whole, damaged, lost, unknown or
 * foreign, where, and which time span is affected. Needs no database, so it also works on files
 * that nothing else can use.
 */
#include "analyzer/commands/command_mains.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analyzer/commands/progress_line.h"
#include "analyzer/capture/capture_walk.h"
#include "formats/base/cleanup.h"
#include "formats/table/end_reasons.h"

#define EXIT_NOT_A_CAPTURE 2
#define EXIT_REFUSED 2 /* --strict */
#define WHEN_BYTES 40

struct verify {
	const struct kymo_run *run;
	const struct kymo_common *common;
	const char *path;
	struct cap_reader *reader;
	struct kymo_walk *walk;
	struct kymo_writer *writer;
	bool decode;
	bool in_table;
	bool broken; /* something is damaged, missing or cut off */
};

struct verify_options {
	bool decode;
};

static int set_decode(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct verify_options *)own)->decode = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_VERIFY
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static void verify_done(struct verify *verify)
{
	(void)kymo_walk_free(verify->walk);
	(void)cap_reader_close(verify->reader);
	(void)kymo_writer_free(verify->writer);
}

/* -------- problems -------- */

/* The wall clock at a time of the record clock, as it was when the capture began. */
static struct kymo_value when(const struct cap_file_info *info, u64 time_ns,
			      char ret_text[WHEN_BYTES])
{
	s64 ns = (s64)(info->realtime_ns + (time_ns - info->monotonic_ns));
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm utc;
	size_t used;

	if (ns < 0 || !gmtime_r(&seconds, &utc))
		return (struct kymo_value){.type = KYMO_NULL};
	used = strftime(ret_text, WHEN_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(ret_text + used, WHEN_BYTES - used, ".%06dZ", (int)(ns % 1000000000 / 1000));
	return kymo_text(ret_text);
}

static const struct kymo_column problem_columns[] = {
	{.name = "offset", .show = KYMO_SHOW_COUNT},
	{.name = "bytes", .show = KYMO_SHOW_COUNT},
	{.name = "problem"},
	{.name = "from_s"},
	{.name = "to_s"},
	{.name = "from_ns", .show = KYMO_SHOW_HIDDEN},
	{.name = "to_ns", .show = KYMO_SHOW_HIDDEN},
	{.name = "from_realtime", .show = KYMO_SHOW_HIDDEN},
	{.name = "to_realtime", .show = KYMO_SHOW_HIDDEN},
	{.name = "blocks", .show = KYMO_SHOW_COUNT},
	{.name = "events", .show = KYMO_SHOW_COUNT},
	{.name = "text"},
};
#define PROBLEM_COLUMNS (sizeof(problem_columns) / sizeof(problem_columns[0]))

/* Seconds from the capture's start, to the microsecond; the exact times are beside them. */
static struct kymo_value seconds(const struct verify *verify, u64 time_ns,
				 char ret_text[WHEN_BYTES])
{
	u64 start_ns = cap_reader_facts(verify->reader)->info.monotonic_ns;
	double value = (double)((s64)(time_ns - start_ns) / 1000) / 1e6;

	if (verify->common->format != KYMO_FORMAT_TEXT)
		return kymo_real(value);
	(void)snprintf(ret_text, WHEN_BYTES, "%.6f", value);
	return kymo_text(ret_text);
}

static void begin_table(struct verify *verify)
{
	if (!verify->in_table)
		kymo_writer_table_begin(verify->writer, "problems", problem_columns,
					PROBLEM_COLUMNS);
	verify->in_table = true;
}

static void tell_gap(void *context, const struct kymo_gap *gap)
{
	static const struct kymo_value none = {.type = KYMO_NULL};
	struct verify *verify = context;
	const struct cap_file_info *info = &cap_reader_facts(verify->reader)->info;
	char from_text[WHEN_BYTES], to_text[WHEN_BYTES], from_s[WHEN_BYTES], to_s[WHEN_BYTES];
	const struct kymo_value values[PROBLEM_COLUMNS] = {
		kymo_int((s64)gap->offset),
		kymo_int((s64)gap->size_bytes),
		kymo_text(kymo_gap_kind_name(gap->kind)),
		gap->from_known ? seconds(verify, gap->from_ns, from_s) : none,
		gap->to_known ? seconds(verify, gap->to_ns, to_s) : none,
		gap->from_known ? kymo_int((s64)gap->from_ns) : none,
		gap->to_known ? kymo_int((s64)gap->to_ns) : none,
		gap->from_known ? when(info, gap->from_ns, from_text) : none,
		gap->to_known ? when(info, gap->to_ns, to_text) : none,
		gap->block_count ? kymo_int((s64)gap->block_count) : none,
		gap->events_known ? kymo_int((s64)gap->events) : none,
		kymo_text(gap->text),
	};

	begin_table(verify);
	kymo_writer_row(verify->writer, values);
	verify->broken |= gap->kind != KYMO_GAP_UNKNOWN && gap->kind != KYMO_GAP_FOREIGN;
}

static int walk(struct verify *verify, struct cap_err *err)
{
	u64 file_bytes = cap_reader_file_bytes(verify->reader);
	bool first_only = verify->common->reading != KYMO_READ_SKIP;
	struct kymo_progress_line line;
	struct kymo_walk_block at;
	int rc;

	kymo_progress_begin(&line, "verify", verify->path,
			    verify->run->stderr_is_tty && !verify->common->quiet);
	while ((rc = kymo_walk_next(verify->walk, &at, err)) == 1) {
		kymo_progress_bytes(&line, at.block.offset, file_bytes);
		if ((first_only && verify->broken) || kymo_writer_error(verify->writer))
			break;
	}
	kymo_progress_end(&line);
	return rc < 0 ? rc : 0;
}

/* -------- totals -------- */

static void field_count(struct verify *verify, const char *name, u64 count)
{
	kymo_writer_field_int(verify->writer, name, KYMO_SHOW_COUNT, (s64)count);
}

static void write_decoded(struct verify *verify)
{
	const struct kymo_walk_counts *counts = kymo_walk_counts(verify->walk);
	const struct kymo_value none = {.type = KYMO_NULL};

	kymo_writer_field_int(verify->writer, "events_counted",
			      counts->calls_counted ? KYMO_SHOW_COUNT : KYMO_SHOW_HIDDEN,
			      (s64)counts->calls_counted);
	if (verify->decode) {
		field_count(verify, "rows_unknown_type", counts->rows_unknown_type);
		field_count(verify, "columns", counts->columns);
		field_count(verify, "columns_rejected", counts->columns_rejected);
		return;
	}
	kymo_writer_field(verify->writer, "rows_unknown_type", KYMO_SHOW_HIDDEN, &none);
	kymo_writer_field(verify->writer, "columns", KYMO_SHOW_HIDDEN, &none);
	kymo_writer_field(verify->writer, "columns_rejected", KYMO_SHOW_HIDDEN, &none);
}

static void write_totals(struct verify *verify)
{
	const struct cap_damage *damage = cap_reader_damage(verify->reader);
	const struct kymo_walk_counts *counts = kymo_walk_counts(verify->walk);

	field_count(verify, "file_bytes", cap_reader_file_bytes(verify->reader));
	field_count(verify, "captures", counts->captures);
	field_count(verify, "blocks_good", damage->blocks_read);
	field_count(verify, "blocks_damaged", damage->blocks_damaged);
	field_count(verify, "blocks_lost", damage->blocks_lost);
	field_count(verify, "blocks_unknown", damage->blocks_unknown);
	field_count(verify, "blocks_foreign", damage->blocks_foreign);
	field_count(verify, "bytes_skipped", damage->bytes_skipped);
	field_count(verify, "rows", counts->rows);
	field_count(verify, "events", counts->events);
	field_count(verify, "events_missing", counts->events_missing);
	field_count(verify, "events_written", damage->end_events);
	write_decoded(verify);
	kymo_writer_field_bool(verify->writer, "ended", damage->ended);
	kymo_writer_field_text(verify->writer, "end_reason",
			       damage->ended ? cap_end_reason_name(damage->end_reason) : NULL);
}

/* -> exit status */
static int judge(const struct verify *verify)
{
	const struct kymo_walk_counts *counts = kymo_walk_counts(verify->walk);

	if (verify->broken)
		return verify->common->reading == KYMO_READ_STRICT ? EXIT_REFUSED : KYMO_EXIT_LOSS;
	return counts->gaps[KYMO_GAP_UNKNOWN] || counts->gaps[KYMO_GAP_FOREIGN] ? KYMO_EXIT_LOSS
										: 0;
}

static const char *result_name(const struct verify *verify)
{
	const struct kymo_walk_counts *counts = kymo_walk_counts(verify->walk);

	if (verify->broken)
		return "damaged";
	if (counts->gaps[KYMO_GAP_UNKNOWN])
		return "unknown parts";
	return counts->gaps[KYMO_GAP_FOREIGN] ? "foreign parts" : "good";
}

static int verify_open(struct verify *verify, struct cap_err *err)
{
	const struct kymo_walk_options options = {
		.decode = verify->decode, .gap = tell_gap, .gap_context = verify};

	return kymo_walk_new(verify->reader, &options, &verify->walk, err);
}

static int report(struct verify *verify, struct cap_err *err)
{
	const struct kymo_value decoded = kymo_bool(verify->decode);
	int rc = verify_open(verify, err);

	if (rc < 0)
		return rc;
	kymo_writer_field_text(verify->writer, "path", verify->path);
	if (kymo_writer_format(verify->writer) == KYMO_FORMAT_JSON)
		begin_table(verify);
	rc = walk(verify, err);
	if (verify->in_table)
		kymo_writer_table_end(verify->writer);
	/* what was written so far still ends as a whole document */
	kymo_writer_field_text(verify->writer, "result", rc < 0 ? "refused" : result_name(verify));
	kymo_writer_field_text(verify->writer, "checked",
			       verify->decode ? "everything: every row was decoded"
					      : "checksums and headers of all blocks, and "
						"counters; --decode also decodes all rows");
	kymo_writer_field(verify->writer, "decoded", KYMO_SHOW_HIDDEN, &decoded);
	if (rc == 0)
		write_totals(verify);
	if (rc < 0) {
		(void)kymo_writer_finish(verify->writer, NULL); /* err already says what failed */
		return rc;
	}
	rc = kymo_writer_finish(verify->writer, err);
	return rc < 0 ? rc : judge(verify);
}

static int verify_one(const struct kymo_run *run, const struct kymo_common *common,
		      const struct verify_options *own, const char *path, struct cap_err *err)
{
	CLEANUP(verify_done)
	struct verify verify = {.run = run, .common = common, .path = path, .decode = own->decode};
	int rc = kymo_reading_open(path, KYMO_READ_SKIP, &verify.reader, err);

	if (rc == CAP_ENOTCAPTURE) {
		run->note(run, "%s", err->text);
		return EXIT_NOT_A_CAPTURE;
	}
	if (rc == 0)
		rc = kymo_writer_new(common->format, run->out, &verify.writer);
	if (rc < 0)
		return rc;
	kymo_writer_fit(verify.writer, run->columns);
	kymo_writer_expendable(verify.writer, "blocks bytes events");
	return report(&verify, err);
}

/* 1 (could not be read) is worse than 2 (no capture, refused), that than 3 (damaged), that than 0.
 */
static int worse(int a, int b)
{
	static const int rank[] = {
		[0] = 0, [KYMO_EXIT_LOSS] = 1, [EXIT_NOT_A_CAPTURE] = 2, [1] = 3};

	return rank[a] >= rank[b] ? a : b;
}

int kymo_verify_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct verify_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common;
	int first, rc, status = 0;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	for (int i = first; i < argc; i++) {
		rc = verify_one(run, &common, &own, argv[i], err);
		/* a file that cannot be read does not stop the check of the others */
		if (rc == -EPIPE || (rc < 0 && (i + 1 == argc || rc == -ENOMEM) && status == 0))
			return rc;
		if (rc < 0)
			run->note(run, "%s", err->text);
		status = worse(status, rc < 0 ? 1 : rc);
		if (rc == -ENOMEM)
			break;
		if (i + 1 < argc && common.format == KYMO_FORMAT_TEXT)
			(void)fputc('\n', run->out);
	}
	return status;
}

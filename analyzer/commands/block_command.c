/* kymo block: what disks were asked to do, how long it took, and for whom. */
#include <errno.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/output/value_format.h"
#include "analyzer/reports/block_report.h"
#include "formats/base/cleanup.h"
#include "formats/table/schema.h"

#define LINE_BYTES 448
/* Both tables, with their heads and a line above, on one screen. */
#define DISK_ROWS 6
#define PROCESS_ROWS 10

enum show { SHOW_TABLES = 0, SHOW_SLOW, SHOW_ERRORS, SHOW_HISTOGRAM, SHOW_SIZES, SHOW_HEAT };

struct block_options {
	struct kymo_block_options report;
	enum show show;
};

static int set_show(struct block_options *own, enum show show, struct cap_err *err)
{
	if (own->show != SHOW_TABLES && own->show != show)
		return cap_fail(err, CAP_EUSAGE,
				"choose one of --slow, --errors, --histogram, --sizes and --heat");
	own->show = show;
	return 0;
}

#define SHOW_OPTION(name, upper)                                                 \
	static int set_##name(void *own, const char *value, struct cap_err *err) \
	{                                                                        \
		(void)value;                                                     \
		return set_show(own, SHOW_##upper, err);                         \
	}
SHOW_OPTION(slow, SLOW)
SHOW_OPTION(errors, ERRORS)
SHOW_OPTION(histogram, HISTOGRAM)
SHOW_OPTION(sizes, SIZES)
SHOW_OPTION(heat, HEAT)

static int set_disk(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct block_options *)own)->report.disk = value;
	return 0;
}

static int set_op(void *own, const char *value, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	char names[160] = "";
	size_t used = 0;

	for (size_t i = 0; i < schema->enum_count && used < sizeof(names); i++) {
		if (schema->enums[i].kind != CAP_KIND_BLOCK_OP)
			continue;
		if (strcmp(schema->enums[i].name, value) == 0) {
			((struct block_options *)own)->report.op = value;
			return 0;
		}
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 used ? ", " : "", schema->enums[i].name);
	}
	return cap_fail(err, CAP_EUSAGE, "unknown operation '%s' (known: %s)", value, names);
}

static int set_by_process(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct block_options *)own)->report.by_process = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_BLOCK
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

/* -------- results -------- */

static const char *shown(s64 value, enum kymo_show show, char ret_text[KYMO_NUMBER_BYTES])
{
	const struct kymo_value number = kymo_int(value);

	kymo_format_shown(&number, show, ret_text);
	return ret_text;
}

/* The answer in one line. */
static void write_totals(struct kymo_writer *writer, const struct kymo_block_totals *totals)
{
	char ios[KYMO_NUMBER_BYTES], read[KYMO_NUMBER_BYTES], written[KYMO_NUMBER_BYTES],
		longest[KYMO_NUMBER_BYTES], failed[KYMO_NUMBER_BYTES], line[LINE_BYTES];
	int len;

	kymo_writer_field_int(writer, "requests", KYMO_SHOW_HIDDEN, totals->ios);
	kymo_writer_field_int(writer, "read_bytes", KYMO_SHOW_HIDDEN, totals->read_bytes);
	kymo_writer_field_int(writer, "written_bytes", KYMO_SHOW_HIDDEN, totals->written_bytes);
	kymo_writer_field_int(writer, "failed", KYMO_SHOW_HIDDEN, totals->failed);
	kymo_writer_field_int(writer, "unknown_issuer", KYMO_SHOW_HIDDEN, totals->unknown_ios);
	kymo_writer_field_int(writer, "counted", KYMO_SHOW_HIDDEN, totals->counted_ios);
	kymo_writer_field_int(writer, "counted_left_out", KYMO_SHOW_HIDDEN, totals->partly);
	if (totals->ios == 0)
		return;
	len = snprintf(line, sizeof(line), "%s disk request%s: %s read, %s written; slowest %s",
		       shown(totals->ios, KYMO_SHOW_COUNT, ios), totals->ios == 1 ? "" : "s",
		       shown(totals->read_bytes, KYMO_SHOW_BYTES, read),
		       shown(totals->written_bytes, KYMO_SHOW_BYTES, written),
		       shown(totals->max_ns, KYMO_SHOW_SHORT_NS, longest));
	if (totals->failed > 0)
		(void)snprintf(line + len, sizeof(line) - (size_t)len, "; %s failed",
			       shown(totals->failed, KYMO_SHOW_COUNT, failed));
	kymo_writer_line(writer, line);
}

/* Returns how many rows there are. */
static s64 write_both(const struct kymo_common *common, struct kymo_db *db,
		      const struct block_options *own, struct kymo_writer *writer,
		      struct cap_err *err)
{
	bool fit = common->format == KYMO_FORMAT_TEXT && !common->limit_given;
	s64 disks, processes;

	kymo_writer_expendable(writer, "mean_queue_ns failed tgid");
	kymo_writer_limit(writer, fit ? DISK_ROWS : common->limit);
	disks = kymo_block_disks(db, &own->report, writer, err);
	if (disks < 0)
		return disks;
	kymo_writer_limit(writer, fit ? PROCESS_ROWS : common->limit);
	processes = kymo_block_processes(db, &own->report, writer, err);
	return processes < 0 ? processes : disks;
}

static s64 write_tables(const struct kymo_common *common, struct kymo_db *db,
			const struct block_options *own, struct kymo_writer *writer,
			struct cap_err *err)
{
	switch (own->show) {
	case SHOW_SLOW:
	case SHOW_ERRORS:
		kymo_writer_expendable(writer, own->show == SHOW_ERRORS
						       ? "queue_ns flags sector tid at_s"
						       : "error_name flags sector tid queue_ns");
		return kymo_block_requests(db, &own->report, writer, err);
	case SHOW_HISTOGRAM:
		return kymo_block_histogram(db, &own->report, writer, err);
	case SHOW_SIZES:
		return kymo_block_sizes(db, &own->report, writer, err);
	case SHOW_HEAT:
		return kymo_block_heat(db, &own->report, writer, err);
	default:
		return write_both(common, db, own, writer, err);
	}
}

static bool is_picture(const struct kymo_common *common, const struct block_options *own)
{
	return common->format == KYMO_FORMAT_TEXT && own->show >= SHOW_HISTOGRAM;
}

static s64 draw(const struct kymo_run *run, struct kymo_db *db, const struct block_options *own,
		struct cap_err *err)
{
	if (own->show == SHOW_HISTOGRAM)
		return kymo_block_histogram_text(db, &own->report, run->out, err);
	if (own->show == SHOW_SIZES)
		return kymo_block_sizes_text(db, &own->report, run->out, err);
	return kymo_block_heat_text(db, &own->report, run->out, err);
}

static void note_empty(const struct kymo_run *run, const struct block_options *own,
		       const struct kymo_block_totals *totals)
{
	const struct kymo_block_options *choice = &own->report;

	if (!totals->recorded)
		run->note(run, "no disk requests: recorded without -e block");
	else if (own->show == SHOW_ERRORS)
		run->note(run, "no disk request failed");
	else
		run->note(run, "%s",
			  kymo_filter_is_open(choice->filter) && !choice->disk && !choice->op
				  ? "no disk requests were recorded"
				  : "no disk requests match the filters");
}

static int write_report(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, const struct block_options *own, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	char clause[80] = "";
	const struct kymo_about about = {.classes = KYMO_ABOUT_BLOCK, .clause = clause};
	struct kymo_block_totals totals;
	int rc = kymo_block_totals(db, &own->report, &totals, err), status;
	s64 rows = 0;

	if (rc < 0)
		return rc;
	if (totals.partly > 0)
		(void)snprintf(clause, sizeof(clause),
			       "%lld counted requests at the edges left out",
			       (long long)totals.partly);
	rc = kymo_report_begin(run, common, db, &about, &writer, err);
	if (rc < 0)
		return rc;
	write_totals(writer, &totals);
	if (totals.ios > 0 && !is_picture(common, own))
		rows = write_tables(common, db, own, writer, err);
	else if (common->format != KYMO_FORMAT_TEXT)
		rows = write_tables(common, db, own, writer, err);
	if (rows < 0)
		return (int)rows;
	if (totals.ios == 0 || (rows == 0 && !is_picture(common, own)))
		note_empty(run, own, &totals);
	status = kymo_report_finish(db, &common->filter, &about, writer, err);
	if (status >= 0 && totals.ios > 0 && is_picture(common, own))
		rows = draw(run, db, own, err);
	if (status < 0 || rows < 0)
		return status < 0 ? status : (int)rows;
	rc = kymo_output_error(run->out);
	return rc < 0 ? cap_fail(err, rc, "write disk requests") : status;
}

int kymo_block_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	struct block_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	common.symbols = false; /* no stacks are shown */
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_block, &db, err);
	if (rc < 0)
		return rc;
	own.report.filter = &common.filter;
	own.report.failed = own.show == SHOW_ERRORS;
	/* text says how many rows there are beyond its limit */
	own.report.limit =
		common.format == KYMO_FORMAT_TEXT && !is_picture(&common, &own) ? -1 : common.limit;
	return write_report(run, &common, db, &own, err);
}

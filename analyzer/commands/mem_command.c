/* kymo mem: page faults, how large processes are, who had to free memory, who was killed for it. */
#include <errno.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/output/pager.h"
#include "analyzer/output/value_format.h"
#include "analyzer/reports/folded_report.h"
#include "analyzer/reports/mem_report.h"
#include "analyzer/reports/names_note.h"
#include "analyzer/reports/sampled_stacks.h"
#include "formats/base/cleanup.h"

#define LINE_BYTES 448
/* All tables, with their heads and a line above, on one screen. */
#define KILL_ROWS 3
#define STALL_ROWS 3
#define PROCESS_ROWS 9

enum show { SHOW_TABLES = 0, SHOW_RSS, SHOW_STALLS, SHOW_FOLDED };

struct mem_options {
	struct kymo_mem_options report;
	enum show show;
};

static int set_show(struct mem_options *own, enum show show, struct cap_err *err)
{
	if (own->show != SHOW_TABLES && own->show != show)
		return cap_fail(err, CAP_EUSAGE, "choose one of --rss, --stalls and --folded");
	own->show = show;
	return 0;
}

static int set_rss(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_RSS, err);
}

static int set_stalls(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_STALLS, err);
}

static int set_folded(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_FOLDED, err);
}

static int set_growth(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct mem_options *)own)->report.by_growth = true;
	return 0;
}

static int set_by_process(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct mem_options *)own)->report.by_process = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_MEM
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
static void write_totals(struct kymo_writer *writer, const struct kymo_mem_totals *totals)
{
	char minor[KYMO_NUMBER_BYTES], major[KYMO_NUMBER_BYTES], stalls[KYMO_NUMBER_BYTES],
		time[KYMO_NUMBER_BYTES], kills[KYMO_NUMBER_BYTES], line[LINE_BYTES];
	int len;

	kymo_writer_field_int(writer, "minor_faults", KYMO_SHOW_HIDDEN, totals->minor_faults);
	kymo_writer_field_int(writer, "major_faults", KYMO_SHOW_HIDDEN, totals->major_faults);
	kymo_writer_field_int(writer, "stalls", KYMO_SHOW_HIDDEN, totals->stalls);
	kymo_writer_field_int(writer, "stall_ns", KYMO_SHOW_HIDDEN, totals->stall_ns);
	kymo_writer_field_int(writer, "oom_killed", KYMO_SHOW_HIDDEN, totals->oom_kills);
	if (!totals->recorded)
		return;
	len = snprintf(line, sizeof(line), "page faults: %s, and %s from disk; ",
		       shown(totals->minor_faults, KYMO_SHOW_COUNT, minor),
		       shown(totals->major_faults, KYMO_SHOW_COUNT, major));
	if (totals->stalls > 0)
		len += snprintf(line + len, sizeof(line) - (size_t)len, "%s stall%s, %s; ",
				shown(totals->stalls, KYMO_SHOW_COUNT, stalls),
				totals->stalls == 1 ? "" : "s",
				shown(totals->stall_ns, KYMO_SHOW_SHORT_NS, time));
	else
		len += snprintf(line + len, sizeof(line) - (size_t)len, "no stalls; ");
	(void)snprintf(line + len, sizeof(line) - (size_t)len, "%s OOM kill%s",
		       totals->oom_kills ? shown(totals->oom_kills, KYMO_SHOW_COUNT, kills) : "no",
		       totals->oom_kills == 1 ? "" : "s");
	kymo_writer_line(writer, line);
}

/* What there is, the worst first; in documents always all of it. */
static s64 write_all(const struct kymo_common *common, struct kymo_db *db,
		     const struct mem_options *own, const struct kymo_mem_totals *totals,
		     struct kymo_writer *writer, struct cap_err *err)
{
	bool text = common->format == KYMO_FORMAT_TEXT, fit = text && !common->limit_given;
	s64 rows = 0;

	if (common->format == KYMO_FORMAT_CSV) /* which holds one table */
		return kymo_mem_processes(db, &own->report, writer, err);
	kymo_writer_limit(writer, fit ? KILL_ROWS : common->limit);
	if (!text || totals->oom_kills > 0)
		rows = kymo_mem_oom_kills(db, &own->report, writer, err);
	kymo_writer_limit(writer, fit ? STALL_ROWS : common->limit);
	if (rows >= 0 && (!text || totals->stalls > 0))
		rows = kymo_mem_stalls(db, &own->report, writer, err);
	kymo_writer_limit(writer, fit && totals->oom_kills + totals->stalls > 0 ? PROCESS_ROWS
										: common->limit);
	kymo_writer_expendable(writer, "swap_bytes tgid");
	return rows < 0 ? rows : kymo_mem_processes(db, &own->report, writer, err);
}

/* Returns how many page faults were sampled. */
static s64 write_stacks(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_folded_unit faults = {"faults", 1};
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = NULL;
	struct kymo_stack_facts facts;
	struct kymo_names_note names;
	char text[1024];
	int rc = kymo_sampled_stacks(db,
				     &(struct kymo_stack_options){.filter = &common->filter,
								  .faults = true,
								  .folded = true,
								  .inlined = common->show_inlined,
								  .lines = common->show_lines,
								  .annotate_kernel = true},
				     &tree, &facts, err);

	if (rc == 0)
		rc = kymo_names_note(db, &common->filter, &facts, &names, err);
	if (rc < 0)
		return rc;
	kymo_names_note_line(&names, text, sizeof(text));
	if (text[0] && !common->quiet)
		run->note(run, "%s", text);
	if (common->format == KYMO_FORMAT_TEXT)
		rc = kymo_folded_write(run->out, tree, &faults, err);
	else
		rc = kymo_folded_to_writer(writer, tree, &faults, err);
	return rc < 0 ? rc : (s64)facts.samples;
}

static s64 write_rows(const struct kymo_run *run, const struct kymo_common *common,
		      struct kymo_db *db, const struct mem_options *own,
		      const struct kymo_mem_totals *totals, struct kymo_writer *writer,
		      struct cap_err *err)
{
	switch (own->show) {
	case SHOW_FOLDED:
		return write_stacks(run, common, db, writer, err);
	case SHOW_STALLS:
		if (totals->stalls == 0 && common->format == KYMO_FORMAT_TEXT)
			return 0;
		return kymo_mem_single_stalls(db, &own->report, writer, err);
	case SHOW_RSS:
		return common->format == KYMO_FORMAT_TEXT
			       ? kymo_mem_sizes_text(db, &own->report, run->out, err)
			       : kymo_mem_sizes(db, &own->report, writer, err);
	default:
		return write_all(common, db, own, totals, writer, err);
	}
}

static void note_empty(const struct kymo_run *run, const struct mem_options *own,
		       const struct kymo_mem_totals *totals)
{
	if (!totals->recorded)
		run->note(run, "nothing about memory: recorded without -e mem");
	else if (own->show == SHOW_STALLS)
		run->note(run, "no task had to free memory");
	else if (own->show == SHOW_FOLDED)
		run->note(run, "%s",
			  kymo_filter_is_open(own->report.filter)
				  ? "no page faults were sampled"
				  : "no page faults match the filters");
	else
		run->note(run, "%s",
			  !totals->has_sizes
				  ? "no sizes of processes: the recorder could not ask for them "
				    "(see kymo info)"
				  : "no processes match the filters");
}

static int begin(const struct kymo_run *run, const struct kymo_common *common, struct kymo_db *db,
		 const struct mem_options *own, const struct kymo_about *about,
		 struct kymo_writer **ret_writer, struct cap_err *err)
{
	int rc;

	if (common->format != KYMO_FORMAT_TEXT ||
	    (own->show != SHOW_FOLDED && own->show != SHOW_RSS))
		return kymo_report_begin(run, common, db, about, ret_writer, err);
	if (!common->no_pager)
		kymo_pager_begin(run);
	rc = kymo_report_begin_data(run, db, &common->filter, about, err);
	if (rc == 0 && kymo_writer_new(common->format, run->out, ret_writer) < 0)
		rc = cap_fail(err, -ENOMEM, "memory");
	return rc;
}

static int write_report(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, const struct mem_options *own, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	const struct kymo_about about = {.classes = KYMO_ABOUT_MEM};
	bool picture = common->format == KYMO_FORMAT_TEXT &&
		       (own->show == SHOW_FOLDED || own->show == SHOW_RSS);
	struct kymo_mem_totals totals;
	int rc = kymo_mem_totals(db, &own->report, &totals, err);
	s64 rows;

	if (rc == 0)
		rc = begin(run, common, db, own, &about, &writer, err);
	if (rc < 0)
		return rc;
	if (!picture)
		write_totals(writer, &totals);
	rows = totals.recorded || common->format != KYMO_FORMAT_TEXT
		       ? write_rows(run, common, db, own, &totals, writer, err)
		       : 0;
	if (rows < 0)
		return (int)rows;
	if (rows == 0)
		note_empty(run, own, &totals);
	return kymo_report_finish(db, &common->filter, &about, writer, err);
}

int kymo_mem_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	struct mem_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (own.show == SHOW_FOLDED)
		common.more_needs = KYMO_NEED_STACKS;
	else
		common.symbols = false; /* no stacks are shown */
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_mem, &db, err);
	if (rc < 0)
		return rc;
	own.report.filter = &common.filter;
	/* tables of text say how many rows there are beyond their limit */
	own.report.limit =
		common.format == KYMO_FORMAT_TEXT && own.show != SHOW_RSS ? -1 : common.limit;
	return write_report(run, &common, db, &own, err);
}

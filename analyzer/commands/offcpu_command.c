/* kymo offcpu: what threads waited for. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/output/pager.h"
#include "analyzer/reports/flame_report.h"
#include "analyzer/reports/folded_report.h"
#include "analyzer/reports/names_note.h"
#include "analyzer/reports/offcpu_report.h"
#include "analyzer/reports/wait_chain.h"
#include "formats/base/cleanup.h"

#define CLAUSE_BYTES 80

enum show { SHOW_TABLE = 0, SHOW_SLOW, SHOW_RUNQUEUE, SHOW_FOLDED, SHOW_CHAIN };

struct offcpu_options {
	struct kymo_offcpu_options report;
	enum show show;
	bool by_waker;
};

static int set_show(struct offcpu_options *own, enum show show, struct cap_err *err)
{
	if (own->show != SHOW_TABLE && own->show != show)
		return cap_fail(err, CAP_EUSAGE,
				"choose one of --slow, --chain, --runqueue and --folded");
	own->show = show;
	return 0;
}

static int set_slow(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_SLOW, err);
}

static int set_chain(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_CHAIN, err);
}

static int set_runqueue(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_RUNQUEUE, err);
}

static int set_folded(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_FOLDED, err);
}

static int set_reason(void *own, const char *value, struct cap_err *err)
{
	return kymo_wait_set_reason(&((struct offcpu_options *)own)->report.choice, value, err);
}

static int set_kind(void *own, const char *value, struct cap_err *err)
{
	return kymo_wait_set_kinds(&((struct offcpu_options *)own)->report.choice, value, err);
}

static int set_idle(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct offcpu_options *)own)->report.choice.share_idle = true;
	return 0;
}

/* A number and a unit: without one, users of other tools would mean us, ms or s. */
static int parse_duration(const char *text, s64 *ret_ns, struct cap_err *err)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	char *unit;
	double number = strtod(text, &unit);

	for (size_t i = 0; unit != text && i < sizeof(units) / sizeof(units[0]); i++) {
		double ns = number * units[i].ns;

		if (strcmp(unit, units[i].name) == 0 && ns >= 0 && ns < 9e18) {
			*ret_ns = llround(ns);
			return 0;
		}
	}
	return cap_fail(err, CAP_EUSAGE,
			"'%s' is not a duration: give a number and ns, us, ms or s", text);
}

static int set_min(void *own, const char *value, struct cap_err *err)
{
	return parse_duration(value, &((struct offcpu_options *)own)->report.choice.min_ns, err);
}

static int set_max(void *own, const char *value, struct cap_err *err)
{
	return parse_duration(value, &((struct offcpu_options *)own)->report.choice.max_ns, err);
}

static int set_by_process(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct offcpu_options *)own)->report.by_process = true;
	return 0;
}

static int set_by_file(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct offcpu_options *)own)->report.by_file = true;
	return 0;
}

static int set_waker(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct offcpu_options *)own)->by_waker = true;
	return 0;
}

static int set_all(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct offcpu_options *)own)->report.choice.all = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_OFFCPU
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

/* -------- results -------- */

/* Returns how many rows there are. */
static s64 write_stacks(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, const struct offcpu_options *own,
			struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_folded_unit us = {"weight_us", 1000};
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = NULL;
	struct kymo_stack_facts facts;
	struct kymo_names_note names;
	char text[1024];
	int rc = kymo_sampled_stacks(db,
				     &(struct kymo_stack_options){.filter = &common->filter,
								  .inlined = common->show_inlined,
								  .lines = common->show_lines,
								  .waits = &own->report.choice,
								  .by_waker = own->by_waker,
								  .folded = true,
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
		rc = kymo_folded_write(run->out, tree, &us, err);
	else
		rc = kymo_folded_to_writer(writer, tree, &us, err);
	return rc < 0 ? rc : (s64)facts.samples;
}

static s64 write_rows(const struct kymo_run *run, const struct kymo_common *common,
		      struct kymo_db *db, const struct offcpu_options *own,
		      struct kymo_writer *writer, struct cap_err *err)
{
	switch (own->show) {
	case SHOW_FOLDED:
		return write_stacks(run, common, db, own, writer, err);
	case SHOW_SLOW:
		return kymo_offcpu_slow(db, &own->report, writer, err);
	case SHOW_CHAIN:
		return common->format == KYMO_FORMAT_TEXT
			       ? kymo_wait_chains_text(db, &own->report, run->out, err)
			       : kymo_wait_chains(db, &own->report, writer, err);
	case SHOW_RUNQUEUE:
		return common->format == KYMO_FORMAT_TEXT
			       ? kymo_offcpu_runqueue_text(db, &own->report, run->out, err)
			       : kymo_offcpu_runqueue(db, &own->report, writer, err);
	default:
		if (own->by_waker)
			return kymo_offcpu_wakers(db, &own->report, writer, err);
		return kymo_offcpu_table(db, &own->report, writer, err);
	}
}

static void note_empty(const struct kymo_run *run, const struct offcpu_options *own, bool recorded)
{
	const struct kymo_wait_choice *choice = &own->report.choice;

	if (!recorded)
		run->note(run, "no waits: recorded without -e sched");
	else if (own->show == SHOW_CHAIN)
		run->note(run, "no waits match that a thread was seen to end");
	else
		run->note(run, kymo_filter_is_open(choice->filter) && !choice->reason &&
					       !choice->kinds && !kymo_wait_is_bounded(choice)
				       ? "no waits were recorded"
				       : "no waits match the filters");
}

/* The last line of a table: what it does not show. */
static void write_left_out(struct kymo_writer *writer, const struct offcpu_options *own,
			   const struct kymo_offcpu_left *left, s64 rows)
{
	bool listed = own->show != SHOW_RUNQUEUE;
	char more[KYMO_MORE_BYTES] = "", text[KYMO_MORE_BYTES + 80];

	if (listed && own->report.limit > 0 && rows > own->report.limit)
		(void)kymo_more_text(rows - own->report.limit, more);
	(void)snprintf(text, sizeof(text), "%s%s%s", more, more[0] && left->all > 0 ? "; " : "",
		       left->all > 0 ? "--all adds kernel threads and idle threads" : "");
	if (text[0] && own->show != SHOW_FOLDED)
		kymo_writer_line(writer, text);
}

/* Of what was counted only a power of two is known. */
static void say_partly(const struct offcpu_options *own, const struct kymo_offcpu_left *left,
		       char ret_text[CLAUSE_BYTES])
{
	ret_text[0] = '\0';
	if (left->partly > 0 && !own->by_waker &&
	    (own->show == SHOW_TABLE || own->show == SHOW_RUNQUEUE))
		(void)snprintf(ret_text, CLAUSE_BYTES, "%lld counted waits at the edges left out",
			       (long long)left->partly);
}

static int begin(const struct kymo_run *run, const struct kymo_common *common, struct kymo_db *db,
		 const struct offcpu_options *own, const struct kymo_about *about,
		 struct kymo_writer **ret_writer, struct cap_err *err)
{
	int rc;

	if (own->show != SHOW_FOLDED || common->format != KYMO_FORMAT_TEXT)
		return kymo_report_begin(run, common, db, about, ret_writer, err);
	if (!common->no_pager)
		kymo_pager_begin(run);
	rc = kymo_report_begin_data(run, db, &common->filter, about, err);
	if (rc == 0 && kymo_writer_new(common->format, run->out, ret_writer) < 0)
		rc = cap_fail(err, -ENOMEM, "waits");
	return rc;
}

static int write_report(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, const struct offcpu_options *own, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	char clause[CLAUSE_BYTES];
	const struct kymo_about about = {.classes = KYMO_ABOUT_WAITS, .clause = clause};
	struct kymo_offcpu_left left;
	int rc = kymo_offcpu_left_out(db, &own->report.choice, &left, err);
	s64 rows;

	if (rc < 0)
		return rc;
	say_partly(own, &left, clause);
	rc = begin(run, common, db, own, &about, &writer, err);
	if (rc < 0)
		return rc;
	kymo_writer_expendable(writer, "runq_ns woken_by intervals");
	rows = write_rows(run, common, db, own, writer, err);
	if (rows < 0)
		return (int)rows;
	write_left_out(writer, own, &left, rows);
	if (rows == 0)
		note_empty(run, own, left.recorded);
	if (left.partly > 0)
		kymo_writer_field_int(writer, "counted_left_out", KYMO_SHOW_HIDDEN, left.partly);
	return kymo_report_finish(db, &common->filter, &about, writer, err);
}

int kymo_offcpu_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	struct offcpu_options own = {.report = {.choice = {.max_ns = INT64_MAX}}};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (own.report.choice.min_ns > own.report.choice.max_ns)
		return cap_fail(err, CAP_EUSAGE, "--min must not be above --max");
	own.report.limit = common.limit;
	if (own.by_waker && own.show != SHOW_TABLE && own.show != SHOW_FOLDED)
		return cap_fail(
			err, CAP_EUSAGE,
			"--waker goes with the table and with --folded: --slow names wakers "
			"anyway, --runqueue has none");
	own.report.by_reason = common.format != KYMO_FORMAT_TEXT;
	if (own.show == SHOW_FOLDED)
		common.more_needs = KYMO_NEED_STACKS;
	else
		common.symbols = false; /* no stacks are shown */
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_offcpu, &db, err);
	if (rc < 0)
		return rc;
	own.report.choice.filter = &common.filter;
	return write_report(run, &common, db, &own, err);
}

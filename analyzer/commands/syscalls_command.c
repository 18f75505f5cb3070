/* kymo syscalls: counts, errors and times of system calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/db/filter_known.h"
#include "analyzer/db/filter_summaries.h"
#include "analyzer/reports/counted_note.h"
#include "analyzer/reports/offcpu_report.h"
#include "analyzer/reports/syscalls_report.h"
#include "formats/base/cleanup.h"

/* of each table, where calls and waits share a screen of 24 lines */
#define SHARED_ROWS 9

struct syscalls_options {
	struct kymo_syscalls_options report;
	bool histogram, blocked;
	bool blocked_asked; /* else blocked was our choice */
};

static int set_sort(void *own, const char *value, struct cap_err *err)
{
	if (!kymo_syscalls_sort_known(value))
		return cap_fail(err, CAP_EUSAGE, "unknown key '%s' (known: %s)", value,
				kymo_syscalls_sort_names());
	((struct syscalls_options *)own)->report.sort = value;
	return 0;
}

static int set_name(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct syscalls_options *)own)->report.name = value;
	return 0;
}

static int set_errors(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->report.errors = true;
	return 0;
}

static int set_slow(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->report.slow = true;
	return 0;
}

static int set_by_process(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->report.by_process = true;
	return 0;
}

static int set_in_flight(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->report.in_flight = true;
	return 0;
}

static int set_estimate(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->report.estimate = true;
	return 0;
}

static int set_blocked(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->blocked = true;
	return 0;
}

static int set_idle(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->report.share_idle = true;
	return 0;
}

static int set_on_cpu(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->report.on_cpu = true;
	return 0;
}

static int set_histogram(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct syscalls_options *)own)->histogram = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_SYSCALLS
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

/* Waits are known also from times in which no calls were recorded. */
static int write_blocked(const struct kymo_run *run, const struct kymo_common *common,
			 struct kymo_db *db, const struct syscalls_options *own,
			 struct kymo_writer *writer, struct cap_err *err)
{
	const struct kymo_offcpu_options options = {.choice = {.filter = &common->filter,
							       .name = own->report.name,
							       .share_idle = own->report.share_idle,
							       .max_ns = INT64_MAX},
						    .limit = own->report.limit};
	s64 rows = own->blocked ? kymo_offcpu_calls(db, &options, writer, err) : 1;

	if (rows == 0 && own->blocked_asked)
		run->note(run, "no calls blocked: were waits recorded (-e sched)?");
	return rows < 0 ? (int)rows : 0;
}

/* The histograms of text stand below its tables. */
static int finish(const struct kymo_run *run, const struct kymo_common *common, struct kymo_db *db,
		  const struct syscalls_options *own, const struct kymo_about *about,
		  struct kymo_writer *writer, struct cap_err *err)
{
	int status = kymo_report_finish(db, &common->filter, about, writer, err);
	s64 drawn = 0;

	if (status >= 0 && own->histogram && common->format == KYMO_FORMAT_TEXT)
		drawn = kymo_syscalls_histogram_text(db, &own->report, run->out, err);
	if (status < 0 || drawn < 0)
		return status < 0 ? status : (int)drawn;
	errno = 0;
	if (fflush(run->out) != 0 || ferror(run->out))
		return cap_fail_errno(err, errno ? errno : EIO, "write system calls");
	return status;
}

static int write_tables(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, const struct syscalls_options *own,
			struct kymo_writer *writer, struct cap_err *err)
{
	s64 rows = kymo_syscalls_tables(db, &own->report, writer, err), drawn = 0;
	int rc;

	if (rows >= 0 && own->histogram && common->format != KYMO_FORMAT_TEXT)
		drawn = kymo_syscalls_histogram_table(db, &own->report, writer, err);
	if (rows < 0 || drawn < 0)
		return (int)(rows < 0 ? rows : drawn);
	rc = write_blocked(run, common, db, own, writer, err);
	if (rc < 0)
		return rc;
	if (rows == 0 && (own->report.name || !kymo_filter_is_open(&common->filter)))
		run->note(run, "no system calls match the filters");
	else if (rows == 0)
		run->note(run, "no system calls: were they recorded (-e syscalls)?");
	return 0;
}

static int write_report(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, struct syscalls_options *own, u64 outside,
			struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	char clause[KYMO_COUNTED_CLAUSE_BYTES];
	const struct kymo_about about = {.classes = KYMO_ABOUT_SYSCALLS |
						    (own->blocked ? KYMO_ABOUT_WAITS : 0),
					 .beside = KYMO_ABOUT_WAITS,
					 .clause = clause};
	struct kymo_counted_sums counted;
	int rc;

	rc = kymo_counted_sums(db, &common->filter, own->report.name, outside, &counted, err);
	if (rc < 0)
		return rc;
	own->report.counted = counted.counted > 0;
	own->report.blocked = counted.blocked;
	if (counted.blocked)
		run->note(run, "recorded with --durations blocked: times are those off the CPU, so "
			       "calls took at least as long (>)");
	kymo_counted_clause(&counted, clause);
	rc = kymo_report_begin(run, common, db, &about, &writer, err);
	if (rc == 0)
		rc = write_tables(run, common, db, own, writer, err);
	if (rc < 0)
		return rc;
	kymo_counted_object(writer, &counted, &common->filter);
	return finish(run, common, db, own, &about, writer, err);
}

/* While calls are not traced, those that block still show in waits: people see both without asking.
 */
static int choose_blocked(struct kymo_db *db, struct kymo_common *common,
			  struct syscalls_options *own, struct cap_err *err)
{
	bool gaps = false;
	int rc = 0;

	if (own->blocked || own->report.by_process || own->report.errors || own->report.in_flight ||
	    own->report.slow || own->report.estimate || own->histogram)
		return 0;
	rc = kymo_syscalls_have_gaps(db, &common->filter, &gaps, err);
	own->blocked = rc == 0 && gaps;
	if (own->blocked && !common->limit_given)
		common->limit = SHARED_ROWS;
	return rc;
}

int kymo_syscalls_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	struct syscalls_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	u64 outside = 0;
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (own.report.estimate && !kymo_filter_is_open(&common.filter))
		return cap_fail(err, CAP_EUSAGE,
				"--estimate works on whole captures only, not with --from, --to, "
				"--pid or --comm");
	common.symbols = false; /* no stacks are shown */
	own.blocked_asked = own.blocked;
	common.more_needs = own.blocked || common.format == KYMO_FORMAT_TEXT ? KYMO_NEED_WAITS
									     : KYMO_NEED_NOTHING;
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_syscalls, &db, err);
	if (rc == 0 && own.report.name)
		rc = kymo_syscall_known(db, &common.filter, own.report.name, err);
	if (rc == 0)
		rc = kymo_filter_summaries(db, &common.filter, &outside, err);
	if (rc < 0)
		return rc;
	own.report.filter = &common.filter;
	if (common.format == KYMO_FORMAT_TEXT)
		rc = choose_blocked(db, &common, &own, err);
	if (rc < 0)
		return rc;
	/* text says how many rows there are beyond its limit */
	own.report.limit = common.format == KYMO_FORMAT_TEXT ? -1 : common.limit;
	return write_report(run, &common, db, &own, outside, err);
}

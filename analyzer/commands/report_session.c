/* See the header. Kept small, so that all reports open their input and end in the same way. */
#include "analyzer/commands/report_session.h"

#include <errno.h>
#include <string.h>

#include "analyzer/db/filter_known.h"
#include "analyzer/db/filter_resolve.h"
#include "analyzer/output/pager.h"
#include "analyzer/reports/loss_note.h"
#include "analyzer/reports/reduced_note.h"
#include "formats/base/cleanup.h"

int kymo_report_open(const struct kymo_run *run, struct kymo_common *common, const char *path,
		     enum kymo_report report, struct kymo_db **ret_db, struct cap_err *err)
{
	const struct kymo_input_needs needs = {.needs = kymo_report_row(report)->needs |
							common->more_needs};

	return kymo_input_open(run, common, path, &needs, ret_db, err);
}

int kymo_input_open(const struct kymo_run *run, struct kymo_common *common, const char *path,
		    const struct kymo_input_needs *needs, struct kymo_db **ret_db,
		    struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	const struct kymo_db_options options = {.needs = needs->needs,
						.question = needs->question,
						.sorts_all = needs->sorts_all,
						.filter = &common->filter,
						.reading = common->reading,
						.symbolize = common->symbols,
						.symbol_options = &common->symbol_options,
						.lines =
							common->show_inlined || common->show_lines};
	char window[KYMO_WINDOW_TEXT_BYTES];
	int rc;

	rc = kymo_db_open(path, &options, &db, err);
	if (rc < 0)
		return rc;
	if (!kymo_db_is_capture(db) && !options.lines &&
	    (common->symbol_options.search.symfs ||
	     common->symbol_options.search.debug_dir_count > 0))
		run->note(run,
			  "'%s' is a database, whose names were looked up by `kymo import`: give "
			  "--symfs and --debug-dir to that",
			  path);
	rc = kymo_filter_resolve(db, &common->filter, err);
	if (rc == 0)
		rc = kymo_filter_known(db, &common->filter, err);
	if (rc == -ESRCH) { /* it may be among what is missing */
		const struct kymo_about about = {.classes = KYMO_ABOUT_ALL};
		struct cap_err second;

		(void)kymo_report_begin_data(run, db, &common->filter, &about, &second);
	}
	if (rc == 0)
		rc = kymo_filter_window(db, &common->filter, window, err);
	if (rc < 0)
		return rc;
	if (window[0])
		run->note(run, "%s", window);
	*ret_db = TAKE(db);
	return 0;
}

static int coverage_text(const struct kymo_run *run, struct kymo_db *db,
			 const struct kymo_filter *filter, const struct kymo_about *about,
			 size_t columns, char ret_text[KYMO_COVERAGE_BYTES], struct cap_err *err)
{
	const struct kymo_coverage_style style = {
		.columns = columns,
		.refer = strcmp(run->command->name, kymo_report_row(KYMO_REPORT_overhead)->name) !=
			 0};

	return kymo_coverage_line(db, filter, about, &style, ret_text, err);
}

int kymo_report_begin_data(const struct kymo_run *run, struct kymo_db *db,
			   const struct kymo_filter *filter, const struct kymo_about *about,
			   struct cap_err *err)
{
	char text[KYMO_COVERAGE_BYTES];
	int rc = kymo_damage_note(run, db, filter, err);

	if (rc == 0)
		rc = coverage_text(run, db, filter, about, 0, text, err);
	if (rc == 0 && text[0])
		run->note(run, "%s", text);
	return rc;
}

static int begin_text(const struct kymo_run *run, const struct kymo_common *common,
		      struct kymo_db *db, const struct kymo_about *about,
		      struct kymo_writer *writer, struct cap_err *err)
{
	char text[KYMO_COVERAGE_BYTES];
	int rc;

	if (!common->no_pager)
		kymo_pager_begin(run);
	kymo_writer_fit(writer, run->columns);
	kymo_writer_limit(writer, common->limit);
	rc = kymo_damage_note(run, db, &common->filter, err);
	if (rc == 0)
		rc = coverage_text(run, db, &common->filter, about, run->columns, text, err);
	if (rc == 0 && text[0])
		kymo_writer_line(writer, text);
	return rc;
}

int kymo_report_begin(const struct kymo_run *run, const struct kymo_common *common,
		      struct kymo_db *db, const struct kymo_about *about,
		      struct kymo_writer **ret_writer, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	int rc = kymo_writer_new(common->format, run->out, &writer);

	if (rc < 0)
		return cap_fail(err, rc, "%s", run->command->name);
	if (common->format == KYMO_FORMAT_TEXT)
		rc = begin_text(run, common, db, about, writer, err);
	else if (common->format == KYMO_FORMAT_CSV)
		rc = kymo_report_begin_data(run, db, &common->filter, about, err);
	else
		rc = kymo_damage_note(run, db, &common->filter, err);
	if (rc == 0)
		*ret_writer = TAKE(writer);
	return rc;
}

int kymo_report_finish(struct kymo_db *db, const struct kymo_filter *filter,
		       const struct kymo_about *about, struct kymo_writer *writer,
		       struct cap_err *err)
{
	int rc = 0, status;

	if (kymo_writer_format(writer) == KYMO_FORMAT_JSON)
		rc = kymo_coverage_table(db, filter, about, writer, err);
	if (rc == 0)
		rc = kymo_reduced_tables(db, filter, about->classes, writer, err);
	if (rc < 0)
		return rc;
	status = kymo_loss_status(db, filter, writer, err);
	if (status < 0)
		return status;
	rc = kymo_writer_finish(writer, err);
	return rc < 0 ? rc : status;
}

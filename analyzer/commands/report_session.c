/* See the header. Kept small, so that all reports open their input and end in the same way. */
#include "analyzer/commands/report_session.h"

#include <errno.h>

#include "analyzer/db/filter_known.h"
#include "analyzer/db/filter_resolve.h"
#include "analyzer/reports/loss_note.h"
#include "analyzer/reports/reduced_note.h"
#include "formats/base/cleanup.h"

int kymo_report_open(const struct kymo_run *run, struct kymo_common *common, const char *path,
		     enum kymo_report report, struct kymo_db **ret_db, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	const struct kymo_db_options options = {.needs = kymo_report_row(report)->needs |
							 common->more_needs,
						.filter = &common->filter,
						.reading = common->reading,
						.symbolize = common->symbols,
						.symbol_options = &common->symbol_options};
	char window[KYMO_WINDOW_TEXT_BYTES];
	int rc;

	rc = kymo_db_open(path, &options, &db, err);
	if (rc < 0)
		return rc;
	if (!kymo_db_is_capture(db) && (common->symbol_options.search.symfs ||
					common->symbol_options.search.debug_dir_count > 0))
		run->note(run,
			  "'%s' is a database, whose names were looked up by `kymo import`: give "
			  "--symfs and --debug-dir to that",
			  path);
	rc = kymo_filter_resolve(db, &common->filter, err);
	if (rc == 0)
		rc = kymo_filter_known(db, &common->filter, err);
	if (rc == -ESRCH) { /* it may be among what is missing */
		struct cap_err second;

		(void)kymo_loss_note(run, db, &common->filter, NULL, &second);
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

int kymo_report_finish(const struct kymo_run *run, struct kymo_db *db,
		       const struct kymo_filter *filter, int classes, struct kymo_writer *writer,
		       struct cap_err *err)
{
	int rc = kymo_reduced_note(run, db, filter, classes, writer, err), status;

	if (rc < 0)
		return rc;
	status = kymo_loss_note(run, db, filter, writer, err);
	if (status < 0)
		return status;
	rc = kymo_writer_finish(writer, err);
	return rc < 0 ? rc : status;
}

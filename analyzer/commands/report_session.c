/* See the header: thin on purpose, so that all reports open their input in the same way. */
#include "report_session.h"

#include "formats/cleanup.h"

int kymo_report_open(const struct kymo_run *run, struct kymo_common *common, const char *path,
		     struct kymo_db **ret_db, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	const struct kymo_db_options options = {.symbolize = common->symbols,
						.symbol_options = &common->symbol_options};
	int rc;

	(void)run;
	rc = kymo_db_open(path, &options, &db, err);
	if (rc < 0)
		return rc;
	rc = kymo_filter_resolve(db, &common->filter, err);
	if (rc < 0)
		return rc;
	*ret_db = TAKE(db);
	return 0;
}

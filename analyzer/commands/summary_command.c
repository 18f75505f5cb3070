/* kymo summary, which is also what `kymo FILE` says: the first answer about a capture. */
#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/output/pager.h"
#include "analyzer/reports/loss_note.h"
#include "analyzer/reports/reduced_note.h"
#include "analyzer/reports/summary_report.h"
#include "formats/base/cleanup.h"

/* Both have the coverage of every class in a place of their own. */
static int write_text(const struct kymo_run *run, struct kymo_db *db,
		      const struct kymo_common *common, struct cap_err *err)
{
	int rc;

	if (!common->no_pager)
		kymo_pager_begin(run);
	rc = kymo_damage_note(run, db, &common->filter, err);
	if (rc == 0)
		rc = kymo_summary_text(db, &common->filter, kymo_command_find("offcpu") != NULL,
				       run->out, err);
	return rc < 0 ? rc : kymo_loss_status(db, &common->filter, NULL, err);
}

static int write_document(const struct kymo_run *run, struct kymo_db *db,
			  const struct kymo_common *common, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	int rc = kymo_writer_new(common->format, run->out, &writer), status;

	if (rc < 0)
		return cap_fail(err, rc, "summary");
	rc = kymo_damage_note(run, db, &common->filter, err);
	if (rc == 0)
		rc = kymo_summary_json(db, &common->filter, writer, err);
	if (rc == 0)
		rc = kymo_reduced_tables(db, &common->filter, KYMO_ABOUT_ALL, writer, err);
	if (rc < 0)
		return rc;
	status = kymo_loss_status(db, &common->filter, writer, err);
	rc = status < 0 ? status : kymo_writer_finish(writer, err);
	return rc < 0 ? rc : status;
}

int kymo_summary_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	struct kymo_common common = {0};
	int rc, first;

	rc = kymo_parse_options(run, &(struct kymo_parse){0}, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_summary, &db, err);
	if (rc < 0)
		return rc;
	if (common.filter.capture_id == 0)
		return cap_fail(err, CAP_EUSAGE,
				"'%s' holds several captures: choose one with --capture; `kymo "
				"info` lists them",
				argv[first]);
	if (common.format == KYMO_FORMAT_JSON)
		return write_document(run, db, &common, err);
	return write_text(run, db, &common, err);
}

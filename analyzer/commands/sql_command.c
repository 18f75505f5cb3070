/* kymo sql: one read-only query on a database or a capture. */
#include "analyzer/commands/command_mains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyzer/db/filter_resolve.h"
#include "analyzer/output/pager.h"
#include "analyzer/reports/loss_note.h"
#include "analyzer/reports/reduced_note.h"
#include "formats/base/cleanup.h"

#define MAX_QUERY_BYTES (1u << 20)

static int read_query(FILE *in, char **ret_query, struct cap_err *err)
{
	CLEANUP(cap_freep) char *text = malloc(MAX_QUERY_BYTES + 1);
	size_t got;

	if (!text)
		return cap_fail(err, -ENOMEM, "out of memory");
	got = fread(text, 1, MAX_QUERY_BYTES + 1, in);
	if (ferror(in))
		return cap_fail_errno(err, errno, "read the query from standard input");
	if (got > MAX_QUERY_BYTES)
		return cap_fail(err, CAP_ELIMIT, "the query exceeds %u bytes", MAX_QUERY_BYTES);
	text[got] = '\0';
	*ret_query = TAKE(text);
	return 0;
}

int kymo_sql_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct kymo_db_options options = {0};
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *from_stdin = NULL;
	struct kymo_common common;
	int first, status, rc;
	s64 rows;

	rc = kymo_parse_options(run, &(struct kymo_parse){0}, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	options.reading = common.reading;
	options.symbolize = common.symbols;
	options.symbol_options = &common.symbol_options;
	if (argc - first == 1 && argv[first][0] == '-' && !argv[first][1])
		return cap_fail(err, CAP_EUSAGE,
				"the capture and the query cannot both come from standard input");
	if (argc - first == 1 && isatty(STDIN_FILENO))
		run->note(run, "reading SQL from the terminal: end it with Ctrl-D, or give it as "
			       "an argument");
	rc = argc - first == 1 ? read_query(stdin, &from_stdin, err) : 0;
	options.question = from_stdin ? from_stdin : argv[first + 1];
	if (rc == 0)
		rc = kymo_db_open(argv[first], &options, &db, err);
	if (rc == 0)
		rc = kymo_query_exec(kymo_db_handle(db), "PRAGMA query_only = 1", err);
	if (rc == 0)
		rc = kymo_query_new(kymo_db_handle(db), options.question, &query, err);
	if (rc == 0)
		rc = kymo_filter_resolve(db, &common.filter, err);
	if (rc == 0)
		rc = kymo_writer_new(common.format, run->out, &writer);
	if (rc < 0)
		return rc;
	if (common.format == KYMO_FORMAT_TEXT && !common.no_pager)
		kymo_pager_begin(run);
	rc = kymo_damage_note(run, db, &common.filter, err);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "rows", NULL, err);
	if (rows < 0)
		return (int)rows;
	/* text and CSV hold only the requested rows */
	rc = kymo_reduced_tables(db, &common.filter, KYMO_ABOUT_ALL, writer, err);
	status = rc < 0 ? rc : kymo_loss_status(db, &common.filter, writer, err);
	if (status < 0)
		return status;
	rc = kymo_writer_finish(writer, err);
	return rc < 0 ? rc : status;
}

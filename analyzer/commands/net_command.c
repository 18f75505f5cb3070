/* kymo net: TCP connections, by whom and with whom, and what troubled them. */
#include <errno.h>
#include <stdio.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/reports/net_report.h"
#include "formats/base/cleanup.h"

/* Two tables, and three lines above them, fit 24 lines. */
#define TALKER_ROWS 10
#define ERROR_ROWS 5

enum show {
	SHOW_OVERVIEW = 0,
	SHOW_CONNECTIONS,
	SHOW_PEERS,
	SHOW_EVENTS,
	SHOW_DROPS,
	SHOW_LATENCY
};

struct net_options {
	struct kymo_net_options report;
	enum show show;
};

static int set_show(struct net_options *own, enum show show, struct cap_err *err)
{
	if (own->show != SHOW_OVERVIEW && own->show != show)
		return cap_fail(err, CAP_EUSAGE,
				"choose one of --connections, --peers, --events, --drops and "
				"--latency");
	own->show = show;
	return 0;
}

static int set_connections(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_CONNECTIONS, err);
}

static int set_peers(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_PEERS, err);
}

static int set_events(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_EVENTS, err);
}

static int set_drops(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_DROPS, err);
}

static int set_latency(void *own, const char *value, struct cap_err *err)
{
	(void)value;
	return set_show(own, SHOW_LATENCY, err);
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_NET
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static s64 write_rows(const struct kymo_run *run, const struct kymo_common *common,
		      struct kymo_db *db, const struct net_options *own, struct kymo_writer *writer,
		      struct cap_err *err)
{
	switch (own->show) {
	case SHOW_CONNECTIONS:
		return kymo_net_connections(db, &own->report, writer, err);
	case SHOW_PEERS:
		return kymo_net_peers(db, &own->report, writer, err);
	case SHOW_EVENTS:
		return kymo_net_events(db, &own->report, writer, err);
	case SHOW_DROPS:
		return kymo_net_drops(db, &own->report, writer, err);
	case SHOW_LATENCY:
		return common->format == KYMO_FORMAT_TEXT
			       ? kymo_net_latency_text(db, &own->report, run->out, err)
			       : kymo_net_latency(db, &own->report, writer, err);
	default:
		return kymo_net_overview(db, &own->report, writer, err);
	}
}

static int note_empty(const struct kymo_run *run, struct kymo_db *db, const struct net_options *own,
		      struct cap_err *err)
{
	static const char *const what[] = {
		[SHOW_OVERVIEW] = "TCP connections", [SHOW_CONNECTIONS] = "TCP connections",
		[SHOW_PEERS] = "TCP connections",    [SHOW_EVENTS] = "retransmissions or resets",
		[SHOW_DROPS] = "dropped packets",    [SHOW_LATENCY] = "TCP connections"};
	bool recorded = false;
	int rc = kymo_net_recorded(db, own->report.filter, &recorded, err);

	if (rc < 0)
		return rc;
	if (!recorded)
		run->note(run, "no TCP connections: recorded without -e net");
	else if (kymo_filter_is_open(own->report.filter))
		run->note(run, "no %s were recorded", what[own->show]);
	else
		run->note(run, "no %s match the filters", what[own->show]);
	return 0;
}

static int write_report(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, const struct net_options *own, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	const struct kymo_about about = {.classes = KYMO_ABOUT_NET};
	char more[KYMO_MORE_BYTES];
	int rc = kymo_report_begin(run, common, db, &about, &writer, err);
	s64 rows;

	if (rc < 0)
		return rc;
	kymo_writer_expendable(writer,
			       "min_rtt_ns retrans_count local_address local_port remote_port "
			       "srtt_ns connect_ns at_s processes srtt_avg_ns "
			       "connect_avg_ns last_s role");
	rows = write_rows(run, common, db, own, writer, err);
	if (rows < 0)
		return (int)rows;
	if (own->show != SHOW_OVERVIEW && own->show != SHOW_LATENCY && own->report.limit > 0 &&
	    rows > own->report.limit)
		kymo_writer_line(writer, kymo_more_text(rows - own->report.limit, more));
	if (rows == 0)
		rc = note_empty(run, db, own, err);
	return rc < 0 ? rc : kymo_report_finish(db, &common->filter, &about, writer, err);
}

int kymo_net_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	struct net_options own = {0};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	common.symbols = false; /* no stacks are shown */
	rc = kymo_report_open(run, &common, argv[first], KYMO_REPORT_net, &db, err);
	if (rc < 0)
		return rc;
	own.report.filter = &common.filter;
	own.report.limit = own.report.errors_limit = common.limit;
	if (own.show == SHOW_OVERVIEW && common.format == KYMO_FORMAT_TEXT && !common.limit_given) {
		own.report.limit = TALKER_ROWS;
		own.report.errors_limit = ERROR_ROWS;
	}
	return write_report(run, &common, db, &own, err);
}

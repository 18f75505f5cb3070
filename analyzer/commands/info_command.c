/* kymo info: what a capture holds. Everything it prints is in the views capture_info, class_totals,
 * probe_status, in event_count and meta. */
#include "analyzer/commands/command_mains.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/commands/report_session.h"
#include "analyzer/db/filter_resolve.h"
#include "analyzer/reports/names_note.h"
#include "analyzer/reports/report_list.h"
#include "analyzer/reports/sampled_stacks.h"
#include "analyzer/reports/stack_ends.h"
#include "formats/base/cleanup.h"

static const struct {
	const char *name;
	enum kymo_show show;
} shown[] = {
	{"events_stored", KYMO_SHOW_COUNT},   {"events_dropped", KYMO_SHOW_COUNT},
	{"events_counted", KYMO_SHOW_COUNT},  {"events_damaged", KYMO_SHOW_COUNT},
	{"duration_ns", KYMO_SHOW_NS},	      {"file_bytes", KYMO_SHOW_BYTES},
	{"bytes_per_event", KYMO_SHOW_COUNT}, {"capture_id", KYMO_SHOW_HIDDEN},
	{"start_ns", KYMO_SHOW_HIDDEN},	      {"end_ns", KYMO_SHOW_HIDDEN},
	{"bytes_skipped", KYMO_SHOW_BYTES},
};

/* Columns of capture_info about damage: an object of their own, shown to people only if something
 * is wrong. */
static const char *const damage_columns[] = {
	"blocks_read",	 "blocks_damaged",   "blocks_lost",	 "blocks_unknown",
	"bytes_skipped", "columns_rejected", "rows_unknown_type"};

static bool is_damage(const char *name)
{
	for (size_t i = 0; i < sizeof(damage_columns) / sizeof(damage_columns[0]); i++) {
		if (strcmp(name, damage_columns[i]) == 0)
			return true;
	}
	return false;
}

static enum kymo_show show_of(const char *name)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		if (strcmp(name, shown[i].name) == 0)
			return shown[i].show;
	}
	return KYMO_SHOW_PLAIN;
}

static void write_columns(struct kymo_writer *writer, struct kymo_query *row, bool damage)
{
	for (int i = 0; i < kymo_query_column_count(row); i++) {
		const char *name = kymo_query_column_name(row, i);
		struct kymo_value value = kymo_query_value(row, i);

		if (is_damage(name) != damage)
			continue;
		if (strcmp(name, "complete") == 0)
			value.type = KYMO_BOOL;
		kymo_writer_field(writer, name, show_of(name), &value);
	}
}

static int write_table(struct kymo_db *db, struct kymo_writer *writer, const char *name,
		       const char *sql, s64 capture_id, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	s64 rows;

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":capture", capture_id);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, name, NULL, err);
	return rows < 0 ? (int)rows : 0;
}

static int write_tables(struct kymo_db *db, struct kymo_writer *writer, s64 capture_id,
			struct cap_err *err)
{
	static const struct {
		const char *name, *sql;
	} tables[] = {
		{"classes", "SELECT class, attempted_count, stored_count, counted_count, "
			    "lost_count, unmatched_count FROM class_totals"
			    " WHERE capture_id = :capture ORDER BY class"},
		{"probes", "SELECT name, how, class, attached, error_name, reason FROM probe_status"
			   " WHERE capture_id = :capture ORDER BY class, name"},
		{"events", "SELECT type, row_count FROM event_count WHERE capture_id = :capture "
			   "AND row_count > 0 ORDER BY type"},
		{"meta", "SELECT key, value FROM meta WHERE capture_id = :capture ORDER BY key"},
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(tables) / sizeof(tables[0]); i++)
		rc = write_table(db, writer, tables[i].name, tables[i].sql, capture_id, err);
	return rc;
}

/* What its CPU samples say of functions: nothing to tell where there are none. */
static int write_names(struct kymo_db *db, struct kymo_writer *writer,
		       const struct kymo_filter *filter, struct cap_err *err)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = NULL;
	const struct kymo_stack_options options = {.filter = filter};
	struct kymo_stack_facts facts;
	u64 named;
	int rc = kymo_sampled_stacks(db, &options, &tree, &facts, err);

	if (rc < 0 || facts.frames == 0)
		return rc;
	named = facts.frames - facts.frames_unnamed - facts.frames_unknown;
	kymo_writer_object_begin(writer, "names");
	kymo_writer_field_int(writer, "frames_sampled", KYMO_SHOW_COUNT, (s64)facts.frames);
	kymo_writer_field_int(writer, "frames_named", KYMO_SHOW_COUNT, (s64)named);
	kymo_writer_field_real(writer, "named_percent", KYMO_SHOW_PERCENT,
			       100.0 * (double)named / (double)facts.frames);
	kymo_writer_object_end(writer);
	return kymo_names_table(db, filter, writer, err);
}

static int write_one(struct kymo_db *db, struct kymo_writer *writer,
		     const struct kymo_filter *filter, struct cap_err *err)
{
	s64 capture_id = filter->capture_id;
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db),
				"SELECT * FROM capture_info WHERE capture_id = :capture", &query,
				err);

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":capture", capture_id);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	write_columns(writer, query, false);
	kymo_writer_object_begin(writer, "damage");
	write_columns(writer, query, true);
	kymo_writer_object_end(writer);
	rc = kymo_stack_ends_table(db, filter, writer, err);
	if (rc == 0)
		rc = write_names(db, writer, filter, err);
	return rc < 0 ? rc : write_tables(db, writer, capture_id, err);
}

/* Several captures: sums under the same names as of one, then a line for each. */
static int write_list(struct kymo_db *db, struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT count(*) AS capture_count, sum(events_stored) AS events_stored,"
		" CAST(total(events_counted) AS INTEGER) AS events_counted,"
		" CAST(total(events_dropped) AS INTEGER) AS events_dropped, "
		"CAST(total(events_damaged) AS INTEGER) AS events_damaged,"
		" CAST(total(duration_ns) AS INTEGER) AS duration_ns, min(complete) AS complete, "
		"sum(file_bytes) AS "
		"file_bytes"
		" FROM capture_info",
		&query, err);

	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	write_columns(writer, query, false);
	return write_table(
		db, writer, "captures",
		"SELECT capture_id, path, host, kernel, start_realtime, duration_ns, "
		"events_stored, events_counted, events_dropped,"
		" events_damaged, complete, end_reason, file_bytes, session_uuid FROM capture_info"
		" WHERE :capture = 0 ORDER BY capture_id",
		0, err);
}

int kymo_info_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	const struct kymo_about about = {.classes = KYMO_ABOUT_ALL};
	struct kymo_common common;
	int first, rc;

	rc = kymo_parse_options(run, &(struct kymo_parse){0}, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = kymo_db_open(
		argv[first],
		&(struct kymo_db_options){.needs = kymo_report_row(KYMO_REPORT_info)->needs,
					  .filter = &common.filter,
					  .reading = common.reading,
					  .symbolize = common.symbols,
					  .symbol_options = &common.symbol_options},
		&db, err);
	if (rc == 0)
		rc = kymo_filter_resolve(db, &common.filter, err);
	if (rc < 0)
		return rc;
	common.limit = -1; /* an inventory is whole */
	rc = kymo_report_begin(run, &common, db, &about, &writer, err);
	if (rc == 0)
		kymo_writer_expendable(
			writer, "unmatched_count how error_name session_uuid end_reason file_bytes "
				"events_damaged complete events_counted kernel build_id");
	if (rc == 0 && common.filter.capture_id != 0)
		rc = write_one(db, writer, &common.filter, err);
	else if (rc == 0)
		rc = write_list(db, writer, err);
	return rc < 0 ? rc : kymo_report_finish(db, &common.filter, &about, writer, err);
}

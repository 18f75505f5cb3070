/*
 * A second look at the same files as symbolize_db.c has, with readers of their own: debugging
 * information is far bigger and more intricate than a symbol table, and where reading it fails, the
 * names must stay.
 */
#include "analyzer/db/frame_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/module_wanted.h"
#include "analyzer/db/query.h"
#include "analyzer/symbols/symbol_helper.h"
#include "formats/base/cleanup.h"

static const char captured_sql[] =
	"DROP TABLE IF EXISTS temp.frame_line;"
	"CREATE TEMP TABLE frame_line (frame_id INTEGER, depth INTEGER, function TEXT, file TEXT,"
	" line INTEGER, captured INTEGER, PRIMARY KEY (frame_id, depth)) WITHOUT ROWID;"
	"CREATE TEMP TABLE line_of_place (identity TEXT, offset_bytes INTEGER, depth INTEGER,"
	" function TEXT, file TEXT, line INTEGER);"
	"INSERT INTO temp.line_of_place SELECT ifnull(nullif(build_id, ''), object), offset_bytes,"
	" ifnull(depth, 0), nullif(function, ''), nullif(file, ''), nullif(line, 0)"
	" FROM source_line;"
	"CREATE INDEX temp.line_of_place_at ON line_of_place (identity, offset_bytes);"
	"INSERT OR IGNORE INTO temp.frame_line SELECT f.id, l.depth, l.function, l.file, l.line, 1"
	" FROM frame f JOIN module m ON m.id = f.module_id"
	" JOIN temp.line_of_place l ON l.identity = ifnull(m.build_id, m.path)"
	" AND l.offset_bytes = f.offset_bytes WHERE f.space = 'user';"
	"DROP TABLE temp.line_of_place";

static const char frames_sql[] = KYMO_MODULE_WITH
	"SELECT f.id, f.offset_bytes, " KYMO_MODULE_COLUMNS "FROM frame f" KYMO_MODULE_JOINS
	"WHERE f.space = 'user' AND f.offset_bytes IS NOT NULL AND f.id NOT IN "
	"(SELECT frame_id FROM temp.frame_line)" KYMO_MODULE_ORDER;
enum { COL_FRAME, COL_OFFSET, COL_MODULE_ROW };

struct reader {
	struct kymo_object_search search;
	struct kymo_query *frames, *add;
	struct kymo_symbol_helper *helper; /* of the current build-id and path */
	char *build_id, *path;
	bool presumed;
	s64 module_id;
};

static void reader_done(struct reader *reader)
{
	kymo_query_free(reader->frames);
	kymo_query_free(reader->add);
	(void)kymo_symbol_helper_free(reader->helper);
	free(reader->build_id);
	free(reader->path);
}

static int use_module(struct reader *reader, const struct kymo_module_row *row, struct cap_err *err)
{
	char *build_id, *path;

	if (reader->helper &&
	    (reader->module_id == row->id ||
	     kymo_module_is(row, reader->build_id, reader->path, reader->presumed))) {
		reader->module_id = row->id;
		return 0;
	}
	build_id = row->build_id ? strdup(row->build_id) : NULL;
	path = row->wanted.path ? strdup(row->wanted.path) : NULL;
	reader->helper = kymo_symbol_helper_free(reader->helper);
	free(reader->build_id);
	free(reader->path);
	reader->build_id = build_id;
	reader->path = path;
	if ((row->build_id && !build_id) || (row->wanted.path && !path))
		return cap_fail(err, -ENOMEM, "source lines");
	reader->module_id = row->id;
	reader->presumed = row->wanted.presumed;
	return kymo_symbol_helper_open(&reader->search, &row->wanted, &reader->helper, err);
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static int take_frame(struct reader *reader, struct cap_err *err)
{
	struct kymo_source_place places[KYMO_LINE_DEPTH];
	struct kymo_module_row row;
	size_t count;
	int rc;

	kymo_module_row(reader->frames, COL_MODULE_ROW, &row);
	rc = use_module(reader, &row, err);
	if (rc < 0)
		return rc;
	count = kymo_symbol_helper_lines(
		reader->helper, (uint64_t)kymo_query_int(reader->frames, COL_OFFSET), places);
	for (size_t i = 0; i < count; i++) {
		(void)kymo_query_bind_int(reader->add, ":frame",
					  kymo_query_int(reader->frames, COL_FRAME));
		(void)kymo_query_bind_int(reader->add, ":depth", (s64)i);
		(void)kymo_query_bind_text(reader->add, ":function",
					   text_or_null(places[i].function));
		(void)kymo_query_bind_text(reader->add, ":file", text_or_null(places[i].file));
		(void)kymo_query_bind_int(reader->add, ":line", places[i].line);
		rc = kymo_query_run(reader->add, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int kymo_frame_lines(struct sqlite3 *handle, const struct kymo_object_search *search,
		     struct cap_err *err)
{
	CLEANUP(reader_done) struct reader reader = {0};
	int rc = kymo_query_exec(handle, captured_sql, err);

	if (search)
		reader.search = *search;
	reader.search.lines = true;
	if (rc == 0)
		rc = kymo_query_new(handle, frames_sql, &reader.frames, err);
	if (rc == 0)
		rc = kymo_query_new(handle,
				    "INSERT OR IGNORE INTO temp.frame_line VALUES (:frame, :depth,"
				    " :function, :file, nullif(:line, 0), 0)",
				    &reader.add, err);
	while (rc == 0 && (rc = kymo_query_step(reader.frames, err)) > 0)
		rc = take_frame(&reader, err);
	return rc < 0 ? cap_context(err, rc, "look up source lines") : 0;
}

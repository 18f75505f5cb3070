/*
 * One query gives the frames ordered by module and offset; results go into a temporary table and
 * are applied in one UPDATE, because the table that is read must not change under the reader.
 */
#include "analyzer/db/symbolize_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/captured_names.h"
#include "analyzer/db/module_wanted.h"
#include "analyzer/db/query.h"
#include "analyzer/symbols/symbol_helper.h"

/* Offsets of callers are already inside the call: import stores return addresses less one. */
static const char frames_sql[] =
	KYMO_MODULE_WITH "SELECT f.id, f.offset_bytes, " KYMO_MODULE_COLUMNS
			 "FROM frame f" KYMO_MODULE_JOINS "WHERE f.space = 'user' AND f.symbol IS "
			 "NULL AND f.offset_bytes IS NOT NULL" KYMO_MODULE_ORDER;
enum { COL_FRAME, COL_OFFSET, COL_MODULE_ROW };

struct symbolizer {
	const struct kymo_object_search *search;
	struct kymo_query *frames, *add_name, *add_module;
	struct kymo_symbol_helper *names; /* of the current build-id and path */
	struct kymo_captured_names *captured;
	char *build_id, *path; /* what names was opened for; NULL: nothing, or no build-id */
	bool presumed, compat;
	s64 module_id; /* the last one entered into module_symbols; 0: none */
};

static void symbolizer_done(struct symbolizer *symbolizer)
{
	kymo_query_free(symbolizer->frames);
	kymo_query_free(symbolizer->add_name);
	kymo_query_free(symbolizer->add_module);
	kymo_symbol_helper_free(symbolizer->names);
	(void)kymo_captured_names_free(symbolizer->captured);
	free(symbolizer->build_id);
	free(symbolizer->path);
}

static int open_object(struct symbolizer *symbolizer, const struct kymo_module_row *row,
		       struct cap_err *err)
{
	const char *path = row->wanted.path;
	char *kept_id = row->build_id ? strdup(row->build_id) : NULL;
	char *kept_path = path ? strdup(path) : NULL;

	symbolizer->names = kymo_symbol_helper_free(symbolizer->names);
	free(symbolizer->build_id);
	free(symbolizer->path);
	symbolizer->build_id = kept_id;
	symbolizer->path = kept_path;
	if ((row->build_id && !kept_id) || (path && !kept_path))
		return cap_fail(err, -ENOMEM, "symbols");
	symbolizer->presumed = row->wanted.presumed;
	symbolizer->compat = row->wanted.compat;
	return kymo_symbol_helper_open(symbolizer->search, &row->wanted, &symbolizer->names, err);
}

/* A whole symbol table of this machine names more than the capture, and the capture more than what
 * is left of a stripped file: all of the same build-id. */
static bool prefers_file(const struct symbolizer *symbolizer)
{
	return kymo_symbol_helper_state(symbolizer->names) == KYMO_OBJECT_FOUND;
}

static int enter_module(struct symbolizer *symbolizer, s64 module_id, struct cap_err *err)
{
	enum kymo_object_state state = kymo_symbol_helper_state(symbolizer->names);
	bool verified = kymo_symbol_helper_verified(symbolizer->names);
	const char *name = kymo_object_state_name(state);
	const char *advice = kymo_object_advice(state, verified, symbolizer->build_id != NULL);
	int captured = prefers_file(symbolizer) || symbolizer->compat
			       ? 0
			       : kymo_captured_names_has(symbolizer->captured, symbolizer->build_id,
							 symbolizer->path, err);

	if (captured < 0)
		return captured;
	if (captured) {
		name = "in_capture";
		verified = symbolizer->build_id != NULL;
		advice = "named on the recorded host; for functions that have no name there, pass "
			 "its debug "
			 "file with --debug-dir";
	}
	symbolizer->module_id = module_id;
	(void)kymo_query_bind_int(symbolizer->add_module, ":module", module_id);
	(void)kymo_query_bind_text(symbolizer->add_module, ":state", name);
	(void)kymo_query_bind_int(symbolizer->add_module, ":verified", verified);
	(void)kymo_query_bind_text(symbolizer->add_module, ":advice", advice);
	return kymo_query_run(symbolizer->add_module, err);
}

/* 1: there is a name; 0; or negative. */
static int find_name(struct symbolizer *symbolizer, uint64_t offset, const char **ret_name,
		     uint64_t *ret_into, struct cap_err *err)
{
	int rc;

	*ret_name = NULL;
	if (prefers_file(symbolizer))
		*ret_name = kymo_symbol_helper_find(symbolizer->names, offset, ret_into);
	if (*ret_name)
		return 1;
	rc = symbolizer->compat /* only the vDSO of 64-bit programs is in captures */
		     ? 0
		     : kymo_captured_names_find(symbolizer->captured, symbolizer->build_id,
						symbolizer->path, offset, ret_name, ret_into, err);
	if (rc != 0)
		return rc;
	*ret_name = kymo_symbol_helper_find(symbolizer->names, offset, ret_into);
	return *ret_name ? 1 : 0;
}

static int name_frame(struct symbolizer *symbolizer, struct cap_err *err)
{
	struct kymo_query *frames = symbolizer->frames;
	uint64_t offset = (uint64_t)kymo_query_int(frames, COL_OFFSET);
	enum kymo_object_state before = kymo_symbol_helper_state(symbolizer->names);
	uint64_t into = 0;
	const char *name;
	int rc = find_name(symbolizer, offset, &name, &into, err);

	if (rc >= 0 && kymo_symbol_helper_state(symbolizer->names) != before)
		rc = enter_module(symbolizer, symbolizer->module_id, err) < 0 ? -ENOMEM : rc;
	if (rc <= 0)
		return rc;
	(void)kymo_query_bind_int(symbolizer->add_name, ":frame",
				  kymo_query_int(frames, COL_FRAME));
	(void)kymo_query_bind_text(symbolizer->add_name, ":symbol", name);
	(void)kymo_query_bind_int(symbolizer->add_name, ":into", (s64)into);
	return kymo_query_run(symbolizer->add_name, err);
}

static int symbolize_row(struct symbolizer *symbolizer, struct cap_err *err)
{
	struct kymo_module_row row;
	int rc = 0;

	kymo_module_row(symbolizer->frames, COL_MODULE_ROW, &row);
	if (!symbolizer->names ||
	    (symbolizer->module_id != row.id &&
	     !kymo_module_is(&row, symbolizer->build_id, symbolizer->path, symbolizer->presumed)))
		rc = open_object(symbolizer, &row, err);
	if (rc == 0 && symbolizer->module_id != row.id)
		rc = enter_module(symbolizer, row.id, err);
	return rc < 0 ? rc : name_frame(symbolizer, err);
}

static int symbolize_all(struct symbolizer *symbolizer, struct sqlite3 *handle,
			 enum kymo_names_source source, struct cap_err *err)
{
	int rc;

	rc = kymo_captured_names_open(handle, source, &symbolizer->captured, err);
	if (rc == 0)
		rc = kymo_query_new(handle, frames_sql, &symbolizer->frames, err);
	if (rc == 0)
		rc = kymo_query_new(handle,
				    "INSERT INTO temp.frame_found VALUES (:frame, :symbol, :into)",
				    &symbolizer->add_name, err);
	if (rc == 0)
		rc = kymo_query_new(handle,
				    "INSERT OR REPLACE INTO module_symbols VALUES (:module, "
				    ":state, :verified, :advice)",
				    &symbolizer->add_module, err);
	if (rc < 0)
		return rc;
	while ((rc = kymo_query_step(symbolizer->frames, err)) > 0) {
		rc = symbolize_row(symbolizer, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int kymo_symbolize_frames(struct sqlite3 *handle, const struct kymo_symbol_options *options,
			  enum kymo_names_source source, struct cap_err *err)
{
	static const struct kymo_symbol_options defaults = {0};
	struct symbolizer symbolizer = {.search = options ? &options->search : &defaults.search};
	int rc;

	rc = kymo_query_exec(handle,
			     "DROP TABLE IF EXISTS temp.frame_found;"
			     "CREATE TEMP TABLE frame_found"
			     " (frame_id INTEGER PRIMARY KEY, symbol TEXT, into_bytes INTEGER)",
			     err);
	if (rc == 0)
		rc = symbolize_all(&symbolizer, handle, source, err);
	symbolizer_done(&symbolizer);
	if (rc == 0)
		rc = kymo_query_exec(handle,
				     "UPDATE frame SET symbol = n.symbol, name = n.symbol,"
				     " symbol_offset_bytes = n.into_bytes"
				     " FROM temp.frame_found n WHERE n.frame_id = frame.id;"
				     "DROP TABLE temp.frame_found",
				     err);
	return rc < 0 ? cap_context(err, rc, "look up function names") : 0;
}

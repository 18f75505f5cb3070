/*
 * One query gives the frames ordered by module and offset; results go into a temporary table and
 * are applied in one UPDATE, because the table that is read must not change under the reader.
 */
#include "analyzer/db/symbolize_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "formats/base/cleanup.h"
#include "analyzer/symbols/symbol_helper.h"

/* Offsets of callers are already inside the call: import stores return addresses less one. */
#define FRAMES_SQL(texts)                                                                     \
	"WITH texts AS MATERIALIZED (" texts " GROUP BY build_id) "                           \
	"SELECT f.id, f.offset_bytes, m.id, m.build_id, m.path, t.first_offset "              \
	"FROM frame f JOIN module m ON m.id = f.module_id LEFT JOIN texts t ON t.build_id = " \
	"m.build_id "                                                                         \
	"WHERE f.space = 'user' AND f.symbol IS NULL AND f.offset_bytes IS NOT NULL "         \
	"ORDER BY m.build_id, m.path, m.id, f.offset_bytes"
static const char *const frames_sql[] = {
	[KYMO_TEXTS_OF_MAPPINGS] =
		FRAMES_SQL("SELECT build_id, min(file_offset) AS first_offset FROM mapping"
			   "  WHERE build_id IS NOT NULL"),
	[KYMO_TEXTS_OF_CAPTURE] =
		FRAMES_SQL("SELECT build_id, min(first_offset) AS first_offset"
			   " FROM temp.kymo_module_texts WHERE build_id IS NOT NULL"),
};
enum { COL_FRAME, COL_OFFSET, COL_MODULE, COL_BUILD_ID, COL_PATH, COL_FIRST_OFFSET };

struct symbolizer {
	const struct kymo_object_search *search;
	struct kymo_query *frames, *add_name, *add_module;
	struct kymo_symbol_helper *names; /* of the current build-id and path */
	char *build_id, *path; /* what names was opened for; NULL: nothing, or no build-id */
	s64 module_id;	       /* the last one entered into module_symbols; 0: none */
};

static void symbolizer_done(struct symbolizer *symbolizer)
{
	kymo_query_free(symbolizer->frames);
	kymo_query_free(symbolizer->add_name);
	kymo_query_free(symbolizer->add_module);
	kymo_symbol_helper_free(symbolizer->names);
	free(symbolizer->build_id);
	free(symbolizer->path);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Bytes of a build-id from lower-case hex; 0 if it is none. */
static size_t build_id_bytes(const char *hex, uint8_t ret_bytes[KYMO_ELF_MAX_BUILD_ID_BYTES])
{
	size_t len = hex ? strlen(hex) : 0;

	if (len % 2 != 0 || len / 2 > KYMO_ELF_MAX_BUILD_ID_BYTES ||
	    (len > 0 && strspn(hex, "0123456789abcdef") != len))
		return 0;
	for (size_t i = 0; i < len / 2; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		ret_bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return len / 2;
}

/* The states by the name they have in the database. */
static const char *state_name(enum kymo_object_state state)
{
	static const char *const names[] = {
		[KYMO_OBJECT_FOUND] = "found",		 [KYMO_OBJECT_NO_BUILD_ID] = "no_build_id",
		[KYMO_OBJECT_NOT_FOUND] = "not_found",	 [KYMO_OBJECT_OTHER_BUILD] = "other_build",
		[KYMO_OBJECT_NO_SYMBOLS] = "no_symbols", [KYMO_OBJECT_UNREADABLE] = "unreadable",
		[KYMO_OBJECT_GAVE_UP] = "gave_up",
	};

	return names[state];
}

static int open_object(struct symbolizer *symbolizer, const char *build_id, const char *path,
		       uint64_t first_offset, struct cap_err *err)
{
	uint8_t bytes[KYMO_ELF_MAX_BUILD_ID_BYTES];
	size_t len = build_id_bytes(build_id, bytes);
	char *kept_id = build_id ? strdup(build_id) : NULL;
	char *kept_path = path ? strdup(path) : NULL;

	symbolizer->names = kymo_symbol_helper_free(symbolizer->names);
	free(symbolizer->build_id);
	free(symbolizer->path);
	symbolizer->build_id = kept_id;
	symbolizer->path = kept_path;
	if ((build_id && !kept_id) || (path && !kept_path))
		return cap_fail(err, -ENOMEM, "symbols");
	return kymo_symbol_helper_open(symbolizer->search, bytes, len, path, first_offset,
				       &symbolizer->names, err);
}

static int enter_module(struct symbolizer *symbolizer, s64 module_id, struct cap_err *err)
{
	enum kymo_object_state state = kymo_symbol_helper_state(symbolizer->names);

	symbolizer->module_id = module_id;
	(void)kymo_query_bind_int(symbolizer->add_module, ":module", module_id);
	(void)kymo_query_bind_text(symbolizer->add_module, ":state", state_name(state));
	(void)kymo_query_bind_text(symbolizer->add_module, ":advice",
				   kymo_object_state_text(state));
	return kymo_query_run(symbolizer->add_module, err);
}

static int name_frame(struct symbolizer *symbolizer, struct cap_err *err)
{
	struct kymo_query *frames = symbolizer->frames;
	uint64_t offset = (uint64_t)kymo_query_int(frames, COL_OFFSET);
	enum kymo_object_state before = kymo_symbol_helper_state(symbolizer->names);
	uint64_t into;
	const char *name = kymo_symbol_helper_find(symbolizer->names, offset, &into);

	if (kymo_symbol_helper_state(symbolizer->names) != before)
		return enter_module(symbolizer, symbolizer->module_id, err);
	if (!name)
		return 0;
	(void)kymo_query_bind_int(symbolizer->add_name, ":frame",
				  kymo_query_int(frames, COL_FRAME));
	(void)kymo_query_bind_text(symbolizer->add_name, ":symbol", name);
	(void)kymo_query_bind_int(symbolizer->add_name, ":into", (s64)into);
	return kymo_query_run(symbolizer->add_name, err);
}

static int symbolize_row(struct symbolizer *symbolizer, struct cap_err *err)
{
	struct kymo_query *frames = symbolizer->frames;
	const char *build_id = kymo_query_text(frames, COL_BUILD_ID, NULL);
	const char *path = kymo_query_text(frames, COL_PATH, NULL);
	s64 module_id = kymo_query_int(frames, COL_MODULE);
	int rc = 0;

	if (!symbolizer->names || !same_text(symbolizer->build_id, build_id) ||
	    !same_text(symbolizer->path, path)) {
		uint64_t first_offset =
			kymo_query_is_null(frames, COL_FIRST_OFFSET)
				? UINT64_MAX
				: (uint64_t)kymo_query_int(frames, COL_FIRST_OFFSET);

		rc = open_object(symbolizer, build_id, path, first_offset, err);
	}
	if (rc == 0 && symbolizer->module_id != module_id)
		rc = enter_module(symbolizer, module_id, err);
	return rc < 0 ? rc : name_frame(symbolizer, err);
}

static int symbolize_all(struct symbolizer *symbolizer, struct sqlite3 *handle,
			 enum kymo_texts texts, struct cap_err *err)
{
	int rc;

	rc = kymo_query_new(handle, frames_sql[texts], &symbolizer->frames, err);
	if (rc == 0)
		rc = kymo_query_new(handle,
				    "INSERT INTO temp.frame_found VALUES (:frame, :symbol, :into)",
				    &symbolizer->add_name, err);
	if (rc == 0)
		rc = kymo_query_new(
			handle,
			"INSERT OR REPLACE INTO module_symbols VALUES (:module, :state, :advice)",
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
			  enum kymo_texts texts, struct cap_err *err)
{
	static const struct kymo_symbol_options defaults = {0};
	struct symbolizer symbolizer = {.search = options ? &options->search : &defaults.search};
	int rc;

	rc = kymo_query_exec(handle,
			     "DROP TABLE IF EXISTS temp.frame_found;"
			     "CREATE TEMP TABLE frame_found"
			     " (frame_id INTEGER PRIMARY KEY, symbol TEXT, into_bytes INTEGER)",
			     err);
	if (rc == 0 && texts == KYMO_TEXTS_OF_CAPTURE)
		rc = kymo_query_exec(handle,
				     "CREATE VIRTUAL TABLE temp.kymo_module_texts USING "
				     "kymo_model(module_texts)",
				     err);
	if (rc == 0)
		rc = symbolize_all(&symbolizer, handle, texts, err);
	symbolizer_done(&symbolizer);
	if (rc == 0 && texts == KYMO_TEXTS_OF_CAPTURE)
		rc = kymo_query_exec(handle, "DROP TABLE temp.kymo_module_texts", err);
	if (rc == 0)
		rc = kymo_query_exec(handle,
				     "UPDATE frame SET symbol = n.symbol, name = n.symbol,"
				     " symbol_offset_bytes = n.into_bytes"
				     " FROM temp.frame_found n WHERE n.frame_id = frame.id;"
				     "DROP TABLE temp.frame_found",
				     err);
	return rc < 0 ? cap_context(err, rc, "look up function names") : 0;
}

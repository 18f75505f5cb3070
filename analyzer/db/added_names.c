/* Two queries, one after the other. Functions have no size here, so a range is as long as what was
 * hit of it: more than that nobody asks for. */
#include "analyzer/db/added_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/module_wanted.h"
#include "analyzer/db/query.h"
#include "formats/base/cleanup.h"

#define MAX_ROWS_OF_BLOCK 20000u
#define MAX_BYTES_OF_BLOCK (4u << 20)

/* Modules that another machine finds again: by their build-id, else by a path. */
#define NAMED_MODULE                                                              \
	"f.space = 'user' AND f.offset_bytes IS NOT NULL AND (m.build_id IS NOT " \
	"NULL OR m.path LIKE '/%' OR m.path = '[vdso]') AND NOT m.compat"

static const char prepare_sql[] =
	"DROP TABLE IF EXISTS temp.had_name;"
	"CREATE TEMP TABLE had_name (identity TEXT, start_bytes INTEGER, end_bytes INTEGER);"
	"INSERT INTO temp.had_name SELECT ifnull(nullif(build_id, ''), object), offset_bytes,"
	" offset_bytes + max(size_bytes, 1) FROM symbol"
	" WHERE name != '' AND (ifnull(flags, 0) & 1) = 0;"
	"CREATE INDEX temp.had_name_place ON had_name (identity, start_bytes)";

static const char functions_sql[] =
	"SELECT m.build_id, min(m.path), f.offset_bytes - f.symbol_offset_bytes AS start,"
	" max(f.symbol_offset_bytes) + 1, f.symbol FROM frame f JOIN module m ON m.id = f.module_id"
	" WHERE " NAMED_MODULE " AND f.symbol IS NOT NULL AND f.symbol_offset_bytes IS NOT NULL"
	" AND f.symbol_offset_bytes <= f.offset_bytes"
	" AND f.offset_bytes >= ifnull((SELECT h.end_bytes FROM temp.had_name h"
	" WHERE h.identity = ifnull(m.build_id, m.path) AND h.start_bytes <= f.offset_bytes"
	" ORDER BY h.start_bytes DESC LIMIT 1), 0)"
	" GROUP BY ifnull(m.build_id, m.path), start, f.symbol"
	" ORDER BY ifnull(m.build_id, m.path), start";
enum { FUNCTION_BUILD_ID, FUNCTION_PATH, FUNCTION_START, FUNCTION_SIZE, FUNCTION_NAME };

static const char places_sql[] =
	"SELECT m.build_id, min(m.path), f.offset_bytes, l.depth, l.function, l.file, l.line"
	" FROM temp.frame_line l JOIN frame f ON f.id = l.frame_id JOIN module m ON m.id = "
	"f.module_id WHERE NOT l.captured AND " NAMED_MODULE
	" GROUP BY ifnull(m.build_id, m.path), f.offset_bytes, l.depth"
	" ORDER BY ifnull(m.build_id, m.path), f.offset_bytes, l.depth";
enum {
	PLACE_BUILD_ID,
	PLACE_PATH,
	PLACE_OFFSET,
	PLACE_DEPTH,
	PLACE_FUNCTION,
	PLACE_FILE,
	PLACE_LINE
};

struct kymo_added_names {
	struct kymo_query *functions, *places;
	enum { AT_FUNCTIONS, AT_PLACES, AT_END } at;
	struct kymo_added_counts counts;
};

struct kymo_added_names *kymo_added_names_free(struct kymo_added_names *names)
{
	if (names) {
		kymo_query_free(names->functions);
		kymo_query_free(names->places);
	}
	free(names);
	return NULL;
}

void kymo_added_names_freep(struct kymo_added_names **names)
{
	*names = kymo_added_names_free(*names);
}

static int count_frames(struct sqlite3 *handle, struct kymo_added_counts *counts,
			struct cap_err *err)
{
	s64 frames = 0, unnamed = 0;
	int rc = kymo_query_one_int(handle,
				    "SELECT count(*) FROM frame f JOIN module m ON m.id = "
				    "f.module_id WHERE " NAMED_MODULE,
				    &frames, err);

	if (rc == 0)
		rc = kymo_query_one_int(handle,
					"SELECT count(*) FROM frame f JOIN module m ON m.id = "
					"f.module_id WHERE f.symbol IS NULL AND " NAMED_MODULE,
					&unnamed, err);
	counts->frames = (u64)frames;
	counts->frames_unnamed = (u64)unnamed;
	return rc;
}

int kymo_added_names_open(struct kymo_db *db, struct kymo_added_names **ret_names,
			  struct cap_err *err)
{
	CLEANUP(kymo_added_names_freep) struct kymo_added_names *names = calloc(1, sizeof(*names));
	struct sqlite3 *handle = kymo_db_handle(db);
	int rc;

	if (!names)
		return cap_fail(err, -ENOMEM, "names of functions");
	rc = kymo_query_exec(handle, prepare_sql, err);
	if (rc == 0)
		rc = kymo_query_new(handle, functions_sql, &names->functions, err);
	if (rc == 0)
		rc = kymo_query_new(handle, places_sql, &names->places, err);
	if (rc == 0)
		rc = count_frames(handle, &names->counts, err);
	if (rc < 0)
		return cap_context(err, rc, "names of functions");
	*ret_names = TAKE(names);
	return 0;
}

static u32 text_of(struct cap_chunk *chunk, struct kymo_query *query, int column)
{
	size_t len = 0;
	const char *text = kymo_query_text(query, column, &len);

	return text ? cap_chunk_string(chunk, text, len) : 0;
}

static u32 build_id_of(struct cap_chunk *chunk, struct kymo_query *query, int column)
{
	uint8_t bytes[KYMO_ELF_MAX_BUILD_ID_BYTES];
	const char *hex = kymo_query_text(query, column, NULL);
	size_t len = kymo_build_id_bytes(hex, bytes);

	return len > 0 ? cap_chunk_string(chunk, bytes, len) : 0;
}

static int add_function(struct kymo_added_names *names, struct cap_chunk *chunk)
{
	struct kymo_query *query = names->functions;
	const struct ev_symbol row = {
		.offset_bytes = (u64)kymo_query_int(query, FUNCTION_START),
		.size_bytes = (u64)kymo_query_int(query, FUNCTION_SIZE),
		.object = text_of(chunk, query, FUNCTION_PATH),
		.build_id = build_id_of(chunk, query, FUNCTION_BUILD_ID),
		.name = text_of(chunk, query, FUNCTION_NAME),
		.flags = kymo_query_is_null(query, FUNCTION_BUILD_ID) ? EV_SYMBOL_UNVERIFIED : 0,
	};

	names->counts.functions++;
	return cap_chunk_add(chunk, EV_SYMBOL, &row);
}

static int add_place(struct kymo_added_names *names, struct cap_chunk *chunk)
{
	struct kymo_query *query = names->places;
	const struct ev_source_line row = {
		.offset_bytes = (u64)kymo_query_int(query, PLACE_OFFSET),
		.object = text_of(chunk, query, PLACE_PATH),
		.build_id = build_id_of(chunk, query, PLACE_BUILD_ID),
		.function = text_of(chunk, query, PLACE_FUNCTION),
		.file = text_of(chunk, query, PLACE_FILE),
		.line = (u32)kymo_query_int(query, PLACE_LINE),
		.depth = (u32)kymo_query_int(query, PLACE_DEPTH),
	};

	names->counts.places += row.depth == 0;
	return cap_chunk_add(chunk, EV_SOURCE_LINE, &row);
}

static bool has_room(const struct cap_chunk *chunk)
{
	return cap_chunk_rows(chunk) < MAX_ROWS_OF_BLOCK &&
	       cap_chunk_raw_bytes(chunk) < MAX_BYTES_OF_BLOCK;
}

/* The next row of what it is at; at the last one it goes on. */
static int add_next(struct kymo_added_names *names, struct cap_chunk *chunk, struct cap_err *err)
{
	struct kymo_query *query = names->at == AT_FUNCTIONS ? names->functions : names->places;
	int rc = kymo_query_step(query, err);

	if (rc == 0) {
		kymo_query_reset(query);
		names->at++;
	}
	if (rc <= 0)
		return rc;
	rc = names->at == AT_FUNCTIONS ? add_function(names, chunk) : add_place(names, chunk);
	return rc < 0 ? cap_fail(err, rc, "names of functions") : 0;
}

int kymo_added_names_fill(void *context, struct cap_chunk *chunk, struct cap_err *err)
{
	struct kymo_added_names *names = context;
	int rc = 0;

	while (rc == 0 && names->at != AT_END && has_room(chunk))
		rc = add_next(names, chunk, err);
	if (rc == 0 && cap_chunk_rows(chunk) == 0)
		names->at = AT_FUNCTIONS; /* it was told that there are no more */
	return rc;
}

void kymo_added_names_counts(const struct kymo_added_names *names,
			     struct kymo_added_counts *ret_counts)
{
	*ret_counts = names->counts;
}

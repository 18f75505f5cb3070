#pragma once
/* Which file a module of the database is, for those that look for it (find_object.h). */
#include "analyzer/db/query.h"
#include "analyzer/symbols/find_object.h"

/* A query that has frames f begins with KYMO_MODULE_WITH, selects KYMO_MODULE_COLUMNS and joins
 * KYMO_MODULE_JOINS. */
#define KYMO_MODULE_WITH                                                          \
	"WITH texts AS MATERIALIZED (SELECT build_id, min(text_offset_bytes) AS " \
	"first_offset FROM module WHERE build_id IS NOT NULL GROUP BY build_id) "
#define KYMO_MODULE_COLUMNS                                                         \
	"m.id, m.build_id, m.path, COALESCE(t.first_offset, m.text_offset_bytes), " \
	"m.presumed, m.compat, m.dev_major, m.dev_minor, m.inode, m.file_bytes, "   \
	"m.file_mtime_ns, c.start_realtime_ns + m.seen_ns - c.start_ns, c.boot_id "
#define KYMO_MODULE_JOINS                                                         \
	" JOIN module m ON m.id = f.module_id LEFT JOIN texts t ON t.build_id = " \
	"m.build_id LEFT JOIN capture c ON c.id = m.capture_id "
#define KYMO_MODULE_ORDER " ORDER BY m.build_id, m.path, m.id, f.offset_bytes"

struct kymo_module_row {
	s64 id;
	const char *build_id; /* hex; NULL: none known */
	struct kymo_wanted_object wanted;
	uint8_t build_id_bytes[KYMO_ELF_MAX_BUILD_ID_BYTES];
};

/* Bytes of a build-id from lower-case hex; 0 if it is none. */
size_t kymo_build_id_bytes(const char *hex, uint8_t ret_bytes[KYMO_ELF_MAX_BUILD_ID_BYTES]);

/*
 * The module of the query's current row, whose KYMO_MODULE_COLUMNS begin at column `first`. Texts
 * are valid until the next step. *ret_row must not be moved: wanted points into it.
 */
void kymo_module_row(struct kymo_query *query, int first, struct kymo_module_row *ret_row);

/* Is it the same file as that of a build-id and path that were kept? Only a build-id makes two
 * modules one. */
bool kymo_module_is(const struct kymo_module_row *row, const char *build_id, const char *path,
		    bool presumed);

/* A temporary table with an index, asked frame by frame; names are demangled in a child, as those
 * of files are. */
#include "analyzer/db/captured_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/symbols/symbol_helper.h"
#include "formats/base/cleanup.h"
#include "formats/table/events.h"

#define MAX_HELPERS \
	4 /* one ends at a name that is made to do harm; the next one takes the others */

struct kymo_captured_names {
	struct sqlite3 *handle;
	struct kymo_query *find, *has;
	struct kymo_symbol_helper *demangler; /* NULL: not needed yet */
	unsigned helpers;
};

/* Where rows of symbols come from; kernel functions are named already. */
#define TAKE_ROWS                                                                                  \
	"INSERT INTO temp.captured_name SELECT ifnull(nullif(build_id, ''), object), "             \
	"offset_bytes,"                                                                            \
	" offset_bytes + max(size_bytes, 1), name FROM symbol WHERE name IS NOT NULL AND name != " \
	"'' AND instr(name, char(0)) = 0"                                                          \
	" AND (ifnull(flags, 0) & 1) = 0 AND (object LIKE '/%' OR object = '[vdso]')"
static const char *const take_sql[] = {
	[KYMO_NAMES_OF_ROWS] = TAKE_ROWS,
	[KYMO_NAMES_OF_CAPTURE] =
		"CREATE VIRTUAL TABLE temp.kymo_file_names USING kymo_model(file_names);"
		"INSERT INTO temp.captured_name SELECT * FROM temp.kymo_file_names;"
		"DROP TABLE temp.kymo_file_names",
};

static void names_freep(struct kymo_captured_names **names)
{
	*names = kymo_captured_names_free(*names);
}

struct kymo_captured_names *kymo_captured_names_free(struct kymo_captured_names *names)
{
	if (!names)
		return NULL;
	kymo_query_free(names->find);
	kymo_query_free(names->has);
	(void)kymo_symbol_helper_free(names->demangler);
	(void)kymo_query_exec(names->handle, "DROP TABLE IF EXISTS temp.captured_name",
			      NULL); /* temporary anyway */
	free(names);
	return NULL;
}

int kymo_captured_names_open(struct sqlite3 *handle, enum kymo_names_source source,
			     struct kymo_captured_names **ret_names, struct cap_err *err)
{
	CLEANUP(names_freep) struct kymo_captured_names *names = calloc(1, sizeof(*names));
	int rc;

	if (!names)
		return cap_fail(err, -ENOMEM, "names of functions");
	names->handle = handle;
	rc = kymo_query_exec(handle,
			     "DROP TABLE IF EXISTS temp.captured_name;"
			     "CREATE TEMP TABLE captured_name"
			     " (identity TEXT, start_bytes INTEGER, end_bytes INTEGER, name TEXT)",
			     err);
	if (rc == 0)
		rc = kymo_query_exec(handle, take_sql[source], err);
	if (rc == 0)
		rc = kymo_query_exec(handle,
				     "CREATE INDEX temp.captured_name_place"
				     " ON captured_name (identity, start_bytes)",
				     err);
	if (rc == 0)
		rc = kymo_query_new(handle,
				    "SELECT name, start_bytes, end_bytes FROM temp.captured_name"
				    " WHERE identity = :identity AND start_bytes <= :offset"
				    " ORDER BY start_bytes DESC, name LIMIT 1",
				    &names->find, err);
	if (rc == 0)
		rc = kymo_query_new(
			handle,
			"SELECT 1 FROM temp.captured_name WHERE identity = :identity LIMIT 1",
			&names->has, err);
	if (rc < 0)
		return rc;
	*ret_names = TAKE(names);
	return 0;
}

static const char *demangled(struct kymo_captured_names *names, const char *name)
{
	/* What is mangled begins so; versions of symbols are left out by the helper, too. */
	if (name[0] != '_' && !strchr(name, '@'))
		return name;
	if (names->demangler && kymo_symbol_helper_state(names->demangler) == KYMO_OBJECT_GAVE_UP)
		names->demangler = kymo_symbol_helper_free(names->demangler);
	if (!names->demangler && (names->helpers++ >= MAX_HELPERS ||
				  kymo_symbol_helper_open_demangler(&names->demangler, NULL) < 0))
		return name;
	return kymo_symbol_helper_demangle(names->demangler, name);
}

int kymo_captured_names_find(struct kymo_captured_names *names, const char *build_id,
			     const char *path, uint64_t file_offset, const char **ret_name,
			     uint64_t *ret_into, struct cap_err *err)
{
	struct kymo_query *find = names->find;
	int rc;

	kymo_query_reset(find);
	(void)kymo_query_bind_text(find, ":identity", build_id ? build_id : path);
	(void)kymo_query_bind_int(find, ":offset", (s64)file_offset);
	rc = kymo_query_step(find, err);
	if (rc <= 0)
		return rc;
	if ((s64)file_offset >= kymo_query_int(find, 2))
		return 0;
	*ret_into = file_offset - (uint64_t)kymo_query_int(find, 1);
	*ret_name = demangled(names, kymo_query_text(find, 0, NULL));
	return 1;
}

int kymo_captured_names_has(struct kymo_captured_names *names, const char *build_id,
			    const char *path, struct cap_err *err)
{
	kymo_query_reset(names->has);
	(void)kymo_query_bind_text(names->has, ":identity", build_id ? build_id : path);
	return kymo_query_step(names->has, err);
}

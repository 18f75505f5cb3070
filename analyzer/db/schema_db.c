/* The order matters at import: the row of the capture comes last, since copying may still find
 * columns that cannot be used. */
#include "analyzer/db/schema_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/import_rows.h"
#include "analyzer/db/query.h"
#include "analyzer/capture/row_columns.h"
#include "formats/base/cleanup.h"

#define LAST_ERRNO 4095 /* the kernel's MAX_ERRNO */

static const char *const dictionaries[] = {"event_count", "enum_name",	     "process",
					   "task",	  "module",	     "frame",
					   "stack",	  "module_unwinding"};
static const char *const summaries[] = {"syscall_summary", "syscall_process_summary",
					"syscall_error_summary", "syscall_histogram_summary"};

__attribute__((format(printf, 3, 4))) static int run(sqlite3 *db, struct cap_err *err,
						     const char *format, ...)
{
	va_list arguments;
	char *sql;
	int rc;

	va_start(arguments, format);
	sql = sqlite3_vmprintf(format, arguments);
	va_end(arguments);
	if (!sql)
		return cap_fail(err, -ENOMEM, "out of memory");
	rc = kymo_query_exec(db, sql, err);
	sqlite3_free(sql);
	return rc;
}

static int add_errno_name(struct kymo_query *insert, int error, const char *name,
			  struct cap_err *err)
{
	(void)kymo_query_bind_int(insert, ":error", error);
	(void)kymo_query_bind_text(insert, ":name", name);
	return kymo_query_run(insert, err);
}

static int fill_errno_names(sqlite3 *db, struct cap_err *err)
{
	/* What the kernel gives to itself, and tracers see. */
	static const struct {
		int error;
		const char *name;
	} internal[] = {
		{512, "ERESTARTSYS"}, {513, "ERESTARTNOINTR"},	      {514, "ERESTARTNOHAND"},
		{515, "ENOIOCTLCMD"}, {516, "ERESTART_RESTARTBLOCK"}, {517, "EPROBE_DEFER"},
		{529, "EIOCBQUEUED"}};
	CLEANUP(kymo_query_freep) struct kymo_query *insert = NULL;
	int rc = kymo_query_new(db, "INSERT OR IGNORE INTO errno_name VALUES(:error, :name)",
				&insert, err);

	for (int error = 1; rc == 0 && error <= LAST_ERRNO; error++) {
		const char *name = strerrorname_np(error);

		if (name)
			rc = add_errno_name(insert, error, name, err);
	}
	for (size_t i = 0; rc == 0 && i < sizeof(internal) / sizeof(internal[0]); i++)
		rc = add_errno_name(insert, internal[i].error, internal[i].name, err);
	return rc;
}

static int create_rows_table(sqlite3 *db, const struct cap_type *type, struct cap_err *err)
{
	CLEANUP(cap_freep) char *columns = kymo_row_columns_sql(type);

	if (!columns)
		return cap_fail(err, -ENOMEM, "out of memory");
	return run(db, err, "CREATE TABLE %s(%s)", kymo_row_table_name(type), columns);
}

int kymo_schema_create(sqlite3 *db, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	int rc = 0;

	for (size_t i = 0; rc == 0 && kymo_schema_texts[i]; i++)
		rc = kymo_query_exec(db, kymo_schema_texts[i], err);
	if (rc == 0)
		rc = fill_errno_names(db, err);
	for (size_t i = 0; rc == 0 && i < schema->type_count; i++)
		rc = create_rows_table(db, &schema->types[i], err);
	return rc < 0 ? cap_context(err, rc, "create the schema") : 0;
}

/* Copies a table from a virtual one that exists only meanwhile; by name, so that a list of columns
 * that does not fit schema.sql fails at once. A file's schema may name a value twice: the first
 * name counts. */
static int copy_named(sqlite3 *db, const char *table, const char *module, const char *columns,
		      struct cap_err *err)
{
	int rc = run(db, err, "CREATE VIRTUAL TABLE temp.kymo_source USING %s(%s)", module, table);

	if (rc == 0)
		rc = run(db, err, "INSERT %sINTO main.%s(%s) SELECT %s FROM temp.kymo_source",
			 strcmp(table, "enum_name") == 0 ? "OR IGNORE " : "", table, columns,
			 columns);
	if (rc == 0)
		rc = run(db, err, "DROP TABLE temp.kymo_source");
	return rc < 0 ? cap_context(err, rc, "copy table %s", table) : 0;
}

static int copy_dictionaries(sqlite3 *db, struct cap_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(dictionaries) / sizeof(dictionaries[0]); i++)
		rc = copy_named(db, dictionaries[i], "kymo_model",
				kymo_model_columns(dictionaries[i]), err);
	return rc;
}

int kymo_schema_import(sqlite3 *db, struct kymo_vtab_source *source, struct cap_err *err)
{
	int rc = kymo_import_rows(db, source, UINT64_MAX, err);

	for (size_t i = 0; rc == 0 && i < sizeof(summaries) / sizeof(summaries[0]); i++)
		rc = copy_named(db, summaries[i], "kymo_syscalls",
				kymo_syscalls_columns(summaries[i]), err);
	if (rc == 0)
		rc = copy_dictionaries(db, err);
	if (rc == 0)
		rc = copy_named(db, "capture", "kymo_model", kymo_model_columns("capture"), err);
	return rc;
}

static int replace_by_virtual(sqlite3 *db, const char *table, const char *module,
			      const char *argument, struct cap_err *err)
{
	int rc = run(db, err, "DROP TABLE main.%s", table);

	return rc < 0 ? rc
		      : run(db, err, "CREATE VIRTUAL TABLE main.%s USING %s(%s)", table, module,
			    argument);
}

u64 kymo_schema_small_types(void)
{
	const struct cap_schema *schema = cap_schema_builtin();
	u64 types = 0;

	for (size_t i = 0; i < schema->type_count; i++) {
		/* Names of open files stand among events, and rows of other types refer to them. */
		if (schema->types[i].block != CAP_BLOCK_CHUNK ||
		    schema->types[i].id == EV_OPEN_FILE)
			types |= 1ull << schema->types[i].id;
	}
	return types;
}

int kymo_schema_attach(sqlite3 *db, struct kymo_vtab_source *source, u64 copied, bool rows_there,
		       struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	/* before the dictionaries: stacks are numbered as their rows are copied */
	int rc = rows_there ? 0 : kymo_import_rows(db, source, copied, err);

	if (rc == 0)
		rc = copy_dictionaries(db, err);

	for (size_t i = 0; rc == 0 && i < schema->type_count; i++) {
		const struct cap_type *type = &schema->types[i];

		if (!(copied >> type->id & 1) &&
		    source->capture->rows[type->id] > 0) /* else the empty table will do */
			rc = replace_by_virtual(db, kymo_row_table_name(type), "kymo_rows",
						type->name, err);
	}
	for (size_t i = 0; rc == 0 && i < sizeof(summaries) / sizeof(summaries[0]); i++)
		rc = replace_by_virtual(db, summaries[i], "kymo_syscalls", summaries[i], err);
	if (rc == 0)
		rc = copy_named(db, "capture", "kymo_model", kymo_model_columns("capture"), err);
	return rc;
}

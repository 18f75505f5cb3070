/*
 * INSERT ... SELECT per row type, block by block: each block is decompressed once, for all its
 * types and for the first pass of the aggregate.
 */
#include "analyzer/db/import_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/db/query.h"
#include "analyzer/capture/chunk_cursor.h"
#include "analyzer/capture/row_columns.h"
#include "analyzer/capture/syscall_rows.h"
#include "formats/base/cleanup.h"

struct rows_import {
	sqlite3 *db;
	struct kymo_vtab_source *source;
	struct kymo_query *inserts[EV_TYPE_MAX + 1]; /* per type that the capture has */
	u64 types;
	struct kymo_chunk_cursor *block;
	struct kymo_syscall_counting *counting;
	struct kymo_syscall_scratch *scratch;
};

static void rows_import_done(struct rows_import *import)
{
	for (u32 i = 0; i <= EV_TYPE_MAX; i++)
		(void)kymo_query_free(import->inserts[i]);
	import->source->block = NULL; /* no cursor of a virtual table is left that shares it */
	(void)kymo_chunk_cursor_free(import->block);
	(void)kymo_syscall_counting_free(import->counting);
	(void)kymo_syscall_scratch_free(import->scratch);
}

/*
 * The statement that copies the rows of one type. All columns in order, which SQLite copies
 * fastest; those that the capture has not are not asked for a million times.
 */
static int prepare_type(struct rows_import *import, const struct cap_type *type,
			struct cap_err *err)
{
	const struct kymo_capture *capture = import->source->capture;
	CLEANUP(cap_freep)
	char *columns =
		kymo_row_select_sql(type, capture->base.capture, capture->columns[type->id]);
	char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.kymo_from_%s USING kymo_rows(%s)",
				       type->name, type->name);
	char *insert = sqlite3_mprintf("INSERT INTO main.%s SELECT %s FROM temp.kymo_from_%s",
				       kymo_row_table_name(type), columns, type->name);
	int rc = columns && create && insert ? 0 : cap_fail(err, -ENOMEM, "out of memory");

	if (rc == 0)
		rc = kymo_query_exec(import->db, create, err);
	if (rc == 0)
		rc = kymo_query_new(import->db, insert, &import->inserts[type->id], err);
	sqlite3_free(create);
	sqlite3_free(insert);
	if (rc == 0)
		import->types |= 1ull << type->id;
	return rc;
}

static int prepare(struct rows_import *import, u64 types, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	int rc = kymo_chunk_cursor_new(import->source->capture, EV_SYSCALL, &import->block, err);

	import->counting = kymo_syscall_counting_new();
	import->scratch = kymo_syscall_scratch_new();
	if (!import->counting || !import->scratch)
		return cap_fail(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = kymo_chunk_cursor_start(import->block, 0, UINT64_MAX, err);
	import->source->block = import->block;
	for (size_t i = 0; rc == 0 && i < schema->type_count; i++) {
		u32 id = schema->types[i].id;

		if ((types >> id & 1) && import->source->capture->rows[id] > 0)
			rc = prepare_type(import, &schema->types[i], err);
	}
	return rc;
}

static int count_calls(struct rows_import *import, struct cap_err *err)
{
	const struct kymo_syscall_rows rows = {.capture = import->source->capture,
					       .wanted = {.to_ns = UINT64_MAX, .pid = -1}};
	int rc;

	kymo_chunk_cursor_type(import->block, EV_SYSCALL);
	while ((rc = kymo_chunk_cursor_next(import->block, err)) == 1) {
		struct kymo_syscall_batch batch;

		rc = kymo_syscall_rows_batch(&rows, import->block, import->scratch, &batch);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory");
		rc = kymo_syscall_counting_add(import->counting, &batch, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int copy_block(struct rows_import *import, struct cap_err *err)
{
	u64 types = kymo_chunk_cursor_block_types(import->block) & import->types;
	int rc = 0;

	if (types >> EV_SYSCALL & 1)
		rc = count_calls(import, err);
	for (u32 i = 0; rc == 0 && i <= EV_TYPE_MAX; i++) {
		if (!(types >> i & 1))
			continue;
		rc = kymo_query_step(import->inserts[i], err);
		kymo_query_reset(import->inserts[i]);
	}
	return rc;
}

static int drop_sources(struct rows_import *import, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < schema->type_count; i++) {
		u32 id = schema->types[i].id;
		char *drop;

		if (!(import->types >> id & 1))
			continue;
		import->inserts[id] = kymo_query_free(import->inserts[id]);
		drop = sqlite3_mprintf("DROP TABLE temp.kymo_from_%s", schema->types[i].name);
		rc = drop ? kymo_query_exec(import->db, drop, err)
			  : cap_fail(err, -ENOMEM, "out of memory");
		sqlite3_free(drop);
	}
	return rc;
}

int kymo_import_rows(sqlite3 *db, struct kymo_vtab_source *source, u64 types, struct cap_err *err)
{
	CLEANUP(rows_import_done) struct rows_import import = {.db = db, .source = source};
	struct kymo_syscall_rows rows = {.capture = source->capture,
					 .wanted = {.to_ns = UINT64_MAX, .pid = -1}};
	const struct kymo_syscall_source again = {.run = kymo_syscall_rows_run,
						  .run_counts = kymo_syscall_counts_run,
						  .context = &rows};
	const u64 calls = 1ull << EV_SYSCALL | 1ull << EV_SYSCALL_COUNT;
	int rc = prepare(&import, types, err);

	while (rc == 0 && import.types != 0 &&
	       (rc = kymo_chunk_cursor_block(import.block, import.types, err)) == 1)
		rc = copy_block(&import, err);
	if (rc == 0)
		rc = drop_sources(&import, err);
	if (import.block)
		source->rejected += kymo_chunk_cursor_rejected(import.block);
	if (rc == 0 && (types & calls) == calls && (import.types & calls))
		rc = kymo_syscall_counting_finish(import.counting, &again, &source->aggregate, err);
	return rc < 0 ? cap_context(err, rc, "copy rows") : 0;
}

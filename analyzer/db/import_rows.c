/* A statement per row type, stepped once per block; the virtual table behind it shows that block.
 */
#include "analyzer/db/import_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/capture/chunk_cursor.h"
#include "analyzer/capture/row_columns.h"
#include "analyzer/db/query.h"
#include "formats/base/cleanup.h"

struct kymo_rows_import {
	sqlite3 *db;
	struct kymo_vtab_source *source;
	struct kymo_query *inserts[EV_TYPE_MAX + 1]; /* per type that was met */
	u64 types, prepared;
	bool first_pass;		 /* of the capture: not all is known yet */
	struct kymo_chunk_cursor *block; /* for the virtual tables */
	struct kymo_chunk_cursor *calls; /* for the aggregate; NULL: block serves both */
	bool has_calls;
	struct kymo_syscall_rows rows; /* what the aggregate wants */
	struct kymo_syscall_counting *counting;
	struct kymo_syscall_scratch *scratch;
	struct kymo_counts_memory counts;
	bool too_early;
};

struct kymo_rows_import *kymo_rows_import_free(struct kymo_rows_import *import)
{
	if (!import)
		return NULL;
	for (u32 i = 0; i <= EV_TYPE_MAX; i++)
		(void)kymo_query_free(import->inserts[i]);
	import->source->block = NULL; /* no cursor of a virtual table is left that shares it */
	(void)kymo_chunk_cursor_free(import->block);
	(void)kymo_chunk_cursor_free(import->calls);
	(void)kymo_syscall_counting_free(import->counting);
	(void)kymo_syscall_scratch_free(import->scratch);
	kymo_counts_memory_done(&import->counts);
	free(import);
	return NULL;
}

void kymo_rows_import_freep(struct kymo_rows_import **import)
{
	*import = kymo_rows_import_free(*import);
}

/* Stacks cannot be resolved before all mappings are known: they stay NULL in a first pass. */
static u64 stack_fields(const struct cap_type *type)
{
	u64 fields = 0;

	for (size_t i = 0; i < type->field_count; i++)
		fields |= (u64)(type->fields[i].kind == CAP_KIND_STACK) << i;
	return fields;
}

/*
 * The statement that copies the rows of one type. All columns in order, which SQLite copies
 * fastest; those that the capture has not are not asked for a million times, if it is known.
 */
static int prepare_type(struct kymo_rows_import *import, const struct cap_type *type,
			struct cap_err *err)
{
	const struct kymo_capture *capture = import->source->capture;
	u64 fields = import->first_pass ? ~stack_fields(type) : capture->columns[type->id];
	CLEANUP(cap_freep)
	char *columns = kymo_row_select_sql(type, capture->base.capture, fields);
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
		import->prepared |= 1ull << type->id;
	return rc;
}

static int prepare_block(struct kymo_rows_import *import, u64 types, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	int rc = 0;

	types &= import->types & ~import->prepared;
	for (size_t i = 0; types != 0 && rc == 0 && i < schema->type_count; i++) {
		if (types >> schema->types[i].id & 1)
			rc = prepare_type(import, &schema->types[i], err);
	}
	return rc;
}

int kymo_rows_import_new(sqlite3 *db, struct kymo_vtab_source *source,
			 const struct kymo_rows_wanted *wanted,
			 struct kymo_rows_import **ret_import, struct cap_err *err)
{
	CLEANUP(kymo_rows_import_freep)
	struct kymo_rows_import *import = calloc(1, sizeof(*import));

	if (!import)
		return cap_fail(err, -ENOMEM, "out of memory");
	import->db = db;
	import->source = source;
	import->types = wanted->types;
	import->first_pass = true;
	import->has_calls = wanted->calls != NULL;
	if (wanted->calls)
		import->rows.wanted = *wanted->calls;
	import->counting = kymo_syscall_counting_new();
	import->scratch = kymo_syscall_scratch_new();
	if (!import->counting || !import->scratch)
		return cap_fail(err, -ENOMEM, "out of memory");
	*ret_import = TAKE(import);
	return 0;
}

/* -------- a block -------- */

static int count_calls(struct kymo_rows_import *import, struct kymo_chunk_cursor *cursor,
		       struct cap_err *err)
{
	int rc;

	kymo_chunk_cursor_type(cursor, EV_SYSCALL);
	while ((rc = kymo_chunk_cursor_next(cursor, err)) == 1) {
		struct kymo_syscall_batch batch;

		if (cursor == import->block) /* columns_rejected counts it here too, as ever */
			(void)kymo_chunk_cursor_column(cursor, ROW_syscall_time_ns);
		rc = kymo_syscall_rows_batch(&import->rows, cursor, import->scratch, &batch);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory");
		rc = kymo_syscall_counting_add(import->counting, &batch, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int keep_counts(struct kymo_rows_import *import, struct kymo_chunk_cursor *cursor,
		       struct cap_err *err)
{
	int rc;

	kymo_chunk_cursor_type(cursor, EV_SYSCALL_COUNT);
	while ((rc = kymo_chunk_cursor_next(cursor, err)) == 1) {
		rc = kymo_counts_memory_add(&import->counts, &import->rows, cursor);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory");
	}
	return rc;
}

static int copy_block(struct kymo_rows_import *import, u64 types, struct cap_err *err)
{
	int rc = prepare_block(import, types, err);

	types &= import->types;
	for (u32 i = 0; rc == 0 && i <= EV_TYPE_MAX; i++) {
		if (types >> i & 1)
			rc = kymo_query_run(import->inserts[i], err);
	}
	return rc;
}

/* Cursors are made when the capture is there. */
static int show_block(struct kymo_rows_import *import, const struct cap_rows *rows,
		      struct cap_err *err)
{
	struct kymo_capture *capture = import->source->capture;
	int rc = 0;

	if (!import->block) {
		import->rows.capture = capture;
		rc = kymo_chunk_cursor_new_shown(capture, &import->block, err);
		if (rc == 0)
			rc = kymo_chunk_cursor_new_shown(capture, &import->calls, err);
		import->source->block = import->block;
	}
	if (rc == 0)
		rc = kymo_chunk_cursor_show(import->block, rows, err);
	return rc < 0 ? rc : kymo_chunk_cursor_show(import->calls, rows, err);
}

int kymo_rows_import_block(struct kymo_rows_import *import, const struct cap_rows *rows, u64 types,
			   struct cap_err *err)
{
	int rc = import->too_early ? 0 : show_block(import, rows, err);

	if (rc < 0 || import->too_early)
		return rc;
	if (import->has_calls && types >> EV_SYSCALL & 1)
		rc = count_calls(import, import->calls, err);
	if (rc == 0 && import->has_calls && types >> EV_SYSCALL_COUNT & 1)
		rc = keep_counts(import, import->calls, err);
	if (rc == 0)
		rc = copy_block(import, types, err);
	import->too_early = kymo_chunk_cursor_too_early(import->block) ||
			    kymo_chunk_cursor_too_early(import->calls);
	return rc < 0 ? cap_context(err, rc, "copy rows") : 0;
}

/* -------- the end -------- */

static int drop_sources(struct kymo_rows_import *import, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < schema->type_count; i++) {
		u32 id = schema->types[i].id;
		char *drop;

		if (!(import->prepared >> id & 1))
			continue;
		import->inserts[id] = kymo_query_free(import->inserts[id]);
		drop = sqlite3_mprintf("DROP TABLE temp.kymo_from_%s%s", schema->types[i].name,
				       import->too_early ? "; DELETE FROM main." : "");
		if (drop && import->too_early) {
			char *both = sqlite3_mprintf("%s%s", drop,
						     kymo_row_table_name(&schema->types[i]));

			sqlite3_free(drop);
			drop = both;
		}
		rc = drop ? kymo_query_exec(import->db, drop, err)
			  : cap_fail(err, -ENOMEM, "out of memory");
		sqlite3_free(drop);
	}
	return rc;
}

static int feed_counts(void *context, kymo_syscall_counts_fn fn, void *fn_context,
		       struct cap_err *err)
{
	struct kymo_rows_import *import = context;
	struct kymo_syscall_counts counts;

	kymo_counts_memory_get(&import->counts, import->rows.capture->base.capture, &counts);
	if (!import->first_pass)
		return kymo_syscall_counts_run(&import->rows, fn, fn_context, err);
	return counts.count > 0 ? fn(fn_context, &counts, err) : 0;
}

static int feed_calls(void *context, kymo_syscall_batch_fn fn, void *fn_context,
		      struct cap_err *err)
{
	return kymo_syscall_rows_run(&((struct kymo_rows_import *)context)->rows, fn, fn_context,
				     err);
}

static int finish_calls(struct kymo_rows_import *import, struct cap_err *err)
{
	const struct kymo_syscall_source again = {
		.run = feed_calls, .run_counts = feed_counts, .context = import};
	struct kymo_vtab_source *source = import->source;
	bool all = kymo_syscall_all_wanted(&import->rows.wanted);

	import->rows.capture = source->capture;
	if (!all) {
		source->filtered_by = import->rows.wanted;
		source->filtered_outside = import->rows.counts_outside;
	}
	return kymo_syscall_counting_finish(import->counting, &again,
					    all ? &source->aggregate : &source->filtered, err);
}

int kymo_rows_import_finish(struct kymo_rows_import *import, bool *ret_too_early,
			    struct cap_err *err)
{
	int rc = drop_sources(import, err);

	*ret_too_early = import->too_early;
	if (rc == 0 && import->block && !import->too_early)
		import->source->rejected += kymo_chunk_cursor_rejected(import->block);
	if (rc == 0 && import->has_calls && !import->too_early)
		rc = finish_calls(import, err);
	return rc < 0 ? cap_context(err, rc, "copy rows") : 0;
}

/* -------- a walk of its own -------- */

/* In a walk of its own one cursor serves the tables and the aggregate: a column that cannot be
 * decoded counts for each. */
static int walk_block(struct kymo_rows_import *import, struct cap_err *err)
{
	u64 types = kymo_chunk_cursor_block_types(import->block) & import->types;
	int rc = 0;

	if (types >> EV_SYSCALL & 1)
		rc = count_calls(import, import->block, err);
	return rc < 0 ? rc : copy_block(import, types, err);
}

int kymo_import_rows(sqlite3 *db, struct kymo_vtab_source *source, u64 types, struct cap_err *err)
{
	static const struct kymo_syscall_wanted all = {.to_ns = UINT64_MAX, .pid = -1};
	const u64 calls = 1ull << EV_SYSCALL | 1ull << EV_SYSCALL_COUNT;
	const struct kymo_rows_wanted wanted = {.types = types};
	CLEANUP(kymo_rows_import_freep) struct kymo_rows_import *import = NULL;
	bool has_calls = (types & calls) == calls;
	bool too_early;
	int rc = kymo_rows_import_new(db, source, &wanted, &import, err);

	if (rc < 0)
		return cap_context(err, rc, "copy rows");
	for (u32 i = 0; i <= EV_TYPE_MAX; i++) {
		if (source->capture->rows[i] == 0)
			types &= ~(1ull << i);
	}
	import->first_pass = false;
	import->rows = (struct kymo_syscall_rows){.capture = source->capture, .wanted = all};
	rc = kymo_chunk_cursor_new(source->capture, EV_SYSCALL, &import->block, err);
	if (rc == 0)
		rc = kymo_chunk_cursor_start(import->block, 0, UINT64_MAX, err);
	source->block = import->block;
	while (rc == 0 && types != 0 &&
	       (rc = kymo_chunk_cursor_block(import->block, types, err)) == 1)
		rc = walk_block(import, err);
	import->has_calls = has_calls && (types & calls) != 0;
	if (rc == 0)
		rc = kymo_rows_import_finish(import, &too_early, err);
	else
		rc = cap_context(err, rc, "copy rows");
	return rc;
}

#pragma once
/* For tests of the analyzer: captures written row by row, and questions to what was made of them.
 * Each test program has its own copy, in its own folder. */
#include "unit_main.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "analyzer/db/open_db.h"
#include "analyzer/db/syscall_question.h"
#include "analyzer/db/import_files.h"
#include "formats/base/cleanup.h"
#include "random_rows.h"

/* -------- writing captures -------- */

static char folder[] = "/tmp/test_kymo.XXXXXX";

static inline int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static inline int remove_folder(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

struct making { /* a capture as it is written */
	struct cap_writer *writer;
	struct cap_chunk *chunk;
	struct cap_totals totals;
	int fd;
};

static inline void begin(struct making *making, const char *path)
{
	struct cap_file_info info = {.monotonic_ns = 1000,
				     .realtime_ns = 1700000000000000000ull,
				     .cpu_count = 2,
				     .machine = 62, /* x86_64 */
				     .page_shift = 12,
				     .hostname = path};
	struct cap_writer_options options = {.fd = -1};
	struct cap_err err;

	memset(making, 0, sizeof(*making));
	making->fd = options.fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	assert_true(options.fd >= 0);
	assert_int_equal(cap_writer_new(&options, &info, &making->writer, &err), 0);
	assert_int_equal(cap_writer_begin(making->writer, &err), 0);
	making->chunk = cap_chunk_new();
	assert_non_null(making->chunk);
}

static inline void end_block(struct making *making, enum cap_block_type block)
{
	struct cap_err err;

	if (block == CAP_BLOCK_CHUNK)
		making->totals.stored_count += cap_chunk_rows(making->chunk);
	assert_int_equal(cap_chunk_failed(making->chunk), 0);
	assert_int_equal(cap_writer_rows(making->writer, block, making->chunk,
					 block == CAP_BLOCK_CHUNK ? &making->totals : NULL, &err),
			 0);
	cap_chunk_reset(making->chunk);
}

static inline void end(struct making *making)
{
	struct cap_err err;

	assert_int_equal(cap_writer_end(making->writer, CAP_END_NORMAL, &making->totals, &err), 0);
	cap_writer_free(making->writer);
	cap_chunk_free(making->chunk);
	close(making->fd);
}

static inline u32 add_task(struct making *making, u32 tgid, const char *comm)
{
	struct cap_task task = {
		.leader_start_ns = tgid * 10ull, .tgid = tgid, .tid = tgid, .exec_id = 1};

	memcpy(task.comm, comm, strlen(comm));
	return cap_chunk_task(making->chunk, &task);
}

static inline u32 add_string(struct making *making, const char *text)
{
	return cap_chunk_string(making->chunk, text, strlen(text));
}

static inline void add_calls(struct making *making, struct rng *rng, unsigned count, u64 time_ns)
{
	static const char *const names[] = {"alpha", "beta", "gamma"};

	for (unsigned i = 0; i < count; i++) {
		u32 who = (u32)rng_below(rng, 3);
		struct ev_syscall call = {.time_ns = time_ns + i * 100ull,
					  .duration_ns = rng_next(rng) >> (40 + rng_below(rng, 20)),
					  .task = add_task(making, 100 + who, names[who]),
					  .sysno = (u32)rng_below(rng, 5),
					  .flags = rng_below(rng, 50) ? 0 : 1u << rng_below(rng, 5),
					  .cpu = (u16)rng_below(rng, 2)};

		if (rng_below(rng, 8) == 0)
			call.error = (u16)(1 + rng_below(rng, 12));
		else
			call.ret = (s64)rng_below(rng, 4096) - 10;
		assert_int_equal(cap_chunk_add(making->chunk, EV_SYSCALL, &call), 0);
	}
}

static inline void make_calls(const char *path, u64 seed, unsigned chunks, unsigned per_chunk)
{
	struct rng rng = {seed};
	struct making making;

	begin(&making, path);
	for (unsigned i = 0; i < chunks; i++) {
		add_calls(&making, &rng, per_chunk, 2000 + (u64)i * per_chunk * 100);
		end_block(&making, CAP_BLOCK_CHUNK);
	}
	end(&making);
}

/* -------- asking -------- */

static inline struct kymo_db *open_ok(const char *path)
{
	struct kymo_db *db = NULL;
	struct cap_err err = {0};

	if (kymo_db_open(path, NULL, &db, &err) < 0)
		fail_msg("open '%s': %s", path, err.text);
	return db;
}

/* All rows of a query as text, one per line. */
static inline char *rows_of(struct kymo_db *db, const char *sql)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct cap_err err = {0};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, &err);

	while (rc == 0 && (rc = kymo_query_step(query, &err)) == 1) {
		rc = 0;
		for (int i = 0; i < kymo_query_column_count(query); i++) {
			const char *value = kymo_query_text(query, i, NULL);

			fprintf(out, "%s%s", i ? "|" : "", value ? value : "NULL");
		}
		fputc('\n', out);
	}
	if (rc < 0)
		fail_msg("%s: %s", sql, err.text);
	fclose(out);
	return text;
}

static inline void expect_rows(struct kymo_db *db, const char *sql, const char *expected)
{
	CLEANUP(cap_freep) char *found = rows_of(db, sql);

	if (strcmp(found, expected) != 0)
		fail_msg("%s\nfound:\n%sexpected:\n%s", sql, found, expected);
}

/* Every table and view, sorted, is the same in both. */
static inline void expect_same(struct kymo_db *left, struct kymo_db *right, const char *where)
{
	CLEANUP(cap_freep)
	char *names = rows_of(left, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
				    " AND name NOT LIKE 'sqlite_%' ORDER BY name");
	char *save = NULL;

	for (char *name = strtok_r(names, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
		CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
		char sql[400];
		int at;

		(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", name);
		assert_int_equal(kymo_query_new(kymo_db_handle(left), sql, &query, NULL), 0);
		at = snprintf(sql, sizeof(sql), "SELECT * FROM %s %s ORDER BY 1", name, where);
		for (int i = 2; i <= kymo_query_column_count(query); i++)
			at += snprintf(sql + at, sizeof(sql) - (size_t)at, ", %d", i);
		CLEANUP(cap_freep) char *a = rows_of(left, sql);
		CLEANUP(cap_freep) char *b = rows_of(right, sql);

		if (strcmp(a, b) != 0)
			fail_msg("%s differs:\n%.2000s\nand\n%.2000s", name, a, b);
	}
}

static inline void import_ok(const char *const *paths, size_t count, const char *output)
{
	const struct kymo_import_options options = {
		.paths = paths, .path_count = count, .output = output, .force = true};
	struct kymo_import_result result;
	struct cap_err err = {0};

	if (kymo_import_files(&options, &result, &err) < 0)
		fail_msg("import into %s: %s", output, err.text);
}

/* Queries the dictionary tables, which are small: no events are read. */
#include "analyzer/db/filter_known.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "formats/base/cleanup.h"
#include "formats/base/near_word.h"

#define SHOWN_NAMES 6
#define LIST_BYTES 256

/* Rows of sql, whose parameters are those of the filter and :name. Returns 1 and the query at its
 * first row, 0 without one. */
static int ask(struct kymo_db *db, const struct kymo_filter *filter, const char *name,
	       const char *sql, struct kymo_query **ret_query, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":name", name);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc >= 0)
		*ret_query = TAKE(query);
	return rc;
}

static int has_rows(struct kymo_db *db, const struct kymo_filter *filter, const char *name,
		    const char *sql, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;

	return ask(db, filter, name, sql, &query, err);
}

/* "a, b, c and 12 more" of a query of one column of text. */
static int list_names(struct kymo_db *db, const struct kymo_filter *filter, const char *sql,
		      char ret_list[LIST_BYTES], struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	size_t used = 0, count = 0, shown = 0;
	int rc = ask(db, filter, NULL, sql, &query, err);

	ret_list[0] = '\0';
	for (; rc == 1; rc = kymo_query_step(query, err), count++) {
		const char *name = kymo_query_text(query, 0, NULL);
		size_t len = name ? strlen(name) : 0;

		if (shown < count || shown == SHOWN_NAMES || used + len + 32 > LIST_BYTES)
			continue;
		used += (size_t)snprintf(ret_list + used, LIST_BYTES - used, "%s%s",
					 count ? ", " : "", name ? name : "");
		shown++;
	}
	if (rc == 0 && count > shown)
		(void)snprintf(ret_list + used, LIST_BYTES - used, " and %zu more", count - shown);
	return rc;
}

/* The nearest of the rows of a query of one column of text; "" if none is near. */
static int nearest_name(struct kymo_db *db, const struct kymo_filter *filter, const char *name,
			const char *sql, char ret_name[64], struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	unsigned int best = 3;
	int rc = ask(db, filter, NULL, sql, &query, err);

	ret_name[0] = '\0';
	for (; rc == 1; rc = kymo_query_step(query, err)) {
		const char *known = kymo_query_text(query, 0, NULL);
		unsigned int slips = known ? cap_word_slips(name, known) : best;

		if (slips >= best)
			continue;
		best = slips;
		(void)snprintf(ret_name, 64, "%s", known);
	}
	return rc;
}

static int unknown_process(struct kymo_db *db, const struct kymo_filter *filter,
			   struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *thread = NULL;
	char list[LIST_BYTES];
	int rc = ask(db, filter, NULL,
		     "SELECT tgid FROM task WHERE tid = :pid AND (:capture = 0 OR capture_id = "
		     ":capture) LIMIT 1",
		     &thread, err);

	if (rc == 1)
		return cap_fail(err, -ESRCH,
				"%" PRId64 " is a thread of process %" PRId64 ": use -p %" PRId64,
				filter->pid, kymo_query_int(thread, 0), kymo_query_int(thread, 0));
	if (rc == 0)
		rc = list_names(
			db, filter,
			"SELECT DISTINCT tgid || ' ' || comm FROM process WHERE (:capture = "
			"0 OR capture_id = :capture) ORDER BY kernel_thread, tgid",
			list, err);
	if (rc < 0)
		return rc;
	return cap_fail(err, -ESRCH, "no process %" PRId64 " in '%s'; it has %s", filter->pid,
			kymo_db_path(db), *list ? list : "none at all");
}

static int unknown_comm(struct kymo_db *db, const struct kymo_filter *filter, struct cap_err *err)
{
	static const char names[] = "SELECT DISTINCT comm FROM task WHERE (:capture = 0 OR "
				    "capture_id = :capture) ORDER BY comm";
	char list[LIST_BYTES], near[64];
	int rc = nearest_name(db, filter, filter->comm, names, near, err);

	if (rc == 0 && !near[0])
		rc = list_names(db, filter, names, list, err);
	if (rc < 0)
		return rc;
	if (near[0])
		return cap_fail(err, -ESRCH, "no thread named '%s' in '%s'; did you mean '%s'?",
				filter->comm, kymo_db_path(db), near);
	return cap_fail(err, -ESRCH, "no thread named '%s' in '%s'; it has %s", filter->comm,
			kymo_db_path(db), *list ? list : "none at all");
}

int kymo_filter_known(struct kymo_db *db, const struct kymo_filter *filter, struct cap_err *err)
{
	int rc = 1;

	if (filter->pid >= 0)
		rc = has_rows(db, filter, NULL,
			      "SELECT 1 FROM process WHERE tgid = :pid AND (:capture = 0 OR "
			      "capture_id = :capture) UNION ALL SELECT 1 FROM task WHERE tgid = "
			      ":pid AND (:capture = 0 OR capture_id = :capture) LIMIT 1",
			      err);
	if (rc == 0)
		return unknown_process(db, filter, err);
	if (rc == 1 && filter->comm)
		rc = has_rows(db, filter, NULL,
			      "SELECT 1 FROM task WHERE comm = :comm AND (:capture = 0 OR "
			      "capture_id = :capture) UNION ALL SELECT 1 FROM process WHERE comm = "
			      ":comm AND (:capture = 0 OR capture_id = :capture) LIMIT 1",
			      err);
	if (rc == 0)
		return unknown_comm(db, filter, err);
	return rc < 0 ? rc : 0;
}

int kymo_syscall_known(struct kymo_db *db, const struct kymo_filter *filter, const char *name,
		       struct cap_err *err)
{
	static const char names[] = "SELECT DISTINCT name FROM syscall_name WHERE (:capture = 0 OR "
				    "capture_id = :capture)";
	char near[64];
	int rc;

	if (strncmp(name, "compat_", 7) == 0 || strncmp(name, "syscall_", 8) == 0)
		return 0; /* what calls without a name are called */
	rc = has_rows(db, filter, name,
		      "SELECT 1 FROM syscall_name WHERE name = :name AND (:capture = 0 OR "
		      "capture_id = :capture) LIMIT 1",
		      err);
	if (rc == 0)
		rc = nearest_name(db, filter, name, names, near, err);
	else
		return rc < 0 ? rc : 0;
	if (rc < 0)
		return rc;
	return cap_fail(err, -ESRCH, "'%s' knows no system call named '%s'%s%s%s", kymo_db_path(db),
			name, near[0] ? "; did you mean '" : "", near, near[0] ? "'?" : "");
}

int kymo_filter_window(struct kymo_db *db, const struct kymo_filter *filter,
		       char ret_text[KYMO_WINDOW_TEXT_BYTES], struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = ask(db, filter, NULL,
		     "SELECT min(start_ns), max(end_ns) FROM capture WHERE (:capture = 0 OR id = "
		     ":capture)",
		     &query, err);
	s64 start_ns, end_ns;

	ret_text[0] = '\0';
	if (rc != 1)
		return rc;
	start_ns = kymo_query_int(query, 0);
	end_ns = kymo_query_int(query, 1);
	if (filter->has_from && filter->from_ns > end_ns)
		(void)snprintf(ret_text, KYMO_WINDOW_TEXT_BYTES,
			       "--from is after the end of the recording, which is %.3f s long",
			       (double)(end_ns - start_ns) / 1e9);
	else if (filter->has_to && filter->to_ns <= start_ns)
		(void)snprintf(ret_text, KYMO_WINDOW_TEXT_BYTES,
			       "--to is not after the start of the recording");
	return 0;
}

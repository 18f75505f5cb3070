/* Filters of reports, as SQL. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/db/filter.h"
#include "analyzer/db/open_db.h"
#include "formats/base/cleanup.h"

/* Whether the capture named by the filter exists, and when it starts. */
static int find_capture(const struct kymo_db *db, const struct kymo_filter *filter, bool *ret_found,
			s64 *ret_start_ns, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), "SELECT start_ns FROM capture WHERE id = :id",
				&query, err);

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":id", filter->capture_id);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc < 0)
		return rc;
	*ret_found = rc == 1;
	*ret_start_ns = rc == 1 ? kymo_query_int(query, 0) : 0;
	return 0;
}

void kymo_filter_settle_times(struct kymo_filter *filter, s64 start_ns)
{
	if (!filter->has_from)
		filter->from_ns = INT64_MIN;
	else if (!filter->from_is_absolute &&
		 __builtin_add_overflow(filter->from_ns, start_ns, &filter->from_ns))
		filter->from_ns = INT64_MAX;
	if (!filter->has_to)
		filter->to_ns = INT64_MAX;
	else if (!filter->to_is_absolute &&
		 __builtin_add_overflow(filter->to_ns, start_ns, &filter->to_ns))
		filter->to_ns = INT64_MAX;
	filter->from_is_absolute = filter->to_is_absolute = true;
}

int kymo_filter_resolve(struct kymo_db *db, struct kymo_filter *filter, struct cap_err *err)
{
	bool relative = (filter->has_from && !filter->from_is_absolute) ||
			(filter->has_to && !filter->to_is_absolute);
	s64 count = 0, only = 0, start_ns = 0;
	bool found;
	int rc =
		kymo_query_one_int(kymo_db_handle(db), "SELECT count(*) FROM capture", &count, err);

	if (rc == 0)
		rc = kymo_query_one_int(kymo_db_handle(db), "SELECT min(id) FROM capture", &only,
					err);
	if (rc < 0)
		return cap_context(err, rc, "'%s'", kymo_db_path(db));
	if (filter->capture_id == 0 && count == 1)
		filter->capture_id = only;
	rc = find_capture(db, filter, &found, &start_ns, err);
	if (rc < 0)
		return rc;
	if (filter->capture_id != 0 && !found)
		return cap_fail(err, CAP_EUSAGE,
				"'%s' has no capture %" PRId64 "; `kymo info` lists the %" PRId64
				" it has",
				kymo_db_path(db), filter->capture_id, count);
	if (relative && filter->capture_id == 0)
		return cap_fail(err, CAP_EUSAGE,
				"'%s' holds %" PRId64
				" captures: --from and --to in seconds need --capture ID",
				kymo_db_path(db), count);
	kymo_filter_settle_times(filter, start_ns);
	if (filter->has_from && filter->has_to && filter->to_ns <= filter->from_ns)
		return cap_fail(err, CAP_EUSAGE, KYMO_WINDOW_EMPTY);
	return 0;
}

void kymo_filter_wanted(const struct kymo_filter *filter, struct kymo_syscall_wanted *ret_wanted)
{
	*ret_wanted = (struct kymo_syscall_wanted){
		.from_ns = filter->has_from && filter->from_ns > 0 ? (u64)filter->from_ns : 0,
		.to_ns = !filter->has_to     ? UINT64_MAX
			 : filter->to_ns > 0 ? (u64)filter->to_ns
					     : 0,
		.pid = filter->pid,
		.comm = filter->comm};
}

bool kymo_filter_is_open(const struct kymo_filter *filter)
{
	return !filter->has_from && !filter->has_to && filter->pid < 0 && !filter->comm;
}

void kymo_filter_sql(const struct kymo_filter *filter, const char *event, const char *task,
		     char ret_sql[KYMO_FILTER_SQL_BYTES])
{
	const struct {
		bool wanted;
		const char *table, *condition;
	} parts[] = {
		{filter->capture_id != 0, event, "capture_id = :capture"},
		{filter->has_from, event, "time_ns >= :from"},
		{filter->has_to, event, "time_ns < :to"},
		{filter->pid >= 0, task, "tgid = :pid"},
		{filter->comm != NULL, task, "comm = :comm"},
	};
	size_t used = (size_t)snprintf(ret_sql, KYMO_FILTER_SQL_BYTES, "1");

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].wanted && used < KYMO_FILTER_SQL_BYTES)
			used += (size_t)snprintf(ret_sql + used, KYMO_FILTER_SQL_BYTES - used,
						 " AND %s.%s", parts[i].table, parts[i].condition);
	}
}

int kymo_filter_bind(const struct kymo_filter *filter, struct kymo_query *query)
{
	int rc = kymo_query_bind_int(query, ":capture", filter->capture_id);

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":from", filter->from_ns);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":to", filter->to_ns);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":pid", filter->pid);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":comm", filter->comm);
	return rc;
}

/* Filters of reports, as SQL. */
#include "analyzer/db/filter.h"

#include <stdio.h>

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

/* Looks the capture up that a filter names, or the only one there is, and takes its start. */
#include "analyzer/db/filter_resolve.h"

#include <inttypes.h>

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

/* One histogram per call, drawn as its last row has come. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/reports/histogram_text.h"
#include "analyzer/reports/syscalls_report.h"
#include "formats/base/cleanup.h"

struct call_histogram {
	char *name;
	s64 capture_id;
	struct kymo_histogram calls;
};

s64 kymo_syscalls_histogram_text(struct kymo_db *db, const struct kymo_syscalls_options *options,
				 FILE *out, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct call_histogram histogram = {0};
	s64 drawn = 0;
	int rc;

	rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT name, low_ns, calls, capture_id FROM syscall_histogram"
		" WHERE (:capture = 0 OR capture_id = :capture) AND (:name IS NULL OR name = :name)"
		" ORDER BY capture_id, name, low_ns",
		&query, err);
	if (rc < 0)
		return rc;
	(void)kymo_query_bind_int(query, ":capture", options->filter->capture_id);
	(void)kymo_query_bind_text(query, ":name", options->name);
	while ((rc = kymo_query_step(query, err)) > 0) {
		const char *name = kymo_query_text(query, 0, NULL);

		if (!histogram.name || strcmp(histogram.name, name ? name : "") != 0 ||
		    histogram.capture_id != kymo_query_int(query, 3)) {
			if (histogram.name)
				kymo_histogram_draw(out, histogram.name, "nsecs", &histogram.calls);
			free(histogram.name);
			histogram = (struct call_histogram){.name = strdup(name ? name : ""),
							    .capture_id = kymo_query_int(query, 3)};
			if (!histogram.name)
				return cap_fail(err, -ENOMEM, "histogram");
			drawn++;
		}
		kymo_histogram_add(&histogram.calls, kymo_query_int(query, 1),
				   (u64)kymo_query_int(query, 2));
	}
	if (rc == 0 && histogram.name)
		kymo_histogram_draw(out, histogram.name, "nsecs", &histogram.calls);
	free(histogram.name);
	return rc < 0 ? rc : drawn;
}

/* See the header. */
#include "analyzer/capture/reading.h"

#include "analyzer/capture/capture_walk.h"
#include "formats/base/cleanup.h"

int kymo_reading_open(const char *path, enum kymo_reading reading, struct cap_reader **ret_reader,
		      struct cap_err *err)
{
	CLEANUP(cap_reader_closep) struct cap_reader *reader = NULL;
	const struct cap_reader_options options = {
		.mode = reading == KYMO_READ_STOP ? CAP_READ_STOP : CAP_READ_SKIP_DAMAGE};
	int rc = cap_reader_open(path, &options, &reader, err);

	if (rc == 0 && reading == KYMO_READ_STRICT)
		rc = kymo_walk_check(reader, err);
	if (rc < 0)
		return rc == CAP_EREFUSED ? cap_context(err, rc, "'%s'", path) : rc;
	*ret_reader = TAKE(reader);
	return 0;
}

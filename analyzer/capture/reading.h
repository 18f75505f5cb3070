#pragma once
/* Opens a capture that may be damaged: the one place where --strict and --stop matter. */
#include "formats/read/capture_reader.h"

enum kymo_reading {			/* what damage means to who reads */
		    KYMO_READ_SKIP = 0, /* use what is whole, count what is not */
		    KYMO_READ_STRICT,	/* refuse a capture that is damaged, before
					   anything else */
		    KYMO_READ_STOP,	/* use what comes before the first damage */
};

/* cap_reader_open; CAP_EREFUSED in strict reading. The whole capture is then decoded once before
 * the reader is handed out, so that nothing needs to be taken back later. */
int kymo_reading_open(const char *path, enum kymo_reading reading, struct cap_reader **ret_reader,
		      struct cap_err *err);

/* If path could not be opened for lack of permission, puts into err who owns it and what to type:
 * recordings made as plain root can be read by root only. Returns rc. */
int kymo_reading_explain(const char *path, int rc, struct cap_err *err);

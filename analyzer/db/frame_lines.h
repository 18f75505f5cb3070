#pragma once
/*
 * Source lines and inlined functions of the user frames of a database: as the capture has them
 * (`kymo symbolize` put them there), else from debugging information that is found here.
 */
#include "analyzer/symbols/find_object.h"
#include "formats/base/cap_error.h"

struct sqlite3;

/*
 * Fills temp.frame_line (frame_id, depth, function, file, line, captured): for each frame that
 * something is known of, depth 0 is the innermost function, and the last one is that of the symbol
 * table. Unknown texts are NULL. search may be NULL: this machine's files. What cannot be found is
 * no error. -ENOMEM, or the database's error.
 */
int kymo_frame_lines(struct sqlite3 *handle, const struct kymo_object_search *search,
		     struct cap_err *err);

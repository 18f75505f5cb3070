#pragma once
/* The names that messages begin with: error_names.def. */
#include "formats/base/cap_error.h"

/* The name in the message, a static string; NULL: it has none. */
const char *rec_error_name(const char *text);

/* Moves the name to the front, where callers have put words before it. */
void rec_error_name_first(struct cap_err *err);

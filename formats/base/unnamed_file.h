#pragma once
/* Files without a name, for what is needed more than once and cannot be kept in memory. */
#include "formats/base/cap_error.h"

/* A descriptor of an empty file in $TMPDIR, or /tmp, that nobody else can open; -errno with a
 * message. */
int cap_unnamed_file(struct cap_err *err);

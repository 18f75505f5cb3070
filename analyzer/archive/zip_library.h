#pragma once
/* The functions of libzip that we call: linked, or in the static build loaded when they are needed.
 */
#include <zip.h>

#include "formats/base/cap_error.h"

struct zip_functions {
#define ZIP_FUNCTION(name) __typeof__(&name) name;
#include "analyzer/archive/zip_functions.def"
#undef ZIP_FUNCTION
};

/* CAP_EUSAGE: libzip is not on this machine. */
int kymo_zip_functions(struct zip_functions *ret_zip, struct cap_err *err);

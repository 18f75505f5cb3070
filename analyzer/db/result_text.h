#pragma once
/* Bytes of a capture as SQL values. Only for virtual tables. */
#include <sqlite3.h>
#include <stddef.h>

#include "formats/table/events.h"

/* Text, or a BLOB of the same bytes where they are not UTF-8 or hold a NUL; NULL where empty. */
void kymo_result_text(sqlite3_context *context, const void *bytes, size_t len);

/* Lower-case hex; NULL where empty. */
void kymo_result_hex(sqlite3_context *context, const void *bytes, size_t len);
